"""JSON, and the parsed form of it only where that gives the very bytes back. No I/O."""

import json
from typing import Any

Json = Any
"""None, bool, int, float, str, list of Json, dict of str to Json."""

DEPTH = 60
"""How deep a structure may nest in a cassette; a deeper one stays text."""


def dumps(value: Json) -> str:
    """Return *value* as compact JSON with real Unicode, as orjson and JSON.stringify write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def loads(text: str | bytes) -> Json:
    """Return the value of the JSON *text*; ValueError where it is none (`NaN` is none)."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def faithful(text: str) -> tuple[Json] | None:
    """Return the value of *text* in a 1-tuple if `dumps` gives *text* back from it, else None."""
    try:
        value = loads(text)
        if dumps(value) != text or depth(value) > DEPTH:
            return None
    except (ValueError, RecursionError):
        return None
    return (value,)


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


def _refuse(word: str) -> Json:
    raise ValueError(f"{word} is not JSON")
