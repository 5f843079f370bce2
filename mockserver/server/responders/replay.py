"""Reply with recorded responses, and explain misses."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mockserver.conversations.answers import Refusal
from mockserver.conversations.conversation import Conversation
from mockserver.conversations.thread_requests import ThreadRequest, parse_thread_request
from mockserver.errors import ReadError
from mockserver.formats.json_text import Json
from mockserver.http.messages import (
    Reply,
    Request,
    cassette_name,
    session_name,
)
from mockserver.http.pacing import Pace
from mockserver.matching.canonical import canonicalize
from mockserver.matching.index import Entry, Index
from mockserver.matching.miss import Miss, NearRequest, explain_missing_cassette
from mockserver.redaction.redactor import RedactionRules, redact_for_matching, redacted_request
from mockserver.server.responders.closest import ClosestReplay
from mockserver.server.responders.exchange_replay import ExchangeHit, ExchangeReplay
from mockserver.server.responders.response_cache import ResponseCache
from mockserver.server.responders.thread_replay import ThreadHit, ThreadReplay
from mockserver.server.sessions import PlayedExchanges, Session, Sessions
from mockserver.store.library import Library

if TYPE_CHECKING:
    from mockserver.matching.usage import Usage


class Cassettes:
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
        self._exchanges = ExchangeReplay(library, rules, once=once, derives=derives)
        self.threads = ThreadReplay(library, pace, can_switch=can_switch, derives=derives)
        self.library = library
        self._rules = rules
        self._once = once
        self._responses = ResponseCache(library, pace)
        self._closest = ClosestReplay(library) if closest else None

    @property
    def unplayed(self) -> list[str]:
        """The exchanges that were never played, as `FILE#N`; a reset does not change them."""
        labels = (entry.label for cassette in self.index.cassettes for entry in cassette.entries)
        played = self._played.labels(self.index)
        return [label for label in labels if label not in played]

    @property
    def usage(self) -> "Usage":
        """The plays of each cassette; a reset does not change them."""
        from mockserver.store import usage

        return usage.usage_of(self.library, self.index, self._played.labels(self.index))

    @property
    def index(self) -> Index:
        """The current index of all cassettes."""
        return self.library.index

    async def respond(self, request: Request) -> Reply | None:
        """Return the next recorded reply to *request*, or None."""
        thread_request = parse_thread_request(request.method, request.path)
        if thread_request is not None and thread_request.opens_events and not self._once:
            await self.library.reload_if_changed()
            opened = self._open_events(request, thread_request, self._session(request))
            return opened if isinstance(opened, Reply) else None
        hit = await self._find_current(request, thread_request)
        if hit is None:
            return None
        try:
            response = hit.response
            reply = (
                self._responses.get(hit.entry)
                if response is None
                else self._responses.encode(response, hit.entry)
            )
        except ReadError:
            # The file may have been read while it was being written: read it again.
            if self._once or not await self.library.reload_if_changed():
                raise
            return await self.respond(request)
        self._count_play(hit.session, hit.entry)
        return hit.play(reply)

    async def find(self, request: Request) -> ThreadHit | ExchangeHit | None:
        """Return what `respond` would play for *request*, or None; also None for an event stream, which plays several exchanges."""
        thread_request = parse_thread_request(request.method, request.path)
        if thread_request is not None and thread_request.opens_events:
            return None
        return await self._find_current(request, thread_request)

    async def _find_current(
        self, request: Request, thread_request: ThreadRequest | None
    ) -> ThreadHit | ExchangeHit | None:
        """Return the next exchange for *request*, or the closest one, in the files as they are now, or None."""
        if self._once and thread_request is not None:
            return None  # the upstream does not know the recorded threads
        session, now = self._session(request), asyncio.get_running_loop().time()
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

    def _count_play(self, session: Session, entry: Entry) -> None:
        self.sessions.count_play(session, entry.label)
        if not session.is_of_page:
            self._played.add(entry.label, self.library.index)

    def _session(self, request: Request) -> Session:
        return self.sessions.get_or_create(session_name(request))

    def _find(
        self, request: Request, thread_request: ThreadRequest | None, session: Session, now: float
    ) -> ThreadHit | ExchangeHit | None:
        """Return the next exchange for *request*, or None."""
        if thread_request is not None:
            found = self._find_on_thread(request, thread_request, session, now)
            if found is not None:
                return None if isinstance(found, Refusal) else found
        return self._exchanges.find(request, session)

    def _find_closest(
        self, request: Request, thread_request: ThreadRequest | None, session: Session, now: float
    ) -> ThreadHit | ExchangeHit | None:
        """Return the exchange whose request differs from *request* in the last human message only, the most alike, or None."""
        index = self.index.for_cassette(cassette_name(request))
        if self._closest is None or index is None:
            return None

        def find(other: Request) -> ThreadHit | ExchangeHit | None:
            return self._find(other, thread_request, session, now)

        return self._closest.find(request, index, session, find)

    def _find_on_thread(
        self, request: Request, thread_request: ThreadRequest, session: Session, now: float
    ) -> ThreadHit | Refusal | None:
        """Return the exchange for *request* in the conversation of its thread, or why there is none; None if it belongs to none."""
        index = self.index.for_cassette(cassette_name(request))
        if index is None or not index.count:
            return None
        if thread_request.opens_events:
            opened = self._open_events(request, thread_request, session)
            return opened if isinstance(opened, Refusal) else None
        redacted = redact_for_matching(request, self._rules)
        return self.threads.find(redacted, thread_request, index, session, now)

    def _open_events(
        self, request: Request, thread_request: ThreadRequest, session: Session
    ) -> Reply | Refusal | None:
        """Return the event stream that *request* asks for, or why there is none; None if the fake graph has the thread."""
        index = self.index.for_cassette(cassette_name(request))
        if index is None or not index.count or thread_request.thread is None:
            return None

        def count_streams(conversation: Conversation) -> None:
            for entry in conversation.streams:
                if not session.plays[entry.label]:
                    self._count_play(session, entry)

        events = self.threads.create_event_replay(index, session, count_streams)
        return events.open(request, thread_request.thread)

    def explain_refusal(self, request: Request) -> Mapping[str, Json] | None:
        """Return for the journal why no conversation has a response to *request*; None if it is not on a thread."""
        thread_request = parse_thread_request(request.method, request.path)
        refused = (
            self._find_on_thread(request, thread_request, self._session(request), 0.0)
            if thread_request
            else None
        )
        return refused.to_journal() if isinstance(refused, Refusal) else None

    def has_unknown_cassette(self, request: Request) -> bool:
        """Return whether *request* names a cassette that does not exist."""
        return self.index.for_cassette(cassette_name(request)) is None

    def explain_miss(self, request: Request) -> Miss:
        """Return why *request* has no recorded response, with its secrets redacted."""
        session = self._session(request)
        redacted = redacted_request(request, self._rules)
        cassette = cassette_name(request)
        index = self.index.for_cassette(cassette)
        if index is None:
            known = [cassette.name for cassette in self.index.cassettes]
            return explain_missing_cassette(redacted, cassette or "", known)
        if not index.count:
            return Miss(redacted, "no exchanges are loaded")
        thread_request = parse_thread_request(request.method, request.path)
        refusal = (
            self._find_on_thread(request, thread_request, session, 0.0) if thread_request else None
        )
        if isinstance(refusal, Refusal) and refusal.expected is not None:
            got = refusal.ids.to_recorded_request(redacted)
            near = replace(self._near(refusal.expected, index, session), got=got)
            return Miss(redacted, refusal.reason, (near,))
        found = self._exchanges.keys_for(request).found
        if found and refusal is None:
            entries = found.entries
            return Miss(
                redacted,
                f"all {len(entries)} of {len(entries)} matching exchanges were already played, and `repeat: error` is set",
                tuple(self._near(entry, index, session) for entry in entries[-1:]),
            )
        reason = refusal.reason if isinstance(refusal, Refusal) else "no exchange matches"
        nearest = index.nearest(canonicalize(redacted))
        near_requests = tuple(self._near(entry, index, session) for entry in nearest)
        return Miss(redacted, reason, near_requests)

    def _near(self, entry: Entry, index: Index, session: Session) -> NearRequest:
        recorded = redacted_request(self.library.request(entry), self._rules)
        rules = index.rules_of(entry)
        return NearRequest(entry.label, recorded, rules, session.plays[entry.label])
