"""The commands that make fewer cassettes of many, or cassettes of something else: prune, merge."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli import options
from mockserver.cli.tables import table
from mockserver.cli.work import Opened, Work
from mockserver.errors import MockServerError, UsageError
from mockserver.formats.wording import pluralize

if TYPE_CHECKING:
    from mockserver.tools.prune import PrunePlan
    from mockserver.tools.source import Part, Source


_LISTED = 10
"""How many files of which nothing is left are named."""

_COLUMNS = ("exchange", "method", "path", "human")


@click.command(short_help="Take out exchanges that were never played.")
@options.paths
@click.option(
    "--usage",
    "usages",
    multiple=True,
    required=True,
    type=options.PATH,
    metavar="FILE",
    help="What `mockserver replay --usage` or `pytest --mockserver-usage` has written. Repeatable.",
)
@click.option("--write", is_flag=True, help="Take them out; without it they are only shown.")
@options.as_json
def prune(paths: tuple[Path, ...], usages: tuple[Path, ...], write: bool, as_json: bool) -> None:
    """Show the exchanges that were never played, by what usage files tell, and take them out with --write.

    PATH is a cassette or a folder of them; ./cassettes if none is given. What the usage does not know is kept; a file of which nothing is left is
    removed. Run it in the folder where the usage was written, after the whole suite. Exits with 1 if there is something to take out.
    """
    from mockserver.matching.usage import merge_usages
    from mockserver.store import usage
    from mockserver.tools.prune import plan_prune, remove_parts

    for file in usages:
        if not file.exists():
            raise UsageError(f"{file}: there is no such file")
    known = merge_usages(usage.read_usage(path) for path in usages)
    work, count = Work(), 0
    rows: list[tuple[str, ...]] = []
    empty: list[str] = []
    matched = False
    for opened in work.whole(paths, "prune"):
        plays = known.get(usage.display_path(opened.path))
        matched = matched or plays is not None
        found = plan_prune(opened.source, plays)
        _tell_kept(work, opened, found)
        if not found.unplayed:
            continue
        raw = remove_parts(opened.source, found.unplayed)
        if write and not _put(work, opened, raw):
            continue
        count += len(found.unplayed)
        rows += map(_row, found.unplayed)
        if raw is None:
            empty.append(str(opened.path))
    if not matched:
        first = next(iter(known), "none")
        work.trouble(f"the usage knows other files, such as {first}: run this where it was written")
    work.found = not write and count > 0
    if as_json:
        for row in rows:
            click.echo(json.dumps(dict(zip(_COLUMNS, row, strict=True)), ensure_ascii=False))
        for path in empty:
            click.echo(json.dumps({"nothing_left": path, "removed": write}))
    else:
        table(rows)
        if empty:
            more = f" and {len(empty) - _LISTED} more" if len(empty) > _LISTED else ""
            gone = "removed" if write else "--write removes them"
            click.echo(f"nothing is left of {', '.join(empty[:_LISTED])}{more}: {gone}", err=True)
    done = "taken out" if write else "never played"
    way = "; --write takes them out" if work.found else ""
    click.echo(f"{pluralize(count, 'exchange')} {done}{way}", err=True)
    work.finish()


@click.command(short_help="Make one cassette of several.")
@options.paths
@click.option(
    "--into", required=True, type=options.PATH, metavar="FILE", help="The cassette to make."
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it is there.")
@options.config
@options.as_json
def merge(
    paths: tuple[Path, ...], into: Path, overwrite: bool, config: Path | None, as_json: bool
) -> None:
    """Make one cassette of several, in their order; what one before it answers with the very same bytes, ids included, is dropped.

    PATH is a cassette or a folder of them; ./cassettes if none is given. They are left as they are.
    """
    from mockserver.server import settings
    from mockserver.store.atomic import check_target, create
    from mockserver.tools.merge import merge_sources

    policy = settings.load(config).policy
    work = Work()
    check_target(into, overwrite=overwrite)
    sources: list[Source] = []
    for opened in work.whole(paths, "merge"):
        if into.exists() and opened.path.samefile(into) and not opened.named:
            work.note(f"{into}: not merged, it is the cassette to be made")
        else:
            sources.append(opened.source)
    if work.has_trouble:
        work.finish()
    if not any(any(source.exchanges) for source in sources):
        raise UsageError("nothing to merge: name cassettes with exchanges, or a folder of them")
    made = merge_sources(sources, policy)
    create(into, made.raw)
    for dropped, first in made.dropped:
        if as_json:
            click.echo(json.dumps({"dropped": dropped, "same_as": first}))
        else:
            click.echo(f"{dropped}: dropped, the same as {first}")
    for note in made.notes:
        click.echo(f"{into}: {note}", err=True)
    if as_json:
        facts = {"file": str(into), "exchanges": made.count, "dropped": len(made.dropped)}
        click.echo(json.dumps(facts))
    click.echo(
        f"{into}: {pluralize(made.count, 'exchange')} of {pluralize(len(sources), 'cassette')}, {len(made.dropped)} dropped",
        err=True,
    )


def _row(part: "Part") -> tuple[str, ...]:
    from mockserver.matching.summary import last_human_message

    assert part.exchange is not None
    request = part.exchange.request
    return part.label, request.method, request.path, last_human_message(request)


def _put(work: Work, opened: Opened, raw: bytes | None) -> bool:
    from mockserver.store.atomic import remove

    if raw is not None:
        return work.rewrite(opened, raw)
    try:
        remove(opened.path, opened.source.raw)
    except MockServerError as error:
        work.trouble(error)
        return False
    return True


def _tell_kept(work: Work, opened: Opened, found: "PrunePlan") -> None:
    if found.reason:
        work.note(f"{opened.path}: kept, {found.reason}")
    elif found.unknown:
        numbers = ", ".join(f"#{part.number}" for part in found.unknown)
        work.note(f"{opened.path}: {numbers} kept, the usage does not know them")
