"""Recorded answers to requests that call their ids otherwise."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from mockserver.cassette.normalize import Normalizer
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize
from mockserver.matching.index import Entry, Index, Match
from mockserver.matching.names import Names, assistants, ids_in, shape
from mockserver.matching.summary import exchange_to_json
from mockserver.store.library import Library

COMPARED = 20
"""How many recorded requests are compared that a request fits equally."""

LISTED = 3
"""How many of them are told."""


@dataclass(frozen=True, slots=True)
class Alias:
    """What was recorded for a request, where its ids are called as *names* tells, by the live id."""

    found: Match
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is not answered that fits a recorded one but for its ids; *entry* is such a one."""

    why: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Session:
    """What one session has made of the recordings: its *names*, the answer that is *next*, and whether one was *played*."""

    names: Names
    next: Callable[[Match], Entry | None]
    played: Callable[[Match], bool]
    own: Collection[str] = ()
    """The recorded ids that it has used under their own names."""
    ordered: bool = False
    """Whether its requests name their cassette: that is one scenario then, whose order tells what fits equally apart."""


class Aliases:
    """Finds in *library* what a request means by its ids; *find* finds a request by its very ids."""

    def __init__(self, library: Library, find: Callable[[Request], Match | None]) -> None:
        self._library = library
        self._find = find

    def meant(
        self, request: Request, session: Session, index: Index
    ) -> tuple[Alias, ...] | Refused:
        """Return what *request*, which is without its secrets, may mean: all of it is answered alike. Or nothing, or why not."""
        form = canonicalize(request)
        live = shape(form)
        if live is None:
            return ()
        aliases = self._left(self._known(request, live.ids, session.names), session.names)
        if not aliases:
            like = self._alike(request, live.ids, session.names, index)
            # An assistant that was recorded means itself.
            meant = frozenset(one for one in assistants(form) if one in index.ids)
            like = [one for one in like if all(one.names[live] == live for live in meant)]
            aliases = tuple(alias for alias in like if self._is_free(alias, session))
            if like and not aliases:
                return self._taken(like, session.names)
        if len(aliases) > 1 and session.ordered:
            aliases = (self._first(aliases, session),)
        if len(aliases) > 1 and not self._agree(aliases, session):
            entries = [alias.found.entries[0] for alias in aliases]
            labels = ", ".join(entry.label for entry in entries[:LISTED])
            why = (
                f"but for its ids it fits {labels} equally, whose answers differ: name its cassette, "
                "whose order tells them apart"
            )
            return Refused(why, entries[0])
        return self._with_answers(aliases, session) if len(aliases) > 1 else aliases

    def _left(self, aliases: tuple[Alias, ...], names: Names) -> tuple[Alias, ...]:
        """Return those of several *aliases* whose ids nothing else stands for meanwhile."""
        left = [
            alias
            for alias in aliases
            if not any(names.taken(live, meant) for live, meant in alias.names.items())
        ]
        return tuple(left) or aliases

    def _known(self, request: Request, ids: tuple[str, ...], names: Names) -> tuple[Alias, ...]:
        """Return what *request* means by the names that its ids have already."""
        aliases: list[Alias] = []
        for translated in names.recorded(request):
            found, recorded = self._find(translated), shape(canonicalize(translated))
            if found is not None and recorded is not None:
                aliases.append(Alias(found, dict(zip(ids, recorded.ids, strict=True))))
        return tuple(aliases)

    def _alike(
        self, request: Request, ids: tuple[str, ...], names: Names, index: Index
    ) -> list[Alias]:
        """Return what was recorded that *request* fits but for its ids."""
        aliases: dict[bytes, Alias] = {}
        for form in (*names.recorded(request), request):
            for found in index.find_similar(canonicalize(form)):
                recorded = shape(canonicalize(self._library.request(found.entries[0])))
                if recorded is not None and len(recorded.ids) == len(ids):
                    pairs = dict(zip(ids, recorded.ids, strict=True))
                    aliases.setdefault(found.key, Alias(found, pairs))
        return list(aliases.values())

    def _is_free(self, alias: Alias, session: Session) -> bool:
        """Tell whether nothing else stands for what *alias* says its ids mean."""
        new = [live for live in alias.names if not session.names.has(live)]
        if new and session.played(alias.found):
            return False
        return all(
            session.names.may_be(live, meant) and (live == meant or meant not in session.own)
            for live, meant in alias.names.items()
        )

    def _taken(self, aliases: list[Alias], names: Names) -> Refused:
        """Return that what the ids could stand for is taken in this session."""
        live, recorded = next(
            (
                (one, other)
                for one, other in aliases[0].names.items()
                if not names.may_be(one, other)
            ),
            next(iter(aliases[0].names.items())),
        )
        holder = names.pairs.get(recorded, recorded)
        entry = aliases[0].found.entries[0]
        why = (
            f"but for its ids it is {entry.label}, where {live} would stand for {recorded}; "
            f"but in this session {holder} does: take another session, or reset this one"
        )
        return Refused(why, entry)

    def _first(self, aliases: tuple[Alias, ...], session: Session) -> Alias:
        """Return the alias that was recorded first, of those not played yet if there are any."""
        return min(
            aliases, key=lambda one: (session.played(one.found), one.found.entries[0].number)
        )

    def _agree(self, aliases: tuple[Alias, ...], session: Session) -> bool:
        return len(aliases) <= COMPARED and len({self._gist(one, session) for one in aliases}) == 1

    def _with_answers(self, aliases: tuple[Alias, ...], session: Session) -> tuple[Alias, ...]:
        """Return *aliases* with the ids of their answers: those of the first are told, and may stand for the others'."""
        answers = [ids_in(self._said(one, session)) for one in aliases]
        if len({len(answer) for answer in answers}) > 1:
            return aliases
        known = {recorded: live for live, recorded in aliases[0].names.items()}
        lives = [known.get(one) or session.names.pairs.get(one, one) for one in answers[0]]
        return tuple(
            replace(alias, names={**dict(zip(lives, answer, strict=True)), **alias.names})
            for alias, answer in zip(aliases, answers, strict=True)
        )

    def _said(self, alias: Alias, session: Session) -> str:
        """Return the text of the answer, in which the ids are."""
        entry = session.next(alias.found)
        return "" if entry is None else repr(self._library.exchange(entry).response)

    def _gist(self, alias: Alias, session: Session) -> str:
        """Return what the answer says but for ids and times."""
        entry = session.next(alias.found)
        if entry is None:
            return ""
        said: Json = Normalizer().normalize_exchange(
            exchange_to_json(0, self._library.exchange(entry))
        )
        return repr(said["response"])
