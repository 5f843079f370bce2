"""The commands that serve cassettes: serve, replay."""

import sys
from pathlib import Path
from typing import Unpack

import click

from mockserver.cli import options
from mockserver.errors import UsageError
from mockserver.http.pacing import parse_pace
from mockserver.server.fake_time import parse_fake_now
from mockserver.store import atomic
from mockserver.store.usage_files import add_usage, check_usage_file


@click.command(cls=options.ServerCommand)
@options.paths
@options.option_with_variable(
    "--graph",
    "graphs",
    multiple=True,
    metavar="NAME",
    help="Declare a graph; other names are then rejected. Repeatable; in the variable, separated by spaces.  "
    "[default: every name is accepted]",
)
@options.option_with_variable(
    "--script",
    type=options.parse_path,
    metavar="FILE",
    help="YAML file that defines what the fake graph says; `mockserver script` prints an example. With `extends: built-in`, it adds to "
    "the built-in script.  [default: the built-in script]",
)
@options.option_with_variable(
    "--fake-now",
    metavar="DATE",
    help="Date of the threads and runs of the fake graph: an ISO date or time (in UTC, unless it has an offset), or `today` (the local day "
    "when the server starts). Ids do not depend on it.  [default: 2026-01-01]",
)
@click.option(
    "--closest",
    is_flag=True,
    help="For demos: answer a run that was not recorded with the recorded run whose last human message is most similar. Everything else in the "
    "request must be equal. If no message is similar enough, the fake graph answers.",
)
@options.speed
@options.address
def serve(
    paths: tuple[Path, ...],
    graphs: tuple[str, ...],
    script: Path | None,
    fake_now: str | None,
    closest: bool,
    speed: str,
    max_gap: float | None,
    client_command: tuple[str, ...],
    **address: Unpack[options.AddressOptions],
) -> None:
    """Replay cassettes; the fake graph answers all other requests. For frontend work and demos.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes, if it exists. Without cassettes, the fake graph answers all
    requests.

    With `-- COMMAND`, the server runs until COMMAND ends. COMMAND finds the URL of the server in the variable MOCKSERVER_URL.
    """
    from mockserver.cli import serving
    from mockserver.server import modes

    if not all(graphs):
        raise UsageError("--graph: the name is empty; name a graph")
    now = parse_fake_now(fake_now)
    log = serving.create_log(client_command)
    server_options = serving.create_server_options(address, parse_pace(speed, max_gap))
    paths = paths or _find_default_paths()
    server = modes.create_serve_server(
        paths, server_options, log, script, graphs, now, closest=closest
    )
    sys.exit(serving.run_replay(server, address, "serve", log, client_command))


@click.command(cls=options.ServerCommand)
@options.paths
@options.option_with_variable(
    "--usage",
    type=options.parse_path,
    metavar="FILE",
    help="Add the exchanges that were played to FILE, for `mockserver prune`.",
)
@options.option_with_variable(
    "--fail-on-unplayed",
    is_flag=True,
    help="Exit with 1 if an exchange was never played, and list all such exchanges.",
)
@options.option_with_variable(
    "--report",
    type=options.parse_path,
    metavar="FILE",
    help="At the end, write a web page to FILE that shows the requests, the misses, and what was played.",
)
@click.option("--closest", is_flag=True, hidden=True, help="Refused: see `mockserver serve`.")
@options.speed
@options.address
def replay(
    paths: tuple[Path, ...],
    usage: Path | None,
    fail_on_unplayed: bool,
    report: Path | None,
    closest: bool,
    speed: str,
    max_gap: float | None,
    client_command: tuple[str, ...],
    **address: Unpack[options.AddressOptions],
) -> None:
    """Replay cassettes only; a request that they do not hold is a miss. For CI.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.

    With `-- COMMAND`, such as `-- npm test`, the server runs until COMMAND ends. COMMAND finds the URL of the server in the variable
    MOCKSERVER_URL.

    If COMMAND fails, exits with its status. Otherwise exits with 2 after an error, such as a recorded response that cannot be read,
    and with 1 after a miss or, with --fail-on-unplayed, after an unplayed exchange.
    """
    from mockserver.cli import serving
    from mockserver.server import modes

    if closest:
        raise UsageError("--closest: a replay needs exact matches; use `mockserver serve`")
    paths = paths or _find_default_paths()
    if not paths:
        raise UsageError(
            "nothing to replay: ./cassettes does not exist; name a cassette or a folder"
        )
    if usage is not None:
        check_usage_file(usage)
    if report is not None and not report.parent.is_dir():
        raise UsageError(f"{report}: folder does not exist")
    log = serving.create_log(client_command)
    server_options = serving.create_server_options(address, parse_pace(speed, max_gap))
    server = modes.create_replay_server(paths, server_options, log)
    if not server.replay.index.entries:
        names = ", ".join(map(str, paths))
        raise UsageError(f"nothing to replay: no exchanges in {names}")
    status = serving.run_replay(
        server, address, "replay", log, client_command, list_all=fail_on_unplayed
    )
    if usage is not None:
        add_usage(usage, server.replay.usage)
    if report is not None:
        atomic.create(report, server.control.report().encode())
    has_failed = log.misses or (fail_on_unplayed and server.replay.unplayed)
    sys.exit(status or (2 if log.errors else 1 if has_failed else 0))


def _find_default_paths() -> tuple[Path, ...]:
    return (options.FOLDER,) if options.FOLDER.is_dir() else ()
