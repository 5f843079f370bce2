"""Replay of requests that are not on a thread: the next recorded exchange of the same request."""

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, TypeVar

from mockserver.cassette.model import Repeat, Response
from mockserver.conversations.derived_responses import derive_run
from mockserver.conversations.human_messages import Pairs, TypedTexts
from mockserver.conversations.session_ids import SessionIds
from mockserver.http.messages import Reply, Request, cassette_name
from mockserver.matching.canonical import canonicalize
from mockserver.matching.index import Entry, Match
from mockserver.matching.shape import find_shape
from mockserver.redaction.credentials import find_credentials
from mockserver.redaction.redactor import RedactionRules, redact_for_matching
from mockserver.server.response_writer import without_prebuilt
from mockserver.server.sessions import Session
from mockserver.store.library import Library

V = TypeVar("V")

_UUID_START = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-")
"""The start of a UUID; every request with ids contains one."""


class Cache:
    """A cache of computed values by key. It holds at most *limit* bytes; the least recently used values are dropped first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def get(self, key: Hashable, compute: Callable[[], tuple[V, int]]) -> V:
        """Return the value under *key*; if there is none, what *compute* returns with its size, which is kept unless it takes more than an eighth of the cache."""
        values = self._values
        if key in values:
            values.move_to_end(key)
            known: V = values[key][0]
            return known
        value, size = compute()
        if size * 8 <= self._limit:
            values[key] = value, size
            self._size += size
        while self._size > self._limit:
            _, (_, freed) = values.popitem(last=False)
            self._size -= freed
        return value

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
        self._size = 0


@dataclass(frozen=True, slots=True)
class RequestKeys:
    """What matching needs of a request."""

    cassette: str | None
    """The name of the only cassette to search; None for all."""
    has_ids: bool = False
    found: Match | None = None
    """The exchanges that match it with its own ids."""


@dataclass(frozen=True, slots=True)
class ExchangeHit:
    """The *entry* to play for *request*, which is not on a thread. Its plays count under *counter*.

    *pairs* are the ids of the request that stand for recorded ones: live to recorded.
    """

    entry: Entry
    counter: Hashable
    request: Request
    session: Session
    library: Library
    pairs: dict[str, str] = field(default_factory=dict)
    response: Response | None = None
    """The response, if it is not that of *entry*."""
    how: str | None = None
    note: str | None = None
    """The text for the log."""

    def as_closest(self, pairs: Pairs, note: str) -> "ExchangeHit":
        """Return the hit for a human who typed other texts than the recorded ones: *pairs* of both. *note* says so."""
        recorded = self.response or self.library.load_response(self.entry)
        response = TypedTexts().with_pairs(pairs).apply_to_response(recorded)
        return replace(self, response=response, how="closest", note=note)

    def play(self, reply: Reply) -> Reply:
        """Count the play, and return *reply* with the client's ids."""
        session = self.session
        session.counts[self.counter] += 1
        ids, threads = session.ids, session.threads
        recorded = self.entry.fingerprint.ids
        if recorded or self.pairs:
            ids.bind(self.pairs or dict(zip(recorded, recorded, strict=True)), threads)
        if b'"messages"' in self.request.body and b'"id"' in self.request.body:
            ids.bind_messages(self.request, self.library.load_request(self.entry))
        translated = ids.to_live_reply(reply, threads, self.pairs) if session.has_ids else reply
        id_pairs = tuple((live, one) for live, one in self.pairs.items() if live != one)
        if translated is reply and not id_pairs and self.how is None:
            return reply  # only the unchanged reply is prebuilt for all clients
        plain = without_prebuilt(translated)
        return replace(plain, id_pairs=id_pairs, how=self.how, note=self.note)

    def play_again(self) -> None:
        """Have the same request play the same exchange again: the client did not get the whole response."""
        self.session.counts[self.counter] -= 1


class ExchangeReplay:
    """Finds exchanges of *library* to play: those of the same request, else those of the same request without the secrets that *rules* redact.

    With *once*, each exchange is played at most once per session. With *derives*, responses may be made from recorded ones of the same run.

    Clients repeat requests, and it takes longer to compute the keys of a request than to send its response, so *cache* keeps them. It is
    cleared when the library changes.
    """

    def __init__(
        self,
        library: Library,
        rules: RedactionRules,
        cache: Cache,
        *,
        once: bool = False,
        derives: bool = True,
    ) -> None:
        self._library = library
        self._rules = rules
        self._once = once
        self._derives = derives
        self._cached_index = library.index
        self._cache = cache

    def find(self, request: Request, session: Session) -> ExchangeHit | None:
        """Return the next exchange for *request*, which is not on a thread that plays a conversation."""
        keys = self.keys_for(request)
        found, recorded = keys.found, request
        pairs: dict[str, str] = {}
        if keys.has_ids:
            ids, threads = session.ids, session.threads
            recorded = ids.to_recorded_request(request, threads)
            if recorded is not request:
                keys = self.keys_for(recorded)
            found, pairs = keys.found, ids.find_pairs(request, recorded)
            if found is None and not self._once:
                found, renamed = self._find_renamed(recorded, keys, ids, pairs)
                pairs = {**pairs, **renamed}
        if found is None:
            return self._find_derived(recorded, keys, session)
        counter = (keys.cassette, found.key)
        entry = self._next(found, session.counts[counter])
        return (
            ExchangeHit(entry, counter, request, session, self._library, pairs) if entry else None
        )

    def keys_for(self, request: Request) -> RequestKeys:
        """Return the keys of *request*, and the exchanges that they find."""
        if self._cached_index is not self._library.index:
            self._cached_index = self._library.index
            self._cache.clear()
        keys = self._find_keys(request, None)
        if keys.found is not None:
            return keys
        return self._find_keys(request, find_credentials(request.headers, request.path))

    def _find_keys(self, request: Request, secrets: tuple[str, ...] | None) -> RequestKeys:
        """Return the keys of *request* as it is, or without secrets if *secrets* are given, its own credentials."""
        cassette = cassette_name(request)

        def compute() -> tuple[RequestKeys, int]:
            has_ids = _UUID_START.search(request.path.encode() + request.body) is not None
            index = self._library.index.for_cassette(cassette)
            found: Match | None = None
            if index is not None and index.rules:
                known = request if secrets is None else redact_for_matching(request, self._rules)
                found = index.find(index.request_keys(canonicalize(known)))
            return RequestKeys(cassette, has_ids, found), 700 + len(request.path)

        # A digest takes less memory than the body.
        digest = sha256(request.body).digest()
        return self._cache.get((cassette, request.method, request.path, secrets, digest), compute)

    def _find_derived(
        self, request: Request, keys: RequestKeys, session: Session
    ) -> ExchangeHit | None:
        """Return an exchange whose request differs from *request* in its stream modes only, with the response that is made from it."""
        index = self._library.index.for_cassette(keys.cassette)
        if index is None or not index.entries or not self._derives or self._once:
            return None
        redacted = redact_for_matching(request, self._rules)
        found = index.find_runs(canonicalize(redacted))
        if found is None:
            return None
        counter = (keys.cassette, "derived", found.key)
        entry = self._next(found, session.counts[counter])
        if entry is None:
            return None
        response = derive_run(self._library.load_exchange(entry), redacted)
        if response is None:
            return None
        hit = ExchangeHit(entry, counter, request, session, self._library, response=response)
        return replace(hit, how="derived")

    def _find_renamed(
        self, request: Request, keys: RequestKeys, ids: SessionIds, known: dict[str, str]
    ) -> tuple[Match | None, dict[str, str]]:
        """Return the exchanges whose requests differ from *request* in ids only, with the pairs of these: live to recorded.

        *request* has the recorded ids in place of the *known* ones.
        """
        index = self._library.index.for_cassette(keys.cassette)
        if index is None:
            return None, {}
        form = canonicalize(redact_for_matching(request, self._rules))
        shape = find_shape(form)
        for found in index.find_similar(form) if shape else ():
            recorded = found.entries[0].fingerprint.ids
            both = zip(shape.ids, recorded, strict=False) if shape else ()
            pairs = {live: one for live, one in both if live != one or one not in known.values()}
            # An assistant that was recorded means itself.
            means_itself = all(live == one or live not in index.ids for live, one in pairs.items())
            if means_itself and ids.may_bind(pairs):
                return found, pairs
        return None, {}

    def _next(self, found: Match, count: int) -> Entry | None:
        """Return the exchange to play after *count* plays, or None."""
        entries = found.entries
        if count < len(entries):
            return entries[count]
        if self._once or entries[-1].repeat is Repeat.ERROR:
            return None
        return entries[count % len(entries)] if entries[-1].repeat is Repeat.CYCLE else entries[-1]
