"""The command line."""

import contextlib
import sys
from typing import Any

import click

from mockserver.cli.looking import ls, show
from mockserver.cli.serving import record, replay, serve
from mockserver.errors import MockServerError


class _Trouble(click.ClickException):
    """An error as one plain line, exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        with contextlib.suppress(OSError):
            click.echo(f"mockserver: {self.message}", err=True)


class _Commands(click.Group):
    """A group whose commands may raise our own errors; what is seldom asked comes last."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MockServerError as error:
            raise _Trouble(str(error)) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="langgraph-mockserver", prog_name="mockserver")
def cli() -> None:
    """Record a LangGraph Agent Server, and replay it without one."""


for command in (serve, replay, record, ls, show):
    cli.add_command(command)


def main() -> None:
    """Run the command line; Ctrl-C before a server is ready ends it with the status that shells expect."""
    try:
        cli(prog_name="mockserver", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
