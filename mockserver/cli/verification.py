"""Recorded requests, sent to a live server: its answers beside the recorded ones."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from mockserver.cassette.model import Exchange
from mockserver.cassette.recorder import Recorder
from mockserver.errors import UpstreamError
from mockserver.http.messages import Request
from mockserver.redaction.redactor import RedactionRules, Redactor
from mockserver.server.upstream import Upstream
from mockserver.tools.compare.verify import Conversation, Outcome, Result
from mockserver.tools.source import Part, Source


class Verification:
    """Asks *upstream* for what was recorded, one request after the other; each answer may take *timeout* seconds.

    *rules* are what is redacted in live answers as it was in recorded ones; with *values*, those are compared too. *new_id* makes ids of threads.
    """

    def __init__(
        self,
        upstream: Upstream,
        rules: RedactionRules,
        new_id: Callable[[], str],
        *,
        values: bool,
        timeout: float,
    ) -> None:
        self._upstream = upstream
        self._rules = rules
        self._new_id = new_id
        self._values = values
        self._timeout = timeout
        self._reached = False

    async def results(self, source: Source) -> AsyncIterator[Result]:
        """Yield how each exchange of *source* is found, in recorded order; UpstreamError where the server was never there."""
        conversation = Conversation(self._new_id)
        try:
            for part in source.exchanges:
                yield await self._result(part, conversation)
        finally:
            for thread in conversation.threads:
                await self._delete(thread)

    async def _result(self, part: Part, conversation: Conversation) -> Result:
        recorded = part.exchange
        assert recorded is not None
        shown = f"{recorded.request.method} {recorded.request.path}"
        request = conversation.live_request(recorded.request)
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                live = await self._live(request)
        except TimeoutError:
            fault = f"no whole answer within {self._timeout:g} s"
            return Result(part.label, shown, Outcome.FAILED, time.monotonic() - started, (fault,))
        except UpstreamError as error:
            if not (error.reached or self._reached):
                raise
            return Result(
                part.label, shown, Outcome.FAILED, time.monotonic() - started, (str(error),)
            )
        self._reached = True
        conversation.note_created_thread(request, live.response)
        conversation.observe_response(recorded.response, live.response)
        faults = conversation.compare(recorded, live, values=self._values)
        if faults and b"REDACTED" in recorded.request.body:
            faults = (*faults, "its request holds REDACTED, and was sent so")
        outcome = Outcome.DIFFERS if faults else Outcome.SAME
        return Result(part.label, shown, outcome, time.monotonic() - started, faults)

    async def _delete(self, thread: str) -> None:
        """Delete a *thread* that was made for this; where that fails, it stays."""
        with suppress(UpstreamError, TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._live(Request("DELETE", f"/threads/{thread}"))

    async def _live(self, request: Request) -> Exchange:
        recorder = Recorder(request, time.monotonic())
        answer = await self._upstream.send(request)
        recorder.start_response(answer.status, answer.reason, answer.headers)
        async for chunk in answer.chunks:
            recorder.feed(chunk, time.monotonic())
        return Redactor(self._upstream.secrets, self._rules).exchange(
            recorder.finish(time.monotonic())
        )
