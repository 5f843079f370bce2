"""What the commands that run a server share: the ready line goes to stdout, everything else to stderr."""

import contextlib
import gc
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import click

from mockserver.http.access import is_loopback
from mockserver.http.pacing import Pace
from mockserver.http.request_target import CONTROL_PREFIX
from mockserver.server import runner, settings
from mockserver.server.app import App
from mockserver.server.log import Log
from mockserver.server.modes import ServerOptions


class AddressOptions(TypedDict):
    """The options that `options.address` adds."""

    host: str
    port: int
    prefix: str | None
    allow_origins: tuple[str, ...]
    allow_hosts: tuple[str, ...]
    no_page: bool
    config: Path | None


def create_log(client_command: Sequence[str] = ()) -> Log:
    """Return the log of a server: one line per request on a terminal that no *client_command* writes to, otherwise only misses and errors."""

    def write(line: str) -> None:
        with contextlib.suppress(OSError):
            click.echo(line, err=True)

    return Log(write, verbose=sys.stderr.isatty() and not client_command)


def create_server_options(address: AddressOptions, pace: Pace) -> ServerOptions:
    """Return the options of a server; raise UsageError if the project settings cannot be read."""
    project = settings.load(address["config"]).allowing(
        address["allow_origins"], address["allow_hosts"]
    )
    if address["prefix"] is not None:
        project = replace(project, prefix=address["prefix"])
    return ServerOptions(project, pace, is_loopback(address["host"]), not address["no_page"])


async def run(
    app: App,
    address: AddressOptions,
    command: str,
    contents: str,
    client_command: Sequence[str] = (),
) -> int:
    """Serve *app* until Ctrl-C or SIGTERM, or until *client_command* has ended; return its exit status, or 0.

    The ready line names the *command* and the *contents*; it goes to stderr if *client_command* writes to stdout. The page is named before it.
    """

    def report_ready(url: str) -> None:
        # The objects of the start-up live until the stop: the collector need not look at them.
        gc.freeze()
        gc.enable()
        if not address["no_page"]:
            app.log.write(f"page: {url}{app.prefix}{CONTROL_PREFIX}")
        click.echo(
            f"mockserver {command} on {url}{app.prefix}, {contents}", err=bool(client_command)
        )
        sys.stdout.flush()

    return await runner.run(app, address["host"], address["port"], report_ready, client_command)
