"""Find the recorded exchanges for a request, and cache the result until the cassettes change."""

import re
from dataclasses import dataclass
from hashlib import sha256

from mockserver.http.messages import Request, cassette_name, session_name
from mockserver.matching.canonical import canonicalize
from mockserver.matching.index import Index, Match
from mockserver.matching.keys import Key
from mockserver.redaction.patterns import find_credentials
from mockserver.redaction.redactor import RedactionRules, redact_for_matching
from mockserver.server.cache import Cache
from mockserver.store.library import Library

KEY_CACHE_BYTES = 16 << 20
"""The size of the cache of request keys."""

_UUID_START = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-")
"""The start of a UUID; every request with ids contains one."""


@dataclass(frozen=True, slots=True)
class RequestKeys:
    """What matching needs of a request; valid while *all_cassettes* is the current index."""

    all_cassettes: Index
    session: str
    cassette: str | None
    """The name of the only cassette to search; None for all."""
    secrets: tuple[str, ...]
    """The credentials in its head."""
    joined_keys: Key = b""
    has_ids: bool = False
    found: Match | None = None
    """The exchanges that match it with its own ids."""


class Lookup:
    """Finds exchanges in *library*; the secrets that *rules* redact are ignored on both sides."""

    def __init__(self, library: Library, rules: RedactionRules) -> None:
        self._library = library
        self._rules = rules
        self._key_cache: Cache[tuple[tuple[Key, ...], bool]] = Cache(KEY_CACHE_BYTES)

    def index_of(self, cassette: str | None) -> Index | None:
        """Return the index of the *cassette* with this name, or of all if it is None; return None for an unknown name."""
        index = self._library.index
        return index if cassette is None else index.single(cassette)

    def keys_for(self, request: Request) -> RequestKeys:
        """Return the keys of *request*; raise RequestError if its session header is invalid."""
        request_keys: RequestKeys | None = request.memo.get(RequestKeys)
        if request_keys is None or request_keys.all_cassettes is not self._library.index:
            request_keys = request.memo[RequestKeys] = self._compute(request)
        return request_keys

    def _compute(self, request: Request) -> RequestKeys:
        session, cassette = session_name(request), cassette_name(request)
        secrets = find_credentials(request.headers, request.path)
        all_cassettes, index = self._library.index, self.index_of(cassette)
        if index is None or not index.rules:
            return RequestKeys(all_cassettes, session, cassette, secrets)
        # Keyed by a digest of the body, since bodies would fill the cache.
        digest = sha256(request.body).digest()
        cache_key = (index.rules, request.method, request.path, digest, secrets)
        cached = self._key_cache.get(cache_key)
        if cached is None:
            form = canonicalize(redact_for_matching(request, self._rules, secrets))
            has_ids = _UUID_START.search(request.path.encode() + request.body) is not None
            cached = self._key_cache.put(
                cache_key, (index.request_keys(form), has_ids), 700 + len(request.path)
            )
        request_keys, has_ids = cached
        return RequestKeys(
            all_cassettes,
            session,
            cassette,
            secrets,
            b"".join(request_keys),
            has_ids,
            index.find(request_keys),
        )
