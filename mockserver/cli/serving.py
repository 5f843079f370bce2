"""The commands that serve: serve, replay, record."""

import asyncio
import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli import options
from mockserver.errors import UsageError
from mockserver.log import Log
from mockserver.words import counted

if TYPE_CHECKING:
    from mockserver.recording import Kept, Recording
    from mockserver.responders.cassettes import Cassettes
    from mockserver.settings import Settings
    from mockserver.store.library import Library
    from mockserver.store.tape import Mode
    from mockserver.upstream import Upstream

_LISTED = 20


@click.command(short_help="Answer from cassettes, for people.")
@options.paths
@options.speed
@options.address
def serve(
    paths: tuple[Path, ...],
    host: str,
    port: int,
    config: Path | None,
    speed: str,
    max_gap: float | None,
) -> None:
    """Answer from cassettes, for people: a frontend, a demo.

    PATH is a cassette or a folder of them; ./cassettes if none is given.
    """
    _play("serve", paths, host, port, config, speed, max_gap)


@click.command(short_help="Answer from cassettes alone, for CI.")
@options.paths
@options.speed
@options.address
def replay(
    paths: tuple[Path, ...],
    host: str,
    port: int,
    config: Path | None,
    speed: str,
    max_gap: float | None,
) -> None:
    """Answer from cassettes alone, for CI: what they do not hold is a miss.

    PATH is a cassette or a folder of them; ./cassettes if none is given. Exits with 1 after a miss, with 2 after an
    answer that could not be read.
    """
    log = _play("replay", paths, host, port, config, speed, max_gap)
    if log.errors:
        sys.exit(2)
    if log.misses:
        sys.exit(1)


@click.command(short_help="Record an Agent Server into a cassette.")
@click.argument("path", type=options.PATH)
@click.option(
    "--upstream",
    required=True,
    metavar="URL",
    show_envvar=True,
    envvar="MOCKSERVER_UPSTREAM",
    help="The Agent Server to record.",
)
@click.option(
    "--extend",
    is_flag=True,
    show_envvar=True,
    envvar="MOCKSERVER_EXTEND",
    help="Add what PATH does not hold yet.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    show_envvar=True,
    envvar="MOCKSERVER_OVERWRITE",
    help="Record PATH anew; it is replaced at the stop.",
)
@click.option(
    "--upstream-header",
    "upstream_headers",
    multiple=True,
    type=options.HeaderType(),
    metavar="'NAME: VALUE'",
    show_envvar=True,
    envvar="MOCKSERVER_UPSTREAM_HEADER",
    help="Send this to the upstream; the cassette never holds it. Repeatable.",
)
@click.option(
    "--upstream-api-key",
    metavar="KEY",
    show_envvar=True,
    envvar="MOCKSERVER_UPSTREAM_API_KEY",
    help="The same for x-api-key; better given as MOCKSERVER_UPSTREAM_API_KEY.",
)
@click.option(
    "--record-errors",
    is_flag=True,
    show_envvar=True,
    envvar="MOCKSERVER_RECORD_ERRORS",
    help="Keep answers with status 429 and 5xx too.",
)
@options.address
def record(
    path: Path,
    upstream: str,
    extend: bool,
    overwrite: bool,
    upstream_headers: tuple[tuple[str, str], ...],
    upstream_api_key: str | None,
    record_errors: bool,
    host: str,
    port: int,
    config: Path | None,
) -> None:
    """Pass everything on to an Agent Server, and keep it in the cassette PATH.

    Point your client here instead of at the server, use it, and stop with Ctrl-C.
    """
    from mockserver import settings
    from mockserver.app import create_app
    from mockserver.control import Control, is_loopback
    from mockserver.pace import Pace
    from mockserver.responders.cassettes import Cassettes
    from mockserver.responders.chain import FirstOf, Health
    from mockserver.responders.record import Record, cancels_when_left
    from mockserver.serving import run
    from mockserver.store.library import Library
    from mockserver.upstream import Upstream

    project, log = settings.load(config), _log()
    key = (("x-api-key", upstream_api_key),) if upstream_api_key else ()
    server = Upstream(upstream, (*upstream_headers, *key))
    recording = _recording(path, _mode(path, extend, overwrite), server, project, log)
    cassettes: list[Cassettes] = []
    if extend and path.stat().st_size:
        library = Library([path], project.policy, log.tell)
        cassettes = [Cassettes(library, Pace(), project.redact, once=True)]
    app = create_app(
        FirstOf(Health(), *cassettes, Record(server, recording, errors=record_errors)),
        log,
        Control(cassettes[0].sessions if cassettes else None, loopback=is_loopback(host)),
        lambda request: not cancels_when_left(request),
    )
    # The writing thread must not keep the streams waiting for the interpreter.
    sys.setswitchinterval(0.0005)

    async def run_and_close() -> None:
        try:
            into = f"{server.url} into {path}"
            await run(app, host, port, lambda url: _ready(f"mockserver record on {url}, {into}"))
        finally:
            await server.close()

    try:
        asyncio.run(run_and_close())
    finally:
        recording.close()
    _tell_kept(recording.kept, path, log)
    if recording.kept.lost or recording.kept.unsettled:
        sys.exit(2)


def _mode(path: Path, extend: bool, overwrite: bool) -> "Mode":
    from mockserver.store.files import SUFFIXES
    from mockserver.store.tape import Mode

    if path.suffix not in SUFFIXES and not path.is_dir():
        raise UsageError(f"{path}: a cassette's name ends in .yaml")
    if extend and overwrite:
        raise UsageError("--extend and --overwrite: choose one")
    return Mode.EXTEND if extend else Mode.OVERWRITE if overwrite else Mode.NEW


def _recording(
    path: Path, mode: "Mode", server: "Upstream", project: "Settings", log: Log
) -> "Recording":
    from mockserver.cassette.model import Header
    from mockserver.recording import Recording
    from mockserver.store.tape import Tape

    now = datetime.now(UTC)
    return Recording(
        lambda header: Tape(path, mode, header, log.tell),
        Header(upstream=server.url, recorded=f"{now:%Y-%m-%dT%H:%M:%SZ}"),
        server,
        project.redact,
        log.tell,
    )


def _tell_kept(kept: "Kept", path: Path, log: Log) -> None:
    came = f"recorded {counted(kept.exchanges, 'exchange')} into {path}"
    log.tell(f"{log.summary()}; {came if kept.exchanges else 'nothing to record'}")
    if kept.redacted:
        log.tell(f"redacted {counted(kept.redacted, 'secret')}")
    if kept.lost:
        log.tell(f"{counted(kept.lost, 'exchange')} could not be recorded")


def _play(
    mode: str,
    paths: tuple[Path, ...],
    host: str,
    port: int,
    config: Path | None,
    speed: str,
    max_gap: float | None,
) -> Log:
    from mockserver import settings
    from mockserver.app import create_app
    from mockserver.control import Control, is_loopback
    from mockserver.pace import pace
    from mockserver.responders.cassettes import Cassettes, Explain
    from mockserver.responders.chain import FirstOf, Health
    from mockserver.serving import run
    from mockserver.store.library import Library

    chosen = pace(speed, max_gap)
    project = settings.load(config)
    log = _log()
    if not paths and options.FOLDER.is_dir():
        paths = (options.FOLDER,)
    elif not paths and mode == "replay":
        raise UsageError(
            "nothing to replay: name a cassette or a folder, there is no ./cassettes here"
        )
    library = Library(paths, project.policy, log.tell)
    if mode == "replay" and not library.index.count:
        raise UsageError(f"nothing to replay: no exchange in {', '.join(map(str, paths))}")
    cassettes = Cassettes(library, chosen, project.redact)
    app = create_app(
        FirstOf(Health(), cassettes, Explain(cassettes)),
        log,
        Control(cassettes.sessions, loopback=is_loopback(host)),
    )
    asyncio.run(
        run(
            app, host, port, lambda url: _ready(f"mockserver {mode} on {url}, {_holdings(library)}")
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


def _log() -> Log:
    def tell(line: str) -> None:
        with contextlib.suppress(OSError):
            click.echo(line, err=True)

    return Log(tell, every=sys.stderr.isatty())


def _ready(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
