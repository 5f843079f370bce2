"""Compare the structure of JSON values: their fields and types, not the values. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mockserver.cassette.normalize import VOLATILE
from mockserver.formats.json_text import Json
from mockserver.matching.keys import Absent


@dataclass(slots=True)
class Shape:
    """The structure of all values at one place: their *types*, the *fields* of objects, and the *items* of lists by their `type`."""

    types: set[str] = field(default_factory=set)
    fields: dict[str, "Shape"] = field(default_factory=dict)
    items: dict[str, "Shape"] = field(default_factory=dict)
    count: int = 0
    """The number of values."""


def infer_shape(values: Iterable[Json]) -> Shape:
    """Return the structure of *values*."""
    shape = Shape()
    for value in values:
        _add(shape, value)
    return shape


def shape_differences(before: Shape, after: Shape, path: str) -> Iterator[str]:
    """Yield a sentence for each difference below *path*: a missing field, a new field, another type."""
    new_types = sorted(after.types - before.types)
    if new_types and before.count and after.count:
        yield f"{path or 'it'} was {_or(before.types)}, now {_or(new_types)}"
    for name, part in before.fields.items():
        below = _join(path, name)
        if name in after.fields:
            yield from shape_differences(part, after.fields[name], below)
        elif "an object" in after.types:
            yield f"{below} is missing"
    if "an object" in before.types:
        yield from (
            f"{_join(path, name)} is new" for name in after.fields if name not in before.fields
        )
    for kind, part in before.items.items():
        if kind in after.items:
            yield from shape_differences(part, after.items[kind], f"{path}{kind}")
        elif after.items:
            yield f"{path}{kind} is missing"
    if before.items:
        yield from (f"{path}{kind} is new" for kind in after.items if kind not in before.items)


def _add(shape: Shape, value: Json) -> None:
    shape.count += 1
    shape.types.add(_type(value))
    if isinstance(value, dict):
        for name, part in value.items():
            _add(shape.fields.setdefault(VOLATILE.sub("<id>", name), Shape()), part)
    elif isinstance(value, list):
        for part in value:
            _add(shape.items.setdefault(_item_kind(part), Shape()), part)


def _item_kind(item: Json) -> str:
    kind = item.get("type") if isinstance(item, dict) else None
    return f"[type={kind}]" if isinstance(kind, str) else "[*]"


def _type(value: Json) -> str:
    match value:
        case None:
            return "null"
        case Absent():
            return "absent"
        case bool():
            return "a boolean"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _or(types: Iterable[str]) -> str:
    return " or ".join(sorted(types))
