"""Scan JSON text into values that know where they stand in it, so that one can be replaced without touching the rest. No I/O."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mockserver.formats.json_text import loads

_TOKEN = re.compile(
    r'[ \t\n\r]*+(?:(?P<string>"(?:[^"\\]|\\.)*+")|(?P<scalar>[^ \t\n\r,:{}\[\]"]++)|(?P<mark>[{}\[\],:]))'
)
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
)


class Scalar(NamedTuple):
    """A string, number, `true`, `false` or `null` from *start* to *end* of the text; *value* is a string decoded, anything else as it is spelled."""

    start: int
    end: int
    value: str
    is_string: bool

    @property
    def is_number(self) -> bool:
        """Whether this is a number."""
        return not self.is_string and self.value[0] not in "tfn"


class Array(NamedTuple):
    """A list of values."""

    items: "list[Scanned]"


class Object(NamedTuple):
    """A list of (key, value), with duplicate keys."""

    members: "list[tuple[Scalar, Scanned]]"


Scanned = Scalar | Array | Object


def scan(text: str) -> Scanned | None:
    """Return the JSON value that *text* is, or None if it is not JSON."""
    try:
        loads(text)
    except ValueError:
        return None
    open_lists: list[list[Scanned]] = [[]]
    for token in _TOKEN.finditer(text.rstrip()):
        kind = token.lastgroup or ""
        spelled = token[kind]
        if kind != "mark":
            value = loads(spelled) if "\\" in spelled else spelled.strip('"')
            start, end = token.span(kind)
            open_lists[-1].append(Scalar(start, end, value, kind == "string"))
        elif spelled in "{[":
            open_lists.append([])
        elif spelled == "]":
            items = open_lists.pop()
            open_lists[-1].append(Array(items))
        elif spelled == "}":
            parts = open_lists.pop()
            keys = (part for part in parts[::2] if isinstance(part, Scalar))
            open_lists[-1].append(Object(list(zip(keys, parts[1::2], strict=True))))
    return open_lists[0][0]


def string_positions(text: str, scalar: Scalar) -> Sequence[int]:
    """Return where in *text* each character of the string *scalar* begins, and where the last one ends."""
    start, end = scalar.start + 1, scalar.end - 1
    if len(scalar.value) == end - start:
        return range(start, end + 1)
    positions: list[int] = []
    for escape in _ESCAPE.finditer(text, start, end):
        positions += range(start, escape.start() + 1)
        start = escape.end()
    return [*positions, *range(start, end + 1)]
