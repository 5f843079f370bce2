"""The commands that compare: diff, verify."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli import options
from mockserver.cli.tables import progressing
from mockserver.cli.work import Opened, Work
from mockserver.errors import UpstreamError, UsageError
from mockserver.formats.wording import pluralize, printable

if TYPE_CHECKING:
    from mockserver.tools.compare.diff import ExchangePair


@click.command(short_help="Tell what two recordings differ in.")
@click.argument("before", type=options.PATH, metavar="A")
@click.argument("after", type=options.PATH, metavar="B")
@click.option("--exact", is_flag=True, help="Compare ids, times and heartbeats too.")
@options.config
@options.as_json
def diff(before: Path, after: Path, exact: bool, config: Path | None, as_json: bool) -> None:
    """Tell what recording B differs in from recording A, both cassettes or both folders.

    Exchanges are matched as in a replay, events are aligned; what changes from run to run, ids and times, is set aside. Of two folders the files
    of one name are compared. Exits with 1 if there are differences.
    """
    from mockserver.server import settings
    from mockserver.tools.compare.diff import compare_sources

    policy = settings.load(config).policy
    work, count = Work(), 0
    found: list[tuple[str, ExchangePair | Path]] = []
    both = _both(work, before, after)
    size = sum(len(one.source.raw) for _, one, _ in both if one)
    for name, one, other in progressing(both, "compare", size):
        if one is None or other is None:
            found.append((name, before if other is None else after))
            continue
        if one.source.raw == other.source.raw:
            count += len(list(one.source.exchanges))
            continue
        pairs = compare_sources(one.source, other.source, policy, exact=exact)
        count += sum(not pair.is_header for pair in pairs)
        found += [(name, pair) for pair in pairs if pair.differs]
    for name, what in found:
        if isinstance(what, Path):
            _only(name, what, as_json)
        else:
            only_before = what.after is None and before.is_file()
            _tell(str(before) if only_before else name, what, as_json)
    work.found = bool(found)
    differing = sum(not isinstance(what, Path) and not what.is_header for _, what in found)
    click.echo(f"{pluralize(count, 'exchange')} compared, {differing} differ", err=True)
    work.finish()


@click.command(short_help="Ask a live server what was recorded, and compare.")
@options.paths
@options.upstream("ask")
@click.option(
    "--values",
    is_flag=True,
    show_envvar=True,
    envvar="MOCKSERVER_VALUES",
    help="Compare values too, and not the structure alone.",
)
@click.option(
    "--max-age",
    type=click.FloatRange(0),
    metavar="DAYS",
    show_envvar=True,
    envvar="MOCKSERVER_MAX_AGE",
    help="Warn of cassettes that were recorded longer ago.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    show_envvar=True,
    envvar="MOCKSERVER_TIMEOUT",
    help="How long an answer may take.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    show_envvar=True,
    envvar="MOCKSERVER_JOBS",
    help="How many cassettes to verify at a time; the requests of one come one after the other.",
)
@click.option(
    "--junit",
    type=options.PATH,
    metavar="FILE",
    show_envvar=True,
    envvar="MOCKSERVER_JUNIT",
    help="Write the results as JUnit XML too.",
)
@options.config
@options.as_json
def verify(
    paths: tuple[Path, ...],
    upstream: str,
    values: bool,
    max_age: float | None,
    timeout: float,
    jobs: int,
    junit: Path | None,
    upstream_headers: tuple[tuple[str, str], ...],
    upstream_api_key: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Send the recorded requests to a live Agent Server, and compare what matters: status, headers that clients go by, events and their order,
    fields and types.

    PATH is a cassette or a folder of them; ./cassettes if none is given. It runs the graphs of that server; ids of live answers are put into the
    requests that follow, and threads that it made are deleted at the end. Exits with 1 if there are differences, with 2 if the server is not there.
    """
    from datetime import UTC, datetime
    from uuid import uuid4

    from mockserver.cli.verification import Verification
    from mockserver.cli.verify_run import results, tell, write_junit
    from mockserver.server import settings
    from mockserver.tools.compare.verify import Outcome, Result, age_warning

    project = settings.load(config)
    server = options.server(upstream, upstream_headers, upstream_api_key)
    check = Verification(
        server, project.redact, lambda: str(uuid4()), values=values, timeout=timeout
    )
    work = Work()
    sources = [opened.source for opened in work.whole(paths, "read")]
    now = datetime.now(UTC)
    warned = [
        age_warning(one.name, one.header, now, max_age) for one in sources if max_age is not None
    ]
    warnings = [line for line in warned if line]
    if junit is not None and not junit.parent.is_dir():
        raise UsageError(f"--junit {junit}: there is no folder {junit.parent}")
    try:
        found = results(sources, check, server, jobs)
    except UpstreamError as error:
        if junit is not None:
            write_junit(
                junit, [Result("verify#0", server.url, Outcome.FAILED, 0.0, (str(error),))], []
            )
        raise
    tell(found, warnings, as_json)
    if junit is not None:
        write_junit(junit, found, warnings)
    work.found = any(result.outcome is not Outcome.SAME for result in found)
    work.finish()


def _both(work: Work, before: Path, after: Path) -> list[tuple[str, Opened | None, Opened | None]]:
    """Return the cassettes of both sides by their names; two single files belong together whatever they are called."""
    for path in (before, after):
        if not path.exists():
            raise UsageError(f"{path}: there is no such file or folder")
    if before.is_dir() != after.is_dir():
        raise UsageError(f"{before} and {after}: compare two cassettes, or two folders")
    sides = [
        {_name(one, path): one for one in work.whole((path,), "read")} for path in (before, after)
    ]
    if not before.is_dir():
        ours, theirs = (next(iter(side.values()), None) for side in sides)
        return [(str(after), ours, theirs)] if ours and theirs else []
    unread = {name for path in (before, after) for name in work.unread_below(path)}
    there = sorted({*sides[0], *sides[1]} - unread)
    return [(name, sides[0].get(name), sides[1].get(name)) for name in there]


def _name(opened: Opened, root: Path) -> str:
    return opened.path.relative_to(root).as_posix() if root.is_dir() else opened.path.name


def _only(name: str, root: Path, as_json: bool) -> None:
    click.echo(
        json.dumps({"file": name, "only": str(root)}) if as_json else f"only in {root}: {name}"
    )


def _tell(name: str, pair: "ExchangePair", as_json: bool) -> None:
    from mockserver.tools.compare.report import changes_to_json

    if as_json:
        told = {"file": name, "request": pair.request, "before": pair.before, "after": pair.after}
        click.echo(
            json.dumps(told | {"changes": changes_to_json(pair.changes)}, ensure_ascii=False)
        )
        return
    if pair.is_header:
        click.secho(f"{name} header", bold=sys.stdout.isatty())
        _words(pair)
        return
    number = pair.before if pair.before is not None else pair.after
    missing = (
        " is only in A" if pair.after is None else " is only in B" if pair.before is None else ""
    )
    moved = f" (#{pair.after} in B)" if not missing and pair.after != pair.before else ""
    click.secho(
        f"{name}#{number} {printable(pair.request)}{missing}{moved}", bold=sys.stdout.isatty()
    )
    _words(pair)


def _words(pair: "ExchangePair") -> None:
    from mockserver.tools.compare.report import format_changes

    for line in format_changes(pair.changes):
        colour = {"- ": "red", "+ ": "green"}.get(line.strip()[:2])
        click.secho(f"  {line}", fg=colour)
