"""Read the request of an exchange in mockserver's own layout without a YAML parser. No I/O.

At the start all requests are read, and the YAML loader would take three times as long. Any other layout is declined.
"""

import json
import re
from functools import lru_cache
from typing import NamedTuple

from mockserver.errors import ReadError
from mockserver.formats.json_text import MAX_DEPTH, Json
from mockserver.formats.strict_yaml import is_clean, parse_scalar

_BEGINNING = b"---\nrequest:\n"
_AT = re.compile(r"at: ([0-9]{1,9}(?:\.[0-9]{1,9})?)")
_REDACTED = re.compile(r"redacted: [0-9]{1,9}")
_KEY = re.compile(r"([^\W\d][\w.$/-]{0,200})|'([^':]{1,200})'")
_NEGATIVE = re.compile(r"-[0-9]")
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@` ")
"""Characters that a plain scalar cannot begin with, or only in some places."""


class RecordedRequest(NamedTuple):
    """A request; *body* is its JSON value in a 1-tuple, or ()."""

    method: str
    path: str
    body: tuple[Json] | tuple[()]
    at: float | None = None


def read_request(raw: bytes) -> RecordedRequest | None:
    """Return the request that the YAML loader reads from *raw*, all before `response:`; None for any other layout."""
    if not raw.startswith(_BEGINNING) or not raw.endswith(b"\n") or not is_clean(raw):
        return None
    lines = raw.decode().split("\n")[2:-1]
    if lines and _REDACTED.fullmatch(lines[-1]):
        del lines[-1]
    at = _AT.fullmatch(lines[-1]) if lines else None
    if at is not None:
        del lines[-1]
    lines.reverse()
    try:
        request = _collection(lines, "  ")
    except (ValueError, ReadError):
        return None
    match request:
        case {"method": str(method), "path": str(path), **others} if not lines:
            if method and path.startswith("/") and others.keys() <= {"body"}:
                return RecordedRequest(
                    method.upper(), path, (others["body"],) if others else (), at and float(at[1])
                )
    return None


def _collection(lines: list[str], indent: str) -> Json:
    """Take a list or a mapping with this *indent* from the end of *lines*, which are in reverse order; ValueError if there is none."""
    if len(indent) > MAX_DEPTH or not lines:
        raise ValueError
    dash = f"{indent}- "
    return _list(lines, dash) if lines[-1].startswith(dash) else _mapping(lines, indent)


def _list(lines: list[str], dash: str) -> list[Json]:
    items: list[Json] = []
    indent = " " * len(dash)
    while lines and lines[-1].startswith(dash):
        text = lines.pop()[len(dash) :]
        if text.startswith("- ") or _split_key(text):
            lines.append(indent + text)
            items.append(_collection(lines, indent))
        else:
            items.append(_value(text, lines, indent))
    return items


def _mapping(lines: list[str], indent: str) -> dict[str, Json]:
    mapping: dict[str, Json] = {}
    below = f"{indent}  "
    while lines and lines[-1].startswith(indent):
        pair = _split_key(lines[-1][len(indent) :])
        if pair is None:
            break
        del lines[-1]
        key, text = pair
        if key in mapping:
            raise ValueError
        if text:
            mapping[key] = _value(text, lines, below)
        else:
            is_list = bool(lines) and lines[-1].startswith(f"{indent}- ")
            mapping[key] = _collection(lines, indent if is_list else below)
    if not mapping:
        raise ValueError
    return mapping


def _split_key(text: str) -> tuple[str, str] | None:
    """Return the key with which *text* begins, and the rest, which is empty if the value is on the following lines; or None."""
    written, colon, rest = text.partition(": ")
    if not colon and text.endswith(":"):
        written = text[:-1]
    elif not rest:
        return None
    key = _key(written)
    return (key, rest) if key else None


@lru_cache(maxsize=4096)
def _key(text: str) -> str | None:
    found = _KEY.fullmatch(text)
    return found and (found[1] or found[2])


def _value(text: str, lines: list[str], indent: str) -> Json:
    """Return the value that begins with *text*; its other lines, with this *indent*, are taken from *lines*."""
    if text == "|-":
        return _literal(lines, indent)
    if text in ("{}", "[]"):
        return {} if text == "{}" else []
    return _scalar(text)


def _literal(lines: list[str], indent: str) -> str:
    parts: list[str] = []
    while lines and (lines[-1].startswith(indent) or not lines[-1]):
        parts.append(lines.pop()[len(indent) :])
    if not parts or not parts[-1] or parts[0][:1] in ("", " "):
        raise ValueError
    return "\n".join(parts)


def _scalar(text: str) -> Json:
    first, last = text[:1], text[-1:]
    if first == last == "'" and len(text) > 1:
        if "'" in (inner := text[1:-1]) and "'" in inner.replace("''", ""):
            raise ValueError
        return inner.replace("''", "'")
    if first == '"' and "\\u" not in text and "\\/" not in text:
        return str(json.loads(text))  # the other escapes of JSON have the same meaning in YAML
    if ": " in text or " #" in text or last in ("", " ", ":"):
        raise ValueError
    if first in _INDICATORS and not _NEGATIVE.match(text):
        raise ValueError
    return parse_scalar(text)
