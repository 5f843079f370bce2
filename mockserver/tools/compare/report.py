"""Format changes as text and as JSON. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mockserver.formats.json_text import Json, dumps
from mockserver.formats.wording import printable
from mockserver.matching import json_path
from mockserver.matching.keys import ABSENT
from mockserver.tools.compare.volatile import Change
from mockserver.tools.source import KeyPath

MAX_LENGTH = 120
"""The number of characters shown of a long value."""

CONTEXT = 40
"""How many of them come before the first difference."""


@dataclass(frozen=True, slots=True)
class GroupedChange:
    """A *change* that occurs *count* times, in items of one list or in events of one name. EVERY replaces their numbers in its path."""

    change: Change
    count: int = 1


EVERY = "*"
"""In a path: the numbers of several items."""


def group_changes(changes: Iterable[Change]) -> list[GroupedChange]:
    """Return *changes*; equal changes in several items of a list become one."""
    found: dict[str, GroupedChange] = {}
    for change in changes:
        steps = [EVERY if isinstance(step, int) else [step] for step in change.path]
        key = dumps([steps, _value(change.before), _value(change.after)])
        group = found.get(key)
        if group is None:
            found[key] = GroupedChange(change)
        else:
            pairs = zip(group.change.path, change.path, strict=True)
            path = tuple(step if step == other else EVERY for step, other in pairs)
            found[key] = GroupedChange(replace(group.change, path=path), group.count + 1)
    return list(found.values())


def format_changes(changes: Iterable[Change]) -> Iterator[str]:
    """Yield the lines for *changes*: the path, then the old and the new value; a long value is cut around the first difference."""
    for group in group_changes(changes):
        times = f"  ({group.count} times)" if group.count > 1 else ""
        yield f"{format_path(group.change.path)}{times}"
        texts = [_format_value(value) for value in (group.change.before, group.change.after)]
        start = max(_common_prefix(texts[0] or "", texts[1] or "") - CONTEXT, 0)
        for mark, text in zip("-+", texts, strict=True):
            if text is not None:
                yield f"  {mark} {_excerpt(text, start)}"


def _format_value(value: Json) -> str | None:
    """Return *value* as JSON that is safe for a terminal, or None if it is absent."""
    if value is ABSENT:
        return None
    return printable(dumps(value))


def _common_prefix(old: str, new: str) -> int:
    """Return the length of the common prefix of both."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(old), len(new)))


def _excerpt(text: str, start: int) -> str:
    if len(text) <= MAX_LENGTH:
        return text
    start = min(start, len(text) - MAX_LENGTH)
    before, after = "…" if start else "", "…" if start + MAX_LENGTH < len(text) else ""
    return f"{before}{text[start : start + MAX_LENGTH]}{after} ({len(text)} characters)"


def changes_to_json(changes: Iterable[Change]) -> list[Json]:
    """Return *changes* as JSON objects; a value that is absent has no key."""
    result: list[Json] = []
    for group in group_changes(changes):
        values = (("before", group.change.before), ("after", group.change.after))
        fields: dict[str, Json] = {"path": format_path(group.change.path)}
        fields |= {name: value for name, value in values if value is not ABSENT}
        result.append(fields | ({"times": group.count} if group.count > 1 else {}))
    return result


def format_path(path: KeyPath) -> str:
    """Return *path* for people: `events[2] updates agent.messages[0].content`."""
    if path[:1] == ("events",) and len(path) > 2:
        number, name = path[1], path[2]
        return printable(f"events[{number}] {name} {_json_path(path[3:])}".rstrip())
    return printable(_json_path(path))


def _json_path(path: KeyPath) -> str:
    return json_path.format_path(
        tuple(json_path.ItemSelector() if step == EVERY else step for step in path)
    )


def _value(value: Json) -> Json:
    return None if value is ABSENT else [value]
