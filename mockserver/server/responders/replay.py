"""Reply with recorded responses, and explain misses."""

from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from mockserver.cassette.model import Repeat
from mockserver.errors import ReadError
from mockserver.http.messages import Reply, Request, cassette_name, session_name
from mockserver.http.pacing import Pace
from mockserver.matching.canonical import canonicalize, parse_json
from mockserver.matching.index import Entry, Index, Match
from mockserver.matching.miss import Miss, NearRequest, missing_cassette
from mockserver.matching.names import MessageNames, Names, message_ids
from mockserver.redaction.redactor import RedactionRules, redact_for_matching, redacted_request
from mockserver.server.cache import Cache
from mockserver.server.responders.aliases import Alias, Aliases, Refused
from mockserver.server.responders.aliases import Session as AliasSession
from mockserver.server.responders.handover import Handover
from mockserver.server.responders.lookup import Lookup, RequestKeys, ResponseCache
from mockserver.server.response_writer import without_prebuilt
from mockserver.server.sessions import PlayedExchanges, Session, Sessions
from mockserver.store.library import Library

if TYPE_CHECKING:
    from mockserver.matching.usage import Usage

MESSAGE_IDS_BYTES = 2 << 20
"""The size of the cache of message ids."""


class UsedRecordedIds(set[str]):
    """The recorded ids that a session has used unchanged."""


class Cassettes:
    """Replies with recorded responses, in recorded order within each session.

    With *once*, each exchange is played at most once per session, and edits of the files are ignored.
    """

    def __init__(
        self,
        library: Library,
        pace: Pace,
        rules: RedactionRules,
        *,
        once: bool = False,
    ) -> None:
        self.sessions = Sessions()
        self._played = PlayedExchanges(library.index)
        self._lookup = Lookup(library, rules)
        self._aliases = Aliases(library, lambda request: self._lookup.keys_for(request).found)
        self._library = library
        self._rules = rules
        self._once = once
        self._responses = ResponseCache(library, pace)
        self._message_ids: Cache[tuple[str | None, ...]] = Cache(MESSAGE_IDS_BYTES)

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
        session = self.sessions.get_or_create(session_name(request))
        keys = self._lookup.keys_for(request)
        hit = self._find_hit(request, keys, session)
        while not self._once and (hit is None or not self._library.is_fresh(hit.entry)):
            if not await self._library.reload_if_changed():
                break
            session = self.sessions.get_or_create(session_name(request))
            keys = self._lookup.keys_for(request)
            hit = self._find_hit(request, keys, session)
        if hit is None:
            return None
        entry = hit.entry
        try:
            reply = self._responses.get(entry)
        except ReadError:
            # The file may have been read while it was being written: read it again.
            if self._once or not await self._library.reload_if_changed():
                raise
            return await self.respond(request)
        assert reply.exchange is not None
        session.counts[hit.counter] += 1
        self.sessions.count_play(session, reply.exchange)
        self._played.add(reply.exchange, self._library.index)
        if hit.aliases or entry.fingerprint.ids or keys.has_ids or session.state:
            reply = self._track_ids(request, keys, session, hit, reply)
        if "/threads" in request.path:
            session.get_or_create(Handover).note(request, reply)
        return reply

    def _find_hit(self, request: Request, keys: RequestKeys, session: Session) -> "_Hit | None":
        """Return the next exchange for *request* in *session*, or None."""
        found = keys.found
        if session.state and (names := session.get(Names)) and names.rename(request):
            found = None
        aliases: tuple[Alias, ...] = ()
        if found is None and keys.has_ids and not self._once:
            resolved = self._resolve_aliases(request, keys, session)
            aliases = () if isinstance(resolved, Refused) else resolved
            found = aliases[0].found if aliases else None
        if found is None:
            return None
        counter = (keys.cassette, keys.joined_keys if aliases else found.key)
        entry = self._next(found, session.counts[counter])
        return _Hit(entry, found, counter, aliases) if entry else None

    def _track_ids(
        self, request: Request, keys: RequestKeys, session: Session, hit: "_Hit", reply: Reply
    ) -> Reply:
        """Remember the ids of *request* and its *hit*, and return *reply* with the client's ids."""
        if len(hit.aliases) == 1:
            session.counts[keys.cassette, hit.found.key] += 1
        if hit.entry.fingerprint.ids and not hit.aliases:
            session.get_or_create(UsedRecordedIds).update(hit.entry.fingerprint.ids)
        if keys.has_ids and b'"messages"' in request.body:
            self._track_message_ids(request, hit.entry, session)
        return self._with_client_ids(reply, session, hit.aliases)

    def _with_client_ids(self, reply: Reply, session: Session, aliases: tuple[Alias, ...]) -> Reply:
        """Return *reply* with the client's ids in place of the recorded ones; bind those of *aliases* first."""
        if aliases:
            session.get_or_create(Names).bind([alias.names for alias in aliases])
        translations = [names for names in (session.get(MessageNames), session.get(Names)) if names]
        if not translations:
            return reply
        translated = reply
        for names in translations:
            translated = names.told(translated)
        pairs = aliases[0].names.items() if aliases else ()
        renamed = tuple((live, recorded) for live, recorded in pairs if live != recorded)
        # Only the unchanged reply is prebuilt for all clients.
        if not renamed and translated is reply:
            return reply
        return replace(without_prebuilt(translated), id_pairs=renamed)

    def _track_message_ids(self, request: Request, entry: Entry, session: Session) -> None:
        """Bind the message ids of *request* to those of *entry* at the same positions."""
        recorded = self._message_ids.get(entry)
        if recorded is None:
            recorded = _message_ids(self._library.request(entry))
            self._message_ids.put(entry, recorded, 100 + 100 * len(recorded))
        pairs = {
            live: recorded_id
            for live, recorded_id in zip(_message_ids(request), recorded, strict=False)
            if live and recorded_id and live != recorded_id
        }
        if pairs:
            session.get_or_create(MessageNames).bind([pairs])

    def _resolve_aliases(
        self, request: Request, keys: RequestKeys, session: Session
    ) -> tuple[Alias, ...] | Refused:
        """Return the recorded requests that equal *request* under other ids, or why none is played."""
        index = self._lookup.index_of(keys.cassette)
        if index is None or not keys.has_ids:
            return ()
        counter = (keys.cassette, keys.joined_keys)
        alias_session = AliasSession(
            session.get_or_create(Names),
            lambda found: self._next(found, session.counts[counter]),
            lambda found: session.counts[keys.cassette, found.key] > 0,
            session.get(UsedRecordedIds) or (),
            keys.cassette is not None,
        )
        form = redact_for_matching(request, self._rules, keys.secrets)
        return self._aliases.meant(form, alias_session, index)

    def has_unknown_cassette(self, request: Request) -> bool:
        """Return whether *request* names a cassette that does not exist."""
        return self._lookup.index_of(cassette_name(request)) is None

    def miss(self, request: Request) -> Miss:
        """Return why *request* has no recorded response, with its secrets redacted."""
        session = self.sessions.get_or_create(session_name(request))
        keys = self._lookup.keys_for(request)
        redacted = redacted_request(request, self._rules, keys.secrets)
        index = self._lookup.index_of(keys.cassette)
        if index is None:
            known = [cassette.name for cassette in self.index.cassettes]
            return missing_cassette(redacted, keys.cassette or "", known)
        names = session.get(Names)
        if keys.found and not (names and names.rename(request)):
            entries = keys.found.entries
            return Miss(
                redacted,
                f"all {len(entries)} of {len(entries)} matching exchanges were already played, and `repeat: error` is set",
                tuple(self._near(entry, index, keys, session) for entry in entries[-1:]),
            )
        if not index.count:
            return Miss(redacted, "no exchanges are loaded")
        resolved = self._resolve_aliases(request, keys, session)
        if isinstance(resolved, Refused):
            return Miss(redacted, resolved.why, (self._near(resolved.entry, index, keys, session),))
        nearest = index.nearest(canonicalize(redacted))
        return Miss(
            redacted,
            "no exchange matches",
            tuple(self._near(entry, index, keys, session) for entry in nearest),
        )

    def _near(self, entry: Entry, index: Index, keys: RequestKeys, session: Session) -> NearRequest:
        recorded, rules = self._library.request(entry), index.rules_of(entry)
        found = index.find(index.request_keys(canonicalize(recorded)))
        played = session.counts[keys.cassette, found.key] if found else 0
        return NearRequest(entry.label, recorded, rules, played)

    def _next(self, found: Match, count: int) -> Entry | None:
        """Return the exchange to play after *count* plays, or None."""
        entries = found.entries
        if count < len(entries):
            return entries[count]
        if self._once or entries[-1].repeat is Repeat.ERROR:
            return None
        return entries[count % len(entries)] if entries[-1].repeat is Repeat.CYCLE else entries[-1]


class _Hit(NamedTuple):
    """The *entry* to play: one of *found*, which match the request or its *aliases*. Its plays count under *counter*."""

    entry: Entry
    found: Match
    counter: Hashable
    aliases: tuple[Alias, ...]


def _message_ids(request: Request) -> tuple[str | None, ...]:
    try:
        return message_ids(parse_json(request.body))
    except ValueError:
        return ()
