"""HTTP in, responder, HTTP out, on aiohttp's low-level server: one place writes every reply."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from aiohttp import hdrs, web

from mockserver.errors import UpstreamError
from mockserver.http import request_target
from mockserver.http.messages import (
    Headers,
    PrebuiltBody,
    Reply,
    Request,
    StreamingBody,
    TimedBody,
    lowercase_names,
)
from mockserver.redaction.redactor import describe
from mockserver.server import connections, response_head
from mockserver.server.cache import Cache
from mockserver.server.control_api import Control
from mockserver.server.log import Log
from mockserver.server.responders.chain import FirstOf, failure
from mockserver.server.response_writer import Streamed, whole

_LOOK_AGAIN = 0.1

GRACE = 3.0
"""How many seconds a stop waits for the upstream's answers that are under way."""

WRITE_GRACE = 10.0
"""How many seconds more it waits for what has been answered to be in the file."""

_PREFLIGHT = {
    "access-control-allow-methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY",
    "access-control-max-age": "600",
    "access-control-allow-private-network": "true",
    "content-type": "text/plain; charset=utf-8",
}
_KNOWN = 8 << 20
"""How many bytes of requests are remembered: one that comes again need not be looked at again."""


@dataclass(slots=True)
class _Relayed:
    """A request whose answer a stop waits for; *live* is that answer as soon as it comes."""

    request: Request
    live: StreamingBody | None = None


class App:
    """Answers by *responder*.

    *outlives* tells of which requests the answer goes on when the client leaves; without it none does, and a stop waits
    for none.
    """

    def __init__(
        self,
        responder: FirstOf,
        log: Log,
        control: Control | None = None,
        outlives: Callable[[Request], bool] | None = None,
    ) -> None:
        self._responder = responder
        self._log = log
        self._control = control or Control()
        self._access = self._control.access
        self._outlives = outlives
        self._relays: dict[asyncio.Task[web.StreamResponse], _Relayed] = {}
        self._known: Cache[Request] = Cache(_KNOWN)

    @property
    def log(self) -> Log:
        """What a person reads about its requests."""
        return self._log

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the answer to *request*, which may have gone out by then."""
        started = asyncio.get_running_loop().time()
        if self._access.guarded and (refusal := self._refusal(request.headers)):
            return refusal
        method, content = request.method, request.content
        if method == "OPTIONS" and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
            return _preflight(request, self._page(request))
        try:
            # What has come with the head, as most bodies do, needs no wait.
            body = content.read_nowait() if content.is_eof() else await content.read()
        except web.RequestPayloadError as error:
            why = f"the body of the request cannot be read: {connections.reason(error)}"
            reply = response_head.readable(failure(400, why), self._page(request))
            return await self._write(request, Request(method, request.raw_path), reply, 0.0)
        place = (method, request.raw_path, request.raw_headers, body)
        incoming = self._known.get(place)
        if incoming is None:
            path, named = request_target.split_target(request.raw_path)
            if request_target.is_own_path(path):
                return self._control.answer(request, path, named)
            incoming = Request(method, path, (*named, *_headers(request)), body)
            self._known.put(place, incoming, _size(incoming))
        if self._outlives is not None:
            return await self._see_through(request, incoming, started, self._outlives)
        return await self._answer(request, incoming, started)

    async def finish(self) -> None:
        """Give the answers under way a little time; what is not answered and written by then is not recorded, and that is said."""
        relays = self._relays
        if relays:
            await asyncio.wait(set(relays), timeout=GRACE)
        for task, relayed in list(relays.items()):
            if relayed.live is None or not relayed.live.is_complete():
                self._give_up(task, f"answered {GRACE:g}")
        loop = asyncio.get_running_loop()
        end = loop.time() + WRITE_GRACE
        while relays and loop.time() < end:
            await asyncio.wait(set(relays), timeout=_LOOK_AGAIN)
        for task in list(relays):
            self._give_up(task, f"written {GRACE + WRITE_GRACE:g}")

    def _give_up(self, task: asyncio.Task[web.StreamResponse], what: str) -> None:
        asked = describe(self._relays[task].request)
        self._log.tell(f"not recorded: {asked} was still being {what} s after the stop")
        task.cancel()

    def _refusal(self, headers: Mapping[str, str]) -> web.Response | None:
        """Return the refusal of a request with these *headers*, None if it may be passed on."""
        host = headers.get(hdrs.HOST)
        why = self._access.host_refusal(host) if host is not None else None
        why = why or self._access.page_refusal(
            headers.get(hdrs.ORIGIN), headers.get("Sec-Fetch-Site")
        )
        if why is None:
            return None
        self._log.refused(why)
        return connections.refusal(403, why)

    def _page(self, request: web.BaseRequest) -> str | None:
        """Return the origin of the page that asks, if it is an allowed one."""
        origin = request.headers.get(hdrs.ORIGIN)
        return origin if origin is not None and self._access.allows_origin(origin) else None

    async def _see_through(
        self,
        request: web.BaseRequest,
        incoming: Request,
        started: float,
        outlives: Callable[[Request], bool],
    ) -> web.StreamResponse:
        """Answer in a task of its own, which may go on when the client leaves and which a stop waits for."""
        task = asyncio.create_task(self._answer(request, incoming, started))
        self._relays[task] = _Relayed(incoming)
        task.add_done_callback(lambda done: self._relays.pop(done, None))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not outlives(incoming):
                self._abandon(task)
            raise

    def _abandon(self, task: asyncio.Task[web.StreamResponse]) -> None:
        """Leave the upstream of a request whose client has left."""
        relayed = self._relays.get(task)
        if relayed is None:
            return
        if relayed.live is not None:
            relayed.live.abandon()
        else:
            self._log.tell(
                f"not recorded: the client left {describe(relayed.request)} before it was answered, which cancels the run"
            )
            task.cancel()

    async def _answer(
        self, request: web.BaseRequest, incoming: Request, started: float
    ) -> web.StreamResponse:
        reply = await self._responder.respond(incoming)
        if hdrs.ORIGIN in request.headers:
            reply = response_head.readable(reply, self._page(request))
        self._log.answering(incoming, reply)
        if isinstance(reply.body, PrebuiltBody) and not self._log.every:
            return whole(request, reply, reply.body)
        try:
            return await self._write(request, incoming, reply, started)
        finally:
            seconds = asyncio.get_running_loop().time() - started
            self._log.answered(incoming, reply, seconds)

    async def _write(
        self, request: web.BaseRequest, incoming: Request, reply: Reply, started: float
    ) -> web.StreamResponse:
        match reply.body:
            case PrebuiltBody() | bytes() as body:
                return whole(request, reply, body)
            case TimedBody(((at, body),), end, False) if end == at:
                await _until(started + at)
                return whole(request, reply, body)
            case TimedBody() as paced:
                return await _play(request, reply, paced, started)
            case StreamingBody() as live:
                return await self._relay(request, incoming, reply, live)

    async def _relay(
        self, request: web.BaseRequest, incoming: Request, reply: Reply, live: StreamingBody
    ) -> web.StreamResponse:
        """Pass the answer on as it comes; a client that has left does not keep it from coming."""
        task = asyncio.current_task()
        assert task is not None
        if task in self._relays:
            self._relays[task].live = live
        response = Streamed(request, reply)
        there = await _try(response.begin())
        try:
            async with aclosing(live.chunks) as chunks:
                async for chunk in chunks:
                    there = there and await _try(response.send(chunk))
        except UpstreamError as error:
            self._log.tell(f"{describe(incoming)}: {error}")
            _break(request)
            return response
        # It is kept by now: a client that takes nothing must not hold up a stop.
        self._relays.pop(task, None)
        if there:
            await _try(response.end())
        return response


def _headers(request: web.BaseRequest) -> Headers:
    headers = lowercase_names(request.headers.items())
    if any(name == "content-encoding" for name, _ in headers):
        # aiohttp has decoded the body.
        return tuple(pair for pair in headers if pair[0] != "content-encoding")
    return headers


def _size(request: Request) -> int:
    """Return about how many bytes it takes to remember *request*."""
    heads = sum(200 + 2 * (len(name) + len(value)) for name, value in request.headers)
    return 1500 + 2 * len(request.path) + len(request.body) + heads


async def _play(
    request: web.BaseRequest, reply: Reply, paced: TimedBody, started: float
) -> web.StreamResponse:
    response = Streamed(request, reply)
    try:
        await response.begin()
        await response.play((started + at, chunk) for at, chunk in paced.steps)
        await _until(started + paced.end)
        if paced.cut:
            _break(request)
        else:
            await response.end()
    except ConnectionResetError:
        pass  # the client has left
    return response


async def _try(writing: Awaitable[object]) -> bool:
    """Await *writing*; tell whether the client is still there."""
    try:
        await writing
    except ConnectionResetError:
        return False
    return True


def _break(request: web.BaseRequest) -> None:
    """Send what is written and end the connection without an end of the body."""
    if request.transport is not None:
        request.transport.close()


async def _until(moment: float) -> None:
    """Wait until the loop's clock shows *moment*."""
    if (left := moment - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(left)


def _preflight(request: web.BaseRequest, origin: str | None) -> web.Response:
    headers = {**_PREFLIGHT, **dict(response_head.cors(origin))}
    if asked := request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS):
        headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = asked
    return web.Response(text="OK", headers=headers)
