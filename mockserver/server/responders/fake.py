"""Responds from the fake graph."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from mockserver.conversations.ids import UUID
from mockserver.conversations.live_threads import LiveThreads
from mockserver.conversations.thread_requests import (
    COMMANDS,
    RequestKind,
    ThreadRequest,
    parse_thread_id,
    parse_thread_request,
)
from mockserver.fake.api.database import Database
from mockserver.fake.api.recorded_threads import RecordedThread, adopt_thread
from mockserver.fake.api.routes import Api
from mockserver.fake.id_generator import EPOCH, IdGenerator
from mockserver.fake.response import BodyReader
from mockserver.formats.json_text import Json
from mockserver.formats.server_ids import UUID_PATTERN
from mockserver.http.fault import StatusFault, status_reply
from mockserver.http.messages import (
    Reply,
    ReplySource,
    Request,
    StreamingBody,
    cassette_name,
    standard_reason,
)
from mockserver.matching.canonical import canonicalize, request_key, strip_api_prefix
from mockserver.server.responders.body_stream import stream_body
from mockserver.server.responders.miss import create_miss_reply, explain_near_miss, is_browser_noise
from mockserver.server.responders.replay import ReplayResponder
from mockserver.server.sessions import Session

_ASSISTANT = re.compile(rf"/assistants/({UUID_PATTERN})(?:/|$)", re.IGNORECASE)


class FakeResponder:
    """Responds to every request as an Agent Server with the fake graph would; it knows the threads and assistants that *replay* plays.

    Ids are derived from the request, so all clients get the same ids for the same request. If a session repeats a
    request, the repetition gets other ids. All times count from *epoch*. *reload_script* is called before each response.
    If it *opens_threads*, a thread that does not exist is created by the first request that names it.
    """

    def __init__(
        self,
        api: Api,
        replay: ReplayResponder,
        *,
        reload_script: Callable[[], None] = lambda: None,
        epoch: datetime = EPOCH,
        opens_threads: bool = False,
    ) -> None:
        self._api = api
        self._replay = replay
        self._reload_script = reload_script
        self._epoch = epoch
        self._opens_threads = opens_threads

    async def respond(self, request: Request) -> Reply | None:
        """Return the response of the fake graph, or a 404 if *request* names an unknown cassette."""
        replay = self._replay
        if replay.index.for_cassette(cassette_name(request)) is None:
            return create_miss_reply(replay, request)
        self._reload_script()
        session = replay.get_session(request)
        database = session.database
        thread_request = parse_thread_request(request.method, request.path)
        thread = thread_request.thread if thread_request else None
        self._adopt_threads(request, thread, session)
        form = canonicalize(request)
        self._adopt_assistant(form, thread, database)
        near_miss = explain_near_miss(replay, request)
        search_miss = replay.find_search_miss(request)
        seed = request_key(form).hex()
        ids = IdGenerator(seed, database.request_count(seed), epoch=self._epoch)
        call = replace(request, path=strip_api_prefix(request.path, ()))
        finish_events = partial(_finish_events, thread, session.threads)
        response = self._api.handle(call, ids, database, time.monotonic(), finish_events)
        for fault in response.faults:
            if isinstance(fault, StatusFault):
                return status_reply(fault)
        if response.status < 400:
            database.count_request(seed)
            if thread_request is not None:
                _hand_over(thread_request, response.body, session.threads)
        return Reply(
            response.status,
            response.headers,
            _create_body(response.body),
            standard_reason(response.status),
            ReplySource.FAULT if response.faults else ReplySource.FAKE,
            conversation=search_miss.to_journal() if search_miss else None,
            note=response.note or (f"near miss: {near_miss.to_text()}" if near_miss else None),
            miss_details=near_miss.to_json() if near_miss else None,
            faults=response.faults,
            is_counted=not is_browser_noise(request),
        )

    def _adopt_threads(self, request: Request, thread: str | None, session: Session) -> None:
        """Have the fake graph know the threads of *session* that *request* may be about: *thread*, or all if it is None."""
        database = session.database
        if "/threads/" in request.path:
            for known in self._replay.threads.find_threads_to_adopt(session, thread):
                adopt_thread(database, known, self._epoch)
        if self._opens_threads and thread is not None and thread not in database.threads:
            adopt_thread(database, RecordedThread(thread), self._epoch)

    def _adopt_assistant(
        self, form: dict[str, Json], thread: str | None, database: Database
    ) -> None:
        """Have *database* know the assistant that the request *form* names, if recordings or *thread* name its graph."""
        identity = _find_assistant_id(form)
        if identity is None or identity in database.assistants:
            return
        live = database.threads.get(thread) if thread else None
        of_thread = live.record["metadata"] if live else {}
        record = self._replay.threads.find_assistant(identity)
        if record is None and of_thread.get("assistant_id") == identity and "graph_id" in of_thread:
            record = {"assistant_id": identity, "graph_id": of_thread["graph_id"]}
        if record is not None and identity not in database.adopted_assistants:
            database.adopted_assistants.add(identity)
            self._api.adopt_assistant(record, database, IdGenerator(identity, epoch=self._epoch))


def _create_body(body: bytes | BodyReader) -> bytes | StreamingBody:
    if isinstance(body, bytes):
        return body
    chunk, more = body.read(time.monotonic())
    return chunk if more is None else StreamingBody(stream_body(body, chunk))


def _finish_events(thread: str | None, threads: LiveThreads) -> None:
    """Before the fake graph starts a run on the recorded *thread*, end the events of the turns before it."""
    live = threads.get(thread or "")
    if live is not None and live.events is not None and not live.is_fake:
        live.events.finish()


def _hand_over(
    thread_request: ThreadRequest, body: bytes | BodyReader, threads: LiveThreads
) -> None:
    """Tell *threads* what the fake graph has done: a thread that it created or changed belongs to it from now on."""
    if thread_request.kind is RequestKind.CREATION or thread_request.path == "/copy":
        if isinstance(body, bytes) and (created := parse_thread_id(body)) is not None:
            threads.add_created_by_fake(created)
    elif thread_request.thread is not None and thread_request.kind in (
        RequestKind.TURN,
        RequestKind.CHANGE,
    ):
        is_refused = isinstance(body, bytes) and b'"type":"error"' in body
        if not (is_refused and thread_request.path == COMMANDS):
            threads.give_to_fake(thread_request.thread)


def _find_assistant_id(form: dict[str, Json]) -> str | None:
    """Return the id of the assistant that the request *form* names, in its path or body."""
    found, body = _ASSISTANT.search(form["path"]), form.get("body")
    named = found[1] if found else body.get("assistant_id") if isinstance(body, dict) else None
    return named.lower() if isinstance(named, str) and UUID.fullmatch(named) else None
