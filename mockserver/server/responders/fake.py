"""Answers from the fake graph."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace

from mockserver.fake.api.database import World
from mockserver.fake.api.routes import Api
from mockserver.fake.api.threads import adopt
from mockserver.fake.ids import Ids
from mockserver.fake.mould import Mould, NotedIds, put
from mockserver.fake.replies import KEEPALIVE, Reader, Timed, paced
from mockserver.fake.script.model import Script
from mockserver.http.messages import (
    PrebuiltBody,
    Reply,
    Request,
    Source,
    StreamingBody,
    TimedBody,
    session_name,
    standard_reason,
)
from mockserver.http.pacing import Pace
from mockserver.matching.canonical import canonicalize
from mockserver.matching.keys import request_key
from mockserver.server.responders.handover import Handover, thread_of
from mockserver.server.responders.miss import is_browser_noise
from mockserver.server.response_head import encoded
from mockserver.server.sessions import Sessions

_RUNS = ("/runs/stream", "/runs/wait")


@dataclass(frozen=True, slots=True)
class _Known:
    """How *script* answers a request that was answered before: what it is cast from, None where it has to be played; and the *first* answer."""

    script: Script
    mould: Mould | None
    first: Reply

    start: int
    """Where its body begins."""


class Fake:
    """Answers every request as the fake graph's server would.

    The same request has the same meaning for all clients, so it gets the same ids from it; asked again in a *session*, it
    gets others. *look* is called before each answer, to see whether its script was edited. *clock* gives seconds.
    """

    def __init__(
        self,
        api: Api,
        pace: Pace,
        sessions: Sessions,
        look: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._clock = clock
        self._look = look
        self._pace = pace
        self._sessions = sessions

    async def respond(self, request: Request) -> Reply | None:
        """Return the fake graph's answer."""
        self._look()
        session = self._sessions.of(session_name(request))
        world = session.keep(World)
        if "/threads/" in request.path:
            self._take_over(request, world, session.keep(Handover))
        seed = request.memo.get(Ids)
        if seed is None:
            seed = request.memo[Ids] = request_key(canonicalize(request)).hex()
        known: _Known | None = request.memo.get(_Known)
        if known is None or known.script is not self._api.script:
            return self._first(request, seed, world)
        if known.mould is None or not world.own:
            return self._played(request, Ids(seed, world.count(seed)), seed, world)
        return self._again(request, known, known.mould, seed, world)

    def _first(self, request: Request, seed: str, world: World) -> Reply:
        """Answer *request* by playing it; where it goes out at once, remember how, for the next time."""
        ids = (
            NotedIds(seed, world.count(seed))
            if self._is_run(request)
            else Ids(seed, world.count(seed))
        )
        before = world.ticks, tuple(world.threads)[-1:]
        reply = self._played(request, ids, seed, world)
        stays = before == (world.ticks, tuple(world.threads)[-1:])
        if isinstance(ids, NotedIds) and ids.steady and stays and world.own and reply.status == 200:
            reply = encoded(reply)
            if isinstance(reply.body, PrebuiltBody):
                mould = Mould(reply.body.raw, ids.made)
                request.memo[_Known] = _Known(self._api.script, mould, reply, reply.body.start)
        return reply

    def _again(
        self, request: Request, known: "_Known", mould: Mould, seed: str, world: World
    ) -> Reply:
        """Answer *request* by its mould, when that has proved to give what playing gives."""
        ids = Ids(seed, world.count(seed))
        raw, names = mould.cast(ids)
        first = known.first
        if mould.proven:
            world.take(seed)
            headers = tuple([(name, put(value, names)) for name, value in first.headers])
            body = PrebuiltBody(raw, known.start)
            return Reply(200, headers, body, first.reason, Source.FAKE, note=first.note)
        played = encoded(self._played(request, ids, seed, world))
        if isinstance(played.body, PrebuiltBody) and played.body.raw == raw:
            mould.proven = True
        else:
            request.memo[_Known] = replace(known, mould=None)
        return played

    def _is_run(self, request: Request) -> bool:
        return self._pace.factor is None and request.path in _RUNS

    def _played(self, request: Request, ids: Ids, seed: str, world: World) -> Reply:
        answer = self._api.handle(request, ids, world, self._clock())
        if answer.status < 400:
            world.take(seed)
        return Reply(
            answer.status,
            answer.headers,
            self._body(answer.body),
            standard_reason(answer.status),
            Source.FAKE,
            note=answer.note,
            is_counted=not is_browser_noise(request),
        )

    def _take_over(self, request: Request, world: World, told: Handover) -> None:
        """Let *world* have the thread that *request* is about, if a cassette has told of it."""
        thread = thread_of(request)
        if thread is not None and thread not in world.threads and told.knows(thread):
            adopt(world, thread, told.state(thread))

    def _body(self, body: bytes | Timed | Reader) -> bytes | TimedBody | StreamingBody:
        if isinstance(body, bytes):
            return body
        if isinstance(body, Timed):
            return paced(body, self._pace)
        chunk, more = body.take(self._clock())
        return chunk if more is None else StreamingBody(self._read(body, chunk))

    async def _read(self, reader: Reader, chunk: bytes) -> AsyncGenerator[bytes, None]:
        """Yield *chunk*, and what comes behind it as time goes by."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        ignore = reader.watch(changed.set)
        tick = self._clock() + KEEPALIVE
        more: float | None = 0.0
        try:
            if chunk:
                yield chunk
            while True:
                chunk, more = reader.take(self._clock())
                if chunk:
                    yield chunk
                if more is None:
                    return
                timer = loop.call_later(min(more, tick) - self._clock(), changed.set)
                await changed.wait()
                timer.cancel()
                changed.clear()
                if self._clock() >= tick:
                    tick += KEEPALIVE
                    yield reader.keepalive
        finally:
            ignore()
            if more is not None:
                reader.leave(self._clock())
