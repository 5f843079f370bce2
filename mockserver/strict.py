"""Strict YAML: text in, plain values that know their lines out. No I/O.

No tags, anchors, aliases, duplicate keys or endless nesting; of the plain scalars only what JSON knows (`null`, `true`,
`false`, numbers) is anything but text, so that `no`, `012` and dates stay what they look like.
"""

import json
import re
from math import inf
from typing import Any

import yaml

from mockserver.errors import ReadError
from mockserver.jsontext import DEPTH

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NESTING = DEPTH + 20
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS = {"": None, "null": None, "true": True, "false": False}


class Mapping(dict[str, Any]):
    """A mapping that knows on which line it and each of its keys stand (counted from 1)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Sequence(list[Any]):
    """A list that knows on which line it and each of its items stand (counted from 1)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def read(text: str) -> Any:
    """Return the value of the one YAML document in *text*, None where there is none.

    Mappings come as Mapping, lists as Sequence. ReadError, with the line, for anything that is not strict YAML.
    """
    try:
        return _build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if error.context_mark and "end of stream" in str(error.problem):
            mark = error.context_mark  # where it begins that has no end
        raise ReadError(
            f"not YAML: {error.problem or error.context}",
            line=mark.line + 1 if mark else 1,
            code="not-yaml",
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ReadError(
            f"not YAML: character U+{_code(error.character):04X} must be written as an escape "
            'in "double quotes"',
            line=line,
            code="not-yaml",
        ) from None
    except ValueError as error:
        raise ReadError(f"not YAML: {error}", code="not-yaml") from None


def _code(character: Any) -> int:
    return character if isinstance(character, int) else ord(character)


_Key = tuple[str, int]
"""A key that waits for its value, and the line on which it stands."""


def _build(text: str) -> Any:
    top = Sequence(1)
    stack: list[Mapping | Sequence] = [top]
    keys: list[_Key | None] = [None]
    for event in yaml.parse(text, Loader=_LOADER):
        match event:
            case yaml.ScalarEvent():
                _check(event)
                line = _line(event)
                parent = stack[-1]
                if isinstance(parent, Mapping) and keys[-1] is None:
                    keys[-1] = (_key(event, parent, line), line)
                else:
                    _put(parent, keys, _scalar(event), line)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                _check(event)
                line = _line(event)
                if isinstance(stack[-1], Mapping) and keys[-1] is None:
                    raise ReadError("a key must be text", line=line)
                if len(stack) > _NESTING:
                    raise ReadError(
                        f"nested more than {_NESTING} deep: write it as JSON text instead",
                        line=line,
                    )
                kind = Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence
                node = kind(line)
                _put(stack[-1], keys, node, line)
                stack.append(node)
                keys.append(None)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                stack.pop()
                keys.pop()
            case yaml.AliasEvent():
                raise ReadError(
                    f"alias *{event.anchor}: write the value out",
                    line=_line(event),
                    code="yaml-feature",
                )
            case yaml.DocumentStartEvent() if top:
                raise ReadError("a second document begins here", line=_line(event))
    return top[0] if top else None


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _check(event: Any) -> None:
    line = _line(event)
    if event.anchor is not None:
        raise ReadError(f"anchor &{event.anchor}: leave it out", line=line, code="yaml-feature")
    if event.tag is not None:
        raise ReadError(f"tag {event.tag}: leave it out", line=line, code="yaml-feature")


def _key(event: yaml.ScalarEvent, parent: Mapping, line: int) -> str:
    key = str(event.value)
    if key in parent:
        raise ReadError(
            f"key {key!r} stands here twice",
            line=line,
            code="duplicate-key",
        )
    return key


def _put(parent: Mapping | Sequence, keys: list[_Key | None], value: Any, line: int) -> None:
    if isinstance(parent, Sequence):
        parent.append(value)
        parent.lines.append(line)
        return
    assert keys[-1] is not None
    key, at = keys[-1]
    keys[-1] = None
    parent[key] = value
    parent.lines[key] = at


def _scalar(event: yaml.ScalarEvent) -> Any:
    return str(event.value) if event.style else scalar(str(event.value), _line(event))


def scalar(text: str, line: int = 1) -> Any:
    """Return what the plain scalar *text* is: a text, or what JSON knows; ReadError, with the *line*, where it is a number beyond all bounds."""
    if text in _WORDS:
        return _WORDS[text]
    return _number(text, line) if _NUMBER.fullmatch(text) else text


def _number(text: str, line: int) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = inf
    if value in (inf, -inf):
        raise ReadError(f"number {text[:20]} is too large: write it as text, in quotes", line=line)
    return value
