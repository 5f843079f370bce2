"""Send replies to the client: whole, at their times, or as they arrive. The journal keeps what is sent."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace

from aiohttp import web

from mockserver.errors import UpstreamError
from mockserver.http.messages import (
    PrebuiltBody,
    Reply,
    ReplySource,
    Request,
    StreamingBody,
    TimedBody,
    session_name,
)
from mockserver.redaction.redactor import describe
from mockserver.server.in_flight import InFlight
from mockserver.server.journal import Journal, JournalEntry
from mockserver.server.log import Log
from mockserver.server.response_writer import StreamedResponse, whole_response


class OpenStreams:
    """The responses on threads that are being sent, by session, so that a reset can end them."""

    def __init__(self) -> None:
        self._streams: list[tuple[str, asyncio.AbstractEventLoop, web.BaseRequest]] = []

    @contextmanager
    def keep(self, session: str, request: web.BaseRequest) -> Iterator[None]:
        """Keep the response to *request* in *session* until the end of the block."""
        stream = session, asyncio.get_running_loop(), request
        self._streams.append(stream)
        try:
            yield
        finally:
            self._streams.remove(stream)

    def end(self, session: str | None) -> None:
        """End the responses in *session*, or in all sessions if it is None. Any thread may call this."""
        for name, loop, request in tuple(self._streams):
            if session in (None, name):
                loop.call_soon_threadsafe(close_connection, request)


def close_connection(request: web.BaseRequest) -> None:
    """Close the connection after the written bytes, without the end of the body."""
    if request.transport is not None:
        request.transport.close()


class Sender:
    """Sends replies; *streams* keeps those on threads while they are sent, *in_flight* those that are recorded."""

    def __init__(self, log: Log, streams: OpenStreams, in_flight: InFlight | None) -> None:
        self._log = log
        self._streams = streams
        self._in_flight = in_flight

    async def send(
        self, request: web.BaseRequest, incoming: Request, reply: Reply, started: float
    ) -> web.StreamResponse:
        """Return the response to *request* with *reply*; a streamed one has been sent. Its times count from *started*."""
        match reply.body:
            case PrebuiltBody() | bytes() as body:
                return whole_response(request, reply, body)
            case TimedBody(((at, body),), end, False) if end == at:
                await _sleep_until(started + at)
                if reply.on_sent is not None:
                    reply.on_sent()
                return whole_response(request, reply, body)
            case TimedBody() as paced if reply.conversation is None:
                return await _send_timed(request, reply, paced, started)
            case TimedBody() as paced:
                with self._streams.keep(session_name(incoming), request):
                    return await _send_timed(request, reply, paced, started)
            case StreamingBody() as live if reply.source is not ReplySource.UPSTREAM:
                with self._streams.keep(session_name(incoming), request):
                    return await self._send_live(request, incoming, reply, live)
            case StreamingBody() as live:
                return await self._send_live(request, incoming, reply, live)

    async def _send_live(
        self, request: web.BaseRequest, incoming: Request, reply: Reply, live: StreamingBody
    ) -> web.StreamResponse:
        """Forward the response chunk by chunk, and read it to its end even if the client disconnects."""
        if self._in_flight is not None:
            self._in_flight.response_started(live)
        response = StreamedResponse(request, reply)
        connected = await _is_delivered(response.begin())
        try:
            async with aclosing(live.chunks) as chunks:
                async for chunk in chunks:
                    connected = connected and await _is_delivered(response.send(chunk))
        except UpstreamError as error:
            self._log.write(f"{describe(incoming)}: {error}")
            close_connection(request)
            return response
        except ConnectionAbortedError:  # a fault
            close_connection(request)
            return response
        if self._in_flight is not None:
            self._in_flight.response_recorded()
        if connected:
            await _is_delivered(response.end())
        return response


def journal_chunks(
    reply: Reply, journal: Journal, entry: JournalEntry | None, started: float
) -> Reply:
    """Return *reply*; if its body is streamed, *entry* of *journal* gets its chunks, with their times since *started*."""
    body = reply.body
    if entry is None or not isinstance(body, StreamingBody):
        return reply
    chunks = _keep(body.chunks, journal, entry, started)
    return replace(reply, body=replace(body, chunks=chunks))


async def _keep(
    chunks: AsyncGenerator[bytes, None], journal: Journal, entry: JournalEntry, started: float
) -> AsyncGenerator[bytes, None]:
    now = asyncio.get_running_loop().time
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                journal.add_chunk(entry, now() - started, chunk)
                yield chunk
    finally:
        journal.finish(entry, now() - started)


async def _send_timed(
    request: web.BaseRequest, reply: Reply, paced: TimedBody, started: float
) -> web.StreamResponse:
    response = StreamedResponse(request, reply)
    try:
        await response.begin()
        await response.send_timed((started + at, chunk) for at, chunk in paced.steps)
        await _sleep_until(started + paced.end)
        if paced.cut:
            close_connection(request)
        else:
            await response.end()
        if reply.on_sent is not None:
            reply.on_sent()
    except ConnectionResetError:
        pass  # the client has disconnected
    return response


async def _is_delivered(writing: Awaitable[object]) -> bool:
    """Await *writing*; return False if the client has disconnected."""
    try:
        await writing
    except ConnectionResetError:
        return False
    return True


async def _sleep_until(moment: float) -> None:
    """Sleep until the loop's clock reaches *moment*."""
    if (delay := moment - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(delay)
