"""Forward requests to the upstream, and record its responses."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from mockserver.cassette.model import Ending
from mockserver.cassette.recorder import Recorder
from mockserver.cassette.thread_streams import asks_for_thread_events
from mockserver.errors import OutOfFilesError, StorageError, UpstreamError
from mockserver.http.messages import Reply, ReplySource, Request, StreamingBody, first_value
from mockserver.matching.canonical import parse_json
from mockserver.redaction.redactor import describe
from mockserver.server.log import Log
from mockserver.server.own_urls import is_page
from mockserver.server.recording import Recording
from mockserver.server.responders.replay import ReplayResponder
from mockserver.server.response_writer import BODILESS
from mockserver.server.socket_relay import Report, SocketRelay
from mockserver.server.upstream import Upstream, UpstreamResponse

_REFUSALS = (401, 403)


class RecordResponder:
    """Forwards requests to *upstream*, and saves the exchanges in *recording*; *log* gets what a user should know of them.

    Responses with status 429 or 5xx, and 401 to a request without a credential, are recorded only with *record_errors*.
    """

    def __init__(
        self, upstream: Upstream, recording: Recording, log: Log, *, record_errors: bool = False
    ) -> None:
        self._upstream = upstream
        self._recording = recording
        self._log = log
        self._record_errors = record_errors
        self._started = time.monotonic()

    async def respond(self, request: Request) -> Reply | None:
        """Return the upstream's response as a live stream.

        Raise UpstreamError if there is no response, RequestError or StorageError if it could not be recorded.
        """
        now = time.monotonic()
        recorder = Recorder(request, now, now - self._started)
        try:
            await self._recording.prepare_file(request)
            number = self._recording.next_number()
            response = await self._send(request)
        except StorageError as error:
            self._recording.fail(request, error)
            raise
        self._recording.fetch_server_info()
        self._recording.report_compressed(request, response.headers)
        is_recorded = response.status >= 200 and (
            self._record_errors or not self._is_temporary(request, response.status)
        )
        if is_recorded:
            self._warn(request, response)
        length = _find_body_length(request, response)
        forwarded = _ForwardedResponse(self._recording, request, number, recorder, response, length)
        chunks = forwarded.chunks(is_recorded=is_recorded)
        if length == 0:
            # There is no body: the exchange must be in the file before the head is sent.
            chunks = _yield_each([chunk async for chunk in chunks])
        return Reply(
            response.status,
            response.headers,
            StreamingBody(chunks, lambda: forwarded.is_complete, forwarded.abandon),
            response.reason,
            ReplySource.UPSTREAM,
            page_of=self._upstream.address if is_page(request.path, response.headers) else None,
        )

    async def open_socket(self, opening: Request, report: Report) -> SocketRelay:
        """Return the relay of the WebSocket that *opening* asks for; raise MockServerError if there is none.

        *report* is called for each request that is recorded.
        """
        await self._recording.prepare_file(opening)
        upstream = await self._upstream.open_socket(opening)
        self._recording.fetch_server_info()
        return SocketRelay(opening, upstream, self._recording, self._started, report)

    def _is_temporary(self, request: Request, status: int) -> bool:
        """Return whether a response with this *status* says more about the moment, or about a forgotten key, than about the server."""
        is_without_key = status == 401 and not self._upstream.has_credential(request)
        return status == 429 or status >= 500 or is_without_key

    def _warn(self, request: Request, response: UpstreamResponse) -> None:
        """Log a *response* that is recorded, but that a user may not want in the cassette."""
        if response.status in _REFUSALS:
            cause = (
                "if the credential is wrong"
                if self._upstream.has_credential(request)
                else "it has no credential: if it needs one"
            )
            self._log.write_once(
                f"{describe(request)} got status {response.status}, which is recorded; {cause}, correct that and record again"
            )
        if response.redirected_to is not None:
            self._log.write_once(
                f"{describe(request)} is redirected to {response.redirected_to}, and what clients get there is not recorded: is --upstream right?"
            )

    async def _send(self, request: Request) -> UpstreamResponse:
        try:
            return await self._upstream.send(request)
        except OutOfFilesError:
            await self._recording.close_idle_files()
            return await self._upstream.send(request)


class ExtendResponder:
    """Replies with recorded responses, as *replay* does, before a request is forwarded (`record --extend`).

    Reports recorded responses with status 401 or 403: they can be from a time without a key.
    """

    def __init__(self, replay: ReplayResponder, log: Log) -> None:
        self._replay = replay
        self._log = log

    async def respond(self, request: Request) -> Reply | None:
        """Return the recorded reply, or None."""
        reply = await self._replay.respond(request)
        if reply is not None and reply.status in _REFUSALS:
            self._log.write_once(
                f"{describe(request)} got status {reply.status} from {reply.exchange}; to forward it, delete that exchange and start again"
            )
        return reply


@dataclass(slots=True)
class _ForwardedResponse:
    """One response that is forwarded and recorded. *length* is that of its body according to its head, if that says it."""

    recording: Recording
    request: Request
    number: int
    recorder: Recorder
    response: UpstreamResponse
    length: int | None
    is_complete: bool = False
    """Whether the upstream has sent everything."""
    is_abandoned: bool = False

    def abandon(self) -> None:
        """Close the connection to the upstream; the body so far is recorded as cut, an event stream as open."""
        if not self.is_complete:
            self.is_abandoned = True
            self.response.close()

    async def chunks(self, *, is_recorded: bool) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of the body; the last one only after the exchange is in the file.

        Raise UpstreamError if the upstream cuts the body.
        """
        response, recorder = self.response, self.recorder
        recorder.start_response(response.status, response.reason, response.headers)
        error: UpstreamError | None = None
        remaining = self.length
        last_chunk = b""
        try:
            async with aclosing(response.chunks) as chunks:
                async for chunk in chunks:
                    recorder.feed(chunk, time.monotonic())
                    remaining = None if remaining is None else remaining - len(chunk)
                    if remaining is not None and remaining <= 0:
                        last_chunk += chunk
                    else:
                        yield chunk
        except UpstreamError as raised:
            error = raised
        self.is_complete = True
        if is_recorded:
            ended, how = time.monotonic(), self._ending(error)
            await self.recording.save(self.number, self.request, recorder, ended, how)
        elif response.status >= 200:
            self.recording.skip(self.request, response.status)
        if last_chunk:
            yield last_chunk
        if error and not self.is_abandoned:
            raise error

    def _ending(self, error: UpstreamError | None) -> Ending:
        if error is None:
            return Ending.CLOSED
        if self.is_abandoned and asks_for_thread_events(self.request):
            return Ending.OPEN
        return Ending.CUT


def _find_body_length(request: Request, response: UpstreamResponse) -> int | None:
    """Return the body length that the head of *response* states, or None."""
    if request.method == "HEAD" or response.status in BODILESS:
        return 0
    length = first_value(response.headers, "content-length") or ""
    return int(length) if length.isdecimal() else None


async def _yield_each(chunks: list[bytes]) -> AsyncGenerator[bytes, None]:
    for chunk in chunks:
        yield chunk


def cancels_on_disconnect(request: Request) -> bool:
    """Return whether *request* asks to cancel the run when the client disconnects."""
    if b"on_disconnect" not in request.body:
        return False
    try:
        body = parse_json(request.body)
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("on_disconnect") == "cancel"
