"""Changes in words and as JSON. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mockserver.formats.json_text import Json, dumps
from mockserver.formats.wording import printable
from mockserver.matching import json_path
from mockserver.matching.keys import ABSENT
from mockserver.tools.compare.volatile import Change
from mockserver.tools.source import Place

SHOWN = 120
"""How many characters of a value the words show."""

BEFORE = 40
"""How many of these stand before the first difference."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A *change* that comes *count* times, in items of one list or in events of one name; EVERY stands in its place for their numbers."""

    change: Change
    count: int = 1


EVERY = "*"
"""In a place: the number of each of several items."""


def gathered(changes: Iterable[Change]) -> list[Gathered]:
    """Return *changes*, those that are the same in several items of a list as one."""
    found: dict[str, Gathered] = {}
    for change in changes:
        steps = [EVERY if isinstance(step, int) else [step] for step in change.place]
        key = dumps([steps, _value(change.before), _value(change.after)])
        before = found.get(key)
        if before is None:
            found[key] = Gathered(change)
        else:
            pairs = zip(before.change.place, change.place, strict=True)
            place = tuple(one if one == other else EVERY for one, other in pairs)
            found[key] = Gathered(replace(before.change, place=place), before.count + 1)
    return list(found.values())


def words(changes: Iterable[Change]) -> Iterator[str]:
    """Yield *changes* in lines: the path, then what stood there and what stands there now; of long values what is around the first difference."""
    for one in gathered(changes):
        times = f"  ({one.count} times)" if one.count > 1 else ""
        yield f"{where(one.change.place)}{times}"
        texts = [_spelled(value) for value in (one.change.before, one.change.after)]
        start = max(_same(texts[0] or "", texts[1] or "") - BEFORE, 0)
        for mark, text in zip("-+", texts, strict=True):
            if text is not None:
                yield f"  {mark} {_around(text, start)}"


def _spelled(value: Json) -> str | None:
    """Return *value* as JSON that a terminal can show; None where it is absent."""
    if value is ABSENT:
        return None
    return printable(dumps(value))


def _same(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def _around(text: str, start: int) -> str:
    if len(text) <= SHOWN:
        return text
    start = min(start, len(text) - SHOWN)
    before, after = "…" if start else "", "…" if start + SHOWN < len(text) else ""
    return f"{before}{text[start : start + SHOWN]}{after} ({len(text)} characters)"


def facts(changes: Iterable[Change]) -> list[Json]:
    """Return *changes* as JSON; what is absent has no key."""
    told: list[Json] = []
    for one in gathered(changes):
        values = (("before", one.change.before), ("after", one.change.after))
        fact: dict[str, Json] = {"path": where(one.change.place)}
        fact |= {name: value for name, value in values if value is not ABSENT}
        told.append(fact | ({"times": one.count} if one.count > 1 else {}))
    return told


def where(place: Place) -> str:
    """Return *place* as people write it: `events[2] updates agent.messages[0].content`."""
    if place[:1] == ("events",) and len(place) > 2:
        number, name = place[1], place[2]
        return printable(f"events[{number}] {name} {_path(place[3:])}".rstrip())
    return printable(_path(place))


def _path(place: Place) -> str:
    return json_path.text(tuple(json_path.Every() if step == EVERY else step for step in place))


def _value(value: Json) -> Json:
    return None if value is ABSENT else [value]
