"""The commands that compare recordings: diff, verify."""

import json
import sys
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Unpack
from uuid import uuid4

import click

from mockserver.cli import options
from mockserver.cli.batch import Batch
from mockserver.cli.terminal import print_facts, with_progress
from mockserver.errors import UpstreamError, UsageError
from mockserver.formats.wording import pluralize, printable
from mockserver.redaction.redactor import Redactor
from mockserver.server import settings
from mockserver.tools.cassette_source import CassetteSource
from mockserver.tools.compare.change_report import changes_to_json, format_changes
from mockserver.tools.compare.diff import ExchangePair, compare_sources
from mockserver.tools.compare.verify import Outcome, Result, warn_if_old


@click.command()
@click.argument("before", type=options.parse_path, metavar="A")
@click.argument("after", type=options.parse_path, metavar="B")
@click.option("--exact", is_flag=True, help="Also compare ids, times and heartbeats.")
@options.config
@options.as_json
def diff(before: Path, after: Path, exact: bool, config: Path | None, as_json: bool) -> None:
    """Show the differences between recordings A and B: two cassettes, or two folders.

    Exchanges are matched as in a replay, and events are aligned. Ids and times are ignored, since they change in every run. The event
    streams of a thread are compared as one, except with --exact. In two folders, files of the same name are compared. FILE#N compares one
    exchange.

    Exits with 1 if there are differences.
    """
    project = settings.load(config)
    policy, redactor = project.policy, Redactor((), project.redact)
    batch, count = Batch(), 0
    differences: list[tuple[str, ExchangePair | Path]] = []
    before, before_number = options.split_exchange(before)
    after, after_number = options.split_exchange(after)
    if (before_number is None) is not (after_number is None):
        raise UsageError("name one exchange of both cassettes, as A#1 B#1, or of none")
    file_pairs = _pair_files(batch, before, after)
    for name, source_a, source_b in with_progress(file_pairs, "compare"):
        if source_a is None or source_b is None:
            differences.append((name, before if source_b is None else after))
            continue
        if before_number and after_number:
            source_a, source_b = source_a.select(before_number), source_b.select(after_number)
        if source_a.raw == source_b.raw and before_number == after_number:
            count += len(list(source_a.exchanges))
            continue
        pairs = compare_sources(source_a, source_b, policy, exact=exact)
        count += sum(not pair.is_header for pair in pairs)
        differences += [(name, pair) for pair in pairs if pair.differs]
    for name, difference in differences:
        if isinstance(difference, Path):
            facts = {"file": name, "only": str(difference)}
            print_facts(facts, f"only in {difference}: {name}", as_json=as_json)
        else:
            only_before = difference.after is None and before.is_file()
            _print_pair(str(before) if only_before else name, difference, redactor, as_json)
    batch.has_findings = bool(differences)
    differing = sum(not isinstance(each, Path) and not each.is_header for _, each in differences)
    batch.finish(f"{pluralize(count, 'exchange')} compared, {differing} differ")


@click.command()
@options.paths
@options.upstream
@options.option_with_variable(
    "--values", is_flag=True, help="Compare values, not only the structure."
)
@options.option_with_variable(
    "--update",
    is_flag=True,
    help="Replace each recorded conversation that differs by the live one. Rejected if the variable CI is set.",
)
@options.option_with_variable(
    "--max-age",
    type=click.FloatRange(0),
    metavar="DAYS",
    help="Warn about cassettes that are older than DAYS.",
)
@options.option_with_variable(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=120.0,
    metavar="SECONDS",
    help="Count an exchange as failed if its response or next event takes longer.",
)
@options.option_with_variable(
    "--jobs",
    type=click.IntRange(1),
    default=4,
    metavar="N",
    help="Verify this many cassettes in parallel. The requests of one cassette are sent in order.",
)
@options.option_with_variable(
    "--junit",
    type=options.parse_path,
    metavar="FILE",
    help="Also write the results to FILE as JUnit XML.",
)
@options.config
@options.as_json
def verify(
    paths: tuple[Path, ...],
    values: bool,
    update: bool,
    max_age: float | None,
    timeout: float,
    jobs: int,
    junit: Path | None,
    config: Path | None,
    as_json: bool,
    **upstream: Unpack[options.UpstreamOptions],
) -> None:
    """Send the recorded requests to a live Agent Server, and compare its responses with the recorded ones.

    Compares the status, the headers that clients use, the events and their order, and the fields and types of JSON.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.

    The server runs its graphs, which may call models. Ids in live responses replace the recorded ids in later requests. At the end, the threads
    that were created are deleted.

    Exits with 1 if there are differences (with --update, if differences are left), and with 2 if the server cannot be reached.
    """
    from mockserver.cli.verification import (
        Verification,
        print_results,
        update_cassettes,
        verify_all,
        write_junit,
    )

    if update and settings.is_in_ci():
        raise UsageError(
            "--update is rejected where the variable CI is set: run it on your machine, and commit the cassettes"
        )
    project = settings.load(config)
    server = options.create_upstream(upstream)
    check = Verification(
        server, project.redact, lambda: str(uuid4()), values=values, timeout=timeout
    )
    batch = Batch()
    cassettes = list(batch.iter_readable_cassettes(paths, "read"))
    sources = [opened.source for opened in cassettes]
    now = datetime.now(UTC)
    warnings = {
        source.name: warning
        for source in sources
        if (warning := warn_if_old(source.name, source.header, now, max_age))
    }
    if junit is not None and not junit.parent.is_dir():
        raise UsageError(f"--junit {junit}: the folder {junit.parent} does not exist")
    try:
        results = verify_all(sources, check, jobs)
    except UpstreamError as error:
        if junit is not None:
            failed = Result("verify", 0, server.url, Outcome.FAILED, 0.0, (str(error),))
            write_junit(junit, [failed], {})
        raise
    print_results(results, warnings, as_json)
    if junit is not None:
        write_junit(junit, results, warnings)
    if update:
        batch.has_findings = update_cassettes(batch, cassettes, results, as_json)
    else:
        batch.has_findings = any(result.outcome is not Outcome.SAME for result in results)
    batch.finish()


def _pair_files(
    batch: Batch, before: Path, after: Path
) -> list[tuple[str, CassetteSource | None, CassetteSource | None]]:
    """Return a list of (name, cassette of A, cassette of B); two files form one pair, whatever their names."""
    for path in (before, after):
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder")
    if before.is_dir() != after.is_dir():
        raise UsageError(f"{before} and {after}: name two cassettes, or two folders")
    sources_a, sources_b = (
        {opened.name: opened.source for opened in batch.iter_readable_cassettes((root,), "read")}
        for root in (before, after)
    )
    if not before.is_dir():
        pairs = product(sources_a.values(), sources_b.values())
        return [(str(after), source_a, source_b) for source_a, source_b in pairs]
    names = sorted({*sources_a, *sources_b} - batch.unread)
    return [(name, sources_a.get(name), sources_b.get(name)) for name in names]


def _print_pair(name: str, pair: ExchangePair, redactor: Redactor, as_json: bool) -> None:
    if as_json:
        facts = {"file": name, "request": pair.request, "before": pair.before, "after": pair.after}
        changes = {"changes": changes_to_json(pair.changes)}
        click.echo(redactor.rewrite_text(json.dumps(facts | changes, ensure_ascii=False)))
        return
    number = pair.after if pair.before is None else pair.before
    note = ""
    if pair.before is None or pair.after is None:
        note = f" is only in {'A' if pair.after is None else 'B'}"
    elif pair.before != pair.after:
        note = f" (#{pair.after} in B)"
    title = (
        " header"
        if pair.is_header
        else f"#{number} {printable(redactor.rewrite_text(pair.request))}{note}"
    )
    click.secho(f"{name}{title}", bold=sys.stdout.isatty())
    for path, *values in format_changes(pair.changes):
        click.echo(f"  {path}")
        for value in values:
            click.secho(
                f"    {redactor.rewrite_text(value)}",
                fg="red" if value.startswith("-") else "green",
            )
