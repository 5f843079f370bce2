"""The command that records."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli import console, options
from mockserver.errors import UsageError
from mockserver.formats.wording import pluralize
from mockserver.server.log import Log

if TYPE_CHECKING:
    from mockserver.server.recording import Kept
    from mockserver.store.writer import WriteMode


@click.command(short_help="Record an Agent Server into a cassette, or a folder of them.")
@click.argument("path", type=options.TARGET)
@options.upstream("record")
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
    allow_origins: tuple[str, ...],
    allow_hosts: tuple[str, ...],
    config: Path | None,
) -> None:
    """Pass everything on to an Agent Server, and keep it in the cassette PATH.

    Point your client here instead of at the server, use it, and stop with Ctrl-C. Where PATH is a folder (it is there, or ends in /),
    each request names its cassette in it by the header x-mockserver-cassette. Pages of other origins than localhost are refused
    unless --allow-origin names them, since they would use your key.
    """
    from mockserver.http.access import is_loopback
    from mockserver.http.pacing import Pace
    from mockserver.server import modes, settings
    from mockserver.server.runner import run

    log = console.log()
    # Where --extend answers from the cassette, nobody needs its pace.
    project = settings.load(config).allowing(allow_origins, allow_hosts)
    how = modes.How(project, Pace(None), is_loopback(host))
    server = options.server(upstream, upstream_headers, upstream_api_key)
    made = modes.record(path, _mode(extend, overwrite), server, how, log, errors=record_errors)
    # The writing thread must not keep the streams waiting for the interpreter.
    sys.setswitchinterval(0.0005)

    async def run_and_close() -> None:
        ready = f"{server.url} into {_into(path)}"
        try:
            await run(
                made.app,
                host,
                port,
                lambda url: console.ready(f"mockserver record on {url}, {ready}"),
                log.tell_once,
            )
        finally:
            await made.close()

    asyncio.run(run_and_close())
    kept = made.recording.kept
    _tell_kept(kept, path, log)
    if kept.troubles:
        sys.exit(2)


def _mode(extend: bool, overwrite: bool) -> "WriteMode":
    from mockserver.store.writer import WriteMode

    if extend and overwrite:
        raise UsageError("--extend and --overwrite: choose one")
    return WriteMode.EXTEND if extend else WriteMode.OVERWRITE if overwrite else WriteMode.NEW


def _into(path: Path) -> str:
    return f"{path}/" if path.is_dir() else str(path)


def _tell_kept(kept: "Kept", path: Path, log: Log) -> None:
    came = f"recorded {pluralize(kept.exchanges, 'exchange')} into {_into(path)}"
    log.tell(f"{log.summary()}; {came if kept.exchanges else 'nothing to record'}")
    if set(kept.files) - {path}:
        for file, count in sorted(kept.files.items()):
            log.tell(f"  {file}: {pluralize(count, 'exchange')}")
    if kept.redacted:
        log.tell(f"redacted {pluralize(kept.redacted, 'secret')}")
    if kept.lost:
        log.tell(f"{pluralize(kept.lost, 'exchange')} could not be recorded")
