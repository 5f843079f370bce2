"""Write responses to the client: the exact bytes of head and body, through aiohttp's writer, which waits for slow clients."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter

from mockserver.http.messages import (
    OWN_PREFIX,
    Headers,
    PrebuiltBody,
    Reply,
    first_value,
    standard_reason,
)
from mockserver.server.aiohttp_private import RawResponse

_COMMON = (
    (
        "access-control-expose-headers",
        "x-pagination-total, x-pagination-next, content-location, x-mockserver-source, x-mockserver-how, x-mockserver-exchange",
    ),
    ("vary", "Origin"),
)
_ANY_ORIGIN = (("access-control-allow-origin", "*"), *_COMMON)

_REPLACED_PREFIXES = ("access-control-", OWN_PREFIX)
_PREFLIGHT = {
    "access-control-allow-methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY",
    "access-control-max-age": "600",
    "access-control-allow-private-network": "true",
    "content-type": "text/plain; charset=utf-8",
}

BODILESS = (204, 304)
"""Responses with these statuses have neither body nor content-length (RFC 9110, section 8.6)."""

_MAX_BUFFER = 1 << 16
"""How many unsent bytes may be buffered before we wait for the client."""

_TIMER_TOLERANCE = 1e-4
"""How many seconds early a chunk may be sent, since a timer can fire a little early."""


def cors_headers(origin: str | None) -> Headers:
    """Return the headers that let pages of *origin* read a response with credentials; if it is None, any page without credentials."""
    if origin is None:
        return _ANY_ORIGIN
    return (
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        *_COMMON,
    )


def preflight_response(request: web.BaseRequest, origin: str | None) -> web.Response:
    """Return the response to the preflight *request* of a page of *origin*; see `cors_headers`."""
    headers = {**_PREFLIGHT, **dict(cors_headers(origin))}
    if requested := request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS):
        headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = requested
    return web.Response(text="OK", headers=headers)


def with_origin(reply: Reply, origin: str | None) -> Reply:
    """Return a copy of *reply* for pages of *origin*; *reply* itself if it is None."""
    if origin is None:
        return reply
    return replace(without_prebuilt(reply), origin=origin)


def response_headers(reply: Reply) -> Headers:
    """Return the headers of *reply* with ours: CORS, and the source of the response."""
    exchange = quote(reply.exchange, safe="/#") if reply.exchange else ""
    ids = ", ".join(f"{live}={recorded}" for live, recorded in reply.id_pairs)
    return (
        *(
            (name, value)
            for name, value in reply.headers
            if not name.startswith(_REPLACED_PREFIXES) and name != "vary"
        ),
        *cors_headers(reply.origin),
        ("x-mockserver-source", str(reply.source)),
        *((("x-mockserver-how", reply.how),) if reply.how else ()),
        *((("x-mockserver-exchange", exchange),) if exchange else ()),
        *((("x-mockserver-ids", ids),) if ids else ()),
    )


def encode_head(reply: Reply, *framing: tuple[str, str], version: str = "1.1") -> bytes:
    """Return the bytes of the status line and the headers of *reply*, followed by the *framing* headers."""
    reason = standard_reason(reply.status) if reply.reason is None else reply.reason
    lines = [f"HTTP/{version} {reply.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in (*response_headers(reply), *framing)]
    return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")


def prebuild(reply: Reply) -> Reply:
    """Return *reply* with its head and body encoded as one piece of bytes; unchanged if its body is a stream."""
    body = reply.body
    if not isinstance(body, bytes) or reply.status in BODILESS:
        return reply
    head = encode_head(reply, ("Content-Length", str(len(body))))
    return replace(reply, body=PrebuiltBody(head + body, len(head)))


def without_prebuilt(reply: Reply) -> Reply:
    """Return *reply* with the plain bytes of its body; this undoes `prebuild`."""
    return replace(reply, body=reply.body.body) if isinstance(reply.body, PrebuiltBody) else reply


class WholeResponse(RawResponse):
    """A response that is sent in one write, when aiohttp prepares it."""

    def __init__(self, request: web.BaseRequest, raw: bytes) -> None:
        super().__init__(request, keep_alive=request.keep_alive)
        self._raw = raw

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Write the response."""
        await self.writer.write(self._raw)
        return self.writer


class StreamedResponse(RawResponse):
    """A response that is sent in pieces: `begin`, `send` each chunk, `end`.

    Without a content-length the body is sent chunked; for HTTP/1.0 clients it ends when the connection closes.
    """

    def __init__(self, request: web.BaseRequest, reply: Reply) -> None:
        self._bodiless = _is_bodiless(request, reply)
        has_length = self._bodiless or first_value(reply.headers, "content-length") is not None
        is_http11 = request.version >= HttpVersion11
        self._chunked = is_http11 and not has_length
        super().__init__(request, keep_alive=request.keep_alive and (is_http11 or has_length))
        chunked = (("Transfer-Encoding", "chunked"),) if self._chunked else ()
        framing = (*chunked, *_connection(request, keep_alive=self.keep_alive))
        self._head = encode_head(reply, *framing, version=_version(request))
        self._transport = request.transport

    async def begin(self) -> None:
        """Send the head."""
        await self.writer.write(self._head)
        if self._chunked:
            self.writer.enable_chunking()

    async def send(self, chunk: bytes) -> None:
        """Send the next *chunk* of the body."""
        if not self._bodiless:
            await self.writer.write(chunk)

    async def send_timed(self, steps: Iterable[tuple[float, bytes]]) -> None:
        """Send each chunk at its time on the loop's clock; raise ConnectionResetError if the client has disconnected."""
        if self._bodiless:
            return
        writer = _TimedWriter(self._transport, steps, chunked=self._chunked)
        while await writer.write_until_blocked():
            await self.writer.drain()

    async def end(self) -> None:
        """Send the end of the body."""
        if self._chunked:
            await self.writer.write_eof()


class _TimedWriter:
    """Writes chunks at their times from timer callbacks, without a task switch for each chunk."""

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
        self._stopped: asyncio.Future[bool] = self._loop.create_future()

    async def write_until_blocked(self) -> bool:
        """Write until the buffer is full, and return True; return False after the last chunk."""
        if self._stopped.done():
            self._stopped = self._loop.create_future()
        timer: list[asyncio.TimerHandle] = []
        try:
            self._write(timer)
            has_more: bool = await self._stopped
            return has_more
        finally:
            for handle in timer:
                handle.cancel()

    def _write(self, timer: list[asyncio.TimerHandle]) -> None:
        """Write the chunks that are due, and set a timer for the next."""
        transport = self._transport
        if transport is None or transport.is_closing():
            self._stop(ConnectionResetError())
            return
        while self._next is not None:
            at, chunk = self._next
            if at > self._loop.time() + _TIMER_TOLERANCE:
                timer[:] = [self._loop.call_at(at, self._write, timer)]
                return
            if chunk:  # an empty chunk would end the body
                transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._chunked else chunk)
            self._next = next(self._steps, None)
            if transport.get_write_buffer_size() > _MAX_BUFFER:
                self._stop(None, has_more=True)
                return
        self._stop(None)

    def _stop(self, error: Exception | None, *, has_more: bool = False) -> None:
        if self._stopped.done():
            return
        if error:
            self._stopped.set_exception(error)
        else:
            self._stopped.set_result(has_more)


def whole_response(
    request: web.BaseRequest, reply: Reply, body: bytes | PrebuiltBody
) -> WholeResponse:
    """Return the response with the complete *body* of *reply* to *request*."""
    if isinstance(body, PrebuiltBody):
        if request.version == HttpVersion11 and request.keep_alive and request.method != "HEAD":
            return WholeResponse(request, body.raw)
        body = body.body
    # A recorded response to HEAD has its own content-length, or none.
    has_length = reply.status not in BODILESS and (body or request.method != "HEAD")
    length = (("Content-Length", str(len(body))),) if has_length else ()
    framing = (*length, *_connection(request, keep_alive=request.keep_alive))
    head = encode_head(reply, *framing, version=_version(request))
    raw = head if _is_bodiless(request, reply) else head + body
    return WholeResponse(request, raw)


def _is_bodiless(request: web.BaseRequest, reply: Reply) -> bool:
    return request.method == "HEAD" or reply.status in BODILESS


def _version(request: web.BaseRequest) -> str:
    return "1.1" if request.version >= HttpVersion11 else "1.0"


def _connection(request: web.BaseRequest, *, keep_alive: bool) -> Headers:
    """Return the header that says whether the connection stays open, if that is not the default of the HTTP version."""
    if request.version >= HttpVersion11:
        return () if keep_alive else (("Connection", "close"),)
    return (("Connection", "keep-alive"),) if keep_alive else ()
