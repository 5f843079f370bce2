"""Writes JSON as the real server does, with its spelling of numbers. No I/O."""

import re
from dataclasses import dataclass

from mockserver.formats.json_text import Json, dumps

_TEXT_OR_SMALL = re.compile(r'"(?:[^"\\]++|\\.)*"|(?<![\d.])-?\d++(?:\.\d++)?e-\d+')

_MAYBE_SMALL = re.compile(r"e-\d{1,3}(?=[,\]}]|\Z)")
"""A fast check for numbers with a negative exponent; nearly every text has none."""


@dataclass(frozen=True, slots=True)
class JsonText:
    """A value that is JSON text already."""

    text: str


def to_server_json(value: Json | JsonText) -> str:
    """Return *value* as JSON text in the real server's spelling."""
    text = value.text if isinstance(value, JsonText) else dumps(value)
    if _MAYBE_SMALL.search(text):
        text = _TEXT_OR_SMALL.sub(_format_match, text)
    # The real server replaces the character in its JSON text, even after an escaped backslash.
    return text.replace("\\u0000", "\\ufffd") if "\\u0000" in text else text


def format_float(value: float) -> str:
    """Return a number in the server's spelling: `1e-7`, `0.00001`."""
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return digits
    if exponent == "-05":
        sign = "-" if value < 0 else ""
        return f"{sign}0.0000{digits.lstrip('-').replace('.', '')}"
    return f"{digits}e{exponent[0]}{exponent[1:].lstrip('0')}"


def _format_match(found: re.Match[str]) -> str:
    text = found[0]
    return text if text.startswith('"') else format_float(float(text))
