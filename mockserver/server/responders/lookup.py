"""What was recorded for a request: found out once, and remembered as long as the cassettes are the same."""

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

KEYS_KEPT = 16 << 20
"""How many bytes of keys are remembered, of requests that may come again in other words."""

_IDS_IN = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-")
"""What is in every request that has ids."""


@dataclass(frozen=True, slots=True)
class RequestKeys:
    """What is known of a request while these cassettes are *loaded*: what its head names, and the *secrets* there.

    *joined* are its keys, *found* is what was recorded for it under its very ids.
    """

    loaded: Index
    session: str
    cassette: str | None
    secrets: tuple[str, ...]
    joined: Key = b""
    has_ids: bool = False
    found: Match | None = None


class Lookup:
    """Looks requests up in *library*; both sides are compared without what *rules* redact."""

    def __init__(self, library: Library, rules: RedactionRules) -> None:
        self._library = library
        self._rules = rules
        self._keys: Cache[tuple[tuple[Key, ...], bool]] = Cache(KEYS_KEPT)

    def index_of(self, cassette: str | None) -> Index | None:
        """Return what is loaded now of the one *cassette* of that name, of all if it is None; None where there is no such one."""
        index = self._library.index
        return index if cassette is None else index.single(cassette)

    def keys_for(self, request: Request) -> RequestKeys:
        """Return what is known of *request*; RequestError where its head names no session."""
        looked: RequestKeys | None = request.memo.get(RequestKeys)
        if looked is None or looked.loaded is not self._library.index:
            looked = request.memo[RequestKeys] = self._look(request)
        return looked

    def _look(self, request: Request) -> RequestKeys:
        session, cassette = session_name(request), cassette_name(request)
        secrets = find_credentials(request.headers, request.path)
        loaded, index = self._library.index, self.index_of(cassette)
        if index is None or not index.rules:
            return RequestKeys(loaded, session, cassette, secrets)
        # By a digest of the body: the bodies by themselves would fill the cache soon.
        digest = sha256(request.body).digest()
        place = (index.rules, request.method, request.path, digest, secrets)
        known = self._keys.get(place)
        if known is None:
            form = canonicalize(redact_for_matching(request, self._rules, secrets))
            has_ids = _IDS_IN.search(request.path.encode() + request.body) is not None
            known = self._keys.put(
                place, (index.request_keys(form), has_ids), 700 + len(request.path)
            )
        keys, has_ids = known
        return RequestKeys(
            loaded, session, cassette, secrets, b"".join(keys), has_ids, index.find(keys)
        )
