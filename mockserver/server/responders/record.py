"""Answers from the upstream, kept on the way."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from mockserver.cassette.recorder import Recorder
from mockserver.errors import OutOfFilesError, StorageError, UpstreamError
from mockserver.http.messages import Reply, Request, Source, StreamingBody, first_value
from mockserver.matching.canonical import parse_json
from mockserver.server.recording import Recording
from mockserver.server.response_head import BODILESS
from mockserver.server.upstream import Answer, Upstream


class Record:
    """Answers what the *upstream* answers, and keeps it in the *recording*.

    Answers with status 429 or 5xx are kept only with *errors*. *clock* gives seconds.
    """

    def __init__(
        self,
        upstream: Upstream,
        recording: Recording,
        *,
        errors: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upstream = upstream
        self._recording = recording
        self._errors = errors
        self._clock = clock

    async def respond(self, request: Request) -> Reply | None:
        """Return the upstream's answer, chunk by chunk as it comes.

        UpstreamError where there is none, RequestError or StorageError where it could not be kept.
        """
        recorder = Recorder(request, self._clock())
        try:
            await self._recording.ready(request)
            number = self._recording.number()
            answer = await self._send(request)
        except StorageError as error:
            self._recording.lose(request, error)
            raise
        self._recording.introduce()
        kept = answer.status >= 200 and (
            self._errors or not (answer.status == 429 or answer.status >= 500)
        )
        relay = _Relay(self._recording, request, number, recorder, answer, self._clock)
        chunks = relay.chunks(keep=kept)
        if relay.length == 0:
            # Its head is its end, so it has to be in the file before that goes out.
            chunks = _again([chunk async for chunk in chunks])
        return Reply(
            answer.status,
            answer.headers,
            StreamingBody(chunks, lambda: relay.answered, relay.abandon),
            answer.reason,
            Source.UPSTREAM,
        )

    async def _send(self, request: Request) -> Answer:
        try:
            return await self._upstream.send(request)
        except OutOfFilesError:
            await self._recording.close_idle_files()
            return await self._upstream.send(request)


class _Relay:
    """One answer on its way through; *answered* when the upstream has said all, and it is only to be written."""

    def __init__(
        self,
        recording: Recording,
        request: Request,
        number: int,
        recorder: Recorder,
        answer: Answer,
        clock: Callable[[], float],
    ) -> None:
        self.answered = False
        self.length = _length(request, answer)
        """How many bytes the client waits for; None where it waits for an end of the body."""
        self._recording = recording
        self._request = request
        self._number = number
        self._recorder = recorder
        self._answer = answer
        self._clock = clock
        self._abandoned = False

    def abandon(self) -> None:
        """Leave the upstream; what has come so far is recorded as a body that was cut."""
        if not self.answered:
            self._abandoned = True
            self._answer.close()

    async def chunks(self, *, keep: bool) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of the body; the client sees its end when the exchange is in the file. UpstreamError where it breaks off."""
        answer, recorder = self._answer, self._recorder
        recorder.start_response(answer.status, answer.reason, answer.headers)
        broken: UpstreamError | None = None
        left = self.length
        held = b""
        try:
            async with aclosing(answer.chunks) as chunks:
                async for chunk in chunks:
                    recorder.feed(chunk, self._clock())
                    left = None if left is None else left - len(chunk)
                    if left is not None and left <= 0:
                        held += chunk
                    else:
                        yield chunk
        except UpstreamError as error:
            broken = error
        self.answered = True
        if keep:
            at = self._clock()
            await self._recording.keep(
                self._number, self._request, recorder, at, cut=broken is not None
            )
        elif answer.status >= 200:
            self._recording.pass_over(self._request, answer.status)
        if held:
            yield held
        if broken and not self._abandoned:
            raise broken


def _length(request: Request, answer: Answer) -> int | None:
    """Return how long the body of *answer* is by its head; None where that does not say so."""
    if request.method == "HEAD" or answer.status in BODILESS:
        return 0
    length = first_value(answer.headers, "content-length") or ""
    return int(length) if length.isdecimal() else None


async def _again(chunks: list[bytes]) -> AsyncGenerator[bytes, None]:
    for chunk in chunks:
        yield chunk


def cancels_when_left(request: Request) -> bool:
    """Tell whether *request* asks for the run to be cancelled when the client leaves."""
    if b"on_disconnect" not in request.body:
        return False
    try:
        body = parse_json(request.body)
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("on_disconnect") == "cancel"
