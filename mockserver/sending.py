"""Answers on their way to the client: our bytes as they are, by aiohttp's writer, which waits for a client that is slow."""

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from mockserver import wire
from mockserver.messages import Encoded, Headers, Reply, first


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
        measured = self._bodiless or first(reply.headers, "content-length") is not None
        modern = request.version >= HttpVersion11
        self._chunked = modern and not measured
        super().__init__(stays=request.keep_alive and (modern or measured))
        chunked = (("Transfer-Encoding", "chunked"),) if self._chunked else ()
        framing = (*chunked, *_connection(request, stays=self.keep_alive))
        self._head = wire.head(reply, *framing, version=_version(request))
        self._writer = request.writer

    async def begin(self) -> None:
        """Send the head."""
        await self._writer.write(self._head)
        if self._chunked:
            self._writer.enable_chunking()

    async def send(self, chunk: bytes) -> None:
        """Send the next *chunk* of the body."""
        if not self._bodiless:
            await self._writer.write(chunk)

    async def end(self) -> None:
        """Send the end of the body."""
        if self._chunked:
            await self._writer.write_eof()


def whole(request: web.BaseRequest, reply: Reply, body: bytes | Encoded) -> Whole:
    """Return *reply* with its whole *body*, to be sent in answer to *request*."""
    if isinstance(body, Encoded):
        if request.version == HttpVersion11 and request.keep_alive and request.method != "HEAD":
            made: Whole | None = reply.memo.get(Whole)
            if made is None:
                made = reply.memo[Whole] = Whole(body.raw)
            return made
        body = body.body
    length = () if reply.status in wire.BODILESS else (("Content-Length", str(len(body))),)
    framing = (*length, *_connection(request, stays=request.keep_alive))
    head = wire.head(reply, *framing, version=_version(request))
    raw = head if _is_bodiless(request, reply) else head + body
    return Whole(raw, stays=request.keep_alive)


def _is_bodiless(request: web.BaseRequest, reply: Reply) -> bool:
    return request.method == "HEAD" or reply.status in wire.BODILESS


def _version(request: web.BaseRequest) -> str:
    return "1.1" if request.version >= HttpVersion11 else "1.0"


def _connection(request: web.BaseRequest, *, stays: bool) -> Headers:
    """Return the header that says whether the connection *stays*, where the version of *request* does not say so."""
    if request.version >= HttpVersion11:
        return () if stays else (("Connection", "close"),)
    return (("Connection", "keep-alive"),) if stays else ()
