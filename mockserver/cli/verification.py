"""Send recorded requests to a live server, and compare its responses with the recorded ones."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from mockserver.cassette.model import Exchange
from mockserver.cassette.recorder import Recorder
from mockserver.errors import UpstreamError
from mockserver.http.messages import Request
from mockserver.redaction.redactor import RedactionRules, Redactor, redacted_exchange
from mockserver.server.upstream import Upstream
from mockserver.tools.compare.verify import Conversation, Outcome, Result
from mockserver.tools.source import Part, Source


class Verification:
    """Sends recorded requests to *upstream* in order, and compares the responses.

    - *rules*: redact live responses as recorded ones were redacted.
    - *new_id*: returns ids for new threads.
    - *values*: compare values, not only the structure.
    - *timeout*: seconds until a response counts as failed.
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
        """Yield the result for each exchange of *source*, in recorded order; raise UpstreamError if the server was never reached."""
        conversation = Conversation(self._new_id)
        try:
            for part in source.exchanges:
                yield await self._result(part, conversation)
        finally:
            for path in conversation.threads:
                await self._delete(path)

    async def _result(self, part: Part, conversation: Conversation) -> Result:
        recorded = part.exchange
        assert recorded is not None
        request = conversation.live_request(recorded.request)
        recorded = redacted_exchange(recorded, self._rules)
        title = f"{recorded.request.method} {recorded.request.path}"
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                live = await self._send(request)
        except TimeoutError:
            reason = f"no complete response within {self._timeout:g} s"
            return Result(part.label, title, Outcome.FAILED, time.monotonic() - started, (reason,))
        except UpstreamError as error:
            if not (error.reached or self._reached):
                raise
            return Result(
                part.label, title, Outcome.FAILED, time.monotonic() - started, (str(error),)
            )
        self._reached = True
        conversation.note_created_thread(request, live.response)
        conversation.observe_response(recorded.response, live.response)
        differences = conversation.compare(recorded, live, values=self._values)
        if differences and b"REDACTED" in recorded.request.body:
            differences = (*differences, "the request was sent with REDACTED in its body")
        outcome = Outcome.DIFFERS if differences else Outcome.SAME
        return Result(part.label, title, outcome, time.monotonic() - started, differences)

    async def _delete(self, path: str) -> None:
        # A failure leaves the thread on the server, which does not affect the result.
        with suppress(UpstreamError, TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._send(Request("DELETE", path))

    async def _send(self, request: Request) -> Exchange:
        recorder = Recorder(request, time.monotonic())
        response = await self._upstream.send(request)
        recorder.start_response(response.status, response.reason, response.headers)
        async for chunk in response.chunks:
            recorder.feed(chunk, time.monotonic())
        return Redactor(self._upstream.secrets, self._rules).exchange(
            recorder.finish(time.monotonic())
        )
