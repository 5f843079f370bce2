"""A recorder of event streams: it passes requests on, and keeps what was open when its client left."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from mockserver.cassette.model import Body, Exchange, Header, Response, Stream, TimedEvent
from mockserver.cassette.yaml_codec.dump import dump_exchange, dump_header
from mockserver.formats import sse
from mockserver.http.messages import Request

CORS = {"access-control-allow-origin": "*", "access-control-allow-headers": "*"}
KEPT = ("content-type", "content-location", "cache-control")


@dataclass
class EventRecorder:
    """Passes requests on to *upstream*, and writes the exchanges to *cassette*."""

    upstream: str
    cassette: Path
    url: str = ""
    _exchanges: list[Exchange | None] = field(default_factory=list)
    _started: float = field(default_factory=time.monotonic)

    def write(self) -> None:
        """Write the cassette; WebSockets are not recorded."""
        known = [one for one in self._exchanges if one is not None]
        self.cassette.write_text(dump_header(Header()) + "".join(map(dump_exchange, known)))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass *request* on."""
        if request.method == "OPTIONS":
            return web.Response(headers=CORS)
        place, at = len(self._exchanges), time.monotonic()
        self._exchanges.append(None)
        raw = await request.read()
        sent = Request(request.method, request.path_qs, (), raw)
        headers = {"content-type": request.content_type} if raw else {}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as client,
            client.request(
                request.method, self.upstream + request.path_qs, data=raw or None, headers=headers
            ) as got,
        ):
            kept = {name: got.headers[name] for name in KEPT if name in got.headers}
            response = web.StreamResponse(status=got.status, headers={**kept, **CORS})
            await response.prepare(request)
            chunks: list[tuple[float, bytes]] = []
            try:
                async for chunk in got.content.iter_any():
                    chunks.append((time.monotonic() - at, chunk))
                    await response.write(chunk)
            finally:
                content = _content(chunks, got.content_type == "text/event-stream")
                found = Response(got.status, None, tuple(kept.items()), content)
                self._exchanges[place] = Exchange(sent, found, at=round(at - self._started, 3))
        return response


def _content(chunks: list[tuple[float, bytes]], is_stream: bool) -> Stream | Body:
    if not is_stream:
        return Body(b"".join(chunk for _, chunk in chunks), chunks[-1][0] if chunks else 0.0)
    events: list[TimedEvent] = []
    rest, before = b"", 0.0
    for at, chunk in chunks:
        blocks, rest = sse.split_blocks(rest + chunk)
        for block in blocks:
            if not block.startswith(b":"):
                after, before = round(at - before, 3), at
                events.append(TimedEvent(after, sse.decode(block, sse.detect_line_ending(block))))
    return Stream(tuple(events))


@asynccontextmanager
async def event_recorder(upstream: str, cassette: Path) -> AsyncIterator[EventRecorder]:
    """Record in *cassette* what clients ask *upstream*; the file is complete at the end of the block."""
    recorder = EventRecorder(upstream, cassette)
    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{tail:.*}", recorder.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    recorder.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield recorder
    finally:
        await asyncio.sleep(0)
        await runner.cleanup()
        recorder.write()
