"""Read documents in mockserver's own layout without a YAML parser, which would take ten times as long. No I/O.

The layout has block mappings and lists, literal blocks and scalars on one line. Any other layout is declined.
"""

import json
import re
from functools import lru_cache
from typing import Any

from mockserver.errors import ReadError
from mockserver.formats.json_text import MAX_DEPTH, Json
from mockserver.formats.strict_yaml import Mapping, Sequence, is_clean, parse_scalar

_SEPARATOR = "---\n"
_ENTRY = r"(?:([^\W\d][\w.$/-]{0,200})|'([^':\n]{1,200})'):(?: (.+))?\n"
_END = re.compile(r"\{after: ([0-9]+(?:\.[0-9]+)?), how: ([a-z]+)\}")
_NEGATIVE = re.compile(r"-[0-9]")
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@` ")
"""Characters that a plain scalar cannot begin with, or only in some places."""


def read_mapping(raw: bytes) -> Mapping | None:
    """Return the mapping that `strict_yaml.parse` reads from *raw*; None for any other layout, and for errors.

    A JSON value, below the key `body` of a request or response, has plain lists and dictionaries, without lines.
    """
    if not is_clean(raw):
        return None
    text = raw.decode()
    reader = _Reader(text)
    try:
        mapping = reader.read_mapping(0)
    except (ValueError, ReadError):
        return None
    return mapping if mapping and reader.at == len(text) else None


@lru_cache(maxsize=MAX_DEPTH)
def _entry(indent: int) -> re.Pattern[str]:
    """Return the pattern of a line with this *indent*, a key, and a value if it is on the same line."""
    return re.compile(" " * indent + _ENTRY)


@lru_cache(maxsize=MAX_DEPTH)
def _literal(indent: int) -> re.Pattern[str]:
    """Return the pattern of the lines of a literal block with this *indent*."""
    return re.compile(rf" {{{indent}}}[^ \n].*\n(?: {{{indent}}}.*\n|\n)*")


class _Reader:
    """Reads *text* from the position *at*, which is on *line* (from 1). The methods raise ValueError for another layout."""

    def __init__(self, text: str) -> None:
        has_separator = text.startswith(_SEPARATOR)
        self.text = text
        self.at = len(_SEPARATOR) if has_separator else 0
        self.line = 2 if has_separator else 1
        self._is_json = False

    def read_mapping(self, indent: int) -> Any:
        """Read the mapping whose first key is at the position, and whose other lines have this *indent*; it is empty if there is none."""
        mapping: Any = {} if self._is_json else Mapping(self.line)
        entry = _entry(0)
        while found := entry.match(self.text, self.at):
            plain, quoted, written = found.groups()
            key = plain or quoted
            if key in mapping:
                raise ValueError
            if not self._is_json:
                mapping.lines[key] = self.line
            self.at = found.end()
            self.line += 1
            was_json = self._is_json
            self._is_json = was_json or (key == "body" and indent == 2)
            if written:
                mapping[key] = self._read_value(written, indent + 2)
            else:
                mapping[key] = self._read_nested(indent)
            self._is_json = was_json
            entry = _entry(indent)
        return mapping

    def _read_nested(self, indent: int) -> Any:
        """Read the list or mapping below a key with this *indent*."""
        if self.text.startswith(" " * indent + "- ", self.at):
            self.at += indent
            return self._read_list(indent)
        indent += 2
        self.at += indent
        if indent > MAX_DEPTH or not self.text.startswith(" " * indent, self.at - indent):
            raise ValueError
        mapping = self.read_mapping(indent)
        if not mapping:
            raise ValueError
        return mapping

    def _read_list(self, indent: int) -> Any:
        """Read the list whose first dash is at the position, and whose other dashes have this *indent*."""
        items: Any = [] if self._is_json else Sequence(self.line)
        dash = " " * indent + "- "
        while True:
            self.at += 2
            if not self._is_json:
                items.lines.append(self.line)
            items.append(self._read_item(indent + 2))
            if not self.text.startswith(dash, self.at):
                return items
            self.at += indent

    def _read_item(self, indent: int) -> Any:
        """Read the item at the position, whose other lines have this *indent*."""
        if indent > MAX_DEPTH:
            raise ValueError
        if self.text.startswith("- ", self.at):
            return self._read_list(indent)
        if mapping := self.read_mapping(indent):
            return mapping
        end = self.text.index("\n", self.at)
        written = self.text[self.at : end]
        if not written:
            raise ValueError
        self.at = end + 1
        self.line += 1
        return self._read_value(written, indent)

    def _read_value(self, written: str, indent: int) -> Any:
        """Return the value that is *written* on the line before the position; the lines of a literal block have this *indent*."""
        if written == "|-":
            return self._read_literal(indent)
        if written[0] in "{[":
            if not self._is_json:
                return _read_flow(written, self.line - 1)
            if written not in ("{}", "[]"):
                raise ValueError
            return {} if written == "{}" else []
        return _read_scalar(written)

    def _read_literal(self, indent: int) -> str:
        found = _literal(indent).match(self.text, self.at)
        if found is None:
            raise ValueError
        lines = found[0][indent:-1].replace("\n" + " " * indent, "\n")
        if lines[-1] == "\n":
            raise ValueError
        self.at = found.end()
        self.line += lines.count("\n") + 1
        return lines


def _read_flow(written: str, line: int) -> Mapping | Sequence:
    if written == "[]":
        return Sequence(line)
    mapping = Mapping(line)
    if found := _END.fullmatch(written):
        mapping |= {"after": parse_scalar(found[1], line), "how": parse_scalar(found[2], line)}
        mapping.lines = {"after": line, "how": line}
    elif written != "{}":
        raise ValueError
    return mapping


def _read_scalar(text: str) -> Json:
    first, last = text[0], text[-1]
    if first == last == "'" and len(text) > 1:
        if "'" in (inner := text[1:-1]) and "'" in inner.replace("''", ""):
            raise ValueError
        return inner.replace("''", "'")
    if first == '"' and "\\u" not in text and "\\/" not in text:
        return str(json.loads(text))  # the other escapes of JSON have the same meaning in YAML
    if last in " :" or ": " in text or " #" in text:
        raise ValueError
    if first in _INDICATORS and not _NEGATIVE.match(text):
        raise ValueError
    return parse_scalar(text)
