"""The commands that remove exchanges or combine cassettes: prune, merge."""

import json
from pathlib import Path

import click

from mockserver.cli import options
from mockserver.cli.batch import Batch, OpenedFile
from mockserver.cli.terminal import print_facts, print_table
from mockserver.errors import UsageError
from mockserver.formats.wording import pluralize
from mockserver.server import settings
from mockserver.store import usage_files
from mockserver.store.atomic import check_target, create
from mockserver.tools.cassette_source import CassetteSource
from mockserver.tools.merge import merge_sources
from mockserver.tools.prune import PrunePlan, describe_part, plan_prune, remove_parts


@click.command()
@options.paths
@click.option(
    "--usage",
    "usages",
    multiple=True,
    required=True,
    type=options.parse_path,
    metavar="FILE",
    help="A file written by `mockserver replay --usage` or `pytest --mockserver-usage`. Repeatable.",
)
@click.option(
    "--write", is_flag=True, help="Remove the exchanges. By default they are only listed."
)
@options.as_json
def prune(paths: tuple[Path, ...], usages: tuple[Path, ...], write: bool, as_json: bool) -> None:
    """List the exchanges that were never played according to usage files; remove them with --write.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.

    Exchanges that the usage files do not mention are kept. A file without remaining exchanges is deleted. Run this after the whole test suite,
    in the folder where the usage was written.

    Exits with 1 if there are exchanges to remove and --write is not given.
    """
    for file in usages:
        if not file.exists():
            raise UsageError(f"{file}: no such file")
    usage_by_file = usage_files.read_usages(usages)
    batch = Batch()
    rows: list[dict[str, str]] = []
    empty: list[str] = []
    matched = False
    for opened in batch.iter_readable_cassettes(paths, "prune"):
        plays = usage_by_file.get(usage_files.display_path(opened.path))
        matched = matched or plays is not None
        plan = plan_prune(opened.source, plays)
        _report_kept(batch, opened, plan)
        if not plan.unplayed:
            continue
        raw = remove_parts(opened.source, plan.unplayed)
        if write and not batch.rewrite(opened, raw):
            continue
        rows += map(describe_part, plan.unplayed)
        if raw is None:
            empty.append(str(opened.path))
    if not matched:
        first = next(iter(usage_by_file), "none")
        batch.report_error(
            f"the usage files name other cassettes, such as {first}: run this where the usage was written"
        )
    batch.has_findings = bool(rows) and not write
    if as_json:
        for facts in (*rows, *({"nothing_left": path, "removed": write} for path in empty)):
            click.echo(json.dumps(facts, ensure_ascii=False))
    else:
        print_table([tuple(row.values()) for row in rows])
        if empty:
            deleted = "deleted" if write else "--write deletes them"
            click.echo(f"no exchanges remain in {', '.join(empty)}: {deleted}", err=True)
    done = "removed" if write else "never played"
    hint = "; --write removes them" if batch.has_findings else ""
    batch.finish(f"{pluralize(len(rows), 'exchange')} {done}{hint}")


@click.command()
@options.paths
@options.output_file
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
    policy = settings.load(config).policy
    batch = Batch()
    check_target(into, overwrite=overwrite)
    sources: list[CassetteSource] = []
    for opened in batch.iter_readable_cassettes(paths, "merge"):
        if into.exists() and opened.path.samefile(into) and not opened.is_explicit:
            batch.print_note(f"{into}: not merged, since it is the output file")
        else:
            sources.append(opened.source)
    if batch.has_errors:
        batch.finish()
    if not any(any(source.exchanges) for source in sources):
        raise UsageError(
            "nothing to merge: name cassettes that hold exchanges, or a folder of them"
        )
    result = merge_sources(sources, policy)
    create(into, result.raw)
    for dropped, first in result.dropped:
        facts = {"dropped": dropped, "same_as": first}
        print_facts(facts, f"{dropped}: dropped, the same as {first}", as_json=as_json)
    for note in result.notes:
        click.echo(f"{into}: {note}", err=True)
    if as_json:
        dropped_count = len(result.dropped)
        click.echo(
            json.dumps({"file": str(into), "exchanges": result.count, "dropped": dropped_count})
        )
    counts = f"{pluralize(result.count, 'exchange')} of {pluralize(len(sources), 'cassette')}"
    batch.finish(f"{into}: {counts}, {len(result.dropped)} dropped")


def _report_kept(batch: Batch, opened: OpenedFile, plan: PrunePlan) -> None:
    if plan.reason:
        batch.print_note(f"{opened.path}: kept, {plan.reason}")
    elif plan.unknown:
        numbers = ", ".join(f"#{part.number}" for part in plan.unknown)
        batch.print_note(
            f"{opened.path}: {numbers} kept, since the usage files do not mention them"
        )
