"""Answers on their way to the client: our bytes as they are, by aiohttp's writer, which waits for a client that is slow."""

import asyncio
from collections.abc import Iterable

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from mockserver.http.messages import Headers, PrebuiltBody, Reply, first_value
from mockserver.server import response_head

_FULL = 1 << 16
"""How many bytes may wait for a client before we wait for it."""

_CLOCK = 1e-4
"""By how many seconds a chunk may come too early: a timer may be a little ahead."""


class _Written(web.StreamResponse):
    """An answer whose head and body we write ourselves: aiohttp neither adds to it nor looks at it."""

    def __init__(self, *, stays: bool) -> None:
        super().__init__()
        self._stays = stays

    @property
    def keep_alive(self) -> bool:
        """Whether the connection can be used again."""
        return self._stays

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Return the writer; all is written already."""
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to be written."""


class Whole(_Written):
    """An answer that goes out in one write; the same one may go to many clients."""

    def __init__(self, raw: bytes, *, stays: bool = True) -> None:
        super().__init__(stays=stays)
        self._raw = raw

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Write it."""
        await request.writer.write(self._raw)
        return request.writer


class Streamed(_Written):
    """An answer that goes out bit by bit: `begin`, `send` each chunk, `end`.

    Its body goes out in chunks where the reply does not tell how long it is; to a client that knows no chunks it ends with the connection.
    """

    def __init__(self, request: web.BaseRequest, reply: Reply) -> None:
        self._bodiless = _is_bodiless(request, reply)
        measured = self._bodiless or first_value(reply.headers, "content-length") is not None
        modern = request.version >= HttpVersion11
        self._chunked = modern and not measured
        super().__init__(stays=request.keep_alive and (modern or measured))
        self._head = self._made(request, reply)
        self._writer = request.writer
        self._transport = request.transport

    def _made(self, request: web.BaseRequest, reply: Reply) -> bytes:
        """Return the head; that of one that is played again and again is made once."""
        usual = self._chunked and self.keep_alive
        head: bytes | None = reply.memo.get(Streamed) if usual else None
        if head is None:
            chunked = (("Transfer-Encoding", "chunked"),) if self._chunked else ()
            framing = (*chunked, *_connection(request, stays=self.keep_alive))
            head = response_head.head(reply, *framing, version=_version(request))
            if usual:
                reply.memo[Streamed] = head
        return head

    async def begin(self) -> None:
        """Send the head."""
        await self._writer.write(self._head)
        if self._chunked:
            self._writer.enable_chunking()

    async def send(self, chunk: bytes) -> None:
        """Send the next *chunk* of the body."""
        if not self._bodiless:
            await self._writer.write(chunk)

    async def play(self, steps: Iterable[tuple[float, bytes]]) -> None:
        """Send chunks at their moments, in seconds of the loop's clock; ConnectionResetError where the client has left."""
        if self._bodiless:
            return
        playing = _Playing(self._transport, steps, chunked=self._chunked)
        while await playing.go_on():
            await self._writer.drain()

    async def end(self) -> None:
        """Send the end of the body."""
        if self._chunked:
            await self._writer.write_eof()


class _Playing:
    """Writes chunks at their moments, without a task that has to wake up for each."""

    def __init__(
        self,
        transport: asyncio.Transport | None,
        steps: Iterable[tuple[float, bytes]],
        *,
        chunked: bool,
    ) -> None:
        self._transport = transport
        self._steps = iter(steps)
        self._chunked = chunked
        self._loop = asyncio.get_running_loop()
        self._next = next(self._steps, None)
        self._paused: asyncio.Future[bool] = self._loop.create_future()

    async def go_on(self) -> bool:
        """Write on; return True where the client has to be waited for, and False at the end."""
        if self._paused.done():
            self._paused = self._loop.create_future()
        timer: list[asyncio.TimerHandle] = []
        try:
            self._write(timer)
            more: bool = await self._paused
            return more
        finally:
            for handle in timer:
                handle.cancel()

    def _write(self, timer: list[asyncio.TimerHandle]) -> None:
        """Write what is due, and come back for the next."""
        transport = self._transport
        if transport is None or transport.is_closing():
            self._end(ConnectionResetError())
            return
        while self._next is not None:
            at, chunk = self._next
            if at > self._loop.time() + _CLOCK:
                timer[:] = [self._loop.call_at(at, self._write, timer)]
                return
            if chunk:  # an empty one would be the last
                transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._chunked else chunk)
            self._next = next(self._steps, None)
            if transport.get_write_buffer_size() > _FULL:
                self._end(None, more=True)
                return
        self._end(None)

    def _end(self, error: Exception | None, *, more: bool = False) -> None:
        if self._paused.done():
            return
        if error:
            self._paused.set_exception(error)
        else:
            self._paused.set_result(more)


def whole(request: web.BaseRequest, reply: Reply, body: bytes | PrebuiltBody) -> Whole:
    """Return *reply* with its whole *body*, to be sent in answer to *request*."""
    if isinstance(body, PrebuiltBody):
        if request.version == HttpVersion11 and request.keep_alive and request.method != "HEAD":
            made: Whole | None = reply.memo.get(Whole)
            if made is None:
                made = reply.memo[Whole] = Whole(body.raw)
            return made
        body = body.body
    length = () if reply.status in response_head.BODILESS else (("Content-Length", str(len(body))),)
    framing = (*length, *_connection(request, stays=request.keep_alive))
    head = response_head.head(reply, *framing, version=_version(request))
    raw = head if _is_bodiless(request, reply) else head + body
    return Whole(raw, stays=request.keep_alive)


def _is_bodiless(request: web.BaseRequest, reply: Reply) -> bool:
    return request.method == "HEAD" or reply.status in response_head.BODILESS


def _version(request: web.BaseRequest) -> str:
    return "1.1" if request.version >= HttpVersion11 else "1.0"


def _connection(request: web.BaseRequest, *, stays: bool) -> Headers:
    """Return the header that says whether the connection *stays*, where the version of *request* does not say so."""
    if request.version >= HttpVersion11:
        return () if stays else (("Connection", "close"),)
    return (("Connection", "keep-alive"),) if stays else ()
