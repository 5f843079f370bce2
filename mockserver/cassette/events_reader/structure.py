"""Read block mappings and lists in our own layout. No I/O.

Most line beginnings repeat, within a recording and across recordings, so their parsed form is cached.
"""

import re
from functools import lru_cache

from mockserver.cassette.events_reader.scalars import DeclinedError, scalar
from mockserver.formats.json_text import MAX_DEPTH, Json

_KEY = re.compile(r"(?P<plain>[^\W\d][\w.$/-]{0,200}):|'(?P<quoted>[^':]{1,200})':")
_CACHE_SIZE = 4096
_SHORT_LINE = 40
"""A line with fewer characters is cached as a whole, unless there are so many lines that most occur once."""

_LONGEST_SHORT = 2


_BELOW = object()
"""Marks a value that is a list or a mapping on the following lines."""

_LITERAL = object()
"""Marks a value that is text on the following lines."""

_SHORT: dict[str, Json] = {"{}": dict, "[]": list, "|-": _LITERAL}

_Lead = tuple[int, int, str | None, Json]
"""The beginning of a line: its indent, the number of list items that begin in it, its key or None, and its value."""

_Stack = list[tuple[int, Json]]
"""The open lists and mappings, each with its indent."""


def structure(lines: list[str], indent: int) -> Json:
    """Return the list or mapping in *lines*, which has this *indent*; DeclinedError for another layout."""
    top: list[Json] = []
    stack: _Stack = [(-2, top)]
    wanted, name = indent, None  # indent and key of the list or mapping that must begin here
    at, end = 0, len(lines)
    while at < end:
        line = lines[at]
        at += 1
        if len(line) < _SHORT_LINE and end < _CACHE_SIZE:
            level, dashes, key, value = _line(line)
        else:
            lead, colon, rest = line.partition(": ")
            level, dashes, key, value = _keyed(lead) if colon else _lead(lead)
            if colon:
                value = scalar(rest) if len(rest) > _LONGEST_SHORT else _short(rest)
        kind: type = list if dashes else dict
        if wanted < 0:
            if stack[-1][0] != level or type(stack[-1][1]) is not kind:
                _close(stack, level, kind)
        elif level == (wanted if dashes or name is None else wanted + 2):
            _push(stack, name, level, kind())
        else:
            raise DeclinedError
        wanted, name = -1, None
        if dashes:
            for number in range(1, dashes):
                _push(stack, None, level + 2 * number, [])
            if key is not None:
                _push(stack, None, level + 2 * dashes, {})
        level, parent = stack[-1]
        if value is _LITERAL:
            start = at
            lead = " " * (level + 2)
            while at < end and (lines[at].startswith(lead) or not lines[at]):
                at += 1
            value = _literal(lines[start:at], level + 2)
        elif value is _BELOW:
            if key in parent:
                raise DeclinedError
            wanted, name = level, key
            continue
        elif value is dict or value is list:
            value = value()
        if key is None:
            parent.append(value)
        elif key in parent:
            raise DeclinedError
        else:
            parent[key] = value
    if wanted >= 0:
        raise DeclinedError
    return top[0]


def _push(stack: _Stack, name: str | None, level: int, opened: Json) -> None:
    """Add *opened* to the innermost container, in key *name* or as the next item, and make it the innermost."""
    if len(stack) > MAX_DEPTH:
        raise DeclinedError
    parent = stack[-1][1]
    if name is None:
        parent.append(opened)
    else:
        parent[name] = opened
    stack.append((level, opened))


def _close(stack: _Stack, level: int, kind: type) -> None:
    """Close containers until the innermost one has this indent and *kind*."""
    while stack[-1][0] != level or type(stack[-1][1]) is not kind:
        if stack[-1][0] < level or len(stack) <= 2:
            raise DeclinedError
        stack.pop()


def _literal(lines: list[str], indent: int) -> str:
    if not lines or not lines[-1] or lines[0][indent : indent + 1] in ("", " "):
        raise DeclinedError
    return "\n".join([line[indent:] for line in lines])


@lru_cache(maxsize=_CACHE_SIZE)
def _lead(text: str) -> _Lead:
    rest = text.lstrip(" ")
    indent = len(text) - len(rest)
    dashes = 0
    while rest.startswith("- "):
        rest = rest[2:]
        dashes += 1
    if key := _KEY.fullmatch(rest):
        return indent, dashes, key["plain"] or key["quoted"], _BELOW
    if not rest or not dashes:
        raise DeclinedError
    return indent, dashes, None, scalar(rest) if len(rest) > _LONGEST_SHORT else _short(rest)


@lru_cache(maxsize=_CACHE_SIZE)
def _line(text: str) -> _Lead:
    lead, colon, rest = text.partition(": ")
    if not colon:
        return _lead(lead)
    level, dashes, key, _ = _keyed(lead)
    return level, dashes, key, scalar(rest) if len(rest) > _LONGEST_SHORT else _short(rest)


@lru_cache(maxsize=_CACHE_SIZE)
def _keyed(text: str) -> _Lead:
    return _lead(f"{text}:")


def _short(text: str) -> Json:
    """Return the value of *text*, which has at most two characters."""
    return _SHORT[text] if text in _SHORT else scalar(text)
