"""Recorded answers to requests that call their ids otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mockserver.cassette.canonical import canonical
from mockserver.cassette.index import Entry, Found, Index
from mockserver.cassette.model import Exchange
from mockserver.cassette.names import Names, shape
from mockserver.cassette.stable import Stable
from mockserver.cassette.summary import facts
from mockserver.jsontext import Json
from mockserver.messages import Request
from mockserver.store.library import Library

COMPARED = 20
"""How many recorded requests are compared that a request fits equally."""


@dataclass(frozen=True, slots=True)
class Alias:
    """What was recorded for a request, where its ids are called as *names* tells, by the live id."""

    found: Found
    names: Mapping[str, str]


class Ambiguous:
    """The request fits several recorded ones equally, whose answers differ: the *entries* of each."""

    def __init__(self, aliases: tuple[Alias, ...]) -> None:
        self.entries = tuple(alias.found.entries[0] for alias in aliases)


class Aliases:
    """Finds in *library* what a request means by its ids; *find* finds a request by its very ids."""

    def __init__(self, library: Library, find: Callable[[Request], Found | None]) -> None:
        self._library = library
        self._find = find

    def meant(
        self,
        request: Request,
        names: Names,
        index: Index,
        following: Callable[[Found], Entry | None],
    ) -> tuple[Alias, ...] | Ambiguous:
        """Return what *request* may mean, all of which is answered alike by the entry that *following* tells; or nothing.

        The request is without its secrets. What *names* say already holds.
        """
        aliases = self._known(request, names) or self._new(request, names, index)
        if len(aliases) < 2:
            return aliases
        if len(aliases) > COMPARED or len({self._gist(one, following) for one in aliases}) > 1:
            return Ambiguous(aliases)
        return aliases

    def _known(self, request: Request, names: Names) -> tuple[Alias, ...]:
        live = shape(canonical(request))
        if live is None:
            return ()
        aliases: list[Alias] = []
        for translated in names.recorded(request):
            found, recorded = self._find(translated), shape(canonical(translated))
            if found is not None and recorded is not None:
                aliases.append(Alias(found, dict(zip(live.ids, recorded.ids, strict=True))))
        return tuple(aliases)

    def _new(self, request: Request, names: Names, index: Index) -> tuple[Alias, ...]:
        live = shape(canonical(request))
        if live is None:
            return ()
        aliases: dict[bytes, Alias] = {}
        for form in (*names.recorded(request), request):
            for found in index.alike(canonical(form)):
                recorded = shape(canonical(self._library.request(found.entries[0])))
                if recorded is None or len(recorded.ids) != len(live.ids):
                    continue
                pairs = dict(zip(live.ids, recorded.ids, strict=True))
                if all(names.may_be(one, other) for one, other in pairs.items()):
                    aliases.setdefault(found.key, Alias(found, pairs))
        return tuple(aliases.values())

    def _gist(self, alias: Alias, following: Callable[[Found], Entry | None]) -> str:
        """Return what the answer says but for ids and times."""
        entry = following(alias.found)
        return "" if entry is None else _steady(self._library.exchange(entry))


def _steady(exchange: Exchange) -> str:
    said: Json = Stable().facts(facts(0, exchange))
    return repr(said["response"])
