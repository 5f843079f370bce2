"""What stands under a key of a strict mapping, checked; each complaint knows its line. No I/O."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import TypeVar

from mockserver.cassette.text.strict import Mapping, Sequence
from mockserver.errors import CassetteError
from mockserver.jsontext import dumps

T = TypeVar("T")

_KINDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    Mapping: "a mapping",
    Sequence: "a list",
}


def typed(part: Mapping, key: str, kind: type[T]) -> T | None:
    """Return what stands under *key*, None where nothing does; CassetteError if it is not of that *kind*."""
    value = part.get(key)
    if value is None:
        return None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise CassetteError(
            f"{key} must be {_KINDS[kind]}, not {dumps(value)[:40]}", line=part.lines[key]
        )
    return value


def known(part: Mapping, keys: tuple[str, ...], where: str) -> None:
    """Raise CassetteError if *part*, which is *where*, has a key beside *keys*."""
    for key in part:
        if key not in keys:
            raise CassetteError(
                f"{where} has no key `{key}` (there are {', '.join(keys)})", line=part.lines[key]
            )


def one_of(part: Mapping, keys: tuple[str, ...], where: str) -> str | None:
    """Return which of *keys* stands in *part*, None if none does; CassetteError if several do."""
    found = [key for key in keys if key in part]
    if len(found) > 1:
        raise CassetteError(
            f"{where} holds {' and '.join(found)}: only one can be", line=part.lines[found[1]]
        )
    return found[0] if found else None


def seconds(part: Mapping, key: str) -> float:
    """Return the time under *key*, 0 where there is none; CassetteError if it is no time."""
    value = part.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise CassetteError(f"{key} must be a time in seconds", line=part.lines[key])
    return float(value)


def whole_part(document: Mapping, key: str) -> Mapping:
    """Return the mapping under *key*; CassetteError if there is none."""
    part = typed(document, key, Mapping)
    if part is None:
        raise CassetteError(f"`{key}` is empty", line=document.lines[key])
    return part


def texts(items: Sequence, where: str) -> Iterator[str]:
    """Yield *items*, which stand under *where*; CassetteError for one that is no text."""
    for item, line in zip(items, items.lines, strict=True):
        if not isinstance(item, str):
            raise CassetteError(f"{where} must be a list of texts", line=line)
        yield item


def decoded(part: Mapping, key: str) -> bytes:
    """Return the bytes that stand under *key* in base64; CassetteError if they do not."""
    try:
        return b64decode(typed(part, key, str) or "", validate=True)
    except (Base64Error, ValueError):
        raise CassetteError(f"{key} is not base64", line=part.lines[key]) from None
