"""The requests of loaded cassettes, found by their meaning in one step. No I/O."""

import heapq
from array import array
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from mockserver.cassette import matching, names
from mockserver.cassette.canonical import canonical
from mockserver.cassette.filing import SUFFIXES, filed
from mockserver.cassette.matching import Key, Rules
from mockserver.cassette.model import Repeat
from mockserver.jsontext import Json
from mockserver.messages import Request

LOOKED_AT = 20_000
"""How many requests are compared for a miss at the most."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One exchange: number *number* (from 1) of the *cassette* of that name, bytes *start* to *end* of its file."""

    cassette: str
    number: int
    start: int
    end: int
    line: int
    key: Key
    shape: Key | None
    ids: tuple[str, ...]
    """The ids in its request, as `names` finds them."""
    route: tuple[str, str]
    sketch: "array[int]"
    repeat: Repeat

    @property
    def label(self) -> str:
        """`FILE#N`, as messages and headers name it."""
        return f"{self.cassette}#{self.number}"


@dataclass(frozen=True, slots=True)
class Cassette:
    """A loaded file: *name* is its path below its root, *rules* are those in force in it."""

    name: str
    rules: Rules
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The recorded answers to one request, in recorded order; *key* identifies the request among them."""

    key: Key
    entries: tuple[Entry, ...]


def entry(
    request: Request, place: tuple[str, int, int, int, int], rules: Rules, repeat: Repeat
) -> Entry:
    """Return the entry of the recorded *request*; *place* is cassette, number, start, end, line."""
    form = canonical(request)
    reduced = matching.reduced(form, rules)
    text = matching.spelled(reduced)
    under_other_names = names.shape(reduced, text)
    return Entry(
        *place,
        key=matching.hashed(text),
        shape=under_other_names.key if under_other_names else None,
        ids=under_other_names.ids if under_other_names else (),
        route=(form["method"], form["path"]),
        sketch=matching.sketch(form),
        repeat=repeat,
    )


class Index:
    """All loaded *cassettes*, in path order, as one library."""

    def __init__(self, cassettes: tuple[Cassette, ...] = ()) -> None:
        self.cassettes = cassettes
        self.rules = tuple(dict.fromkeys(cassette.rules for cassette in cassettes))
        self._by_name: dict[str, Index] = {}
        self._order = {cassette.name: number for number, cassette in enumerate(cassettes)}
        gathered: dict[tuple[Rules, Key], list[Entry]] = {}
        alike: dict[tuple[Rules, Key], dict[Key, None]] = {}
        for cassette in cassettes:
            for one in cassette.entries:
                gathered.setdefault((cassette.rules, one.key), []).append(one)
                if one.shape is not None:
                    alike.setdefault((cassette.rules, one.shape), {})[one.key] = None
        self._by_key = {place: tuple(entries) for place, entries in gathered.items()}
        self._by_shape = {place: tuple(keys) for place, keys in alike.items()}

    @property
    def count(self) -> int:
        """How many exchanges there are."""
        return sum(len(cassette.entries) for cassette in self.cassettes)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids in all requests."""
        return frozenset(
            one for cassette in self.cassettes for entry in cassette.entries for one in entry.ids
        )

    def only(self, name: str) -> "Index | None":
        """Return the index of the one cassette *name*, with or without its suffix; None if there is none."""
        if name not in self._by_name:
            # Where recordings go comes first.
            wanted = (filed(name), name, *(f"{name}{suffix}" for suffix in SUFFIXES))
            there = next(
                (number for one in wanted if (number := self._order.get(one)) is not None), None
            )
            if there is None:
                return None
            self._by_name[name] = Index((self.cassettes[there],))
        return self._by_name[name]

    def find(self, keys: tuple[Key, ...]) -> Found | None:
        """Return what was recorded for a request with these *keys*, one for each of `rules`."""
        if len(keys) == 1:
            entries = self._by_key.get((self.rules[0], keys[0]))
            return Found(keys[0], entries) if entries else None
        hits = [self._by_key.get(place, ()) for place in zip(self.rules, keys, strict=True)]
        merged = sorted((e for hit in hits for e in hit), key=self._place)
        return (
            Found(b"".join(k for k, hit in zip(keys, hits, strict=True) if hit), tuple(merged))
            if merged
            else None
        )

    def alike(self, form: Json) -> list[Found]:
        """Return what was recorded for requests that are like the canonical request *form* but for their ids."""
        found: list[Found] = []
        for rules in self.rules:
            wanted = names.shape(matching.reduced(form, rules))
            for key in self._by_shape.get((rules, wanted.key), ()) if wanted else ():
                found.append(Found(key, self._by_key[rules, key]))
        return found

    def keys(self, form: Json) -> tuple[Key, ...]:
        """Return the keys of the canonical request *form*, one for each of `rules`."""
        return tuple(matching.key(matching.reduced(form, rules)) for rules in self.rules)

    def rules_of(self, entry: Entry) -> Rules:
        """Return the rules in force in the cassette of *entry*."""
        return self.cassettes[self._order[entry.cassette]].rules

    def nearest(self, form: Json, count: int = 3) -> list[Entry]:
        """Return the *count* entries most like the canonical request *form*.

        Those of the same method and path, else those whose paths have the most parts in common.
        """
        route = (form["method"], form["path"])
        got = frozenset(matching.sketch(form))
        entries = (e for cassette in self.cassettes for e in cassette.entries)
        ranked = (
            (
                e.route == route,
                _shared(e.route[1], route[1]),
                matching.likeness(e.sketch, got),
                -number,
                e,
            )
            for number, e in enumerate(islice(entries, LOOKED_AT))
        )
        best = heapq.nlargest(count, ranked, key=lambda rank: rank[:4])
        return [rank[-1] for rank in best if rank[:2] == best[0][:2]]

    def _place(self, entry: Entry) -> tuple[int, int]:
        return self._order[entry.cassette], entry.number


def _shared(one: str, other: str) -> float:
    """Return how many parts of two paths are alike, from 0 to 1."""
    parts, others = one.split("/")[1:], other.split("/")[1:]
    alike = sum(a == b for a, b in zip(parts, others, strict=False))
    return alike / max(len(parts), len(others))
