"""An index of the recorded requests of all loaded cassettes. No I/O."""

import heapq
from array import array
from dataclasses import dataclass
from functools import cached_property
from unicodedata import normalize

from mockserver.cassette.file_names import SUFFIXES, cassette_path
from mockserver.cassette.model import Repeat
from mockserver.formats.json_text import Json
from mockserver.matching.canonical import Key, digest, request_key, serialize, split_api_path
from mockserver.matching.differences import shingles, similarity
from mockserver.matching.rules import MatchRules, apply_rules
from mockserver.matching.run_bodies import drop_stream_modes
from mockserver.matching.shape import compute_shape_key, find_shape

MAX_CANDIDATES = 20_000
"""The maximum number of recorded requests that are compared with a missed one."""


@dataclass(frozen=True, slots=True, eq=False)
class RequestFingerprint:
    """What matching needs to know of a recorded request, independent of its position in the file.

    It was read from the first *raw_size* bytes of its document; *raw_hash* is their hash in this process.
    """

    raw_size: int
    raw_hash: int
    key: Key
    shape: Key | None
    ids: tuple[str, ...]
    """The ids in the request, in order; see `find_shape`."""
    route: tuple[str, str]
    shingles: "array[int]"
    repeat: Repeat | None
    at: float | None = None
    """When the request arrived, in seconds since the recording started."""
    run: Key | None = None
    """The key of a streamed or awaited run without its ids and stream modes."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One recorded exchange: its *number* (from 1) in *cassette*, and its bytes *start* to *end* in the file."""

    cassette: str
    number: int
    start: int
    end: int
    fingerprint: RequestFingerprint
    repeat: Repeat

    @property
    def key(self) -> Key:
        """The key of the recorded request."""
        return self.fingerprint.key

    @property
    def shape(self) -> Key:
        """The key of the recorded request without its ids."""
        return self.fingerprint.shape or self.fingerprint.key

    @property
    def route(self) -> tuple[str, str]:
        """The method and path of the recorded request."""
        return self.fingerprint.route

    @property
    def label(self) -> str:
        """`FILE#N`, the form used in messages and headers."""
        return f"{self.cassette}#{self.number}"


@dataclass(frozen=True, slots=True)
class Cassette:
    """A loaded file: *name* is its path below its root, *rules* decide which requests count as equal."""

    name: str
    rules: MatchRules
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """The recorded exchanges of one request, in recorded order; *key* identifies the request."""

    key: Key
    entries: tuple[Entry, ...]


_RulesKey = tuple[MatchRules, Key]


def fingerprint(
    form: dict[str, Json],
    rules: MatchRules,
    raw: bytes,
    repeat: Repeat | None = None,
    at: float | None = None,
) -> RequestFingerprint:
    """Return the fingerprint of a recorded request: its canonical *form*, the *raw* bytes it was read from, its own *repeat*, and *at*."""
    reduced = apply_rules(form, rules)
    text = serialize(reduced)
    shape = find_shape(reduced, text)
    run = drop_stream_modes(form)
    return RequestFingerprint(
        len(raw),
        hash(raw),
        digest(text),
        shape.key if shape else None,
        shape.ids if shape else (),
        (form["method"], form["path"]),
        shingles(text if not any(rules) else serialize(form)),
        repeat,
        at,
        compute_shape_key(apply_rules(run, rules)) if run else None,
    )


class Index:
    """The index of *cassettes*, which are in path order."""

    def __init__(self, cassettes: tuple[Cassette, ...] = ()) -> None:
        self.cassettes = cassettes
        self.rules = tuple(dict.fromkeys(cassette.rules for cassette in cassettes))
        self._by_name: dict[str, Index] = {}
        self._order = {cassette.name: number for number, cassette in enumerate(cassettes)}
        self.entries = tuple(entry for cassette in cassettes for entry in cassette.entries)
        by_key: dict[_RulesKey, list[Entry]] = {}
        self._by_shape: dict[_RulesKey, dict[Key, None]] = {}
        self._by_run: dict[_RulesKey, list[Entry]] = {}
        for cassette in cassettes:
            rules = cassette.rules
            for entry in cassette.entries:
                key, shape, run = entry.key, entry.fingerprint.shape, entry.fingerprint.run
                by_key.setdefault((rules, key), []).append(entry)
                if shape is not None:
                    self._by_shape.setdefault((rules, shape), {})[key] = None
                if run is not None and "/threads/" not in entry.route[1]:
                    self._by_run.setdefault((rules, run), []).append(entry)
        self._by_key = {key: Match(key[1], tuple(found)) for key, found in by_key.items()}

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids in all recorded requests."""
        return frozenset(one for entry in self.entries for one in entry.fingerprint.ids)

    @cached_property
    def api_prefixes(self) -> frozenset[str]:
        """What stands before the calls of the API in the recorded paths."""
        return frozenset(split_api_path(entry.route[1])[0] for entry in self.entries)

    def has_route(self, method: str, path: str) -> bool:
        """Return whether a request with this *method* and *path* was recorded."""
        return any(entry.route == (method, path) for entry in self.entries)

    def for_cassette(self, name: str | None) -> "Index | None":
        """Return an index of the cassette *name* only (with or without suffix), or None if it does not exist; with None, this index."""
        if name is None:
            return self
        if name not in self._by_name:
            # The file name that a recording of that name gets has precedence.
            composed = normalize("NFC", name)
            wanted = (cassette_path(name), *(composed + suffix for suffix in ("", *SUFFIXES)))
            position = next(
                (number for file in wanted if (number := self._order.get(file)) is not None), None
            )
            if position is None:
                return None
            self._by_name[name] = Index((self.cassettes[position],))
        return self._by_name[name]

    def find(self, keys: tuple[Key, ...]) -> Match | None:
        """Return the recorded exchanges for *keys* (one key for each of `rules`), or None."""
        if len(keys) == 1:
            return self._by_key.get((self.rules[0], keys[0]))
        pairs = zip(self.rules, keys, strict=True)
        hits = [hit for pair in pairs if (hit := self._by_key.get(pair))]
        if len(hits) < 2:
            return hits[0] if hits else None
        merged = sorted((entry for hit in hits for entry in hit.entries), key=self._position)
        return Match(b"".join(hit.key for hit in hits), tuple(merged))

    def find_similar(self, form: Json) -> list[Match]:
        """Return the recorded exchanges whose requests differ from the canonical request *form* in ids only."""
        found: list[Match] = []
        for rules in self.rules:
            wanted = find_shape(apply_rules(form, rules))
            for key in self._by_shape.get((rules, wanted.key), {}) if wanted else ():
                found.append(self._by_key[rules, key])
        return found

    def find_runs(self, form: dict[str, Json]) -> Match | None:
        """Return the recorded stateless runs whose requests differ from the canonical request *form* in stream modes only."""
        run = drop_stream_modes(form)
        for rules in self.rules if run else ():
            key = compute_shape_key(apply_rules(run, rules))
            if entries := self._by_run.get((rules, key)):
                return Match(key, tuple(entries))
        return None

    def request_keys(self, form: Json) -> tuple[Key, ...]:
        """Return the keys of the canonical request *form*, one for each of `rules`."""
        return tuple(
            request_key(apply_rules(form, rules) if any(rules) else form) for rules in self.rules
        )

    def get_rules(self, entry: Entry) -> MatchRules:
        """Return the rules of the cassette of *entry*."""
        return self.cassettes[self._order[entry.cassette]].rules

    def find_nearest(self, form: Json, count: int = 3) -> list[Entry]:
        """Return up to *count* entries that are most similar to the canonical request *form*.

        Entries of the same method and path come first, else those whose paths in the API share the most segments.
        """
        route = (form["method"], form["path"])
        got = frozenset(shingles(serialize(form)))
        ranked = (
            (
                e.fingerprint.route == route,
                _path_similarity(e.fingerprint.route[1], route[1]),
                similarity(e.fingerprint.shingles, got),
                -number,
                e,
            )
            for number, e in enumerate(self.entries[:MAX_CANDIDATES])
        )
        best = heapq.nlargest(count, ranked, key=lambda rank: rank[:4])
        return [rank[-1] for rank in best if rank[:2] == best[0][:2]]

    def _position(self, entry: Entry) -> tuple[int, int]:
        return self._order[entry.cassette], entry.number


def _path_similarity(left: str, right: str) -> tuple[float, bool]:
    """Return the share of equal segments of two paths in the API, from 0 to 1, and whether their prefixes are equal."""
    (prefix, path), (other_prefix, other_path) = split_api_path(left), split_api_path(right)
    segments, others = path.split("/")[1:], other_path.split("/")[1:]
    equal = sum(a == b for a, b in zip(segments, others, strict=False))
    return equal / max(len(segments), len(others)), prefix == other_prefix
