"""The commands that remove exchanges or combine cassettes: prune, merge."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli import options
from mockserver.cli.tables import print_table
from mockserver.cli.work import Opened, Work
from mockserver.errors import MockServerError, UsageError
from mockserver.formats.wording import pluralize

if TYPE_CHECKING:
    from mockserver.tools.prune import PrunePlan
    from mockserver.tools.source import Part, Source


_MAX_LISTED = 10
"""How many empty files a message names."""

_COLUMNS = ("exchange", "method", "path", "human")


@click.command(short_help="Remove exchanges that were never played.")
@options.paths
@click.option(
    "--usage",
    "usages",
    multiple=True,
    required=True,
    type=options.PATH,
    metavar="FILE",
    help="A file written by `mockserver replay --usage` or `pytest --mockserver-usage`. Repeatable.",
)
@click.option(
    "--write", is_flag=True, help="Remove the exchanges. By default they are only listed."
)
@options.as_json
def prune(paths: tuple[Path, ...], usages: tuple[Path, ...], write: bool, as_json: bool) -> None:
    """List the exchanges that were never played according to usage files; remove them with --write.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes. Exchanges that the usage files do not mention are kept. A file
    without remaining exchanges is deleted. Run this after the whole test suite, in the folder where the usage was written.

    Exits with 1 if there are exchanges to remove.
    """
    from mockserver.matching.usage import merge_usages
    from mockserver.store import usage
    from mockserver.tools.prune import plan_prune, remove_parts

    for file in usages:
        if not file.exists():
            raise UsageError(f"{file}: no such file")
    usage_by_file = merge_usages(usage.read_usage(path) for path in usages)
    work, count = Work(), 0
    rows: list[tuple[str, ...]] = []
    empty: list[str] = []
    matched = False
    for opened in work.readable_cassettes(paths, "prune"):
        plays = usage_by_file.get(usage.display_path(opened.path))
        matched = matched or plays is not None
        plan = plan_prune(opened.source, plays)
        _report_kept(work, opened, plan)
        if not plan.unplayed:
            continue
        raw = remove_parts(opened.source, plan.unplayed)
        if write and not _write(work, opened, raw):
            continue
        count += len(plan.unplayed)
        rows += map(_row, plan.unplayed)
        if raw is None:
            empty.append(str(opened.path))
    if not matched:
        first = next(iter(usage_by_file), "none")
        work.report_error(
            f"the usage files name other cassettes, such as {first}: run this where the usage was written"
        )
    work.has_findings = not write and count > 0
    if as_json:
        for row in rows:
            click.echo(json.dumps(dict(zip(_COLUMNS, row, strict=True)), ensure_ascii=False))
        for path in empty:
            click.echo(json.dumps({"nothing_left": path, "removed": write}))
    else:
        print_table(rows)
        if empty:
            more = f" and {len(empty) - _MAX_LISTED} more" if len(empty) > _MAX_LISTED else ""
            deleted = "deleted" if write else "--write deletes them"
            click.echo(
                f"no exchanges remain in {', '.join(empty[:_MAX_LISTED])}{more}: {deleted}",
                err=True,
            )
    done = "removed" if write else "never played"
    hint = "; --write removes them" if work.has_findings else ""
    click.echo(f"{pluralize(count, 'exchange')} {done}{hint}", err=True)
    work.finish()


@click.command(short_help="Combine cassettes into one.")
@options.paths
@click.option(
    "--into", required=True, type=options.PATH, metavar="FILE", help="Write the cassette to FILE."
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@options.config
@options.as_json
def merge(
    paths: tuple[Path, ...], into: Path, overwrite: bool, config: Path | None, as_json: bool
) -> None:
    """Combine cassettes into one, in the given order.

    An exchange is dropped if an earlier one matches its request and has the same response, byte for byte, ids included. The input files do
    not change.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.
    """
    from mockserver.server import settings
    from mockserver.store.atomic import check_target, create
    from mockserver.tools.merge import merge_sources

    policy = settings.load(config).policy
    work = Work()
    check_target(into, overwrite=overwrite)
    sources: list[Source] = []
    for opened in work.readable_cassettes(paths, "merge"):
        if into.exists() and opened.path.samefile(into) and not opened.is_explicit:
            work.note(f"{into}: not merged, since it is the output file")
        else:
            sources.append(opened.source)
    if work.has_errors:
        work.finish()
    if not any(any(source.exchanges) for source in sources):
        raise UsageError(
            "nothing to merge: name cassettes that hold exchanges, or a folder of them"
        )
    result = merge_sources(sources, policy)
    create(into, result.raw)
    for dropped, first in result.dropped:
        if as_json:
            click.echo(json.dumps({"dropped": dropped, "same_as": first}))
        else:
            click.echo(f"{dropped}: dropped, the same as {first}")
    for note in result.notes:
        click.echo(f"{into}: {note}", err=True)
    if as_json:
        facts = {"file": str(into), "exchanges": result.count, "dropped": len(result.dropped)}
        click.echo(json.dumps(facts))
    click.echo(
        f"{into}: {pluralize(result.count, 'exchange')} of {pluralize(len(sources), 'cassette')}, {len(result.dropped)} dropped",
        err=True,
    )


def _row(part: "Part") -> tuple[str, ...]:
    from mockserver.matching.canonical import canonicalize
    from mockserver.matching.summary import find_human_text

    assert part.exchange is not None
    request = part.exchange.request
    text = find_human_text(canonicalize(request))
    return part.label, request.method, request.path, text


def _write(work: Work, opened: Opened, raw: bytes | None) -> bool:
    from mockserver.store.atomic import remove

    if raw is not None:
        return work.rewrite(opened, raw)
    try:
        remove(opened.path, opened.source.raw)
    except MockServerError as error:
        work.report_error(error)
        return False
    return True


def _report_kept(work: Work, opened: Opened, plan: "PrunePlan") -> None:
    if plan.reason:
        work.note(f"{opened.path}: kept, {plan.reason}")
    elif plan.unknown:
        numbers = ", ".join(f"#{part.number}" for part in plan.unknown)
        work.note(f"{opened.path}: {numbers} kept, since the usage files do not mention them")
