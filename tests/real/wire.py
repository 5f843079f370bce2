"""A client that returns all it receives: status, reason, headers, and the chunks of the body with their times."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import aiohttp

Headers = tuple[tuple[str, str], ...]

JSON = {"content-type": "application/json"}
SEND_WITHIN = 100.0
NOT_KEPT = ("connection", "content-length", "date", "keep-alive", "server", "transfer-encoding")
"""What belongs to one connection or moment, not to the exchange."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request; `{…}` in *path* is filled in from the responses before it in the same scenario."""

    method: str
    path: str
    body: Any = None
    """Sent as JSON, or as it is if it is bytes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The response to one request; *chunks* are (seconds since the request, bytes)."""

    status: int
    reason: str | None
    headers: Headers
    chunks: tuple[tuple[float, bytes], ...]

    @property
    def raw(self) -> bytes:
        """The whole body."""
        return b"".join(chunk for _, chunk in self.chunks)

    @property
    def kept_headers(self) -> Headers:
        """The headers without those of the connection, and without what mockserver says of itself."""
        return tuple(
            (name, value)
            for name, value in self.headers
            if name not in NOT_KEPT and not name.startswith("x-mockserver-")
        )

    def header(self, name: str) -> str | None:
        """Return the value of the header *name*."""
        return dict(self.headers).get(name)

    def at(self, position: int) -> float:
        """Return when the byte at *position* came."""
        for seconds, chunk in self.chunks:
            position -= len(chunk)
            if position < 0:
                return seconds
        raise IndexError(position)


async def send_all_async(
    url: str,
    scenarios: Mapping[str, Sequence[Ask]],
    headers: Mapping[str, str] = JSON,
) -> dict[str, tuple[Seen, ...]]:
    """Return the responses of the server at *url* to the *scenarios*, sent at the same time, each of them in order."""
    async with aiohttp.ClientSession(
        url,
        auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        headers=headers,
        read_bufsize=1 << 20,
    ) as session:
        answers = await asyncio.gather(*(_in_order(session, asks) for asks in scenarios.values()))
    return dict(zip(scenarios, answers, strict=True))


def send_all(
    url: str, scenarios: Mapping[str, Sequence[Ask]], headers: Mapping[str, str] = JSON
) -> dict[str, tuple[Seen, ...]]:
    """Do as `send_all_async` does, outside an event loop."""
    return asyncio.run(send_all_async(url, scenarios, headers))


def send(url: str, ask: Ask, headers: Mapping[str, str] = JSON) -> Seen:
    """Return the response of the server at *url* to one request, its body as one chunk. This takes less time than an event loop."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=SEND_WITHIN)
    connection.request(ask.method, ask.path, _encode(ask.body), {**headers, "connection": "close"})
    with closing(connection), connection.getresponse() as response:
        raw = response.read()
        fields = tuple((name.lower(), value) for name, value in response.getheaders())
        return Seen(response.status, response.reason, fields, ((0.0, raw),))


async def _in_order(session: aiohttp.ClientSession, asks: Sequence[Ask]) -> tuple[Seen, ...]:
    seen: list[Seen] = []
    known: dict[str, Any] = {}
    for ask in asks:
        seen.append(await _ask(session, ask, known))
        if seen[-1].raw and seen[-1].header("content-type") == "application/json":
            answer = json.loads(seen[-1].raw)
            known |= answer if isinstance(answer, dict) else {}
    return tuple(seen)


async def _ask(session: aiohttp.ClientSession, ask: Ask, known: Mapping[str, Any]) -> Seen:
    body = _encode(ask.body)
    sent = None if body is None else BytesIO(body)
    started = time.monotonic()
    async with session.request(ask.method, ask.path.format(**known), data=sent) as response:
        chunks = [
            (time.monotonic() - started, chunk) async for chunk in response.content.iter_any()
        ]
        headers = tuple(
            (name.decode().lower(), value.decode()) for name, value in response.raw_headers
        )
        return Seen(response.status, response.reason, headers, tuple(chunks))


def _encode(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return json.dumps(body, ensure_ascii=False).encode()
