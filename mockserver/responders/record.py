"""Answers from the upstream, kept on the way."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial

from mockserver.cassette.canonical import parsed
from mockserver.cassette.recorder import Recorder
from mockserver.errors import UpstreamError
from mockserver.messages import Live, Reply, Request, Source
from mockserver.recording import Recording
from mockserver.upstream import Answer, Upstream


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

        UpstreamError where there is none, RequestError where it could not be kept.
        """
        await self._recording.ready(request)
        relay = _Relay(self._recording, request, Recorder(request, self._clock()), self._clock)
        answer = await self._upstream.send(request)
        self._recording.introduce()
        kept = answer.status >= 200 and (
            self._errors or not (answer.status == 429 or answer.status >= 500)
        )
        return Reply(
            answer.status,
            answer.headers,
            Live(relay.chunks(answer, keep=kept), lambda: relay.answered),
            answer.reason,
            Source.UPSTREAM,
        )


class _Relay:
    """One answer on its way through; *answered* when the upstream has said all, and it is only to be written."""

    def __init__(
        self, recording: Recording, request: Request, recorder: Recorder, clock: Callable[[], float]
    ) -> None:
        self.answered = False
        self._recording = recording
        self._number = recording.number()
        self._request = request
        self._recorder = recorder
        self._clock = clock

    async def chunks(self, answer: Answer, *, keep: bool) -> AsyncGenerator[bytes, None]:
        self._recorder.answer(answer.status, answer.reason, answer.headers)
        broken: UpstreamError | None = None
        try:
            async with aclosing(answer.chunks) as chunks:
                async for chunk in chunks:
                    self._recorder.feed(chunk, self._clock())
                    yield chunk
        except UpstreamError as error:
            broken = error
        self.answered = True
        if keep:
            finish = partial(self._recorder.finish, self._clock(), cut=broken is not None)
            await self._recording.keep(self._number, self._request, finish)
        elif answer.status >= 200:
            self._recording.pass_over(self._request, answer.status)
        if broken:
            raise broken


def cancels_when_left(request: Request) -> bool:
    """Tell whether *request* asks for the run to be cancelled when the client leaves."""
    if b"on_disconnect" not in request.body:
        return False
    try:
        body = parsed(request.body)
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("on_disconnect") == "cancel"
