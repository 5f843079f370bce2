"""Compare the structure of JSON values: their fields and types, not the values. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mockserver.cassette.normalize import VOLATILE
from mockserver.formats.json_text import Json
from mockserver.matching.keys import ABSENT

_TYPE_NAMES = {
    type(None): "null",
    type(ABSENT): "absent",
    bool: "a boolean",
    str: "text",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


@dataclass(slots=True)
class Shape:
    """The structure of all values at one place: their *types*, and the shapes of their *parts*.

    A part is a field, such as `.name`, or all list items with one `type`, such as `[type=ai]`.
    """

    types: set[str] = field(default_factory=set)
    parts: dict[str, "Shape"] = field(default_factory=dict)


def infer_shape(values: Iterable[Json]) -> Shape:
    """Return the structure of *values*."""
    shape = Shape()
    for value in values:
        _add(shape, value)
    return shape


def compare_shapes(before: Shape, after: Shape, path: str = "") -> Iterator[str]:
    """Yield a sentence for each difference below *path*: a missing part, a new part, another type."""
    new_types = after.types - before.types
    if new_types and before.types:
        was, now = (" or ".join(sorted(types)) for types in (before.types, new_types))
        yield f"{path or 'it'} was {was}, now {now}"
    for name, part in before.parts.items():
        below = f"{path}{name}".removeprefix(".")
        if name in after.parts:
            yield from compare_shapes(part, after.parts[name], below)
        elif _may_have(after, name):
            yield f"{below} is missing"
    for name in after.parts:
        if name not in before.parts and _may_have(before, name):
            yield f"{path}{name}".removeprefix(".") + " is new"


def _may_have(shape: Shape, name: str) -> bool:
    """Return whether one of the values has fields; or items, if *name* means items."""
    if name.startswith("."):
        return "an object" in shape.types
    return any(part.startswith("[") for part in shape.parts)


def _add(shape: Shape, value: Json) -> None:
    shape.types.add(_TYPE_NAMES[type(value)])
    if isinstance(value, dict):
        for name, part in value.items():
            _add(shape.parts.setdefault(f".{VOLATILE.sub('<id>', name)}", Shape()), part)
    elif isinstance(value, list):
        for item in value:
            _add(shape.parts.setdefault(_describe_item(item), Shape()), item)


def _describe_item(item: Json) -> str:
    kind = item.get("type") if isinstance(item, dict) else None
    return f"[type={kind}]" if isinstance(kind, str) else "[*]"
