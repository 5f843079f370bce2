"""Reply with recorded responses, and explain misses."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mockserver.cassette.model import Repeat
from mockserver.cassette.playback import build_playback
from mockserver.conversations.answers import Refusal
from mockserver.conversations.conversation import Conversation
from mockserver.conversations.derived import derive_run
from mockserver.conversations.outside import OutsideIds
from mockserver.conversations.thread_requests import ThreadRequest, parse_thread_request
from mockserver.errors import ReadError
from mockserver.formats.json_text import Json
from mockserver.http.messages import Reply, Request, cassette_name, session_name
from mockserver.http.pacing import Pace
from mockserver.matching.canonical import canonicalize
from mockserver.matching.index import Entry, Index, Match
from mockserver.matching.miss import Miss, NearRequest, explain_missing_cassette
from mockserver.matching.shape import find_shape
from mockserver.redaction.redactor import RedactionRules, redact_for_matching, redacted_request
from mockserver.server.responders.exchange_hit import ExchangeHit
from mockserver.server.responders.lookup import Lookup, RequestKeys, ResponseCache
from mockserver.server.responders.thread_replay import ThreadHit, ThreadReplay
from mockserver.server.sessions import PlayedExchanges, Session, Sessions
from mockserver.store.library import Library

if TYPE_CHECKING:
    from mockserver.matching.usage import Usage


class Cassettes:
    """Replies with recorded responses, in recorded order within each session.

    With *once*, each exchange is played at most once per session, edits of the files are ignored, and nothing on threads is played.
    With *can_switch*, the fake graph answers what is not played. With *derives*, responses may be made from recorded ones of the same run.
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
    ) -> None:
        self.sessions = Sessions()
        self._played = PlayedExchanges(library.index)
        self._lookup = Lookup(library, rules)
        self.threads = ThreadReplay(library, pace, can_switch=can_switch, derives=derives)
        self._library = library
        self._rules = rules
        self._once = once
        self._derives = derives
        self._responses = ResponseCache(library, pace)

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

        return usage.usage_of(self._library, self.index, self._played.labels(self.index))

    @property
    def index(self) -> Index:
        """The current index of all cassettes."""
        return self._library.index

    def index_of(self, cassette: str | None) -> Index | None:
        """Return the index of the *cassette* with this name, or of all if it is None; return None for an unknown name."""
        return self._lookup.index_of(cassette)

    async def respond(self, request: Request) -> Reply | None:
        """Return the next recorded reply to *request*, or None."""
        now = asyncio.get_running_loop().time()
        thread_request = parse_thread_request(request.method, request.path)
        if self._once and thread_request is not None:
            return None  # the upstream does not know the recorded threads
        session = self._session(request)
        if thread_request is not None and thread_request.opens_events:
            await self._library.reload_if_changed()
            opened = self._open_events(request, thread_request, session)
            return opened if isinstance(opened, Reply) else None
        try:
            hit = self._find(request, thread_request, session, now)
        except ReadError:  # the file was edited in place
            if not await self._library.reload_if_changed():
                raise
            hit = self._find(request, thread_request, session, now)
        while not self._once and (hit is None or not self._library.is_fresh(hit.entry)):
            if not await self._library.reload_if_changed():
                break
            hit = self._find(request, thread_request, session, now)
        if hit is None:
            return None
        try:
            reply = (
                self._responses.get(hit.entry)
                if hit.response is None
                else self._responses.encode(build_playback(hit.response), hit.entry)
            )
        except ReadError:
            # The file may have been read while it was being written: read it again.
            if self._once or not await self._library.reload_if_changed():
                raise
            return await self.respond(request)
        self._count_play(session, hit.entry)
        return hit.play(reply)

    def _count_play(self, session: Session, entry: Entry) -> None:
        self.sessions.count_play(session, entry.label)
        self._played.add(entry.label, self._library.index)

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
        return self._find_outside(request, session)

    def _find_on_thread(
        self, request: Request, thread_request: ThreadRequest, session: Session, now: float
    ) -> ThreadHit | Refusal | None:
        """Return the exchange for *request* in the conversation of its thread, or why there is none; None if it belongs to none."""
        index = self._lookup.index_of(cassette_name(request))
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
        index = self._lookup.index_of(cassette_name(request))
        if index is None or not index.count or thread_request.thread is None:
            return None

        def count_streams(conversation: Conversation) -> None:
            for entry in conversation.streams:
                if not session.plays[entry.label]:
                    self._count_play(session, entry)

        events = self.threads.create_event_replay(index, session, count_streams)
        return events.open(request, thread_request.thread)

    def _find_outside(self, request: Request, session: Session) -> ExchangeHit | None:
        """Return the next exchange for *request*, which is not on a recorded thread."""
        keys = self._lookup.keys_for(request)
        found, recorded = keys.found, request
        pairs: dict[str, str] = {}
        if keys.has_ids:
            outside, threads = session.outside_ids, session.threads
            recorded = outside.to_recorded_request(request, threads)
            if recorded is not request:
                keys = self._lookup.keys_for(recorded)
            found, pairs = keys.found, outside.find_pairs(request, recorded)
            if found is None and not self._once:
                found, pairs = self._find_renamed(recorded, keys, outside)
        if found is None:
            return self._find_derived(recorded, keys, session)
        counter = (keys.cassette, found.key)
        entry = self._next(found, session.counts[counter])
        return (
            ExchangeHit(entry, counter, request, session, self._library, pairs) if entry else None
        )

    def _find_derived(
        self, request: Request, keys: RequestKeys, session: Session
    ) -> ExchangeHit | None:
        """Return an exchange whose request differs from *request* in its stream modes only, with the response that is made from it."""
        index = self._lookup.index_of(keys.cassette)
        if index is None or not index.count or not self._derives or self._once:
            return None
        redacted = redact_for_matching(request, self._rules)
        found = index.find_runs(canonicalize(redacted))
        if found is None:
            return None
        counter = (keys.cassette, "derived", found.key)
        entry = self._next(found, session.counts[counter])
        if entry is None:
            return None
        response = derive_run(self._library.exchange(entry), redacted)
        if response is None:
            return None
        return ExchangeHit(entry, counter, request, session, self._library, response=response)

    def _find_renamed(
        self, request: Request, keys: RequestKeys, outside: OutsideIds
    ) -> tuple[Match | None, dict[str, str]]:
        """Return the exchanges whose requests differ from *request* in ids only, with the pairs of these: live to recorded."""
        index = self._lookup.index_of(keys.cassette)
        if index is None:
            return None, {}
        form = canonicalize(redact_for_matching(request, self._rules))
        shape = find_shape(form)
        for found in index.find_similar(form) if shape else ():
            recorded = found.entries[0].fingerprint.ids
            pairs = dict(zip(shape.ids, recorded, strict=False)) if shape else {}
            # An assistant that was recorded means itself.
            means_itself = all(live == one or live not in index.ids for live, one in pairs.items())
            if means_itself and outside.may_bind(pairs):
                return found, pairs
        return None, {}

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
        return self._lookup.index_of(cassette_name(request)) is None

    def explain_miss(self, request: Request) -> Miss:
        """Return why *request* has no recorded response, with its secrets redacted."""
        keys = self._lookup.keys_for(request)
        session = self._session(request)
        redacted = redacted_request(request, self._rules)
        index = self._lookup.index_of(keys.cassette)
        if index is None:
            known = [cassette.name for cassette in self.index.cassettes]
            return explain_missing_cassette(redacted, keys.cassette or "", known)
        if not index.count:
            return Miss(redacted, "no exchanges are loaded")
        thread_request = parse_thread_request(request.method, request.path)
        refusal = (
            self._find_on_thread(request, thread_request, session, 0.0) if thread_request else None
        )
        if isinstance(refusal, Refusal) and refusal.expected is not None:
            got = refusal.ids.to_recorded_request(redacted)
            near = replace(self._near(refusal.expected, index, keys, session), got=got)
            return Miss(redacted, refusal.reason, (near,))
        if keys.found and refusal is None:
            entries = keys.found.entries
            return Miss(
                redacted,
                f"all {len(entries)} of {len(entries)} matching exchanges were already played, and `repeat: error` is set",
                tuple(self._near(entry, index, keys, session) for entry in entries[-1:]),
            )
        reason = refusal.reason if isinstance(refusal, Refusal) else "no exchange matches"
        nearest = index.nearest(canonicalize(redacted))
        near_requests = tuple(self._near(entry, index, keys, session) for entry in nearest)
        return Miss(redacted, reason, near_requests)

    def _near(self, entry: Entry, index: Index, keys: RequestKeys, session: Session) -> NearRequest:
        recorded = redacted_request(self._library.request(entry), self._rules)
        rules = index.rules_of(entry)
        return NearRequest(entry.label, recorded, rules, session.plays[entry.label])

    def _next(self, found: Match, count: int) -> Entry | None:
        """Return the exchange to play after *count* plays, or None."""
        entries = found.entries
        if count < len(entries):
            return entries[count]
        if self._once or entries[-1].repeat is Repeat.ERROR:
            return None
        return entries[count % len(entries)] if entries[-1].repeat is Repeat.CYCLE else entries[-1]
