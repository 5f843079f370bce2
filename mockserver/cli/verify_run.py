"""Run `mockserver verify` against a live server, and print its results."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from mockserver.cli.tables import with_progress, wrap
from mockserver.cli.verification import Verification
from mockserver.errors import StorageError
from mockserver.formats.wording import pluralize, printable
from mockserver.server.upstream import Upstream
from mockserver.tools.compare.junit import junit_xml
from mockserver.tools.compare.verify import Outcome, Result
from mockserver.tools.source import Source


def verify_all(
    sources: Sequence[Source], check: Verification, server: Upstream, jobs: int
) -> list[Result]:
    """Return the results of *check* for all exchanges of *sources*, *jobs* cassettes in parallel; raise UpstreamError if *server* cannot be reached."""

    async def run() -> list[Result]:
        slots = asyncio.Semaphore(jobs)

        async def verify_one(source: Source) -> list[Result]:
            async with slots:
                return [result async for result in check.results(source)]

        tasks = [asyncio.create_task(verify_one(source)) for source in sources]
        try:
            return [
                result
                for task in with_progress(tasks, "verify", at_least=1)
                for result in await task
            ]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await server.close()

    return asyncio.run(run())


def print_results(results: Sequence[Result], warnings: Sequence[str], as_json: bool) -> None:
    """Print the differences and *warnings*, and a summary line."""
    for result in results:
        if as_json:
            click.echo(json.dumps(result.facts(), ensure_ascii=False))
        elif result.outcome is not Outcome.SAME:
            head = printable(f"{result.label} {result.request}: {result.outcome}")
            click.secho(head, bold=sys.stdout.isatty())
            for difference in map(printable, result.problems):
                click.echo(wrap(difference, 2) if sys.stdout.isatty() else f"  {difference}")
    for warning in warnings:
        click.echo(
            json.dumps({"warning": warning}) if as_json else f"mockserver: {warning}",
            err=not as_json,
        )
    outcomes = [result.outcome for result in results]
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in Outcome)
    click.echo(f"{pluralize(len(results), 'exchange')} verified: {counts}", err=True)


def write_junit(path: Path, results: Sequence[Result], warnings: Sequence[str]) -> None:
    """Write *results* to *path* as JUnit XML; raise StorageError if that fails."""
    try:
        path.write_bytes(junit_xml(results, warnings))
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
