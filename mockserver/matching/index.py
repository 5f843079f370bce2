"""The requests of loaded cassettes, found by their meaning in one step. No I/O."""

import heapq
from array import array
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from mockserver.cassette.file_names import SUFFIXES, filed
from mockserver.cassette.model import Repeat
from mockserver.formats.json_text import Json
from mockserver.matching import keys as matching
from mockserver.matching import names
from mockserver.matching.keys import Key, Rules

LOOKED_AT = 20_000
"""How many requests are compared for a miss at the most."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is known of a recorded request, wherever it stands in its file.

    It was read from the first *size* bytes of its document, whose hash in this process is *mark*.
    """

    size: int
    mark: int
    key: Key
    shape: Key | None
    ids: tuple[str, ...]
    """The ids in it, as `names` finds them."""
    route: tuple[str, str]
    sketch: "array[int]"
    repeat: Repeat | None


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One exchange: number *number* (from 1) of the *cassette* of that name, bytes *start* to *end* of its file."""

    cassette: str
    number: int
    start: int
    end: int
    asked: Asked
    repeat: Repeat

    @property
    def key(self) -> Key:
        """The key of its request."""
        return self.asked.key

    @property
    def route(self) -> tuple[str, str]:
        """The method and path of its request."""
        return self.asked.route

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


_Place = tuple[Rules, Key]


def asked(form: dict[str, Json], rules: Rules, raw: bytes, repeat: Repeat | None = None) -> Asked:
    """Return what is to be known of a recorded request, canonical *form*, which was read from *raw*; *repeat* is its own, if any."""
    reduced = matching.reduced(form, rules)
    text = matching.spelled(reduced)
    shape = names.shape(reduced, text)
    return Asked(
        len(raw),
        hash(raw),
        matching.hashed(text),
        shape.key if shape else None,
        shape.ids if shape else (),
        (form["method"], form["path"]),
        matching.sketch(text if not rules else matching.spelled(form)),
        repeat,
    )


class Index:
    """All loaded *cassettes*, in path order, as one library."""

    def __init__(self, cassettes: tuple[Cassette, ...] = ()) -> None:
        self.cassettes: tuple[Cassette, ...] = ()
        self.rules: tuple[Rules, ...] = ()
        self._by_name: dict[str, Index] = {}
        self._order: dict[str, int] = {}
        self._by_key: dict[_Place, Found] = {}
        self._by_shape: dict[_Place, tuple[Key, ...]] = {}
        if cassettes:
            self._change(cassettes, {})

    def updated(self, cassettes: tuple[Cassette, ...]) -> "Index":
        """Return the index of these *cassettes*; it costs as much work as they differ from those of this one."""
        index = Index()
        index._by_key = self._by_key.copy()
        index._by_shape = self._by_shape.copy()
        index._change(cassettes, {one.name: one for one in self.cassettes})
        return index

    def _change(self, cassettes: tuple[Cassette, ...], before: dict[str, Cassette]) -> None:
        """Take *cassettes* in the place of those that were there *before*."""
        self.cassettes = cassettes
        self.rules = tuple(dict.fromkeys(cassette.rules for cassette in cassettes))
        self._order = {cassette.name: number for number, cassette in enumerate(cassettes)}
        come = [one for one in cassettes if before.get(one.name) is not one]
        stay = {one.name for one in cassettes if before.get(one.name) is one}
        gone = [one for one in before.values() if one.name not in stay]
        # What a changed place holds: first of what stays, then of what comes.
        entries: dict[_Place, list[Entry]] = {}
        shapes: dict[_Place, list[Key]] = {}
        for cassette in gone:
            for one in cassette.entries:
                place = (cassette.rules, one.key)
                if place not in entries:
                    left = self._by_key[place].entries
                    entries[place] = [old for old in left if old.cassette in stay]
                if one.asked.shape is not None:
                    shape = (cassette.rules, one.asked.shape)
                    shapes.setdefault(shape, list(self._by_shape[shape]))
        for cassette in come:
            rules = cassette.rules
            for one in cassette.entries:
                place = (rules, one.asked.key)
                found = entries.get(place)
                if found is None:
                    known = self._by_key.get(place)
                    found = entries[place] = list(known.entries) if known else []
                found.append(one)
                if one.asked.shape is not None:
                    shape = (rules, one.asked.shape)
                    if shape not in shapes:
                        shapes[shape] = list(self._by_shape.get(shape, ()))
                    shapes[shape].append(one.asked.key)
        for place, found in entries.items():
            if found:
                if len(found) > 1:
                    found.sort(key=self._place)
                self._by_key[place] = Found(place[1], tuple(found))
            else:
                del self._by_key[place]
        for shape, keys in shapes.items():
            self._gather(shape, keys)

    def _gather(self, shape: "_Place", keys: list[Key]) -> None:
        """Have those of *keys* that there are stand under *shape*, in recorded order."""
        rules = shape[0]
        there = {key for key in keys if (rules, key) in self._by_key}
        if there:
            first = {key: self._place(self._by_key[rules, key].entries[0]) for key in there}
            self._by_shape[shape] = tuple(sorted(there, key=first.__getitem__))
        else:
            del self._by_shape[shape]

    @property
    def count(self) -> int:
        """How many exchanges there are."""
        return sum(len(cassette.entries) for cassette in self.cassettes)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids in all requests."""
        return frozenset(
            one
            for cassette in self.cassettes
            for entry in cassette.entries
            for one in entry.asked.ids
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
            return self._by_key.get((self.rules[0], keys[0]))
        places = zip(self.rules, keys, strict=True)
        hits = [hit for place in places if (hit := self._by_key.get(place))]
        if len(hits) < 2:
            return hits[0] if hits else None
        merged = sorted((entry for hit in hits for entry in hit.entries), key=self._place)
        return Found(b"".join(hit.key for hit in hits), tuple(merged))

    def alike(self, form: Json) -> list[Found]:
        """Return what was recorded for requests that are like the canonical request *form* but for their ids."""
        found: list[Found] = []
        for rules in self.rules:
            wanted = names.shape(matching.reduced(form, rules))
            for key in self._by_shape.get((rules, wanted.key), ()) if wanted else ():
                found.append(self._by_key[rules, key])
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
        got = frozenset(matching.sketch(matching.spelled(form)))
        entries = (e for cassette in self.cassettes for e in cassette.entries)
        ranked = (
            (
                e.asked.route == route,
                _shared(e.asked.route[1], route[1]),
                matching.likeness(e.asked.sketch, got),
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
