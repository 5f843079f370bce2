"""Paths into a canonical request, such as `body.input.messages[type=ai].id`. No I/O.

A path is names joined by dots; `["a.b"]` is a name too, `[0]` an item, `[*]` every item, `[name=value]` the items whose
field *name* has that value.
"""

import json
import re
from dataclasses import dataclass

from mockserver.errors import UsageError
from mockserver.formats.json_text import Json

ROOTS = ("body", "text", "query", "path", "method")

_STEP = re.compile(
    r"""\.?(?P<name>[^.\[\]"]+)|\[(?P<item>[0-9]+)\]|\[(?P<all>\*)\]"""
    r"""|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|\[(?P<key>[^=\]"]+)=(?P<value>[^\]]*)\]"""
)
_SIMPLE = re.compile(r'[^.\[\]"\s]+')
_ROLE_TYPES = {"user": "human", "assistant": "ai"}


@dataclass(frozen=True, slots=True)
class ItemSelector:
    """The step `[key=value]`, or `[*]` if *key* is empty."""

    key: str = ""
    value: str = "*"

    def matches(self, item: Json) -> bool:
        if not self.key:
            return True
        if not isinstance(item, dict) or self.key not in item:
            return False
        found = item[self.key]
        return self.value == (found if isinstance(found, str) else json.dumps(found))


Step = str | int | ItemSelector
Path = tuple[Step, ...]


def parse(text: str) -> Path:
    """Return the steps of the path *text*; UsageError if it is not a path."""
    steps: list[Step] = []
    position = 0
    while position < len(text):
        found = _STEP.match(text, position)
        if not found or (not steps and found["name"] is None):
            raise UsageError(f"ignore: {text!r} is not a path (example: body.input.messages[0].id)")
        steps.append(_parse_step(found))
        position = found.end()
    if not steps or steps[0] not in ROOTS:
        raise UsageError(f"ignore: {text!r} must begin with one of {', '.join(ROOTS)}")
    return tuple(steps)


def format_path(path: Path) -> str:
    return "".join(map(_format_step, path)).removeprefix(".")


def remove(value: Json, path: Path) -> Json:
    """Return a copy of *value* without the part at *path*; what encloses it stays, even if it is empty then."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(value, dict) and isinstance(first, str) and first in value:
        if rest:
            return {**value, first: remove(value[first], rest)}
        return {name: part for name, part in value.items() if name != first}
    if isinstance(value, list) and not isinstance(first, str):
        selected = [_selects(first, number, item) for number, item in enumerate(value)]
        pairs = zip(value, selected, strict=True)
        return [remove(item, rest) if hit else item for item, hit in pairs if rest or not hit]
    return value


def get(value: Json, path: Path, default: Json) -> Json:
    """Return the part of *value* at *path* (names and item numbers only), or *default*."""
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return default
    return value


def _parse_step(found: re.Match[str]) -> Step:
    if found["name"] is not None:
        return found["name"]
    if found["item"] is not None:
        return int(found["item"])
    if found["quoted"] is not None:
        return str(json.loads(found["quoted"]))
    if found["all"] is not None:
        return ItemSelector()
    if found["key"] == "role":
        return ItemSelector("type", _ROLE_TYPES.get(found["value"], found["value"]))
    return ItemSelector(found["key"], found["value"])


def _selects(step: int | ItemSelector, number: int, item: Json) -> bool:
    return step.matches(item) if isinstance(step, ItemSelector) else step == number


def _format_step(step: Step) -> str:
    match step:
        case str() if _SIMPLE.fullmatch(step):
            return f".{step}"
        case str():
            return f"[{json.dumps(step, ensure_ascii=False)}]"
        case int():
            return f"[{step}]"
        case ItemSelector(key, value):
            return f"[{key}={value}]" if key else "[*]"
