"""Responds from the fake graph."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import datetime

from mockserver.conversations.calls import Call, Kind, call_of, thread_in_body
from mockserver.conversations.live_threads import LiveThreads
from mockserver.fake.api.database import Database
from mockserver.fake.api.known_threads import KnownThread, adopt_thread
from mockserver.fake.api.routes import Api
from mockserver.fake.ids import EPOCH, Ids
from mockserver.fake.replies import KEEPALIVE_SECONDS, BodyReader, ScheduledBody, at_pace
from mockserver.http.messages import (
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
from mockserver.server.responders.miss import is_browser_noise
from mockserver.server.sessions import Session, Sessions


class Fake:
    """Responds to every request as an Agent Server with the fake graph would.

    Ids are derived from the request, so all clients get the same ids for the same request. If a session repeats a
    request, the repetition gets other ids. All times count from *epoch*. *known_threads* returns what recordings told of a thread since the
    last call, *near_miss* which recording was close to a request. *look* is called before each response and reloads an edited script. *clock* returns seconds.
    """

    def __init__(
        self,
        api: Api,
        pace: Pace,
        sessions: Sessions,
        known_threads: Callable[[Session, str | None], Iterable[KnownThread]] = lambda *_: (),
        look: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        epoch: datetime = EPOCH,
        near_miss: Callable[[Request], str | None] = lambda request: None,
    ) -> None:
        self._epoch = epoch
        self._api = api
        self._clock = clock
        self._known_threads = known_threads
        self._look = look
        self._near_miss = near_miss
        self._pace = pace
        self._sessions = sessions

    async def respond(self, request: Request) -> Reply | None:
        """Return the response of the fake graph."""
        self._look()
        session = self._sessions.get_or_create(session_name(request))
        database = session.get_or_create(Database)
        call = call_of(request.method, request.path)
        if "/threads/" in request.path:
            for known in self._known_threads(session, call.thread if call else None):
                adopt_thread(database, known, self._epoch)
        note = self._near_miss(request)
        seed = request_key(canonicalize(request)).hex()
        ids = Ids(seed, database.request_count(seed), epoch=self._epoch)
        response = self._api.handle(request, ids, database, self._clock())
        if response.status < 400:
            database.count_request(seed)
            if call is not None:
                self._take_over(call, response.body, session.get_or_create(LiveThreads))
        return Reply(
            response.status,
            response.headers,
            self._body(response.body),
            standard_reason(response.status),
            Source.FAKE,
            note=response.note or note,
            is_counted=not is_browser_noise(request),
        )

    def _take_over(
        self, call: Call, body: bytes | ScheduledBody | BodyReader, threads: LiveThreads
    ) -> None:
        """Have *threads* know what the fake graph has done: a thread that it changed is its own from now on."""
        if call.kind in (Kind.CREATION, Kind.CHANGE) and isinstance(body, bytes):
            created = thread_in_body(body)
            if created is not None and (call.kind is Kind.CREATION or call.path == "/copy"):
                threads.add_created_by_fake(created)
        if (
            call.thread is not None
            and call.kind in (Kind.TURN, Kind.CHANGE)
            and call.path != "/copy"
        ):
            threads.give_to_fake(call.thread)

    def _body(self, body: bytes | ScheduledBody | BodyReader) -> bytes | TimedBody | StreamingBody:
        if isinstance(body, bytes):
            return body
        if isinstance(body, ScheduledBody):
            return at_pace(body, self._pace)
        chunk, more = body.read(self._clock())
        return chunk if more is None else StreamingBody(self._read(body, chunk))

    async def _read(self, reader: BodyReader, chunk: bytes) -> AsyncGenerator[bytes, None]:
        """Yield *chunk*, then the rest of the body as time passes."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        ignore = reader.subscribe(changed.set)
        tick = self._clock() + KEEPALIVE_SECONDS
        more: float | None = 0.0
        try:
            if chunk:
                yield chunk
            while True:
                chunk, more = reader.read(self._clock())
                if chunk:
                    yield chunk
                if more is None:
                    return
                timer = loop.call_later(min(more, tick) - self._clock(), changed.set)
                await changed.wait()
                timer.cancel()
                changed.clear()
                if self._clock() >= tick:
                    tick += KEEPALIVE_SECONDS
                    yield reader.keepalive
        finally:
            ignore()
            if more is not None:
                reader.client_left(self._clock())
