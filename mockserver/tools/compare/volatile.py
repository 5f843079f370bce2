"""What changes from run to run, set aside while two recordings are compared: ids that stand for each other, and times. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mockserver.cassette.normalize import VOLATILE, is_time
from mockserver.formats.json_text import Json, dumps
from mockserver.http.messages import Request
from mockserver.matching.keys import ABSENT
from mockserver.tools.compare.alignment import aligned
from mockserver.tools.source import Place


@dataclass(frozen=True, slots=True)
class Change:
    """What stands at *place* *before* and *after*; ABSENT where there is nothing."""

    place: Place
    before: Json
    after: Json


class Aside:
    """Knows which ids of the one recording stand for which of the other: the first that meet in one place do, from then on.

    With *exact*, nothing is set aside.
    """

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact
        self.live: dict[str, str] = {}
        """What each id of the first recording is in the second."""
        self._known: set[str] = set()

    def bind(self, before: str, after: str) -> bool:
        """Have the id *before* stand for *after*; tell whether it may."""
        if before in self.live:
            return self.live[before] == after
        if after in self._known:
            return False
        self.live[before] = after
        self._known.add(after)
        return True

    def told(self, text: str) -> str:
        """Return *text* of the first recording with the ids of the second."""
        return VOLATILE.sub(lambda found: self.live.get(found[0], found[0]), text)

    def request(self, request: Request) -> Request:
        """Return *request* of the first recording with the ids of the second."""
        body = self.told(request.body.decode("utf-8", "surrogateescape"))
        raw = body.encode("utf-8", "surrogateescape")
        return replace(request, path=self.told(request.path), body=raw)

    def same(self, before: Json, after: Json) -> bool:
        """Tell whether two texts, numbers, truth values or nulls are the same, but for what is set aside."""
        if isinstance(before, str) and isinstance(after, str):
            return before == after if self.exact else self._same_text(before, after)
        if isinstance(before, bool) or isinstance(after, bool) or before is None or after is None:
            return before is after
        if isinstance(before, int | float) and isinstance(after, int | float):
            times = not self.exact and is_time(before) and is_time(after)
            return before == after or times
        return False

    def changes(self, before: Json, after: Json, place: Place = ()) -> Iterator[Change]:
        """Yield where two JSON values differ, in the order of the first."""
        if isinstance(before, dict) and isinstance(after, dict):
            for old, new in self._keys(before, after):
                value = before[old] if old is not None else ABSENT
                other = after[new] if new is not None else ABSENT
                name = old if old is not None else str(new)
                yield from self.changes(value, other, (*place, name))
        elif isinstance(before, list) and isinstance(after, list):
            marks = [signature(part) for part in before], [signature(part) for part in after]
            for old_at, new_at in aligned(*marks):
                value = before[old_at] if old_at is not None else ABSENT
                other = after[new_at] if new_at is not None else ABSENT
                number = old_at if old_at is not None else new_at
                assert number is not None
                yield from self.changes(value, other, (*place, number))
        elif ABSENT in (before, after):
            if before is not after:
                yield Change(place, before, after)
        elif not self.same(before, after):
            yield Change(place, before, after)

    def learn(self, before: Json, after: Json) -> None:
        """Take note of the ids that stand for each other in two JSON values, whatever else they differ in."""
        for _ in self.changes(before, after):
            pass

    def _same_text(self, before: str, after: str) -> bool:
        if before == after:
            for found in VOLATILE.finditer(before):
                self.bind(found[0], found[0])
            return True
        if VOLATILE.sub("\0", before) != VOLATILE.sub("\0", after):
            return False
        pairs = list(zip(VOLATILE.finditer(before), VOLATILE.finditer(after), strict=True))
        if any(old.lastgroup != new.lastgroup for old, new in pairs):
            return False
        ids = [(old[0], new[0]) for old, new in pairs if old.lastgroup == "id"]
        # First it must be sure that all of them fit.
        fit = all(self._may_bind(old, new) for old, new in ids)
        return fit and all(self.bind(old, new) for old, new in ids)

    def _may_bind(self, before: str, after: str) -> bool:
        known = self.live.get(before)
        return known == after if known is not None else after not in self._known

    def _keys(
        self, before: dict[str, Json], after: dict[str, Json]
    ) -> Iterator[tuple[str | None, str | None]]:
        """Yield the keys of both that are the same, or None where there is none; a key that is an id may be called otherwise."""
        added = dict.fromkeys(key for key in after if key not in before)
        alike: dict[str, list[str]] = {}
        for key in added:
            alike.setdefault(VOLATILE.sub("\0", key), []).append(key)
        for key in before:
            candidates = alike.get(VOLATILE.sub("\0", key), [])
            if key in after:
                yield key, key
            elif other := next((one for one in candidates if self.same(key, one)), None):
                candidates.remove(other)
                del added[other]
                yield key, other
            else:
                yield key, None
        yield from ((None, key) for key in added)


def signature(value: Json) -> str:
    """Return what a value looks like, whatever its ids and times are."""
    return "" if value is ABSENT else VOLATILE.sub("\0", dumps(value))
