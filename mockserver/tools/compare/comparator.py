"""Compare JSON values of two recordings without what changes in each run: ids and times. No I/O."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from mockserver.cassette.normalize import VOLATILE, looks_like_time
from mockserver.formats.json_text import Json, dumps
from mockserver.http.messages import Request
from mockserver.matching.differences import ABSENT, Absent
from mockserver.tools.cassette_source import KeyPath
from mockserver.tools.compare.alignment import align


@dataclass(frozen=True, slots=True)
class Change:
    """The values at *path* in the first and the second recording; ABSENT if there is none."""

    path: KeyPath
    before: Json
    after: Json


NamedValue = tuple[str, Json]
"""The name of an event, and what it says."""


class Comparator:
    """Compares values of two recordings, and pairs their ids: the first two ids that meet at the same place belong together from then on.

    If it is *exact*, ids and times are compared like all other values.
    """

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact
        self.ids: dict[str, str] = {}
        """The id in the second recording for each id in the first."""
        self._before: dict[str, str] = {}
        """The id in the first recording for each id in the second."""

    def pair_ids(self, before: str, after: str) -> bool:
        """Pair the id *before* with *after*; return False if one of them has another partner."""
        if not self._can_pair(before, after):
            return False
        self.ids[before] = after
        self._before[after] = before
        return True

    def translate(self, text: str) -> str:
        """Return *text* of the first recording with the ids of the second."""
        return VOLATILE.sub(lambda found: self.ids.get(found[0], found[0]), text)

    def restore(self, text: str) -> str:
        """Return *text* of the second recording with the ids of the first."""
        return VOLATILE.sub(lambda found: self._before.get(found[0], found[0]), text)

    def translate_request(self, request: Request) -> Request:
        """Return *request* of the first recording with the ids of the second in its path and its body."""
        body = self.translate(request.body.decode("utf-8", "surrogateescape"))
        raw = body.encode("utf-8", "surrogateescape")
        return replace(request, path=self.translate(request.path), body=raw)

    def is_same(self, before: Json, after: Json) -> bool:
        """Return whether two scalars are equal, apart from ids and times."""
        if isinstance(before, str) and isinstance(after, str):
            return before == after if self.exact else self._is_same_text(before, after)
        if any(isinstance(value, bool | Absent | None) for value in (before, after)):
            return before is after
        if isinstance(before, int | float) and isinstance(after, int | float):
            are_times = not self.exact and looks_like_time(before) and looks_like_time(after)
            return before == after or are_times
        return False

    def compare(self, before: Json, after: Json, path: KeyPath = ()) -> Iterator[Change]:
        """Yield the differences of two JSON values, in the order of the first."""
        if isinstance(before, dict) and isinstance(after, dict):
            steps: Iterable[tuple[Any, Any]] = self._pair_keys(before, after)
        elif isinstance(before, list) and isinstance(after, list):
            steps = align(list(map(mask_json, before)), list(map(mask_json, after)))
        else:
            if not self.is_same(before, after):
                yield Change(path, before, after)
            return
        for old_step, new_step in steps:
            old = ABSENT if old_step is None else before[old_step]
            new = ABSENT if new_step is None else after[new_step]
            yield from self.compare(old, new, (*path, new_step if old_step is None else old_step))

    def pair_ids_in(self, before: Json, after: Json) -> None:
        """Pair the ids in two JSON values, whatever else differs."""
        for _ in self.compare(before, after):
            pass

    def pair_ids_in_events(self, before: Iterable[NamedValue], after: Iterable[NamedValue]) -> None:
        """Pair the ids in two lists of events: those in the first event of a name with those in the first one, and so on."""
        remaining: defaultdict[str, deque[Json]] = defaultdict(deque)
        for name, value in after:
            remaining[name].append(value)
        for name, value in before:
            if remaining[name]:
                self.pair_ids_in(value, remaining[name].popleft())

    def _is_same_text(self, before: str, after: str) -> bool:
        if before == after:
            for found in VOLATILE.finditer(before):
                self.pair_ids(found[0], found[0])
            return True
        if VOLATILE.sub("\0", before) != VOLATILE.sub("\0", after):
            return False
        pairs = list(zip(VOLATILE.finditer(before), VOLATILE.finditer(after), strict=True))
        if any(old.lastgroup != new.lastgroup for old, new in pairs):
            return False
        ids = [(old[0], new[0]) for old, new in pairs if old.lastgroup == "id"]
        # Pair none of the ids unless all of them can be paired.
        return all(self._can_pair(old, new) for old, new in ids) and all(
            self.pair_ids(old, new) for old, new in ids
        )

    def _can_pair(self, before: str, after: str) -> bool:
        partner = self.ids.get(before)
        return partner == after if partner is not None else after not in self._before

    def _pair_keys(
        self, before: dict[str, Json], after: dict[str, Json]
    ) -> Iterator[tuple[str | None, str | None]]:
        """Yield the corresponding keys of both; None if the other has no such key. Keys that are ids may differ."""
        added = dict.fromkeys(key for key in after if key not in before)
        similar: dict[str, list[str]] = {}
        for key in added:
            similar.setdefault(VOLATILE.sub("\0", key), []).append(key)
        for key in before:
            candidates = similar.get(VOLATILE.sub("\0", key), [])
            if key in after:
                yield key, key
            elif partner := next((new for new in candidates if self.is_same(key, new)), None):
                candidates.remove(partner)
                del added[partner]
                yield key, partner
            else:
                yield key, None
        yield from ((None, key) for key in added)


def mask_json(value: Json) -> str:
    """Return *value* as JSON text without its ids and times."""
    return "" if value is ABSENT else VOLATILE.sub("\0", dumps(value))
