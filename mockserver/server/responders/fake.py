"""Responds from the fake graph."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from datetime import datetime

from mockserver.cassette.assistant_ids import UUID_PATTERN
from mockserver.conversations.calls import Call, Kind, call_of, thread_in_body
from mockserver.conversations.id_places import UUID
from mockserver.conversations.live_threads import LiveThreads
from mockserver.fake.api.database import Database
from mockserver.fake.api.known_threads import KnownThread, adopt_thread
from mockserver.fake.api.routes import Api
from mockserver.fake.ids import EPOCH, Ids
from mockserver.fake.replies import KEEPALIVE_SECONDS, BodyReader, ScheduledBody, at_pace
from mockserver.formats.json_text import Json
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

_ASSISTANT = re.compile(rf"/assistants/({UUID_PATTERN})(?:/|$)", re.IGNORECASE)


class Fake:
    """Responds to every request as an Agent Server with the fake graph would.

    Ids are derived from the request, so all clients get the same ids for the same request. If a session repeats a
    request, the repetition gets other ids. All times count from *epoch*. *reload_script* is called before each response.
    *clock* returns seconds.

    Recordings add to this: *known_threads* returns what they say about threads that changed since the last call, *known_assistant* the
    recorded assistant with an id, *near_miss* why a close exchange did not match, and *refusal* why none was played on the thread.
    """

    def __init__(
        self,
        api: Api,
        pace: Pace,
        sessions: Sessions,
        known_threads: Callable[[Session, str | None], Iterable[KnownThread]] = lambda *_: (),
        reload_script: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        epoch: datetime = EPOCH,
        near_miss: Callable[[Request], str | None] = lambda request: None,
        refusal: Callable[[Request], Mapping[str, Json] | None] = lambda request: None,
        known_assistant: Callable[[str], dict[str, Json] | None] = lambda _: None,
    ) -> None:
        self._epoch = epoch
        self._api = api
        self._clock = clock
        self._known_threads = known_threads
        self._known_assistant = known_assistant
        self._reload_script = reload_script
        self._near_miss = near_miss
        self._refusal = refusal
        self._pace = pace
        self._sessions = sessions

    async def respond(self, request: Request) -> Reply | None:
        """Return the response of the fake graph."""
        self._reload_script()
        session = self._sessions.get_or_create(session_name(request))
        database = session.get_or_create(Database)
        call = call_of(request.method, request.path)
        if "/threads/" in request.path:
            for known in self._known_threads(session, call.thread if call else None):
                adopt_thread(database, known, self._epoch)
        form = canonicalize(request)
        self._adopt_assistant(form, call.thread if call else None, database)
        note, refusal = self._near_miss(request), self._refusal(request)
        seed = request_key(form).hex()
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
            conversation=refusal,
            note=response.note or note,
            is_counted=not is_browser_noise(request),
        )

    def _adopt_assistant(
        self, form: dict[str, Json], thread: str | None, database: Database
    ) -> None:
        """Have *database* know the assistant that the request *form* names, if recordings or *thread* name its graph."""
        identity = _assistant_id(form)
        if identity is None or identity in database.assistants:
            return
        live = database.threads.get(thread) if thread else None
        of_thread = live.record["metadata"] if live else {}
        record = self._known_assistant(identity)
        if record is None and of_thread.get("assistant_id") == identity and "graph_id" in of_thread:
            record = {"assistant_id": identity, "graph_id": of_thread["graph_id"]}
        if record is not None and identity not in database.adopted_assistants:
            database.adopted_assistants.add(identity)
            self._api.adopt_assistant(record, database, Ids(identity, epoch=self._epoch))

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
            and (call.kind in (Kind.TURN, Kind.CHANGE) or call.path == "/commands")
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


def _assistant_id(form: dict[str, Json]) -> str | None:
    """Return the id of the assistant that the request *form* names, in its path or body."""
    found, body = _ASSISTANT.search(form["path"]), form.get("body")
    named = found[1] if found else body.get("assistant_id") if isinstance(body, dict) else None
    return named.lower() if isinstance(named, str) and UUID.fullmatch(named) else None
