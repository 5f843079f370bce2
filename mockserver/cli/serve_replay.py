"""The commands that serve cassettes: serve, replay."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from mockserver.cli import console, options
from mockserver.errors import UsageError
from mockserver.formats.wording import pluralize
from mockserver.server.log import Log

if TYPE_CHECKING:
    from mockserver.server.modes import ReplayServer, ServerOptions
    from mockserver.server.responders.replay import Cassettes

_MAX_LISTED = 20
"""How many unplayed exchanges are listed at the stop."""


class _SharedOptions(TypedDict):
    """The options of both commands."""

    host: str
    port: int
    allow_origins: tuple[str, ...]
    allow_hosts: tuple[str, ...]
    config: Path | None
    speed: str
    max_gap: float | None


@click.command(short_help="Replay cassettes, with the fake graph as fallback.")
@options.paths
@click.option(
    "--graph",
    "graphs",
    multiple=True,
    metavar="NAME",
    show_envvar=True,
    envvar="MOCKSERVER_GRAPH",
    help="Declare a graph of the fake; other names are rejected. Repeatable; in the variable, separated by spaces.  "
    "[default: every name is accepted]",
)
@click.option(
    "--script",
    type=options.PATH,
    metavar="FILE",
    show_envvar=True,
    envvar="MOCKSERVER_SCRIPT",
    help="YAML file with what the fake graph says, in the format of `mockserver script`; `extends: built-in` adds to "
    "the built-in script.  [default: the built-in script]",
)
@click.option(
    "--fake-now",
    metavar="DATE",
    show_envvar=True,
    envvar="MOCKSERVER_FAKE_NOW",
    help="Date the threads and runs of the fake graph: an ISO date or time, in UTC unless it names another zone, or today, the local day at "
    "the start. Ids stay the same.  [default: 2026-01-01]",
)
@options.speed
@options.address
def serve(
    paths: tuple[Path, ...],
    graphs: tuple[str, ...],
    script: Path | None,
    fake_now: str | None,
    **shared: Unpack[_SharedOptions],
) -> None:
    """Replay cassettes; the fake graph answers all other requests. For frontend work and demos.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes, if it exists. Without cassettes, the fake graph answers all
    requests.
    """
    from mockserver.server import modes
    from mockserver.server.fake_time import parse_fake_now

    if not all(graphs):
        raise UsageError("--graph: the name is empty; name a graph")
    now = parse_fake_now(fake_now)
    _run_server(
        "serve",
        lambda server_options, log: modes.serve(
            paths or _default_paths(), server_options, log, script, graphs, now
        ),
        shared,
    )


@click.command(short_help="Replay cassettes only, for CI.")
@options.paths
@click.option(
    "--usage",
    type=options.PATH,
    metavar="FILE",
    show_envvar=True,
    envvar="MOCKSERVER_USAGE",
    help="Add the played exchanges to FILE, for `mockserver prune`.",
)
@options.speed
@options.address
def replay(paths: tuple[Path, ...], usage: Path | None, **shared: Unpack[_SharedOptions]) -> None:
    """Replay cassettes only; a request that they do not hold is a miss. For CI.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.

    Exits with 1 after a miss, with 2 if a recorded response could not be read.
    """
    from mockserver.server import modes

    cassette_paths = paths or _default_paths()
    if not cassette_paths:
        raise UsageError(
            "nothing to replay: ./cassettes does not exist; name a cassette or a folder"
        )

    if usage is not None:
        from mockserver.store.usage import check_usage_file

        check_usage_file(usage)

    def create_server(server_options: "ServerOptions", log: Log) -> "ReplayServer":
        server = modes.replay(cassette_paths, server_options, log)
        if not server.cassettes.index.count:
            names = ", ".join(map(str, cassette_paths))
            raise UsageError(f"nothing to replay: no exchanges in {names}")
        return server

    log = _run_server("replay", create_server, shared, usage)
    if log.errors:
        sys.exit(2)
    if log.misses:
        sys.exit(1)


def _default_paths() -> tuple[Path, ...]:
    return (options.FOLDER,) if options.FOLDER.is_dir() else ()


def _run_server(
    mode: str,
    create_server: Callable[["ServerOptions", Log], "ReplayServer"],
    shared: _SharedOptions,
    usage: Path | None = None,
) -> Log:
    """Run the server until it is stopped, then add the played exchanges to the file *usage*."""
    from mockserver.http.access import is_loopback
    from mockserver.http.pacing import parse_pace
    from mockserver.server import settings
    from mockserver.server.modes import ServerOptions
    from mockserver.server.runner import run

    response_pace = parse_pace(shared["speed"], shared["max_gap"])
    log = console.create_log()
    project = settings.load(shared["config"]).allowing(
        shared["allow_origins"], shared["allow_hosts"]
    )
    server = create_server(ServerOptions(project, response_pace, is_loopback(shared["host"])), log)
    contents = _describe(server.cassettes)
    asyncio.run(
        run(
            server.app,
            shared["host"],
            shared["port"],
            lambda url: console.report_ready(f"mockserver {mode} on {url}, {contents}"),
        )
    )
    log.write(log.summary())
    _log_unplayed(server.cassettes, log)
    if usage is not None:
        from mockserver.store.usage import add_usage

        add_usage(usage, server.cassettes.usage)
    return log


def _describe(cassettes: "Cassettes") -> str:
    exchanges = pluralize(cassettes.index.count, "exchange")
    return f"{exchanges} in {pluralize(len(cassettes.index.cassettes), 'cassette')}"


def _log_unplayed(cassettes: "Cassettes", log: Log) -> None:
    if unplayed := cassettes.unplayed:
        more = f" and {len(unplayed) - _MAX_LISTED} more" if len(unplayed) > _MAX_LISTED else ""
        log.write(f"never played: {', '.join(unplayed[:_MAX_LISTED])}{more}")
