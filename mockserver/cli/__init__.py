"""The command line."""

import contextlib
import gc
import sys
from pkgutil import resolve_name
from typing import NoReturn

import click

from mockserver.errors import MockServerError

_SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True}


_COMMANDS = {
    "serve": ("serve_replay:serve", "Replay cassettes, with the fake graph as fallback."),
    "replay": ("serve_replay:replay", "Replay cassettes only, for CI."),
    "record": ("record:record", "Record an Agent Server into a cassette or a folder of cassettes."),
    "ls": ("ls_show:ls", "List the exchanges of cassettes."),
    "show": ("ls_show:show", "Show one or all exchanges of a cassette."),
    "script": ("script:script", "Print a script of the fake graph."),
    "schema": ("schema:schema", "Print the JSON Schema of a file format, for editors."),
    "lint": ("lint_fmt:lint", "Check cassettes for problems."),
    "fmt": ("lint_fmt:fmt", "Format cassettes."),
    "diff": ("diff_verify:diff", "Compare two recordings."),
    "verify": ("diff_verify:verify", "Compare a recording with a live server."),
    "scrub": ("scrub_substitute:scrub", "Redact secrets in cassettes."),
    "substitute": ("scrub_substitute:substitute", "Replace a text in cassettes."),
    "prune": ("merge_prune:prune", "List or remove exchanges that were never played."),
    "merge": ("merge_prune:merge", "Combine cassettes into one."),
    "import": ("import_:import_", "Convert HAR files or VCR.py cassettes into a cassette."),
}
"""The module and the function of each command, and its line in the help."""


class _Commands(click.Group):
    """Imports the module of a command when it is used: `mockserver ls` starts faster without the server."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the name of the command in *args*, the command and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None:
            command = resolve_name(f"mockserver.cli.{_COMMANDS[name][0]}")
        return name, command, rest


_LINES = {name: click.Command(name, short_help=text) for name, (_, text) in _COMMANDS.items()}


@click.group(cls=_Commands, commands=_LINES, context_settings=_SETTINGS)
@click.version_option(package_name="langgraph-mockserver", prog_name="mockserver")
def cli() -> None:
    """Record, replay or fake a LangGraph Agent Server."""


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
