"""The command line."""

import contextlib
import gc
import sys
from typing import NoReturn

import click

from mockserver.cli.diff_verify import diff, verify
from mockserver.cli.import_ import import_
from mockserver.cli.lint_fmt import fmt, lint
from mockserver.cli.ls_show import ls, show
from mockserver.cli.merge_prune import merge, prune
from mockserver.cli.record import record
from mockserver.cli.schema import schema
from mockserver.cli.script import script
from mockserver.cli.scrub_substitute import scrub, substitute
from mockserver.cli.serve_replay import replay, serve
from mockserver.errors import MockServerError

_SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True}


class _Commands(click.Group):
    """A group that lists its commands in the order of their registration."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


@click.group(cls=_Commands, context_settings=_SETTINGS)
@click.version_option(package_name="langgraph-mockserver", prog_name="mockserver")
def cli() -> None:
    """Record, replay or fake a LangGraph Agent Server."""


for command in (
    serve,
    replay,
    record,
    ls,
    show,
    script,
    schema,
    lint,
    fmt,
    diff,
    verify,
    scrub,
    substitute,
    prune,
    merge,
    import_,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line.

    An error prints one line to stderr and exits with 2. Ctrl-C before a server is ready exits with 130.
    """
    # Start-up objects live until the server stops, so collecting garbage meanwhile frees nothing. See serving.run.
    gc.disable()
    try:
        cli(prog_name="mockserver", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        _exit(error.format_message())
    except MockServerError as error:
        _exit(str(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


def _exit(message: str) -> NoReturn:
    with contextlib.suppress(OSError):
        click.echo(f"mockserver: {message}", err=True)
    sys.exit(2)
