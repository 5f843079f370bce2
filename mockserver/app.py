"""The aiohttp application: HTTP in, responder, HTTP out. One place writes every reply."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from urllib.parse import quote
from weakref import WeakKeyDictionary

from aiohttp import hdrs, web
from multidict import CIMultiDict

from mockserver import target
from mockserver.cassette.redaction import told
from mockserver.control import Control
from mockserver.errors import UpstreamError
from mockserver.log import Log
from mockserver.messages import (
    OWN_PREFIX,
    Headers,
    Live,
    Paced,
    Reply,
    Request,
    lowered,
)
from mockserver.responders.chain import FirstOf, failure

RESPONDER = web.AppKey("RESPONDER", FirstOf)
CONTROL = web.AppKey("CONTROL", Control)
LOG = web.AppKey("LOG", Log)
RELAYS = web.AppKey("RELAYS", dict[asyncio.Task[web.StreamResponse], Live | None])
OUTLIVES: web.AppKey[Callable[[Request], bool] | None] = web.AppKey("OUTLIVES")
OWN = web.ResponseKey("OWN", Reply)

_LOOK_AGAIN = 0.1

GRACE = 3.0
"""How many seconds a stop waits for the upstream's answers that are under way."""

_CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "x-pagination-total, x-pagination-next, content-location",
    "vary": "Origin",
}
_PREFLIGHT = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY",
    "access-control-max-age": "600",
    "access-control-allow-private-network": "true",
    "content-type": "text/plain; charset=utf-8",
    "vary": "Origin",
}
_REPLACED = ("access-control-", OWN_PREFIX)
_HEADERS: WeakKeyDictionary[Reply, CIMultiDict[str]] = WeakKeyDictionary()
# What aiohttp adds by itself; it goes out only where the reply has it.
_ADDED = (hdrs.CONTENT_TYPE, hdrs.DATE, hdrs.SERVER)


def create_app(
    responder: FirstOf,
    log: Log,
    control: Control | None = None,
    outlives: Callable[[Request], bool] | None = None,
) -> web.Application:
    """Return the application that answers by *responder*.

    *outlives* tells of which requests the answer goes on when the client leaves; without it none does, and a stop waits
    for none.
    """
    app = web.Application(client_max_size=0)
    app[RESPONDER] = responder
    app[LOG] = log
    app[CONTROL] = control or Control()
    app[RELAYS] = {}
    app[OUTLIVES] = outlives
    app.router.add_route("*", "/{path:(?s:.*)}", _handle)
    app.on_response_prepare.append(_only_own_headers)
    app.on_shutdown.append(_finish_relays)
    return app


async def _handle(request: web.Request) -> web.StreamResponse:
    path, named = target.split(request.raw_path)
    if target.is_own(path):
        return request.app[CONTROL].answer(request, path, named)
    if request.method == "OPTIONS" and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
        return _preflight(request)
    try:
        body = await request.read()
    except web.RequestPayloadError as error:
        refusal = failure(400, f"the body of the request cannot be read: {error}")
        return await _write(request, refusal, 0.0)
    incoming = Request(request.method, path, (*named, *_headers(request)), body)
    if outlives := request.app[OUTLIVES]:
        return await _see_through(request, incoming, outlives)
    return await _answer(request, incoming)


async def _see_through(
    request: web.Request, incoming: Request, outlives: Callable[[Request], bool]
) -> web.StreamResponse:
    """Answer in a task of its own, which may go on when the client leaves and which a stop waits for."""
    task = asyncio.create_task(_answer(request, incoming), name=told(incoming))
    relays = request.app[RELAYS]
    relays[task] = None
    task.add_done_callback(lambda done: relays.pop(done, None))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not outlives(incoming):
            task.cancel()
        raise


async def _answer(request: web.Request, incoming: Request) -> web.StreamResponse:
    started = asyncio.get_running_loop().time()
    reply = await request.app[RESPONDER].respond(incoming)
    request.app[LOG].answering(incoming, reply)
    try:
        return await _write(request, reply, started)
    finally:
        seconds = asyncio.get_running_loop().time() - started
        request.app[LOG].answered(incoming, reply, seconds)


async def _write(request: web.Request, reply: Reply, started: float) -> web.StreamResponse:
    match reply.body:
        case bytes(body):
            return _whole(reply, body)
        case Paced(((at, body),), end, False) if end == at:
            await _until(started + at)
            return _whole(reply, body)
        case Paced() as paced:
            return await _play(request, reply, paced, started)
        case Live() as live:
            return await _relay(request, reply, live)


async def _play(
    request: web.Request, reply: Reply, paced: Paced, started: float
) -> web.StreamResponse:
    response = _streamed(reply)
    try:
        await response.prepare(request)
        for at, chunk in paced.steps:
            await _until(started + at)
            await response.write(chunk)
        await _until(started + paced.end)
        if paced.cut:
            _break(request)
        else:
            await response.write_eof()
    except ConnectionResetError:
        pass  # the client has left
    return response


async def _relay(request: web.Request, reply: Reply, live: Live) -> web.StreamResponse:
    """Pass the answer on as it comes; a client that has left does not keep it from coming."""
    task = asyncio.current_task()
    assert task is not None
    if task in request.app[RELAYS]:
        request.app[RELAYS][task] = live
    response = _streamed(reply)
    there = await _try(response.prepare(request))
    try:
        async with aclosing(live.chunks) as chunks:
            async for chunk in chunks:
                there = there and await _try(response.write(chunk))
    except UpstreamError as error:
        request.app[LOG].tell(f"{task.get_name()}: {error}")
        _break(request)
        return response
    # It is kept by now: a client that takes nothing must not hold up a stop.
    request.app[RELAYS].pop(task, None)
    if there:
        await _try(response.write_eof())
    return response


async def _try(writing: Awaitable[object]) -> bool:
    """Await *writing*; tell whether the client is still there."""
    try:
        await writing
    except ConnectionResetError:
        return False
    return True


def _break(request: web.Request) -> None:
    """Send what is written and end the connection without an end of the body."""
    if request.transport is not None:
        request.transport.close()


async def _until(moment: float) -> None:
    """Wait until the loop's clock shows *moment*."""
    if (left := moment - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(left)


async def _finish_relays(app: web.Application) -> None:
    """Give the answers under way a little time; what is not answered by then is not recorded, and that is said."""
    relays = app[RELAYS]
    if relays:
        await asyncio.wait(set(relays), timeout=GRACE)
    for task, live in list(relays.items()):
        if live is None or not live.answered():
            app[LOG].tell(
                f"not recorded: {task.get_name()} was still being answered {GRACE:g} s after the stop"
            )
            task.cancel()
    while relays:
        await asyncio.wait(set(relays), timeout=_LOOK_AGAIN)


async def _only_own_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Take out what aiohttp has added and the reply does not have."""
    reply = response.get(OWN)
    if reply is not None:
        own = _HEADERS[reply]
        for name in _ADDED:
            if name not in own:
                response.headers.popall(name, None)


def _headers(request: web.Request) -> Headers:
    headers = lowered(request.headers.items())
    if any(name == "content-encoding" for name, _ in headers):
        # aiohttp has decoded the body.
        return tuple(pair for pair in headers if pair[0] != "content-encoding")
    return headers


def _whole(reply: Reply, body: bytes) -> web.Response:
    response = web.Response(
        status=reply.status, reason=reply.reason, headers=_outgoing(reply), body=body
    )
    response[OWN] = reply
    return response


def _streamed(reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(
        status=reply.status, reason=reply.reason, headers=_outgoing(reply)
    )
    response[OWN] = reply
    return response


def _outgoing(reply: Reply) -> CIMultiDict[str]:
    """Return the headers of *reply*; those of one that is played again and again are made once."""
    headers = _HEADERS.get(reply)
    if headers is None:
        headers = CIMultiDict(
            (name, value)
            for name, value in reply.headers
            if not name.startswith(_REPLACED) and name != "vary"
        )
        headers.extend(_CORS)
        headers["x-mockserver-source"] = reply.source
        if reply.exchange:
            headers["x-mockserver-exchange"] = quote(reply.exchange, safe="/#")
        if reply.names:
            headers["x-mockserver-ids"] = ", ".join(f"{live}={name}" for live, name in reply.names)
        _HEADERS[reply] = headers
    return headers.copy()


def _preflight(request: web.Request) -> web.Response:
    headers = dict(_PREFLIGHT)
    if asked := request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS):
        headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = asked
    return web.Response(text="OK", headers=headers)
