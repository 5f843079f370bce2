"""Reply with recorded responses."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mockserver.cassette.model import Body, Response
from mockserver.cassette.playback import create_reply
from mockserver.conversations.conversation import Conversation
from mockserver.conversations.search_results import SearchMiss
from mockserver.conversations.thread_requests import ThreadRequest, parse_thread_request
from mockserver.errors import ReadError
from mockserver.http.messages import (
    PrebuiltBody,
    Reply,
    Request,
    TimedBody,
    cassette_name,
    session_name,
)
from mockserver.http.pacing import Pace
from mockserver.http.server_address import ServerAddress
from mockserver.matching.index import Entry, Index
from mockserver.redaction.redactor import RedactionRules, redact_for_matching
from mockserver.server.own_urls import is_page
from mockserver.server.responders.closest import ClosestReplay
from mockserver.server.responders.exchange_replay import Cache, ExchangeHit, ExchangeReplay
from mockserver.server.responders.thread_replay import ThreadHit, ThreadReplay
from mockserver.server.response_writer import prebuild
from mockserver.server.sessions import PlayedExchanges, Session, Sessions
from mockserver.store.library import Library

if TYPE_CHECKING:
    from mockserver.matching.usage import Usage

CACHE_BYTES = 136 << 20
"""The size of the cache of requests and of responses in the form in which they are sent."""


class ReplayResponder:
    """Replies with recorded responses, in recorded order within each session.

    With *once*, each exchange is played at most once per session, edits of the files are ignored, and nothing on threads is played.
    With *can_switch*, the fake graph answers what is not played. With *derives*, responses may be made from recorded ones of the same run.
    With *closest*, a run that was not recorded gets the response to the recorded run whose last human message is the most alike.
    """

    def __init__(
        self,
        library: Library,
        pace: Pace,
        rules: RedactionRules,
        *,
        once: bool = False,
        can_switch: bool = False,
        derives: bool = True,
        closest: bool = False,
    ) -> None:
        self.sessions = Sessions()
        self._played = PlayedExchanges(library.index)
        self._cache = Cache(CACHE_BYTES)
        self.exchanges = ExchangeReplay(library, rules, self._cache, once=once, derives=derives)
        self.threads = ThreadReplay(library, pace, can_switch=can_switch, derives=derives)
        self.library = library
        self.rules = rules
        self._once = once
        self._pace = pace
        self._closest = ClosestReplay(library) if closest else None

    @property
    def unplayed(self) -> list[str]:
        """The exchanges that were never played, as `FILE#N`; a reset does not change them."""
        played = self._played.labels(self.index)
        return [entry.label for entry in self.index.entries if entry.label not in played]

    @property
    def usage(self) -> "Usage":
        """The plays of each cassette; a reset does not change them."""
        from mockserver.store import usage_files

        return usage_files.collect_usage(self.library, self.index, self._played.labels(self.index))

    @property
    def index(self) -> Index:
        """The current index of all cassettes."""
        return self.library.index

    async def respond(self, request: Request) -> Reply | None:
        """Return the next recorded reply to *request*, or None."""
        thread_request = _parse_thread_request(request)
        if thread_request is not None and thread_request.opens_events and not self._once:
            await self.library.reload_if_changed()
            opened = self._open_events(request, thread_request, self.get_session(request))
            if not isinstance(opened, SearchMiss):
                return opened
        hit = await self._find_current(request, thread_request)
        if hit is None:
            return None
        try:
            if hit.response is None:
                reply = self._cache.get(hit.entry, partial(self._load, hit.entry))
            else:
                reply = self._encode(hit.response, hit.entry)
        except ReadError:
            # The file may have been read while it was being written: read it again.
            if self._once or not await self.library.reload_if_changed():
                raise
            return await self.respond(request)
        self._count_play(hit.session, hit.entry.label)
        return hit.play(reply)

    def _load(self, entry: Entry) -> tuple[Reply, int]:
        """Return the recorded reply of *entry* and its approximate size in memory; ReadError if it cannot be read."""
        reply = prebuild(self._encode(self.library.load_response(entry), entry))
        return reply, 2000 + _measure(reply.body)

    def _encode(self, response: Response, entry: Entry) -> Reply:
        """Return the reply that sends *response*, that of *entry* or one made from it."""
        reply = create_reply(response, entry.route[0], self._pace)
        page_of: ServerAddress | None = None
        if isinstance(response.content, Body) and is_page(entry.route[1], response.headers):
            url = self.library.get_upstream(entry)
            address = ServerAddress(url) if url is not None else None
            page_of = address if address and address.is_in(response.content.raw) else None
        return replace(reply, exchange=entry.label, page_of=page_of)

    async def find(self, request: Request) -> ThreadHit | ExchangeHit | None:
        """Return what `respond` would play for *request*, or None; also None for an event stream, which plays several exchanges."""
        thread_request = _parse_thread_request(request)
        if thread_request is not None and thread_request.opens_events:
            return None
        return await self._find_current(request, thread_request)

    async def _find_current(
        self, request: Request, thread_request: ThreadRequest | None
    ) -> ThreadHit | ExchangeHit | None:
        """Return the next exchange for *request*, or the closest one, in the files as they are now, or None."""
        if self._once and thread_request is not None:
            return None  # the upstream does not know the recorded threads
        session, now = self.get_session(request), asyncio.get_running_loop().time()
        try:
            hit = self._find(request, thread_request, session, now)
            while not self._once and (hit is None or not self.library.is_fresh(hit.entry)):
                if not await self.library.reload_if_changed():
                    break
                hit = self._find(request, thread_request, session, now)
            return hit or self._find_closest(request, thread_request, session, now)
        except ReadError:  # the file was edited in place
            if not await self.library.reload_if_changed():
                raise
            return await self._find_current(request, thread_request)

    def _count_play(self, session: Session, label: str) -> None:
        self.sessions.count_play(session, label)
        if not session.is_of_page:
            self._played.add(label, self.library.index)

    def get_session(self, request: Request) -> Session:
        """Return the session that *request* names."""
        return self.sessions.get_or_create(session_name(request))

    def _find(
        self, request: Request, thread_request: ThreadRequest | None, session: Session, now: float
    ) -> ThreadHit | ExchangeHit | None:
        """Return the next exchange for *request*, or None."""
        if not self.library.index.entries:
            return None
        if thread_request is not None:
            found = self._find_on_thread(request, thread_request, session, now)
            if found is not None:
                return None if isinstance(found, SearchMiss) else found
        return self.exchanges.find(request, session)

    def _find_closest(
        self, request: Request, thread_request: ThreadRequest | None, session: Session, now: float
    ) -> ThreadHit | ExchangeHit | None:
        """Return the exchange whose request differs from *request* in the last human message only, the most alike, or None."""
        if self._closest is None or (index := self._find_index(request)) is None:
            return None

        def find(other: Request) -> ThreadHit | ExchangeHit | None:
            return self._find(other, thread_request, session, now)

        return self._closest.find(request, index, session, find)

    def _find_on_thread(
        self, request: Request, thread_request: ThreadRequest, session: Session, now: float
    ) -> ThreadHit | SearchMiss | None:
        """Return the exchange for *request* in the conversation of its thread, or why there is none; None if it belongs to none."""
        index = self._find_index(request)
        if index is None:
            return None
        redacted = redact_for_matching(request, self.rules)
        if not thread_request.opens_events:
            return self.threads.find(redacted, thread_request, index, session, now)
        opened = self._open_events(request, thread_request, session)
        if not isinstance(opened, SearchMiss):
            return None
        found = self.threads.find(redacted, thread_request, index, session, now)
        return found if isinstance(found, ThreadHit) else opened

    def _open_events(
        self, request: Request, thread_request: ThreadRequest, session: Session
    ) -> Reply | SearchMiss | None:
        """Return the event stream that *request* asks for, or why there is none; None if the fake graph has the thread."""
        index = self._find_index(request)
        if index is None or thread_request.thread is None:
            return None

        def count_streams(conversation: Conversation) -> None:
            for entry in conversation.streams:
                if not session.plays[entry.label]:
                    self._count_play(session, entry.label)

        events = self.threads.create_event_replay(index, session, count_streams)
        return events.open(request, thread_request.thread)

    def _find_index(self, request: Request) -> Index | None:
        """Return the index of the cassettes to play *request* from, or None if they hold no exchanges."""
        index = self.index.for_cassette(cassette_name(request))
        return index if index is not None and index.entries else None

    def find_search_miss(self, request: Request) -> SearchMiss | None:
        """Return why no conversation has a response to *request*; None if it is not on a thread."""
        thread_request = _parse_thread_request(request)
        if thread_request is None:
            return None
        found = self._find_on_thread(request, thread_request, self.get_session(request), 0.0)
        return found if isinstance(found, SearchMiss) else None


def _parse_thread_request(request: Request) -> ThreadRequest | None:
    if "/threads" not in request.path:
        return None
    return parse_thread_request(request.method, request.path)


def _measure(body: object) -> int:
    """Return the approximate size of *body* in memory."""
    match body:
        case PrebuiltBody(raw) | bytes(raw):
            return len(raw)
        case TimedBody(steps):
            return sum(len(chunk) + 200 for _, chunk in steps)
        case _:
            return 0
