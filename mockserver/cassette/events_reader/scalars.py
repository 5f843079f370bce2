"""Read scalars on one line. No I/O."""

import json
import re

from mockserver.formats.json_text import Json

_WORDS: dict[str, Json] = {"null": None, "true": True, "false": False}
_LONGER_THAN_WORDS = 6
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_LIKE_A_NUMBER = re.compile(r"[0-9.]+(?:[eE][0-9+-]+)?$")
_NUMERIC = frozenset("-.0123456789")
_INDICATORS = frozenset(("", *"-?:,[]{}#&*!|>'\"%@` \t"))
"""Characters that a plain scalar cannot begin with."""


class DeclinedError(Exception):
    """The text has another layout; only the YAML reader can read it."""


def scalar(text: str) -> Json:
    """Return the value of the scalar *text*; DeclinedError if it needs the YAML reader."""
    if text[:1] in _NUMERIC and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    if len(text) < _LONGER_THAN_WORDS and text in _WORDS:
        return _WORDS[text]
    return text_of(text)


def text_of(text: str) -> str:
    """Return the text of the scalar *text*; DeclinedError if it is not clearly text."""
    first = text[:1]
    if first in _INDICATORS:
        if first == "'":
            return _single(text)
        if first == '"':
            return _double(text)
        raise DeclinedError
    if ": " in text or " #" in text or text[-1] in " :":
        raise DeclinedError
    if len(text) < _LONGER_THAN_WORDS and text in _WORDS:
        raise DeclinedError
    if first in _NUMERIC and _LIKE_A_NUMBER.match(text):
        raise DeclinedError
    return text


def _single(text: str) -> str:
    inner = text[1:-1]
    if len(text) < 2 or text[-1] != "'":
        raise DeclinedError
    if "'" not in inner:
        return inner
    if "'" in inner.replace("''", ""):
        raise DeclinedError
    return inner.replace("''", "'")


def _double(text: str) -> str:
    # Escapes common to YAML and JSON have the same meaning, except for surrogates.
    if len(text) < 2 or text[-1] != '"' or "\\u" in text or "\\/" in text:
        raise DeclinedError
    try:
        return str(json.loads(text))
    except ValueError:
        raise DeclinedError from None
