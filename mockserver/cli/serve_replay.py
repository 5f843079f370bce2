"""The commands that answer: serve, replay."""

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
    from mockserver.server import modes
    from mockserver.server.modes import How, Playing
    from mockserver.server.responders.replay import Cassettes

_LISTED = 20


class _How(TypedDict):
    """What both commands take beside the paths."""

    host: str
    port: int
    allow_origins: tuple[str, ...]
    allow_hosts: tuple[str, ...]
    config: Path | None
    speed: str
    max_gap: float | None


@click.command(short_help="Answer from cassettes and the fake graph, for people.")
@options.paths
@click.option(
    "--graph",
    "graphs",
    multiple=True,
    metavar="NAME",
    show_envvar=True,
    envvar="MOCKSERVER_GRAPH",
    help="A graph that there is; any other name is refused then. Repeatable; in the variable, parted by spaces.  "
    "[default: any]",
)
@click.option(
    "--script",
    type=options.PATH,
    metavar="FILE",
    show_envvar=True,
    envvar="MOCKSERVER_SCRIPT",
    help="What the fake graph says: YAML, as `mockserver script` prints it; `extends: built-in` adds to that.",
)
@options.speed
@options.address
def serve(
    paths: tuple[Path, ...], graphs: tuple[str, ...], script: Path | None, **how: Unpack[_How]
) -> None:
    """Answer from cassettes; the fake graph answers what they do not hold. For a frontend or a demo.

    PATH is a cassette or a folder of them; ./cassettes if none is given and it is there. Without any, the fake graph answers
    alone.
    """
    from mockserver.server import modes

    if not all(graphs):
        raise UsageError("--graph is empty: name a graph")
    _play("serve", lambda how, log: modes.serve(paths or _folder(), how, log, script, graphs), how)


@click.command(short_help="Answer from cassettes alone, for CI.")
@options.paths
@click.option(
    "--usage",
    type=options.PATH,
    metavar="FILE",
    show_envvar=True,
    envvar="MOCKSERVER_USAGE",
    help="Add to FILE which exchanges were played, for `mockserver prune`.",
)
@options.speed
@options.address
def replay(paths: tuple[Path, ...], usage: Path | None, **how: Unpack[_How]) -> None:
    """Answer from cassettes alone, for CI: what they do not hold is a miss.

    PATH is a cassette or a folder of them; ./cassettes if none is given. Exits with 1 after a miss, with 2 after an
    answer that could not be read.
    """
    from mockserver.server import modes

    named = paths or _folder()
    if not named:
        raise UsageError(
            "nothing to replay: name a cassette or a folder, there is no ./cassettes here"
        )

    if usage is not None:
        from mockserver.store.usage import check_usage_file

        check_usage_file(usage)

    def playing(chosen: "modes.How", log: Log) -> "modes.Playing":
        made = modes.replay(named, chosen, log)
        if not made.cassettes.index.count:
            raise UsageError(f"nothing to replay: no exchange in {', '.join(map(str, named))}")
        return made

    log = _play("replay", playing, how, usage)
    if log.errors:
        sys.exit(2)
    if log.misses:
        sys.exit(1)


def _folder() -> tuple[Path, ...]:
    return (options.FOLDER,) if options.FOLDER.is_dir() else ()


def _play(
    mode: str, playing: Callable[["How", Log], "Playing"], how: _How, usage: Path | None = None
) -> Log:
    """Answer by what *playing* makes, until the stop; then add to the file *usage* what was played."""
    from mockserver.http.access import is_loopback
    from mockserver.http.pacing import parse_pace
    from mockserver.server import settings
    from mockserver.server.modes import How
    from mockserver.server.runner import run

    chosen = parse_pace(how["speed"], how["max_gap"])
    log = console.log()
    project = settings.load(how["config"]).allowing(how["allow_origins"], how["allow_hosts"])
    made = playing(How(project, chosen, is_loopback(how["host"])), log)
    holds = _holdings(made.cassettes)
    asyncio.run(
        run(
            made.app,
            how["host"],
            how["port"],
            lambda url: console.ready(f"mockserver {mode} on {url}, {holds}"),
            log.tell_once,
        )
    )
    log.tell(log.summary())
    _tell_unplayed(made.cassettes, log)
    if usage is not None:
        from mockserver.store.usage import add_usage

        add_usage(usage, made.cassettes.usage)
    return log


def _holdings(cassettes: "Cassettes") -> str:
    exchanges = pluralize(cassettes.index.count, "exchange")
    return f"{exchanges} in {pluralize(len(cassettes.index.cassettes), 'cassette')}"


def _tell_unplayed(cassettes: "Cassettes", log: Log) -> None:
    if unplayed := cassettes.unplayed:
        more = f" and {len(unplayed) - _LISTED} more" if len(unplayed) > _LISTED else ""
        log.tell(f"never played: {', '.join(unplayed[:_LISTED])}{more}")
