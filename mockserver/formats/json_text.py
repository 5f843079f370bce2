"""Parse and write JSON; parsed values are used only if they convert back to the same text. No I/O."""

import json
from collections.abc import Callable
from typing import Any

Json = Any
"""None, bool, int, float, str, list of Json, dict of str to Json."""

MAX_DEPTH = 60
"""The maximum nesting of a structure in a cassette; a deeper one stays text."""


MAX_LENGTH = 1 << 18
"""The maximum number of characters of a structure in a cassette; a longer one stays text, which loads a thousand times faster."""


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def reject_constant(word: str) -> Json:
    """Raise ValueError: *word*, which Python reads as a number, is not JSON."""
    raise ValueError(f"{word} is not JSON")


_decode = json.JSONDecoder(parse_constant=reject_constant).decode


def dumps(value: Json) -> str:
    """Return *value* as compact JSON without Unicode escapes, as the servers write it."""
    return _encode(value)


def loads(text: str) -> Json:
    """Return the value of the JSON *text*; ValueError if it is not JSON (`NaN` is not)."""
    try:
        return _decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def loads_or_none(text: str | bytes) -> Json:
    """Return the value of *text*; None if it is not JSON."""
    try:
        return loads(text if isinstance(text, str) else text.decode())
    except ValueError:
        return None


def parse_exact(text: str) -> tuple[Json] | None:
    """Return the value of *text* in a 1-tuple if `dumps` gives *text* back from it, else None."""
    return _parse_if(text, lambda dumped: dumped == text)


def parse_equivalent(text: str) -> tuple[Json] | None:
    """Return the value of *text* in a 1-tuple if `dumps` differs from *text* in white space and escapes only, else None.

    The spelling of numbers and duplicate keys would be lost, so they give None.
    """
    return _parse_if(
        text, lambda dumped: dumped == text or _with_spelling(dumped) == _with_spelling(text)
    )


def _parse_if(text: str, is_same: Callable[[str], bool]) -> tuple[Json] | None:
    if len(text) > MAX_LENGTH:
        return None
    try:
        value = loads(text)
        dumped = dumps(value)
        dumped.encode()
        return (value,) if is_same(dumped) and depth(value) <= MAX_DEPTH else None
    except (ValueError, RecursionError):
        return None


def _with_spelling(text: str) -> Json:
    def number(spelling: str) -> Json:
        return ("number", spelling)

    return json.loads(text, parse_int=number, parse_float=number, object_pairs_hook=tuple)


def depth(value: Json) -> int:
    """Return how many lists and objects enclose the innermost part of *value*."""
    deepest, level = 0, [value]
    while level := [part for node in level for part in _parts(node)]:
        deepest += 1
    return deepest


def _parts(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values()) or [None]
    if isinstance(value, list):
        return value or [None]
    return []
