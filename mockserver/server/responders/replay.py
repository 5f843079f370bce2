"""Answers from cassettes, and the explained miss."""

from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from mockserver.cassette.model import Repeat
from mockserver.errors import ReadError
from mockserver.http.messages import Reply, Request, cassette_name
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
from mockserver.server.responders.lookup import Lookup, RequestKeys
from mockserver.server.responders.played import Plays
from mockserver.server.responders.prebuilt import Answers
from mockserver.server.response_head import plain
from mockserver.server.sessions import Session, Sessions
from mockserver.store.library import Library

if TYPE_CHECKING:
    from mockserver.matching.usage import Usage

IDS_KEPT = 2 << 20
"""How many bytes of ids of messages are remembered."""


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
        rules: RedactionRules,
        *,
        once: bool = False,
    ) -> None:
        self.sessions = Sessions()
        self._plays = Plays(library.index)
        self._lookup = Lookup(library, rules)
        self._aliases = Aliases(library, lambda request: self._lookup.keys_for(request).found)
        self._library = library
        self._rules = rules
        self._once = once
        self._answers = Answers(library, pace)
        self._message_ids: Cache[tuple[str | None, ...]] = Cache(IDS_KEPT)

    @property
    def unplayed(self) -> list[str]:
        """The exchanges that were never played, as `FILE#N`, whatever was reset meanwhile."""
        labels = (entry.label for cassette in self.index.cassettes for entry in cassette.entries)
        played = self._plays.of(self.index)
        return [label for label in labels if label not in played]

    @property
    def usage(self) -> "Usage":
        """What was played of each cassette, whatever was reset meanwhile."""
        from mockserver.store import usage

        return usage.usage_of(self._library, self.index, self._plays.of(self.index))

    @property
    def index(self) -> Index:
        """Return what is loaded now."""
        return self._library.index

    def index_of(self, cassette: str | None) -> Index | None:
        """Return what is loaded now of the one *cassette* of that name, of all if it is None; None where there is no such one."""
        return self._lookup.index_of(cassette)

    async def respond(self, request: Request) -> Reply | None:
        """Return the next recorded answer to *request*, None where there is none."""
        looked = self._lookup.keys_for(request)
        session = self.sessions.of(looked.session)
        hit = self._hit(request, looked, session)
        while not self._once and (hit is None or not self._library.is_fresh(hit.entry)):
            if not await self._library.reload_if_changed():
                break
            looked = self._lookup.keys_for(request)
            session = self.sessions.of(looked.session)
            hit = self._hit(request, looked, session)
        if hit is None:
            return None
        entry = hit.entry
        try:
            reply = self._answers.get(entry)
        except ReadError:
            # A file that is being written in place: it may be whole again by now.
            if self._once or not await self._library.reload_if_changed():
                raise
            return await self.respond(request)
        assert reply.exchange is not None
        session.counts[hit.taken] += 1
        self.sessions.play(session, reply.exchange)
        self._plays.add(reply.exchange, self._library.index)
        if hit.aliases or entry.fingerprint.ids or looked.has_ids or session.things:
            reply = self._followed(request, looked, session, hit, reply)
        if "/threads" in request.path:
            session.keep(Handover).note(request, reply)
        return reply

    def _hit(self, request: Request, looked: RequestKeys, session: Session) -> "_Hit | None":
        """Return what comes next for *request* in *session*, None where nothing does."""
        found = looked.found
        if session.things and (names := session.kept(Names)) and names.rename(request):
            found = None
        aliases: tuple[Alias, ...] = ()
        if found is None and looked.has_ids and not self._once:
            meant = self._meant(request, looked, session)
            aliases = () if isinstance(meant, Refused) else meant
            found = aliases[0].found if aliases else None
        if found is None:
            return None
        taken = (looked.cassette, looked.joined if aliases else found.key)
        entry = self._next(found, session.counts[taken])
        return _Hit(entry, found, taken, aliases) if entry else None

    def _followed(
        self, request: Request, looked: RequestKeys, session: Session, hit: "_Hit", reply: Reply
    ) -> Reply:
        """Take note of the ids that *request* and its *hit* have, and return *reply* with those that *session* knows."""
        if len(hit.aliases) == 1:
            session.counts[looked.cassette, hit.found.key] += 1
        if hit.entry.fingerprint.ids and not hit.aliases:
            session.keep(Own).update(hit.entry.fingerprint.ids)
        if looked.has_ids and b'"messages"' in request.body:
            self._follow_messages(request, hit.entry, session)
        return self._told(reply, session, hit.aliases)

    def _told(self, reply: Reply, session: Session, aliases: tuple[Alias, ...]) -> Reply:
        """Return *reply* as the client calls its ids, which are bound now where *aliases* answered."""
        if aliases:
            session.keep(Names).bind([alias.names for alias in aliases])
        names = [one for one in (session.kept(MessageNames), session.kept(Names)) if one]
        if not names:
            return reply
        told = reply
        for one in names:
            told = one.told(told)
        pairs = aliases[0].names.items() if aliases else ()
        renamed = tuple((live, recorded) for live, recorded in pairs if live != recorded)
        # It is encoded once for all who get it as it is; what is told otherwise goes out by itself.
        return replace(plain(told), id_pairs=renamed) if renamed or told is not reply else reply

    def _follow_messages(self, request: Request, entry: Entry, session: Session) -> None:
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
            session.keep(MessageNames).bind([pairs])

    def _meant(
        self, request: Request, looked: RequestKeys, session: Session
    ) -> tuple[Alias, ...] | Refused:
        """Return what *request* may mean whose ids are called otherwise in the recordings, or why it is not answered."""
        index = self._lookup.index_of(looked.cassette)
        if index is None or not looked.has_ids:
            return ()
        taken = (looked.cassette, looked.joined)
        made = AliasSession(
            session.keep(Names),
            lambda found: self._next(found, session.counts[taken]),
            lambda found: session.counts[looked.cassette, found.key] > 0,
            session.kept(Own) or (),
            looked.cassette is not None,
        )
        return self._aliases.meant(
            redact_for_matching(request, self._rules, looked.secrets), made, index
        )

    def misnamed(self, request: Request) -> bool:
        """Tell whether *request* names a cassette that is not there."""
        return self._lookup.index_of(cassette_name(request)) is None

    def miss(self, request: Request) -> Miss:
        """Return why *request* was not answered, without its secrets."""
        looked = self._lookup.keys_for(request)
        session = self.sessions.of(looked.session)
        shown = redacted_request(request, self._rules, looked.secrets)
        index = self._lookup.index_of(looked.cassette)
        if index is None:
            there = [one.name for one in self.index.cassettes]
            return missing_cassette(shown, looked.cassette or "", there)
        names = session.kept(Names)
        if looked.found and not (names and names.rename(request)):
            entries = looked.found.entries
            return Miss(
                shown,
                f"it was played already, {len(entries)} of {len(entries)} times, and `repeat: error` holds",
                tuple(self._near(entry, index, looked, session) for entry in entries[-1:]),
            )
        if not index.count:
            return Miss(shown, "there are no exchanges")
        meant = self._meant(request, looked, session)
        if isinstance(meant, Refused):
            return Miss(shown, meant.why, (self._near(meant.entry, index, looked, session),))
        nearest = index.nearest(canonicalize(shown))
        return Miss(
            shown,
            "no exchange matches",
            tuple(self._near(entry, index, looked, session) for entry in nearest),
        )

    def _near(
        self, entry: Entry, index: Index, looked: RequestKeys, session: Session
    ) -> NearRequest:
        recorded, rules = self._library.request(entry), index.rules_of(entry)
        found = index.find(index.request_keys(canonicalize(recorded)))
        played = session.counts[looked.cassette, found.key] if found else 0
        return NearRequest(entry.label, recorded, rules, played)

    def _next(self, found: Match, count: int) -> Entry | None:
        """Return the answer that is next where *count* were given already."""
        entries = found.entries
        if count < len(entries):
            return entries[count]
        if self._once or entries[-1].repeat is Repeat.ERROR:
            return None
        return entries[count % len(entries)] if entries[-1].repeat is Repeat.CYCLE else entries[-1]


class _Hit(NamedTuple):
    """The *entry* that answers a request, *found* for it or for what its *aliases* say it means; it counts under *taken*."""

    entry: Entry
    found: Match
    taken: Hashable
    aliases: tuple[Alias, ...]


def _message_ids(request: Request) -> tuple[str | None, ...]:
    try:
        return message_ids(parse_json(request.body))
    except ValueError:
        return ()
