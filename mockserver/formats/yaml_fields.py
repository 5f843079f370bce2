"""Read and check values of a strict YAML mapping; errors carry their line. No I/O."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, TypeVar

from mockserver.errors import ReadError
from mockserver.formats.json_text import dumps
from mockserver.formats.strict_yaml import Mapping, Sequence

T = TypeVar("T")

_TYPE_NAMES: dict[type, str] = {
    str: "text",
    int: "a whole number",
    Mapping: "a mapping",
    Sequence: "a list",
}


def get_typed(part: Mapping, key: str, kind: type[T]) -> T | None:
    """Return the value of *key*, or None if it is absent; ReadError if it is not a *kind*."""
    value = part.get(key)
    if value is None:
        return None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ReadError(
            f"{key} must be {_TYPE_NAMES[kind]}, not {dumps(value)[:40]}", line=part.lines[key]
        )
    return value


def check_keys(part: Mapping, keys: tuple[str, ...], where: str) -> None:
    """Raise ReadError if *part* has a key that is not in *keys*; *where* names the part in the message."""
    for key in part:
        if key not in keys:
            like = get_close_matches(key, keys, 1)
            others = "" if like else f" (valid keys: {', '.join(keys)})"
            raise ReadError(
                f"{where} has no key `{key}`{others}",
                line=part.lines[key],
                code="unknown-key",
                key=key,
                suggestion=like[0] if like else None,
            )


def get_only_key(part: Mapping, keys: tuple[str, ...], where: str) -> str | None:
    """Return the one of *keys* that *part* has, or None; ReadError if it has several."""
    found = [key for key in keys if key in part]
    if len(found) > 1:
        raise ReadError(
            f"{where} has {' and '.join(found)}: only one is allowed", line=part.lines[found[1]]
        )
    return found[0] if found else None


def get_seconds(part: Mapping, key: str, longest: float = 1e9) -> float:
    """Return the seconds in *key*, or 0 if it is absent; ReadError if it is not a time, or above *longest*."""
    value = part.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ReadError(f"{key} must be a time in seconds", line=part.lines[key])
    if value > longest:
        raise ReadError(f"{key} must be at most {longest} seconds", line=part.lines[key])
    return float(value)


def map_items(items: Sequence, read: Callable[[Any, int], T]) -> tuple[T, ...]:
    """Return the result of *read* for each of *items* and its line."""
    return tuple(read(item, line) for item, line in zip(items, items.lines, strict=True))


def get_mapping(document: Mapping, key: str) -> Mapping:
    """Return the mapping in *key*; ReadError if it is empty."""
    part = get_typed(document, key, Mapping)
    if part is None:
        raise ReadError(f"`{key}` is empty", line=document.lines[key])
    return part


def iter_texts(items: Sequence, where: str) -> Iterator[str]:
    """Yield *items*, the value of *where*; ReadError for an item that is not text."""
    for item, line in zip(items, items.lines, strict=True):
        if not isinstance(item, str):
            raise ReadError(f"{where} must be a list of texts", line=line)
        yield item


def get_base64(part: Mapping, key: str) -> bytes:
    """Return the bytes of the base64 text in *key*; ReadError if it is not base64."""
    try:
        return b64decode(get_typed(part, key, str) or "", validate=True)
    except (Base64Error, ValueError):
        raise ReadError(f"{key} is not base64", line=part.lines[key]) from None
