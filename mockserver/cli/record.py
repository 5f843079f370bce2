"""The command `record`."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from mockserver.cli import options
from mockserver.errors import UsageError
from mockserver.formats.wording import pluralize
from mockserver.http.pacing import Pace
from mockserver.server.log import Log
from mockserver.store.cassette_writer import WriteMode

if TYPE_CHECKING:
    from mockserver.server.recording import Stats


class _RecordOptions(options.AddressOptions, options.UpstreamOptions):
    """The options of `record` that other commands have too."""


@click.command(cls=options.ServerCommand)
@click.argument("path", type=options.parse_target)
@options.upstream
@options.option_with_variable(
    "--extend",
    is_flag=True,
    help="Keep what PATH holds: replay it, and record only other requests. Requests on threads always go to the upstream. "
    "At the end, new recordings of conversations that PATH already holds are discarded.",
)
@options.option_with_variable(
    "--overwrite",
    is_flag=True,
    help="Replace PATH when the recording stops. Without this and --extend, an existing file is an error.",
)
@options.option_with_variable(
    "--record-errors",
    is_flag=True,
    help="Also record responses with status 429 and 5xx, and with 401 if the request had no credential.",
)
@options.address
def record(
    path: Path,
    extend: bool,
    overwrite: bool,
    record_errors: bool,
    client_command: tuple[str, ...],
    **given: Unpack[_RecordOptions],
) -> None:
    """Forward all requests to an Agent Server, and record them into PATH, a cassette or a folder.

    Point your client at this server instead of the Agent Server, use it, and stop with Ctrl-C. If PATH is a folder (it exists, or its name
    ends in /), each request names its cassette with the header x-mockserver-cassette.

    With `-- COMMAND`, the server runs until COMMAND ends. COMMAND finds the URL of the server in the variable MOCKSERVER_URL.

    Web pages that are not on localhost are rejected, since they would use your API key. --allow-origin allows them.

    Exits with 2 if something could not be recorded.
    """
    from mockserver.cli import serving
    from mockserver.server import modes

    log = serving.create_log(client_command)
    # Responses that --extend replays need no pauses.
    server_options = serving.create_server_options(given, Pace(None))
    upstream_client = options.create_upstream(given)
    server = modes.create_record_server(
        path,
        _write_mode(extend, overwrite),
        upstream_client,
        server_options,
        log,
        record_errors=record_errors,
    )
    # Switch threads often, so that the writer thread does not delay the streams.
    sys.setswitchinterval(0.0005)

    async def run_and_close() -> int:
        contents = f"{upstream_client.url} into {_display(path)}"
        try:
            return await serving.run(server.app, given, "record", contents, client_command)
        finally:
            await server.close()

    status = asyncio.run(run_and_close())
    stats = server.recording.stats
    _log_stats(stats, path, log)
    sys.exit(status or (2 if stats.errors else 0))


def _write_mode(extend: bool, overwrite: bool) -> WriteMode:
    if extend and overwrite:
        raise UsageError("--extend and --overwrite exclude each other: choose one")
    return WriteMode.EXTEND if extend else WriteMode.OVERWRITE if overwrite else WriteMode.NEW


def _display(path: Path) -> str:
    return f"{path}/" if path.is_dir() else str(path)


def _log_stats(stats: "Stats", path: Path, log: Log) -> None:
    recorded = f"recorded {pluralize(stats.exchanges, 'exchange')} into {_display(path)}"
    log.write(f"{log.summary()}; {recorded if stats.exchanges else 'nothing to record'}")
    if set(stats.files) - {path}:
        for file, count in sorted(stats.files.items()):
            log.write(f"  {file}: {pluralize(count, 'exchange')}")
    if stats.redacted:
        log.write(f"redacted {pluralize(stats.redacted, 'secret')}")
    if stats.failed:
        log.write(f"{pluralize(stats.failed, 'exchange')} could not be recorded")
