"""Strict YAML: its characters, plain values with line numbers, and typed values of its mappings. No I/O.

Tags, anchors, aliases, duplicate keys and deep nesting are errors. Only JSON scalars (`null`, `true`, `false`, numbers)
get another type than text, so `no`, `012` and dates stay text.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from math import inf
from typing import Any, TypeVar

import yaml

from mockserver.errors import ReadError
from mockserver.formats.json_text import MAX_DEPTH, dumps

T = TypeVar("T")

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The fastest safe loader that is installed."""

_NESTING = MAX_DEPTH + 20
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMERIC = frozenset("-0123456789")
_WORDS = {"": None, "null": None, "true": True, "false": False}

# A translation table that changes other bytes is seven times as fast as a pattern.
_TABLE = bytes(
    code | 0x80 if (code < 0x20 and code != 0x0A) or code == 0x7F else code for code in range(256)
)
_ODD = (b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xef\xbb\xbf", b"\xef\xbf\xbe", b"\xef\xbf\xbf")
"""U+2028, U+2029, U+FEFF, U+FFFE and U+FFFF, which YAML does not treat as text."""

_C1 = re.compile(rb"\xc2[\x80-\x9f]")


class Mapping(dict[str, Any]):
    """A mapping with its line number and the line number of each key (from 1)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        self.line = line
        self.lines: dict[str, int] = {}


class Sequence(list[Any]):
    """A list with its line number and the line number of each item (from 1)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        self.line = line
        self.lines: list[int] = []


def is_clean(raw: bytes) -> bool:
    """Return whether *raw* is UTF-8 and has only characters that YAML allows unescaped, and neither tabs nor carriage returns."""
    if raw.translate(_TABLE) != raw:
        return False
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return not any(odd in raw for odd in _ODD) and not _C1.search(raw)


def is_clean_ascii(text: str) -> bool:
    """Return whether *text* has only such characters and is ASCII, as most texts are."""
    return text.isascii() and (raw := text.encode()).translate(_TABLE) == raw


def parse(text: str) -> Any:
    """Return the value of the single YAML document in *text*, or None if it is empty.

    Mappings are Mapping, lists are Sequence. ReadError, with the line, for anything that is not strict YAML.
    """
    try:
        return _build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if error.context_mark and "end of stream" in str(error.problem):
            mark = error.context_mark  # the start of the unterminated part
        line = mark.line + 1 if mark else 1
        why = f"not YAML: {error.problem or error.context}"
        raise ReadError(why, line=line, code="not-yaml") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        why = f'not YAML: character U+{_code(error.character):04X} must be written as an escape in "double quotes"'
        raise ReadError(why, line=line, code="not-yaml") from None
    except ValueError as error:
        raise ReadError(f"not YAML: {error}", code="not-yaml") from None


def _code(character: Any) -> int:
    return character if isinstance(character, int) else ord(character)


_CONTAINERS: dict[type, type[Mapping] | type[Sequence]] = {
    yaml.MappingStartEvent: Mapping,
    yaml.SequenceStartEvent: Sequence,
}
_NODES = (yaml.ScalarEvent, *_CONTAINERS, yaml.AliasEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def _build(text: str) -> Any:
    # Files have up to a million lines, so this compares types and avoids calls.
    top = Sequence(1)
    parent: Any = top
    parents: list[Any] = []
    key: str | None = None  # the key whose value comes next
    key_line = 0
    event: Any
    for event in yaml.parse(text, Loader=LOADER):
        kind = type(event)
        if kind in _ENDS:
            parent = parents.pop()
            continue
        if kind not in _NODES:
            if kind is yaml.DocumentStartEvent and top:
                raise ReadError("a second document begins here", line=_line(event))
            continue
        line = event.start_mark.line + 1
        if event.anchor is not None or kind is yaml.AliasEvent or event.tag is not None:
            raise _unsupported_feature(event, line)
        value: Any
        is_key = key is None and type(parent) is Mapping
        if kind is yaml.ScalarEvent:
            value = event.value
            if is_key:
                if value in parent:
                    message = f"key {value!r} occurs twice"
                    raise ReadError(message, line=line, code="duplicate-key", key=value)
                key, key_line = value, line
                continue
            if not event.style:
                value = parse_scalar(value, line)
        elif is_key:
            raise ReadError("a key must be text", line=line)
        elif len(parents) >= _NESTING:
            message = f"nested more than {_NESTING} deep"
            raise ReadError(message, line=line, fix="write it as JSON text instead")
        else:
            value = _CONTAINERS[kind](line)
        if key is None:
            parent.append(value)
            parent.lines.append(line)
        else:
            parent[key] = value
            parent.lines[key] = key_line
            key = None
        if kind is not yaml.ScalarEvent:
            parents.append(parent)
            parent = value
    return top[0] if top else None


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _unsupported_feature(event: Any, line: int) -> ReadError:
    """Return the error for *event*, an alias or a node with an anchor or a tag."""
    if isinstance(event, yaml.AliasEvent):
        message, fix = f"alias *{event.anchor}", "write the value itself"
    elif event.anchor is not None:
        message, fix = f"anchor &{event.anchor}", "leave it out"
    else:
        message, fix = f"tag {event.tag}", "leave it out"
    return ReadError(message, line=line, code="yaml-feature", fix=fix)


def parse_scalar(text: str, line: int = 1) -> Any:
    """Return the value of the plain scalar *text*: text or a JSON scalar; ReadError, with *line*, for a number that is too large."""
    if text in _WORDS:
        return _WORDS[text]
    is_number = text[0] in _NUMERIC and _NUMBER.fullmatch(text)
    return _number(text, line) if is_number else text


def _number(text: str, line: int) -> float:
    try:
        value = int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:  # too many digits for an int
        value = inf
    if value in (inf, -inf):
        fix = "write it as text, in quotes"
        raise ReadError(f"number {text[:20]} is too large", line=line, fix=fix)
    return value


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


def get_count(part: Mapping, key: str, least: int = 0) -> int | None:
    """Return the whole number in *key*, or None if it is absent; ReadError if it is below *least*."""
    count = get_typed(part, key, int)
    if count is not None and count < least:
        raise ReadError(f"{key} must be {least} or more", line=part.lines[key])
    return count


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


def get_items(part: Mapping, key: str, what: str) -> Sequence:
    """Return the list of *what* in *key*; ReadError if it is missing or empty."""
    items = get_typed(part, key, Sequence)
    if not items:
        line = part.lines.get(key, part.line)
        raise ReadError(f"`{key}` must be a list of {what}", line=line)
    return items


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
