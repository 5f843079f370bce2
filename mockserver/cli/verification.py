"""Send recorded requests to a live server, compare its responses with the recorded ones, and report the results."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path

import click

from mockserver.cassette.model import Exchange, Stream
from mockserver.cassette.recorder import Recorder
from mockserver.cassette.thread_streams import find_thread_path
from mockserver.cli.batch import Batch, OpenedFile
from mockserver.cli.live_streams import LiveStream, ThreadStreams
from mockserver.cli.terminal import print_facts, with_progress, wrap
from mockserver.errors import StorageError, UpstreamError
from mockserver.formats.wording import pluralize, printable
from mockserver.http.messages import Request
from mockserver.redaction.credentials import find_credentials
from mockserver.redaction.redactor import RedactionRules, Redactor, redact_exchange_for_display
from mockserver.server.upstream import Upstream
from mockserver.tools.cassette_source import CassetteSource, Part
from mockserver.tools.compare.change_report import summarize
from mockserver.tools.compare.junit import format_junit
from mockserver.tools.compare.stream_progress import is_endless, split_subscriptions
from mockserver.tools.compare.thread_logs import compare_live_logs
from mockserver.tools.compare.update import restore_ids, update_source
from mockserver.tools.compare.verify import LiveConversation, Outcome, Result

_DELETE_TIMEOUT = 5.0
"""Seconds that a server may take to delete a thread."""


@dataclass(slots=True)
class Verification:
    """Sends recorded requests to *upstream* in order, and compares the responses."""

    upstream: Upstream
    rules: RedactionRules
    """Redact live responses as recorded ones were redacted."""
    new_id: Callable[[], str]
    """Returns ids for new threads."""
    _: KW_ONLY
    values: bool
    """Whether to compare values, not only the structure."""
    timeout: float
    """Seconds until a response counts as failed."""
    _is_reached: bool = field(default=False, init=False)

    async def verify(self, source: CassetteSource) -> list[Result]:
        """Return the result for each exchange of *source*, those of event streams at the end; raise UpstreamError if the server was never reached."""
        conversation = LiveConversation(self.new_id)
        conversation.choose_thread_ids(part.require_exchange() for part in source.exchanges)
        threads: dict[str | None, ThreadStreams] = {}
        results: list[Result] = []
        try:
            for part in source.exchanges:
                exchange = part.require_exchange()
                path = find_thread_path(exchange.request.path)
                thread = threads.setdefault(path, ThreadStreams(conversation, self.timeout))
                await thread.catch_up(exchange.at)
                if is_endless(exchange):
                    thread.streams += self._open_streams(part, conversation)
                else:
                    results.append(await self._result(part, thread))
            for thread in threads.values():
                await thread.finish()
                results += self._compare_streams(thread)
        finally:
            for thread in threads.values():
                await thread.close()
            for path in conversation.threads:
                # A thread that cannot be deleted stays on the server, which does not affect the result.
                with suppress(UpstreamError, TimeoutError):
                    async with asyncio.timeout(_DELETE_TIMEOUT):
                        await self._send(Request("DELETE", path))
        return [
            replace(one, live=restore_ids(one.live, conversation)) if one.live else one
            for one in results
        ]

    async def _result(self, part: Part, thread: ThreadStreams) -> Result:
        exchange, conversation = part.require_exchange(), thread.conversation
        recorded = redact_exchange_for_display(exchange, self.rules)
        request = conversation.translate_request(exchange.request)
        started = time.monotonic()
        live: Exchange | None = None
        problems: tuple[str, ...]
        try:
            live = await self._send(request)
        except TimeoutError:
            problems = (f"no complete response within {self.timeout:g} s",)
        except UpstreamError as error:
            self._raise_if_unreached(error)
            problems = (str(error),)
        seconds = time.monotonic() - started
        if live is None:
            return Result.of(part, Outcome.FAILED, seconds, problems)
        self._is_reached = True
        thread.note_run(recorded, live)
        conversation.note_created_thread(live)
        conversation.pair_ids_in_response(recorded.response, live.response)
        problems = conversation.compare(recorded, live, values=self.values)
        if problems and b"REDACTED" in exchange.request.body:
            problems = (*problems, "the request was sent with REDACTED in its body")
        outcome = Outcome.DIFFERS if problems else Outcome.SAME
        return Result.of(part, outcome, seconds, problems, live)

    def _open_streams(self, part: Part, conversation: LiveConversation) -> Iterator[LiveStream]:
        recorded = redact_exchange_for_display(part.require_exchange(), self.rules)
        for stream in split_subscriptions(recorded):
            request = conversation.translate_request(stream.request)
            yield LiveStream(part, stream, self.upstream, request)

    def _compare_streams(self, thread: ThreadStreams) -> Iterator[Result]:
        """Yield the result of each stream of *thread*; the first one has the differences of the log of the thread."""
        live = [self._redact(exchange) for exchange in thread.exchanges]
        recorded = [stream.recorded for stream in thread.streams]
        conversation = thread.conversation
        found = compare_live_logs(recorded, live, conversation.comparator, values=self.values)
        changes = tuple(found)
        for stream, response in zip(thread.streams, live, strict=True):
            if stream.error:
                self._raise_if_unreached(stream.error)
            heads = _without_events(stream.recorded), _without_events(response)
            differences = (
                conversation.compare(*heads, values=self.values) if stream.has_head else ()
            )
            failed = Outcome.FAILED if stream.error or stream.problems else None
            problems = (*stream.problems, *differences, *changes)
            outcome = failed or (Outcome.DIFFERS if problems else Outcome.SAME)
            yield Result.of(stream.part, outcome, stream.seconds, problems, response)
            changes = ()

    def _raise_if_unreached(self, error: UpstreamError) -> None:
        """Raise *error* if the server was never reached."""
        if not (error.reached or self._is_reached):
            raise error

    async def _send(self, request: Request) -> Exchange:
        """Return *request* with its live response; TimeoutError if that takes too long."""
        async with asyncio.timeout(self.timeout):
            started = time.monotonic()
            recorder = Recorder(request, started, started)
            response = await self.upstream.send(request)
            recorder.start_response(response.status, response.reason, response.headers)
            async for chunk in response.chunks:
                recorder.feed(chunk, time.monotonic())
            exchange = recorder.finish(time.monotonic())
        return self._redact(exchange)

    def _redact(self, exchange: Exchange) -> Exchange:
        """Return the live *exchange* as a recording keeps it."""
        credentials = find_credentials(exchange.request.headers, exchange.request.path)
        return Redactor((*credentials, *self.upstream.secrets), self.rules).rewrite_exchange(
            exchange
        )


def _without_events(exchange: Exchange) -> Exchange:
    """Return *exchange* without its events, which may be in other streams of the thread."""
    response = exchange.response
    if not isinstance(response.content, Stream):
        return exchange
    return replace(exchange, response=replace(response, content=Stream(), end=None))


def verify_all(sources: Sequence[CassetteSource], check: Verification, jobs: int) -> list[Result]:
    """Return the results of *check* for all exchanges of *sources*, *jobs* cassettes in parallel; raise UpstreamError if the server cannot be reached."""

    async def run() -> list[Result]:
        slots = asyncio.Semaphore(jobs)

        async def verify_one(source: CassetteSource) -> list[Result]:
            async with slots:
                results = await check.verify(source)
                return sorted(results, key=lambda result: result.number)

        tasks = [asyncio.create_task(verify_one(source)) for source in sources]
        try:
            items = with_progress(tasks, "verify", at_least=1)
            return [result for task in items for result in await task]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await check.upstream.close()

    return asyncio.run(run())


def print_results(results: Sequence[Result], warnings: Mapping[str, str], as_json: bool) -> None:
    """Print the differences and *warnings*, and their summary."""
    for result in results:
        if as_json:
            click.echo(json.dumps(result.to_json(), ensure_ascii=False))
        elif result.outcome is not Outcome.SAME:
            head = printable(f"{result.label} {result.request}: {result.outcome}")
            click.secho(head, bold=sys.stdout.isatty())
            for difference in map(printable, result.problems):
                click.echo(wrap(difference, 2) if sys.stdout.isatty() else f"  {difference}")
    if not as_json:
        found = ((one.label, problem) for one in results for problem in one.problems)
        for line in summarize(found):
            click.echo(printable(line))
    for warning in warnings.values():
        line = json.dumps({"warning": warning}) if as_json else f"mockserver: {warning}"
        click.echo(line, err=not as_json)
    outcomes = [result.outcome for result in results]
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in Outcome)
    click.echo(f"{pluralize(len(results), 'exchange')} verified: {counts}", err=True)


def update_cassettes(
    batch: Batch, cassettes: Sequence[OpenedFile], results: Sequence[Result], as_json: bool
) -> bool:
    """Write the live responses into the *cassettes* that differ, and report that; return whether a difference is left."""
    is_left = False
    for opened in cassettes:
        name = opened.source.name
        update = update_source(opened.source, [one for one in results if one.file == name])
        if update.updated and batch.rewrite(opened, update.raw):
            text = f"{name}: {pluralize(len(update.updated), 'exchange')} recorded again"
            print_facts({"file": name, "updated": list(update.updated)}, text, as_json=as_json)
        for reason in update.refused:
            print_facts({"refused": reason}, f"not recorded again: {reason}", as_json=as_json)
        is_left = is_left or bool(update.refused)
    return is_left


def write_junit(path: Path, results: Sequence[Result], warnings: Mapping[str, str]) -> None:
    """Write *results* to *path* as JUnit XML; raise StorageError if that fails."""
    try:
        path.write_bytes(format_junit(results, warnings))
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
