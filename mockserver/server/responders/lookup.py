"""Find the recorded exchanges for a request, and make replies of them. Both are cached."""

import re
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, TypeVar

from mockserver.cassette.playback import Playback, apply_pace
from mockserver.cassette.recorder import strip_request_headers, strip_response_headers
from mockserver.http.messages import (
    PrebuiltBody,
    Reply,
    ReplySource,
    Request,
    StreamingBody,
    TimedBody,
    cassette_name,
    standard_reason,
)
from mockserver.http.pacing import Pace
from mockserver.matching.canonical import canonicalize
from mockserver.matching.index import Entry, Index, Match
from mockserver.redaction.credentials import find_credentials
from mockserver.redaction.redactor import RedactionRules, redact_for_matching
from mockserver.server.response_writer import prebuild
from mockserver.store.library import Library

V = TypeVar("V")

REQUEST_CACHE_BYTES = 16 << 20
"""The size of the cache of known requests."""

RESPONSE_CACHE_BYTES = 120 << 20
"""The size of the cache of responses."""

_UUID_START = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-")
"""The start of a UUID; every request with ids contains one."""


class Cache(Generic[V]):
    """A least-recently-used cache: values by key. *limit* is the sum of their sizes, which the caller of `put` provides."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Return the value under *key*, or None."""
        cached = self._values.get(key)
        if cached is None:
            return None
        self._values.move_to_end(key)
        return cached[0]

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
        self._size = 0

    def put(self, key: Hashable, value: V, size: int) -> V:
        """Store *value* of *size* bytes under *key*, unless it takes more than an eighth of the cache; return *value*."""
        if size * 8 <= self._limit and key not in self._values:
            self._values[key] = (value, size)
            self._size += size
            while self._size > self._limit:
                _, (_, freed) = self._values.popitem(last=False)
                self._size -= freed
        return value


@dataclass(frozen=True, slots=True)
class RequestKeys:
    """What matching needs of a request."""

    cassette: str | None
    """The name of the only cassette to search; None for all."""
    secrets: tuple[str, ...]
    """The credentials in its head."""
    has_ids: bool = False
    found: Match | None = None
    """The exchanges that match it with its own ids."""


class Lookup:
    """Finds exchanges in *library*; the secrets that *rules* redact are ignored on both sides.

    Clients repeat requests, and it takes longer to compute the keys of a request than to send its response, so they are cached.
    Two requests share an entry if their method, target, body, credentials and named cassette are equal: no other header counts.
    The cache is bounded in bytes, and cleared when the library changes.
    """

    def __init__(self, library: Library, rules: RedactionRules) -> None:
        self._library = library
        self._rules = rules
        self._cached_index = library.index
        self._cache: Cache[RequestKeys] = Cache(REQUEST_CACHE_BYTES)

    def index_of(self, cassette: str | None) -> Index | None:
        """Return the index of the *cassette* with this name, or of all if it is None; return None for an unknown name."""
        index = self._library.index
        return index if cassette is None else index.single(cassette)

    def secrets(self, request: Request) -> tuple[str, ...]:
        """Return the credentials in the head of *request*."""
        return find_credentials(request.headers, request.path)

    def keys_for(self, request: Request) -> RequestKeys:
        """Return the keys of *request*, and the exchanges that they find."""
        if self._cached_index is not self._library.index:
            self._cached_index = self._library.index
            self._cache.clear()
        cassette = cassette_name(request)
        secrets = find_credentials(request.headers, request.path)
        # A digest takes less memory than the body.
        digest = sha256(request.body).digest()
        cache_key = (cassette, request.method, request.path, secrets, digest)
        cached = self._cache.get(cache_key)
        if cached is None:
            cached = self._compute(request, cassette, secrets)
            size = 700 + len(request.path) + sum(map(len, secrets))
            self._cache.put(cache_key, cached, size)
        return cached

    def _compute(
        self, request: Request, cassette: str | None, secrets: tuple[str, ...]
    ) -> RequestKeys:
        index = self.index_of(cassette)
        if index is None or not index.rules:
            return RequestKeys(cassette, secrets)
        redacted = redact_for_matching(request, self._rules, secrets)
        found = index.find(index.request_keys(canonicalize(redacted)))
        stripped = strip_request_headers(request)
        if found is None and redacted != stripped:
            # A cassette that was written by hand, or before a new rule, holds what is redacted now.
            found = index.find(index.request_keys(canonicalize(stripped)))
        has_ids = _UUID_START.search(request.path.encode() + request.body) is not None
        return RequestKeys(cassette, secrets, has_ids, found)


class ResponseCache:
    """The recorded responses of *library* in the form in which they are sent at *pace*."""

    def __init__(self, library: Library, pace: Pace) -> None:
        self._library = library
        self._pace = pace
        self._replies: Cache[Reply] = Cache(RESPONSE_CACHE_BYTES)

    def get(self, entry: Entry) -> Reply:
        """Return the reply for *entry*; raise ReadError if it cannot be read."""
        reply = self._replies.get(entry)
        if reply is None:
            reply = prebuild(self.encode(self._library.playback(entry), entry))
            self._replies.put(entry, reply, 2000 + _size(reply))
        return reply

    def encode(self, played: Playback, entry: Entry) -> Reply:
        """Return the reply that sends *played*, the response of *entry* or one made from it."""
        return Reply(
            played.status,
            strip_response_headers(played.headers, entry.route[0]),
            apply_pace(played, self._pace),
            standard_reason(played.status) if played.reason is None else played.reason,
            ReplySource.CASSETTE,
            entry.label,
        )


def _size(reply: Reply) -> int:
    """Return the approximate memory size of the body of *reply* in bytes."""
    match reply.body:
        case PrebuiltBody(raw) | bytes(raw):
            return len(raw)
        case TimedBody(steps):
            return sum(len(chunk) + 200 for _, chunk in steps)
        case StreamingBody():
            return 0  # recorded responses are never live
