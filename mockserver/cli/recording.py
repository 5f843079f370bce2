"""The command that records."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli import console, options
from mockserver.errors import UsageError
from mockserver.log import Log
from mockserver.words import counted

if TYPE_CHECKING:
    from mockserver.recording import Kept, Recording
    from mockserver.settings import Settings
    from mockserver.store.tape import Mode
    from mockserver.upstream import Upstream


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

    project, log = settings.load(config), console.log()
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
        Control(
            cassettes[0].sessions if cassettes else None, log.journal, loopback=is_loopback(host)
        ),
        lambda request: not cancels_when_left(request),
    )
    # The writing thread must not keep the streams waiting for the interpreter.
    sys.setswitchinterval(0.0005)

    async def run_and_close() -> None:
        try:
            into = f"{server.url} into {path}"
            await run(
                app, host, port, lambda url: console.ready(f"mockserver record on {url}, {into}")
            )
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
