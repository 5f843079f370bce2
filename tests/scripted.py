"""Both ends of the wire, byte for byte: an upstream that plays a script, and a client that reads raw."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

EVENTS = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
)
LAST = b"0\r\n\r\n"
WITHIN = 60.0
"""What is awaited comes sooner; a test that waits in vain ends here."""

_LIMIT = 1 << 26


def chunk(raw: bytes) -> bytes:
    """Return *raw* as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(raw), raw)


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it came."""

    line: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def path(self) -> str:
        """The request target."""
        return self.line.split(b" ")[1].decode("latin-1")


class Wire:
    """The upstream's end of a connection, whose *request* has been read."""

    def __init__(
        self, request: ReceivedRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.request = request
        self._reader = reader
        self._writer = writer

    async def send(self, raw: bytes) -> None:
        """Send *raw* in one write."""
        self._writer.write(raw)
        await self._writer.drain()

    async def gone(self) -> None:
        """Wait until the other side has closed."""
        try:
            while await self._reader.read(1 << 16):
                pass
        except ConnectionResetError:
            pass

    def reset(self) -> None:
        """End the connection with a RST in the place of a FIN."""
        _reset(self._writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


Script = Callable[[Wire], Awaitable[None]]


def say(*parts: bytes) -> Script:
    """Return the script that sends *parts*, each in a write, and closes."""

    async def script(wire: Wire) -> None:
        for part in parts:
            await wire.send(part)

    return script


NO_INFO = say(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


@dataclass
class Upstream:
    """A server at *url*; *requests* are those it has received, except those to `/info`."""

    url: str = ""
    requests: list[ReceivedRequest] = field(default_factory=list)


@asynccontextmanager
async def upstream(
    script: Script, info: Script | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Upstream]:
    """Serve on a free port: *script* plays on each connection, which is closed when it returns.

    *info* plays for requests to `/info`; without it they get a 404. With *tls* it is a server of https.
    """
    seen = Upstream()
    playing: set[asyncio.Task[None]] = set()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _request(reader)
        if request is None:
            pass
        elif request.path == "/info":
            await (info or NO_INFO)(Wire(request, reader, writer))
        else:
            seen.requests.append(request)
            await script(Wire(request, reader, writer))

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        playing.add(task)
        try:
            await play(reader, writer)
        except (ConnectionResetError, BrokenPipeError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            playing.discard(task)

    server = await asyncio.start_server(served, "127.0.0.1", 0, limit=_LIMIT, backlog=1000, ssl=tls)
    scheme = "https" if tls else "http"
    seen.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield seen
    finally:
        server.close()
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing)


async def _request(reader: asyncio.StreamReader) -> ReceivedRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return None
    line, headers = _head(head)
    length = next((int(value) for name, value in headers if name.lower() == b"content-length"), 0)
    return ReceivedRequest(line, headers, await reader.readexactly(length))


def _head(raw: bytes) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
    line, *fields = raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
    pairs = (one.partition(b":") for one in fields)
    return line, tuple((name, value.strip()) for name, _, value in pairs)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client got: *body* without its chunks' frames; *whole* unless it broke off."""

    line: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    whole: bool

    @property
    def end_to_end(self) -> list[tuple[bytes, bytes]]:
        """The headers but for CORS, mockserver's own, and those of one connection."""
        return [(name, value) for name, value in self.headers if not _OURS.match(name)]

    def header(self, name: bytes) -> bytes | None:
        """Return the value of the header *name*, None where there is none."""
        return next((value for key, value in self.headers if key.lower() == name), None)


_OURS = re.compile(
    b"(access-control-.*|vary|x-mockserver-.*|connection|transfer-encoding|content-length)$", re.I
)


class Client:
    """A connection to the server at *url*, open from entry to exit."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname, parts.port
        self._method = b""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(*self._address, limit=_LIMIT)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Close the connection."""
        self._writer.close()

    def reset(self) -> None:
        """End the connection with a RST in the place of a FIN."""
        _reset(self._writer)

    async def broke(self) -> bool:
        """Wait for the end of the connection; tell whether it came without an end of the chunked body."""
        return not (await asyncio.wait_for(self._rest(), WITHIN)).endswith(LAST)

    async def ask(
        self, method: str = "POST", path: str = "/runs/stream", body: bytes = b"", *headers: bytes
    ) -> None:
        """Send a request."""
        head = [f"{method} {path} HTTP/1.1".encode(), b"host: localhost", *headers]
        if body:
            head += [b"content-type: application/json", b"content-length: %d" % len(body)]
        await self.send(b"\r\n".join([*head, b"connection: close", b"", b""]) + body)
        self._method = method.encode()

    async def send(self, raw: bytes) -> None:
        """Send *raw* as it is."""
        self._writer.write(raw)
        await self._writer.drain()

    async def until(self, mark: bytes) -> bytes:
        """Return all up to *mark*, as soon as it is there."""
        return await asyncio.wait_for(self._reader.readuntil(mark), WITHIN)

    async def answer(self, head_seen: asyncio.Event | None = None) -> Answer:
        """Return the whole answer, as far as it comes; set *head_seen* when its head is there."""
        head = await self.until(b"\r\n\r\n")
        if head_seen is not None:
            head_seen.set()
        return _answer(head, await asyncio.wait_for(self._rest(), WITHIN), self._method)

    async def _rest(self) -> bytes:
        parts = []
        try:
            while part := await self._reader.read(1 << 20):
                parts.append(part)
        except ConnectionResetError:
            pass
        return b"".join(parts)


async def ask(
    url: str, method: str = "POST", path: str = "/runs/stream", body: bytes = b"", *headers: bytes
) -> Answer:
    """Return the answer of the server at *url*."""
    async with Client(url) as client:
        await client.ask(method, path, body, *headers)
        return await client.answer()


def _answer(head: bytes, rest: bytes, method: bytes) -> Answer:
    line, headers = _head(head)
    fields = {name.lower(): value for name, value in headers}
    if method == b"HEAD" or line.split(b" ")[1] in (b"204", b"304"):
        return Answer(line, headers, rest, whole=True)
    if fields.get(b"transfer-encoding") == b"chunked":
        return Answer(line, headers, *_unchunked(rest))
    length = fields.get(b"content-length")
    return Answer(line, headers, rest, length is None or len(rest) == int(length))


def _unchunked(rest: bytes) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    at = 0
    while (end := rest.find(b"\r\n", at)) >= 0:
        size = int(rest[at:end], 16)
        if size == 0:
            return b"".join(parts), rest[end:] == b"\r\n\r\n"
        parts.append(rest[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return b"".join(parts), False


def exchanges(cassette: str) -> list[str]:
    """Return the documents of a *cassette*'s text after its header, without the times in them."""
    timeless = re.sub(r"- after: [\d.]+\n    ", "- ", cassette)
    timeless = re.sub(r"(?m)^(?:  after|at): [\d.]+\n", "", timeless)
    timeless = re.sub(r"end: \{after: [\d.]+, ", "end: {", timeless)
    timeless = re.sub(r"keepalives: .+", lambda m: re.sub(r"[\d.]+", "at", m[0]), timeless)
    return timeless.split("---\n")[1:]
