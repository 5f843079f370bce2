"""The structure of JSON: which fields there are, and of what types; whatever stands in them. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mockserver.cassette.normalize import VOLATILE
from mockserver.formats.json_text import Json
from mockserver.matching.keys import Absent


@dataclass(slots=True)
class Shape:
    """All that was seen at one place: the *types* there, the *fields* of objects, and the *items* of lists, by their `type`."""

    types: set[str] = field(default_factory=set)
    fields: dict[str, "Shape"] = field(default_factory=dict)
    items: dict[str, "Shape"] = field(default_factory=dict)
    count: int = 0
    """How many values were seen."""


def shape(values: Iterable[Json]) -> Shape:
    """Return the structure of *values*, which stand at one place."""
    made = Shape()
    for value in values:
        _add(made, value)
    return made


def faults(before: Shape, after: Shape, where: str) -> Iterator[str]:
    """Yield in words what is otherwise *after* than *before*: a field that is missing, a new one, another type."""
    new = sorted(after.types - before.types)
    if new and before.count and after.count:
        yield f"{where or 'it'} was {_or(before.types)}, now {_or(new)}"
    for name, part in before.fields.items():
        there = _joined(where, name)
        if name in after.fields:
            yield from faults(part, after.fields[name], there)
        elif "an object" in after.types:
            yield f"{there} is missing"
    if "an object" in before.types:
        yield from (
            f"{_joined(where, name)} is new" for name in after.fields if name not in before.fields
        )
    for kind, part in before.items.items():
        if kind in after.items:
            yield from faults(part, after.items[kind], f"{where}{kind}")
        elif after.items:
            yield f"{where}{kind} is missing"
    if before.items:
        yield from (f"{where}{kind} is new" for kind in after.items if kind not in before.items)


def _add(made: Shape, value: Json) -> None:
    made.count += 1
    made.types.add(_type(value))
    if isinstance(value, dict):
        for name, part in value.items():
            _add(made.fields.setdefault(VOLATILE.sub("<id>", name), Shape()), part)
    elif isinstance(value, list):
        for part in value:
            _add(made.items.setdefault(_kind(part), Shape()), part)


def _kind(item: Json) -> str:
    kind = item.get("type") if isinstance(item, dict) else None
    return f"[type={kind}]" if isinstance(kind, str) else "[*]"


def _type(value: Json) -> str:
    match value:
        case None:
            return "null"
        case Absent():
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


def _joined(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _or(types: Iterable[str]) -> str:
    return " or ".join(sorted(types))
