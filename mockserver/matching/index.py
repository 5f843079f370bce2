"""The requests of loaded cassettes, found by their meaning in one step. No I/O."""

import heapq
from array import array
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from mockserver.cassette.file_names import SUFFIXES, cassette_path
from mockserver.cassette.model import Repeat
from mockserver.formats.json_text import Json
from mockserver.matching import keys as matching
from mockserver.matching import names
from mockserver.matching.keys import IgnoreRules, Key

MAX_CANDIDATES = 20_000
"""How many requests are compared for a miss at the most."""


@dataclass(frozen=True, slots=True, eq=False)
class RequestFingerprint:
    """What is known of a recorded request, wherever it stands in its file.

    It was read from the first *size* bytes of its document, whose hash in this process is *mark*.
    """

    raw_size: int
    raw_hash: int
    key: Key
    shape: Key | None
    ids: tuple[str, ...]
    """The ids in it, as `names` finds them."""
    route: tuple[str, str]
    shingles: "array[int]"
    repeat: Repeat | None


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One exchange: number *number* (from 1) of the *cassette* of that name, bytes *start* to *end* of its file."""

    cassette: str
    number: int
    start: int
    end: int
    fingerprint: RequestFingerprint
    repeat: Repeat

    @property
    def key(self) -> Key:
        """The key of its request."""
        return self.fingerprint.key

    @property
    def route(self) -> tuple[str, str]:
        """The method and path of its request."""
        return self.fingerprint.route

    @property
    def label(self) -> str:
        """`FILE#N`, as messages and headers name it."""
        return f"{self.cassette}#{self.number}"


@dataclass(frozen=True, slots=True)
class Cassette:
    """A loaded file: *name* is its path below its root, *rules* are those in force in it."""

    name: str
    rules: IgnoreRules
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """The recorded answers to one request, in recorded order; *key* identifies the request among them."""

    key: Key
    entries: tuple[Entry, ...]


_RulesKey = tuple[IgnoreRules, Key]


def fingerprint(
    form: dict[str, Json], rules: IgnoreRules, raw: bytes, repeat: Repeat | None = None
) -> RequestFingerprint:
    """Return what is to be known of a recorded request, canonical *form*, which was read from *raw*; *repeat* is its own, if any."""
    reduced = matching.without_ignored(form, rules)
    text = matching.serialize(reduced)
    shape = names.shape(reduced, text)
    return RequestFingerprint(
        len(raw),
        hash(raw),
        matching.digest(text),
        shape.key if shape else None,
        shape.ids if shape else (),
        (form["method"], form["path"]),
        matching.shingles(text if not rules else matching.serialize(form)),
        repeat,
    )


class Index:
    """All loaded *cassettes*, in path order, as one library."""

    def __init__(self, cassettes: tuple[Cassette, ...] = ()) -> None:
        self.cassettes = cassettes
        self.rules = tuple(dict.fromkeys(cassette.rules for cassette in cassettes))
        self._by_name: dict[str, Index] = {}
        self._order = {cassette.name: number for number, cassette in enumerate(cassettes)}
        entries: dict[_RulesKey, list[Entry]] = {}
        keys: dict[_RulesKey, dict[Key, None]] = {}
        for cassette in cassettes:
            for entry in cassette.entries:
                entries.setdefault((cassette.rules, entry.key), []).append(entry)
                if entry.fingerprint.shape is not None:
                    keys.setdefault((cassette.rules, entry.fingerprint.shape), {})[entry.key] = None
        self._by_key = {place: Match(place[1], tuple(one)) for place, one in entries.items()}
        self._by_shape = {place: tuple(one) for place, one in keys.items()}

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
            for one in entry.fingerprint.ids
        )

    def single(self, name: str) -> "Index | None":
        """Return the index of the one cassette *name*, with or without its suffix; None if there is none."""
        if name not in self._by_name:
            # Where recordings go comes first.
            wanted = (cassette_path(name), name, *(f"{name}{suffix}" for suffix in SUFFIXES))
            there = next(
                (number for one in wanted if (number := self._order.get(one)) is not None), None
            )
            if there is None:
                return None
            self._by_name[name] = Index((self.cassettes[there],))
        return self._by_name[name]

    def find(self, keys: tuple[Key, ...]) -> Match | None:
        """Return what was recorded for a request with these *keys*, one for each of `rules`."""
        if len(keys) == 1:
            return self._by_key.get((self.rules[0], keys[0]))
        places = zip(self.rules, keys, strict=True)
        hits = [hit for place in places if (hit := self._by_key.get(place))]
        if len(hits) < 2:
            return hits[0] if hits else None
        merged = sorted((entry for hit in hits for entry in hit.entries), key=self._place)
        return Match(b"".join(hit.key for hit in hits), tuple(merged))

    def find_similar(self, form: Json) -> list[Match]:
        """Return what was recorded for requests that are like the canonical request *form* but for their ids."""
        found: list[Match] = []
        for rules in self.rules:
            wanted = names.shape(matching.without_ignored(form, rules))
            for key in self._by_shape.get((rules, wanted.key), ()) if wanted else ():
                found.append(self._by_key[rules, key])
        return found

    def keys(self, form: Json) -> tuple[Key, ...]:
        """Return the keys of the canonical request *form*, one for each of `rules`."""
        return tuple(
            matching.request_key(matching.without_ignored(form, rules)) for rules in self.rules
        )

    def rules_of(self, entry: Entry) -> IgnoreRules:
        """Return the rules in force in the cassette of *entry*."""
        return self.cassettes[self._order[entry.cassette]].rules

    def nearest(self, form: Json, count: int = 3) -> list[Entry]:
        """Return the *count* entries most like the canonical request *form*.

        Those of the same method and path, else those whose paths have the most parts in common.
        """
        route = (form["method"], form["path"])
        got = frozenset(matching.shingles(matching.serialize(form)))
        entries = (e for cassette in self.cassettes for e in cassette.entries)
        ranked = (
            (
                e.fingerprint.route == route,
                _path_similarity(e.fingerprint.route[1], route[1]),
                matching.similarity(e.fingerprint.shingles, got),
                -number,
                e,
            )
            for number, e in enumerate(islice(entries, MAX_CANDIDATES))
        )
        best = heapq.nlargest(count, ranked, key=lambda rank: rank[:4])
        return [rank[-1] for rank in best if rank[:2] == best[0][:2]]

    def _place(self, entry: Entry) -> tuple[int, int]:
        return self._order[entry.cassette], entry.number


def _path_similarity(one: str, other: str) -> float:
    """Return how many parts of two paths are alike, from 0 to 1."""
    parts, others = one.split("/")[1:], other.split("/")[1:]
    alike = sum(a == b for a, b in zip(parts, others, strict=False))
    return alike / max(len(parts), len(others))
