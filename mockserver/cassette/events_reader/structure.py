"""A JSON value as block mappings and lists, the way we write them. No I/O.

Lines begin alike again and again, in one recording and in the next, so what they begin with is remembered.
"""

import re
from functools import lru_cache

from mockserver.cassette.events_reader.scalars import DeclinedError, scalar
from mockserver.formats.json_text import MAX_DEPTH, Json

_KEY = re.compile(r"(?P<plain>[^\W\d][\w.$/-]{0,200}):|'(?P<quoted>[^':]{1,200})':")
_REMEMBERED = 4096
_SHORT_LINE = 40
"""A line of fewer characters is remembered as a whole."""


_BELOW = object()
"""In the place of a value: a list or a mapping stands on the lines below."""

_LITERAL = object()
"""In the place of a value: a text stands on the lines below."""

_SHORT: dict[str, Json] = {"{}": dict, "[]": list, "|-": _LITERAL}

_Lead = tuple[int, int, str | None, Json]
"""How a line begins: how deep it is, how many items of lists begin in it, and a key; or, without one, its value."""

_Stack = list[tuple[int, Json]]
"""The lists and mappings that are being read, each with its depth."""


def structure(lines: list[str], indent: int) -> Json:
    """Return the list or mapping that stands in *lines*, *indent* spaces deep; DeclinedError where it is not laid out as ours are."""
    top: list[Json] = []
    stack: _Stack = [(-2, top)]
    wanted, name = indent, None  # a list or mapping that has to begin here, so deep, under that key
    at, end = 0, len(lines)
    while at < end:
        line = lines[at]
        at += 1
        colon = rest = ""
        if len(line) < _SHORT_LINE:
            deep, dashes, key, value = _line(line)
        else:
            lead, colon, rest = line.partition(": ")
            deep, dashes, key, value = _keyed(lead) if colon else _lead(lead)
        kind: type = list if dashes else dict
        if wanted < 0:
            if stack[-1][0] != deep or type(stack[-1][1]) is not kind:
                _close(stack, deep, kind)
        elif deep == (wanted if dashes or name is None else wanted + 2):
            _push(stack, name, deep, kind())
        else:
            raise DeclinedError
        wanted, name = -1, None
        if dashes:
            for number in range(1, dashes):
                _push(stack, None, deep + 2 * number, [])
            if key is not None:
                _push(stack, None, deep + 2 * dashes, {})
        deep, parent = stack[-1]
        if colon:
            value = scalar(rest)
        if value is _LITERAL:
            start = at
            lead = " " * (deep + 2)
            while at < end and (lines[at].startswith(lead) or not lines[at]):
                at += 1
            value = _literal(lines[start:at], deep + 2)
        elif value is _BELOW:
            if key in parent:
                raise DeclinedError
            wanted, name = deep, key
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


def _push(stack: _Stack, name: str | None, deep: int, opened: Json) -> None:
    """Begin what is *opened*, under the key *name* of what is open, or as its next item."""
    if len(stack) > MAX_DEPTH:
        raise DeclinedError
    parent = stack[-1][1]
    if name is None:
        parent.append(opened)
    else:
        parent[name] = opened
    stack.append((deep, opened))


def _close(stack: _Stack, deep: int, kind: type) -> None:
    """End what a line that is so *deep*, in a list or mapping as *kind* says, is not part of any more."""
    while stack[-1][0] != deep or type(stack[-1][1]) is not kind:
        if stack[-1][0] < deep or len(stack) <= 2:
            raise DeclinedError
        stack.pop()


def _literal(lines: list[str], indent: int) -> str:
    if not lines or not lines[-1] or lines[0][indent : indent + 1] in ("", " "):
        raise DeclinedError
    return "\n".join([line[indent:] for line in lines])


@lru_cache(maxsize=_REMEMBERED)
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
    return indent, dashes, None, scalar(rest) if len(rest) > 2 else _short(rest)


@lru_cache(maxsize=_REMEMBERED)
def _line(text: str) -> _Lead:
    lead, colon, rest = text.partition(": ")
    if not colon:
        return _lead(lead)
    deep, dashes, key, _ = _keyed(lead)
    return deep, dashes, key, scalar(rest) if len(rest) > 2 else _short(rest)


@lru_cache(maxsize=_REMEMBERED)
def _keyed(text: str) -> _Lead:
    return _lead(f"{text}:")


def _short(text: str) -> Json:
    """Return the value that *text* of two characters at the most says, or how it goes on."""
    return _SHORT[text] if text in _SHORT else scalar(text)
