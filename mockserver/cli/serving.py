"""What the commands that run a server share: the ready line goes to stdout, everything else to stderr. Its imports are slow."""

import asyncio
import contextlib
import gc
import sys
from collections.abc import Sequence
from dataclasses import replace

import click

from mockserver.cli.options import AddressOptions
from mockserver.formats.wording import pluralize
from mockserver.http.access import is_loopback
from mockserver.http.messages import CONTROL_PREFIX
from mockserver.http.pacing import Pace
from mockserver.server import runner, settings
from mockserver.server.app import App
from mockserver.server.log import Log
from mockserver.server.modes import ReplayServer, ServerOptions

_MAX_LISTED = 20
"""How many unplayed exchanges are listed at the stop."""


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


def run_replay(
    server: ReplayServer,
    address: AddressOptions,
    command: str,
    log: Log,
    client_command: tuple[str, ...],
    *,
    list_all: bool = False,
) -> int:
    """Run *server* until it is stopped or *client_command* ends, log what it did, and return the status of *client_command*.

    The log lists the first unplayed exchanges, or, if *list_all*, all of them.
    """
    index = server.replay.index
    exchanges = pluralize(len(index.entries), "exchange")
    contents = f"{exchanges} in {pluralize(len(index.cassettes), 'cassette')}"
    status = asyncio.run(run(server.app, address, command, contents, client_command))
    log.write(log.summary())
    if unplayed := server.replay.unplayed:
        listed = unplayed if list_all else unplayed[:_MAX_LISTED]
        rest = len(unplayed) - len(listed)
        log.write(f"never played: {', '.join(listed)}{f' and {rest} more' if rest else ''}")
    return status
