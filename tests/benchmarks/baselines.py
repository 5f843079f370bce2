"""What we compare with: the plainest servers that do the same, and an upstream. `python -m tests.benchmarks.baselines NAME`.

Each listens on a free port of 127.0.0.1, prints its URL, and runs until it is ended.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine

import aiohttp
from aiohttp import web

from tests.benchmarks import work

_STREAM = "text/event-stream; charset=utf-8"
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-store\r\ncontent-location: /runs/019b76da-a800-766d-8a5d-c9e93449fdac\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_LAST = b"0\r\n\r\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def bare() -> str:
    """Answer with a constant body: the yardstick of a replay at once."""
    body = b"".join(work.events())

    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"content-type": _STREAM})

    return await _served(handle)


async def empty() -> str:
    """Answer with a page of one word: the yardstick of what a browser shows first."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(
            text="<!doctype html><title>empty</title>empty", content_type="text/html"
        )

    return await _served(handle)


async def sleeping() -> str:
    """Answer event by event, asleep until the moment of each: the yardstick of a replay at the recorded pace."""
    events = work.events()

    async def handle(request: web.Request) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        started = loop.time()
        response = web.StreamResponse(headers={"content-type": _STREAM})
        await response.prepare(request)
        for number, event in enumerate(events, 1):
            await asyncio.sleep(started + number * work.GAP - loop.time())
            await response.write(event)
        await response.write_eof()
        return response

    return await _served(handle)


async def relaying(upstream: str) -> str:
    """Pass everything on to *upstream* and keep nothing: the yardstick of a recording."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    )

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with session.request(request.method, upstream + request.path, data=body) as answer:
            kind = {"content-type": answer.headers["content-type"]}
            response = web.StreamResponse(status=answer.status, headers=kind)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
        return response

    return await _served(handle)


class Upstream(asyncio.Protocol):
    """Gives every POST the one answer: in one burst, or with a write for each event."""

    burst = True

    def __init__(self) -> None:
        chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in work.events()]
        if self.burst:
            chunks = [b"".join(chunks)]
        self._writes = [*chunks[:-1], chunks[-1] + _LAST]
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, got: bytes) -> None:
        """Answer each request that is whole."""
        self._got += got
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            head, rest = self._got[:end].lower(), self._got[end + 4 :]
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(rest) < length:
                return
            self._got = rest[length:]
            if head.startswith(b"get"):  # of our own /info
                self._transport.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                continue
            self._answer(0)

    def _answer(self, number: int) -> None:
        """Write what is next; each in a turn of the loop of its own, so that they are not joined."""
        self._transport.write((b"" if number else _HEAD) + self._writes[number])
        if number + 1 < len(self._writes):
            asyncio.get_running_loop().call_soon(self._answer, number + 1)


class Dripping(Upstream):
    """An upstream that writes each event by itself."""

    burst = False


async def upstream(kind: type[Upstream]) -> str:
    """Be an Agent Server that knows one answer."""
    server = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", 0)
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _served(handler: Handler) -> str:
    app = web.Application()
    app.router.add_post(work.PATH, handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def _main(name: str, *arguments: str) -> None:
    started: dict[str, Callable[[], Coroutine[None, None, str]]] = {
        "bare": bare,
        "empty": empty,
        "sleeping": sleeping,
        "relaying": lambda: relaying(*arguments),
        "burst": lambda: upstream(Upstream),
        "dripping": lambda: upstream(Dripping),
    }
    sys.stdout.write(f"baseline {name} on {await started[name]()}, ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
