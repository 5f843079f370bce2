"""Changes in words and as JSON. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mockserver.cassette import paths
from mockserver.cassette.matching import ABSENT
from mockserver.jsontext import Json, dumps
from mockserver.upkeep.aside import Change
from mockserver.upkeep.source import Place

SHOWN = 120
"""How many characters of a value the words show."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A change that comes *count* times, in several events of one name; *place* is that of the first."""

    change: Change
    count: int = 1


def gathered(changes: Iterable[Change]) -> list[Gathered]:
    """Return *changes*, those that are the same in several events of one name as one."""
    found: dict[str, Gathered] = {}
    for change in changes:
        place = change.place
        steps = (place[0], *place[2:]) if place[:1] == ("events",) else place
        key = dumps([steps, _value(change.before), _value(change.after)])
        before = found.get(key)
        found[key] = (
            Gathered(change) if before is None else Gathered(before.change, before.count + 1)
        )
    return list(found.values())


def words(changes: Iterable[Change], *, whole: bool = False) -> Iterator[str]:
    """Yield *changes* in lines: the path, then what stood there and what stands there now; *whole*: values are not cut."""
    for one in gathered(changes):
        times = f"  ({one.count} events)" if one.count > 1 else ""
        yield f"{where(one.change.place)}{times}"
        for mark, value in (("-", one.change.before), ("+", one.change.after)):
            if value is not ABSENT:
                text = dumps(value)
                yield f"  {mark} {text if whole or len(text) <= SHOWN else f'{text[:SHOWN]}… ({len(text)} characters)'}"


def facts(changes: Iterable[Change]) -> list[Json]:
    """Return *changes* as JSON; what is absent has no key."""
    told: list[Json] = []
    for one in gathered(changes):
        values = (("before", one.change.before), ("after", one.change.after))
        fact: dict[str, Json] = {"path": where(one.change.place)}
        fact |= {name: value for name, value in values if value is not ABSENT}
        told.append(fact | ({"events": one.count} if one.count > 1 else {}))
    return told


def where(place: Place) -> str:
    """Return *place* as people write it: `events[2] updates agent.messages[0].content`."""
    if place[:1] == ("events",) and len(place) > 2:
        number, name = place[1], place[2]
        return f"events[{number}] {name} {paths.text(place[3:])}".rstrip()
    return paths.text(place)


def _value(value: Json) -> Json:
    return None if value is ABSENT else [value]
