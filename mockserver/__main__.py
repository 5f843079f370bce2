"""The command `mockserver`, also as `python -m mockserver`."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is imported exits with 130, as later."""
    try:
        from mockserver import cli
    except KeyboardInterrupt:
        sys.exit(130)
    cli.main()


if __name__ == "__main__":
    main()
