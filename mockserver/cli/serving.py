"""The commands that answer: serve, replay."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from mockserver.cli import console, options
from mockserver.errors import UsageError
from mockserver.log import Log
from mockserver.words import counted

if TYPE_CHECKING:
    from mockserver.pace import Pace
    from mockserver.responders.cassettes import Cassettes
    from mockserver.responders.chain import Responder
    from mockserver.store.library import Library

_LISTED = 20


class _How(TypedDict):
    """What both commands take beside the paths."""

    host: str
    port: int
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
    from mockserver import scripts
    from mockserver.fake.run.runs import Runs
    from mockserver.fake.server.api import Api
    from mockserver.responders.cassettes import Misnamed
    from mockserver.responders.fake import Fake

    if not all(graphs):
        raise UsageError("--graph is empty: name a graph")
    played = scripts.load(script)

    def others(cassettes: "Cassettes", pace: "Pace", log: Log) -> tuple["Responder", ...]:
        runs = Runs(played, pace.gap)
        api = Api(runs, graphs)
        look = scripts.Followed(script, runs.play, log.tell).look if script else lambda: None
        return Misnamed(cassettes), Fake(api, pace, cassettes.sessions, look)

    _play("serve", paths or _folder(), how, others)


@click.command(short_help="Answer from cassettes alone, for CI.")
@options.paths
@options.speed
@options.address
def replay(paths: tuple[Path, ...], **how: Unpack[_How]) -> None:
    """Answer from cassettes alone, for CI: what they do not hold is a miss.

    PATH is a cassette or a folder of them; ./cassettes if none is given. Exits with 1 after a miss, with 2 after an
    answer that could not be read.
    """
    from mockserver.responders.cassettes import Explain

    paths = paths or _folder()
    if not paths:
        raise UsageError(
            "nothing to replay: name a cassette or a folder, there is no ./cassettes here"
        )
    log = _play("replay", paths, how, lambda cassettes, *_: (Explain(cassettes),))
    if log.errors:
        sys.exit(2)
    if log.misses:
        sys.exit(1)


def _folder() -> tuple[Path, ...]:
    return (options.FOLDER,) if options.FOLDER.is_dir() else ()


def _play(
    mode: str,
    paths: tuple[Path, ...],
    how: _How,
    others: Callable[["Cassettes", "Pace", Log], tuple["Responder", ...]],
) -> Log:
    """Answer from the cassettes in *paths*, and by the *others* what they leave over, until the stop."""
    from mockserver import settings
    from mockserver.app import create_app
    from mockserver.control import Control, is_loopback
    from mockserver.pace import pace
    from mockserver.responders.cassettes import Cassettes
    from mockserver.responders.chain import FirstOf, Health
    from mockserver.serving import run
    from mockserver.store.library import Library

    chosen = pace(how["speed"], how["max_gap"])
    project, log = settings.load(how["config"]), console.log()
    library = Library(paths, project.policy, log.tell)
    if mode == "replay" and not library.index.count:
        raise UsageError(f"nothing to replay: no exchange in {', '.join(map(str, paths))}")
    cassettes = Cassettes(library, chosen, project.redact)
    app = create_app(
        FirstOf(Health(), cassettes, *others(cassettes, chosen, log)),
        log,
        Control(cassettes.sessions, log.journal, loopback=is_loopback(how["host"])),
    )
    holds = _holdings(library)
    asyncio.run(
        run(
            app,
            how["host"],
            how["port"],
            lambda url: console.ready(f"mockserver {mode} on {url}, {holds}"),
        )
    )
    log.tell(log.summary())
    _tell_unplayed(cassettes, log)
    return log


def _holdings(library: "Library") -> str:
    exchanges = counted(library.index.count, "exchange")
    return f"{exchanges} in {counted(len(library.index.cassettes), 'cassette')}"


def _tell_unplayed(cassettes: "Cassettes", log: Log) -> None:
    if unplayed := cassettes.unplayed:
        more = f" and {len(unplayed) - _LISTED} more" if len(unplayed) > _LISTED else ""
        log.tell(f"never played: {', '.join(unplayed[:_LISTED])}{more}")
