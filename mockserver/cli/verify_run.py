"""What `mockserver verify` does with a live server, and how it tells the results."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from mockserver.cli.tables import progressing, wrapped
from mockserver.cli.verification import Verification
from mockserver.errors import StorageError
from mockserver.formats.wording import pluralize, printable
from mockserver.server.upstream import Upstream
from mockserver.tools.compare.junit import junit_xml
from mockserver.tools.compare.verify import Outcome, Result
from mockserver.tools.source import Source


def results(
    sources: Sequence[Source], check: Verification, server: Upstream, jobs: int
) -> list[Result]:
    """Return how *check* finds all exchanges of *sources*, of *jobs* of them at a time; UpstreamError where *server* cannot be reached."""

    async def gathered() -> list[Result]:
        places = asyncio.Semaphore(jobs)

        async def one(source: Source) -> list[Result]:
            async with places:
                return [result async for result in check.results(source)]

        tasks = [asyncio.create_task(one(source)) for source in sources]
        try:
            return [result for task in progressing(tasks, "verify") for result in await task]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await server.close()

    return asyncio.run(gathered())


def tell(found: Sequence[Result], warnings: Sequence[str], as_json: bool) -> None:
    """Print what was found, and a line of how much it is."""
    for result in found:
        if as_json:
            click.echo(json.dumps(result.facts(), ensure_ascii=False))
        elif result.outcome is not Outcome.SAME:
            head = printable(f"{result.label} {result.request}: {result.outcome}")
            click.secho(head, bold=sys.stdout.isatty())
            for fault in map(printable, result.problems):
                click.echo(wrapped(fault, 2) if sys.stdout.isatty() else f"  {fault}")
    for warning in warnings:
        click.echo(
            json.dumps({"warning": warning}) if as_json else f"mockserver: {warning}",
            err=not as_json,
        )
    counts = [sum(result.outcome is one for result in found) for one in Outcome]
    told = ", ".join(f"{count} {one}" for count, one in zip(counts, Outcome, strict=True))
    click.echo(f"{pluralize(len(found), 'exchange')} verified: {told}", err=True)


def write_junit(path: Path, found: Sequence[Result], warnings: Sequence[str]) -> None:
    """Write *found* as JUnit XML; StorageError where that fails."""
    try:
        path.write_bytes(junit_xml(found, warnings))
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
