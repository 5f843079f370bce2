"""Write plain values as YAML text, the same on every machine. No I/O.

General dumpers escape emoji or lose U+0085. Here each scalar gets the most readable form that a YAML reader converts back
exactly.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from yaml.resolver import Resolver

from mockserver.formats.json_text import dumps
from mockserver.formats.strict_yaml import is_clean_ascii

KEY_LIMIT = 500
"""The maximum length of a key; a structure with a longer key stays text (YAML allows 1,024 characters)."""

# C0 but tab and newline, DEL, C1 with U+0085, the Unicode line breaks, BOM and non-characters, lone surrogates.
_ODD = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff"
_NO_BLOCK = re.compile(f"[{_ODD}]|^[ \t\n]|[ \n]\\Z")
_ESCAPED = re.compile(f'[{_ODD}\t\n"\\\\]')
_NO_QUOTE = re.compile(f"[{_ODD}\t\n]")
_NO_PLAIN = re.compile(r"[\x00-\x1f]|^[-?:,\[\]{}#&*!|>'\"%@` ]|: |:\Z| #| \Z|^\.\.\.")
_FLOW = re.compile(r"[,\[\]{}:?]")
# Not text in YAML 1.1 (y, n) or in YAML 1.2 and JSON (1e3, 0o17), in addition to what PyYAML resolves.
_NOT_TEXT = re.compile(r"[yYnN]|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+")
_SHORT_TEXT = 80
"""Texts with fewer characters repeat often (names of events, keys, roles), so they are cached."""

_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def scalar(value: Any, *, flow: bool = False) -> str:
    """Return *value* (None, bool, number or text) on one line; with *flow*, for use in `{a: b}`."""
    if not isinstance(value, str):
        return dumps(value)
    return _short(value, flow) if len(value) < _SHORT_TEXT else _text(value, flow)


@lru_cache(maxsize=2048)
def _short(value: str, flow: bool) -> str:
    return _text(value, flow)


def _text(value: str, flow: bool) -> str:
    if _NO_QUOTE.search(value):
        return double_quoted(value)
    if _is_plain(value) and not (flow and _FLOW.search(value)):
        return value
    return "'" + value.replace("'", "''") + "'"


def double_quoted(text: str) -> str:
    """Return *text* in double quotes, escaped where needed."""
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return _SHORT.get(found[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def block(text: str, indent: str) -> str:
    """Return *text* as a literal block whose lines begin with *indent*, else double-quoted."""
    if not text or (text[0] in " \t\n" or text[-1] in " \n"):
        return double_quoted(text)
    if not is_clean_ascii(text) and _NO_BLOCK.search(text):
        return double_quoted(text)
    if "\n" not in text:  # as the data of most events
        return f"|-\n{indent}{text}"
    return "|-\n" + "\n".join([f"{indent}{line}" if line else "" for line in text.split("\n")])


def lines(value: Any, indent: str = "") -> Iterator[str]:
    """Yield the lines of the mapping or list *value*, each beginning with *indent*."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _entry(f"{indent}{scalar(key)}:", part, indent)
    else:
        for part in value:
            if isinstance(part, dict | list) and part:
                first, *rest = lines(part, indent + "  ")
                yield f"{indent}- {first[len(indent) + 2 :]}"
                yield from rest
            else:
                yield from _entry(f"{indent}-", part, indent)


def flow(value: dict[str, Any]) -> str:
    """Return the flat mapping *value* on one line."""
    pairs = (f"{scalar(key, flow=True)}: {scalar(part, flow=True)}" for key, part in value.items())
    return "{" + ", ".join(pairs) + "}"


def fits(value: Any) -> bool:
    """Return whether the JSON *value* can be written as structure: no key is too long for YAML."""
    if isinstance(value, dict):
        return all(len(key) <= KEY_LIMIT and fits(part) for key, part in value.items())
    return not isinstance(value, list) or all(fits(part) for part in value)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield head
        yield from lines(value, indent if isinstance(value, list) else indent + "  ")
    elif isinstance(value, str) and "\n" in value:
        yield f"{head} {block(value, indent + '  ')}"
    else:
        yield f"{head} {scalar(value)}"


def must_be_quoted(text: str) -> bool:
    """Return whether *text* needs quotes in YAML."""
    return not text or _NO_PLAIN.search(text) is not None


def _is_plain(text: str) -> bool:
    if must_be_quoted(text) or _NOT_TEXT.fullmatch(text):
        return False
    resolvers = Resolver.yaml_implicit_resolvers
    return not any(
        pattern.match(text)
        for _, pattern in (*resolvers.get(text[0], ()), *resolvers.get(None, ()))
    )
