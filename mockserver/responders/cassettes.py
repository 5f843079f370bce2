"""Answers from cassettes, and the explained miss."""

import re
from collections.abc import Hashable
from dataclasses import replace

from mockserver.cache import Cache
from mockserver.cassette.canonical import canonical, parsed
from mockserver.cassette.index import Entry, Found, Index
from mockserver.cassette.matching import Key
from mockserver.cassette.misses import Miss, Near, no_cassette
from mockserver.cassette.model import Repeat
from mockserver.cassette.names import MessageNames, Names, message_ids
from mockserver.cassette.recorder import kept_response
from mockserver.cassette.redaction import Rules, kept
from mockserver.cassette.secrets import credentials
from mockserver.cassette.timing import timed
from mockserver.errors import ReadError
from mockserver.messages import (
    Reply,
    Request,
    Source,
    cassette_of,
    session_of,
    standard_reason,
)
from mockserver.pace import Pace
from mockserver.responders.aliases import Alias, Aliases, Refused, Session
from mockserver.responders.handover import Handover
from mockserver.sessions import Sessions
from mockserver.store.library import Library

KEYS_KEPT = 16 << 20
REPLIES_KEPT = 64 << 20
"""How many bytes the caches of a Cassettes hold at the most: of request bodies, and of encoded answers."""

_IDS_IN = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-")
"""What is in every request that has ids."""


class Own(set[str]):
    """The recorded ids that a session has used under their own names."""


class Cassettes:
    """Answers what was recorded, in recorded order for each session.

    With *once*, a request whose exchanges are used up is left to the next responder, and the files are not followed.
    """

    def __init__(
        self,
        library: Library,
        pace: Pace,
        rules: Rules,
        *,
        once: bool = False,
    ) -> None:
        self.sessions = Sessions()
        self.played: set[str] = set()
        self._aliases = Aliases(library, self._find)
        self._library = library
        self._pace = pace
        self._rules = rules
        self._once = once
        self._keys: Cache[tuple[Key, ...]] = Cache(KEYS_KEPT)
        self._replies: Cache[Reply] = Cache(REPLIES_KEPT)
        self._message_ids: Cache[tuple[str | None, ...]] = Cache(KEYS_KEPT)

    @property
    def unplayed(self) -> list[str]:
        """The exchanges that were never played, as `FILE#N`, whatever was reset meanwhile."""
        labels = (entry.label for cassette in self.index.cassettes for entry in cassette.entries)
        return [label for label in labels if label not in self.played]

    @property
    def index(self) -> Index:
        """Return what is loaded now."""
        return self._library.index

    def index_of(self, cassette: str | None) -> Index | None:
        """Return what is loaded now of the one *cassette* of that name, of all if it is None; None where there is no such one."""
        return self.index if cassette is None else self.index.only(cassette)

    async def respond(self, request: Request) -> Reply | None:
        """Return the next recorded answer to *request*, None where there is none."""
        session, cassette = session_of(request), cassette_of(request)
        while True:
            aliases: tuple[Alias, ...] = ()
            found = self._exact(request, session)
            if found is None and not self._once:
                meant = self._meant(request)
                aliases = () if isinstance(meant, Refused) else meant
                found = aliases[0].found if aliases else None
            taken = (cassette, self._joined(request) if aliases or not found else found.key)
            entry = self._next(found, session, taken) if found else None
            if found is None or entry is None:
                if self._once or not self._library.follow():
                    return None
            elif self._once or self._library.current(entry):
                break
        reply = self._replies.get(entry)
        if reply is None:
            try:
                reply = self._encoded(entry)
            except ReadError:
                # A file that is being written in place: it may be whole again by now.
                if self._once or not self._library.follow(force=True):
                    raise
                return await self.respond(request)
        self.sessions.take(session, taken)
        if len(aliases) == 1:
            self.sessions.take(session, (cassette, found.key))
        if entry.ids and not aliases:
            self.sessions.keep(session, Own).update(entry.ids)
        label = entry.label
        self.sessions.play(session, label)
        self.played.add(label)
        if b'"messages"' in request.body and _IDS_IN.search(request.body):
            self._follow_messages(request, entry, session)
        told = self._told(reply, session, aliases)
        if "/threads" in request.path:
            self.sessions.keep(session, Handover).note(request, told)
        return told

    def _told(self, reply: Reply, session: str, aliases: tuple[Alias, ...]) -> Reply:
        """Return *reply* as the client calls its ids, which are bound now where *aliases* answered."""
        if aliases:
            self.sessions.keep(session, Names).bind([alias.names for alias in aliases])
        if messages := self.sessions.kept(session, MessageNames):
            reply = messages.told(reply)
        names = self.sessions.kept(session, Names)
        if not names:
            return reply
        pairs = aliases[0].names.items() if aliases else ()
        renamed = tuple((live, recorded) for live, recorded in pairs if live != recorded)
        return replace(names.told(reply), names=renamed)

    def _follow_messages(self, request: Request, entry: Entry, session: str) -> None:
        """Have the ids of messages in *request*, which *entry* answers, stand for the recorded ones in their places."""
        recorded = self._message_ids.get(entry)
        if recorded is None:
            recorded = _message_ids(self._library.request(entry))
            self._message_ids.put(entry, recorded, 100 + 100 * len(recorded))
        pairs = {
            live: meant
            for live, meant in zip(_message_ids(request), recorded, strict=False)
            if live and meant and live != meant
        }
        if pairs:
            self.sessions.keep(session, MessageNames).bind([pairs])

    def _meant(self, request: Request) -> tuple[Alias, ...] | Refused:
        """Return what *request* may mean whose ids are called otherwise in the recordings, or why it is not answered."""
        session, cassette = session_of(request), cassette_of(request)
        index = self.index_of(cassette)
        if index is None or not _IDS_IN.search(request.path.encode() + request.body):
            return ()
        made = Session(
            self.sessions.keep(session, Names),
            lambda found: self._next(found, session, (cassette, self._joined(request))),
            lambda found: self.sessions.count(session, (cassette, found.key)) > 0,
            self.sessions.kept(session, Own) or (),
            cassette is not None,
        )
        return self._aliases.meant(kept(request, self._rules), made, index)

    def misnamed(self, request: Request) -> bool:
        """Tell whether *request* names a cassette that is not there."""
        return self.index_of(cassette_of(request)) is None

    def miss(self, request: Request) -> Miss:
        """Return why *request* was not answered, without its secrets."""
        session, cassette = session_of(request), cassette_of(request)
        shown = kept(request, self._rules)
        index = self.index_of(cassette)
        if index is None:
            return no_cassette(shown, cassette or "", [one.name for one in self.index.cassettes])
        if found := self._exact(request, session):
            count = len(found.entries)
            return Miss(
                shown,
                f"it was played already, {count} of {count} times, and `repeat: error` holds",
                tuple(self._near(entry, index, session, cassette) for entry in found.entries[-1:]),
            )
        if not index.count:
            return Miss(shown, "there are no exchanges")
        meant = self._meant(request)
        if isinstance(meant, Refused):
            return Miss(shown, meant.why, (self._near(meant.entry, index, session, cassette),))
        nearest = index.nearest(canonical(shown))
        return Miss(
            shown,
            "no exchange matches",
            tuple(self._near(entry, index, session, cassette) for entry in nearest),
        )

    def _near(self, entry: Entry, index: Index, session: str, cassette: str | None) -> Near:
        recorded, rules = self._library.request(entry), index.rules_of(entry)
        key = index.keys(canonical(recorded))
        found = index.find(key)
        played = self.sessions.count(session, (cassette, found.key)) if found else 0
        return Near(entry.label, recorded, rules, played)

    def _exact(self, request: Request, session: str) -> Found | None:
        """Return what was recorded for *request* under its very ids, None where *session* means others by them."""
        names = self.sessions.kept(session, Names)
        return None if names and names.rename(request) else self._find(request)

    def _find(self, request: Request) -> Found | None:
        index = self.index_of(cassette_of(request))
        if index is None or not index.rules:
            return None
        return index.find(self._keys_of(request, index))

    def _joined(self, request: Request) -> Key:
        """Return what identifies *request* under its own ids, whatever they stand for."""
        index = self.index_of(cassette_of(request))
        return b"".join(self._keys_of(request, index)) if index is not None and index.rules else b""

    def _keys_of(self, request: Request, index: Index) -> tuple[Key, ...]:
        secrets = credentials(request.headers, request.path)
        place = (index.rules, request.method, request.path, request.body, secrets)
        keys = self._keys.get(place)
        if keys is None:
            keys = index.keys(canonical(kept(request, self._rules, secrets)))
            self._keys.put(place, keys, 500 + len(request.path) + len(request.body))
        return keys

    def _next(self, found: Found, session: str, taken: Hashable) -> Entry | None:
        """Return the answer that is next in *session*, which counts under *taken* how many it had."""
        count = self.sessions.count(session, taken)
        entries = found.entries
        if count < len(entries):
            return entries[count]
        if self._once or entries[-1].repeat is Repeat.ERROR:
            return None
        return entries[count % len(entries)] if entries[-1].repeat is Repeat.CYCLE else entries[-1]

    def _encoded(self, entry: Entry) -> Reply:
        response = self._library.exchange(entry).response
        body = timed(response, self._pace)
        reply = Reply(
            response.status,
            kept_response(response.headers),
            body,
            standard_reason(response.status) if response.reason is None else response.reason,
            Source.CASSETTE,
            entry.label,
        )
        size = len(body) if isinstance(body, bytes) else sum(len(c) + 200 for _, c in body.steps)
        return self._replies.put(entry, reply, 2000 + size)


def _message_ids(request: Request) -> tuple[str | None, ...]:
    try:
        return message_ids(parsed(request.body))
    except ValueError:
        return ()
