"""Compare the structure of events and of JSON values: their order, fields and types, not the values. No I/O."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from mockserver.cassette.normalize import VOLATILE
from mockserver.formats.json_text import Json
from mockserver.matching.differences import ABSENT
from mockserver.tools.compare.comparator import NamedValue

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


def compare_events(
    before: Sequence[NamedValue],
    after: Sequence[NamedValue],
    title: str,
    may_repeat: Callable[[str], bool],
) -> Iterator[str]:
    """Yield a sentence for each difference of the structure of two lists of events: another order, other fields or types.

    *title* names the events in the sentences. Consecutive events of one name that *may_repeat* count as one: their number changes in each run.
    """
    old, new = (_list_names(events, may_repeat) for events in (before, after))
    if old != new:
        pairs = enumerate(zip_longest(old, new))
        start = next(number for number, (old_name, new_name) in pairs if old_name != new_name)
        yield f"{title} were {_format_names(old, start)}, now {_format_names(new, start)}"
    for name in dict.fromkeys(old):
        values, new_values = ([one for key, one in each if key == name] for each in (before, after))
        if new_values:
            yield from (f"{name}: {sentence}" for sentence in compare_types(values, new_values))


def compare_types(before: Iterable[Json], after: Iterable[Json]) -> Iterator[str]:
    """Yield a sentence for each difference of the structure of these values: a missing part, a new part, another type."""
    return _compare_shapes(_infer_shape(before), _infer_shape(after))


def _list_names(events: Iterable[NamedValue], may_repeat: Callable[[str], bool]) -> list[str]:
    names: list[str] = []
    for name, _ in events:
        if names[-1:] != [name] or not may_repeat(name):
            names.append(name)
    return names


def _format_names(names: Sequence[str], start: int) -> str:
    """Return some of *names* as text, from the one before number *start*."""
    shown = names[max(start - 1, 0) : start + 4]
    lead, end = "… " if start > 1 else "", " …" if len(names) > start + 4 else ""
    return f"{lead}{', '.join(shown) or 'none'}{end}"


@dataclass(slots=True)
class _Shape:
    """The structure of all values at one place: their *types*, and the shapes of their *parts*.

    A part is a field, such as `.name`, or all list items with one `type`, such as `[type=ai]`.
    """

    types: set[str] = field(default_factory=set)
    parts: dict[str, "_Shape"] = field(default_factory=dict)


def _infer_shape(values: Iterable[Json]) -> _Shape:
    shape = _Shape()
    for value in values:
        _add(shape, value)
    return shape


def _compare_shapes(before: _Shape, after: _Shape, path: str = "") -> Iterator[str]:
    new_types = after.types - before.types
    if new_types and before.types:
        was, now = (" or ".join(sorted(types)) for types in (before.types, new_types))
        yield f"{path or 'it'} was {was}, now {now}"
    for name, part in before.parts.items():
        below = f"{path}{name}".removeprefix(".")
        if name in after.parts:
            yield from _compare_shapes(part, after.parts[name], below)
        elif _may_have(after, name):
            yield f"{below} is missing"
    for name in after.parts:
        if name not in before.parts and _may_have(before, name):
            yield f"{path}{name}".removeprefix(".") + " is new"


def _may_have(shape: _Shape, name: str) -> bool:
    """Return whether one of the values has fields; or items, if *name* means items."""
    if name.startswith("."):
        return "an object" in shape.types
    return any(part.startswith("[") for part in shape.parts)


def _add(shape: _Shape, value: Json) -> None:
    shape.types.add(_TYPE_NAMES[type(value)])
    if isinstance(value, dict):
        for name, part in value.items():
            _add(shape.parts.setdefault(f".{VOLATILE.sub('<id>', name)}", _Shape()), part)
    elif isinstance(value, list):
        for item in value:
            _add(shape.parts.setdefault(_describe_item(item), _Shape()), item)


def _describe_item(item: Json) -> str:
    kind = item.get("type") if isinstance(item, dict) else None
    return f"[type={kind}]" if isinstance(kind, str) else "[*]"
