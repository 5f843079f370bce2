"""A cassette as text, split into its documents; each is read alone, so that an error in one does not affect the others. No I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mockserver.cassette import documents, yaml_codec
from mockserver.cassette.documents import (
    Document,
    decode,
    has_content,
    split_documents,
    strip_partial_separator,
)
from mockserver.cassette.model import Body, Exchange, Header
from mockserver.cassette.truncation import may_be_truncated
from mockserver.errors import ReadError, UsageError
from mockserver.formats import strict_yaml
from mockserver.formats.json_text import Json
from mockserver.formats.strict_yaml import Mapping, Sequence
from mockserver.matching.differences import ABSENT
from mockserver.matching.json_path import Path
from mockserver.matching.rules import build_header
from mockserver.tools.json_bodies import parse_body

KeyPath = tuple[str | int, ...]
"""The path to a value in a document: keys and item numbers."""

_CONFLICT = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
_EXCHANGE_KEY = re.compile(rb"^(request|response):", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """One document of a file: the header (number 0), or an exchange (numbers from 1).

    *error* is why it cannot be read, with the line in the file. *is_truncated*: its end is missing, because the recording was interrupted.
    """

    file: str
    number: int
    line: int
    """The line of the file on which it begins."""
    raw: bytes
    header: Header | None = None
    exchange: Exchange | None = None
    error: ReadError | None = None
    is_truncated: bool = False

    @property
    def label(self) -> str:
        """`FILE#N`, or only the file for the header."""
        return f"{self.file}#{self.number}" if self.number else self.file

    @property
    def value(self) -> Header | Exchange | None:
        """The header or the exchange; None if it cannot be read."""
        return self.exchange if self.header is None else self.header

    def require_exchange(self) -> Exchange:
        """Return the exchange of a part that is known to have one."""
        assert self.exchange is not None
        return self.exchange

    @cached_property
    def text(self) -> str:
        """The text; bytes that are not UTF-8 become U+FFFD."""
        return self.raw.decode("utf-8-sig" if self.line == 1 else "utf-8", "replace")

    @cached_property
    def document(self) -> Mapping | None:
        """The parsed text, with lines counted from 1 in this part; None if it is not a mapping in strict YAML."""
        try:
            value = strict_yaml.parse(self.text)
        except ReadError:
            return None
        return value if isinstance(value, Mapping) else None

    @cached_property
    def is_canonical(self) -> bool:
        """Whether the text is exactly the one that a recording of the exchange has."""
        return self.exchange is not None and yaml_codec.dump_exchange(self.exchange) == self.text

    @cached_property
    def bodies(self) -> tuple[Json, Json]:
        """The parsed bodies of request and response; ABSENT for a stream."""
        if self.exchange is None:
            return ABSENT, ABSENT
        content = self.exchange.response.content
        response_body = parse_body(content.raw) if isinstance(content, Body) else ABSENT
        return parse_body(self.exchange.request.body), response_body

    def line_of(self, path: Path) -> int:
        """Return the line in the file of the value at *path*, or of its closest parent that exists."""
        node, line = self.document, 1
        for step in path:
            try:
                line = node.lines[step]  # type: ignore[union-attr, index]
                node = node[step]  # type: ignore[index]
            except (KeyError, IndexError, TypeError, AttributeError):
                break
        return self.line + line - 1


@dataclass(frozen=True)
class CassetteSource:
    """The cassette *name* with its *parts*, the header first; *raw* is the whole file."""

    name: str
    raw: bytes
    parts: tuple[Part, ...] = ()
    is_cassette: bool = True
    """Whether the first document has the key `mockserver`."""
    empty_lines: tuple[int, ...] = ()
    """The lines on which empty documents begin."""

    @property
    def header(self) -> Header:
        """The header; an empty one if it cannot be read."""
        return (self.parts[0].header if self.parts else None) or Header()

    @property
    def exchanges(self) -> Iterator[Part]:
        """The parts with a complete exchange that can be read."""
        return (part for part in self.parts if part.exchange is not None and not part.is_truncated)

    def require_number(self, number: int) -> None:
        """Raise UsageError if there is no exchange *number*."""
        if number >= len(self.parts):
            last = max(0, len(self.parts) - 1)
            raise UsageError(f"no exchange {number}: the last one is {last}")

    def select(self, number: int) -> "CassetteSource":
        """Return the cassette with the exchange *number* alone; raise UsageError if there is none."""
        self.require_number(number)
        return replace(self, parts=(self.parts[0], self.parts[number]))

    @property
    def errors(self) -> list[ReadError]:
        """The errors of the parts that cannot be read, in order; without a truncated part."""
        return [part.error for part in self.parts if part.error and not part.is_truncated]


def parse_source(name: str, raw: bytes) -> CassetteSource:
    """Return the file *name* with the content *raw*, split into its parts; a part that cannot be read holds its error."""
    found, empty_lines = _split_documents(raw)
    parts: list[Part] = []
    for number, (document, line) in enumerate(found):
        if number and (exchange := yaml_codec.read_exchange(document.raw)):
            parts.append(Part(name, number, line, document.raw, exchange=exchange))
        else:
            parts.append(_read(name, number, document, line))
    header = parts[0].header if parts else None
    if header and header.recorded and len(parts) > 1:
        parts[-1] = _check_end(parts[-1], found[-1][0])
    is_cassette = bool(parts) and b"mockserver" in parts[0].raw
    return CassetteSource(name, raw, tuple(parts), is_cassette, tuple(empty_lines))


def _split_documents(raw: bytes) -> tuple[list[tuple[Document, int]], list[int]]:
    """Return the documents in *raw* with their first lines, and the first lines of empty documents.

    A document with only comments is joined with the one after it, or before it if it is the last.
    """
    found: list[tuple[Document, int]] = []
    empty_lines: list[int] = []
    comments, first_line, line = b"", 1, 1
    for part in split_documents((raw,)):
        document = part
        if not comments:
            first_line = line
        else:  # YAML requires a separator after a directive
            joined = comments + (part.raw if b"%" in comments else _without_separator(part.raw))
            document = documents.single_document(joined, part.start)
        if has_content(part.raw):
            found.append((document, first_line))
            comments = b""
        elif b"#" in part.raw or b"%" in part.raw:
            comments = document.raw
        else:
            empty_lines.append(line)
        line += part.raw.count(b"\n")
    if comments and found:
        last, last_line = found[-1]
        joined = last.raw + _without_separator(comments)
        found[-1] = documents.single_document(joined, last.start), last_line
    return found, empty_lines


def _without_separator(raw: bytes) -> bytes:
    """Return the text of a document without its `---`; the number of lines stays the same."""
    return raw.removeprefix(b"---").lstrip(b" \t") if raw.startswith(b"---") else raw


def iter_items(node: Any, path: KeyPath = ()) -> Iterator[tuple[Any, KeyPath]]:
    """Yield each mapping and list at or below *node*, a strict YAML value, with the path of each of its items; outer ones first."""
    if isinstance(node, Mapping | Sequence):
        for key, part in node.items() if isinstance(node, Mapping) else enumerate(node):
            yield node, (*path, key)
            yield from iter_items(part, (*path, key))


def looks_recorded(raw: bytes) -> bool:
    """Return whether *raw* looks like a damaged cassette: it is empty, in UTF-16, or has exchanges without the first line."""
    return (
        not raw
        or raw.startswith((b"\xff\xfe", b"\xfe\xff"))
        or {b"request", b"response"} <= set(_EXCHANGE_KEY.findall(raw))
    )


def _read(name: str, number: int, document: Document, line: int) -> Part:
    """Return *document* as a part: the header, or exchange *number*."""
    parsed = header = exchange = located = None
    try:
        parsed = strict_yaml.parse(decode(document, document.raw))
        if number:
            exchange = _build_exchange(parsed)
        else:
            header = build_header(parsed)
    except ReadError as error:
        located = _explain_conflict(error, document.raw).at(file=name, first_line=line)
    part = Part(name, number, line, document.raw, header, exchange, located)
    if isinstance(parsed, Mapping):  # it need not be parsed again
        vars(part)["document"] = parsed
    return part


def replace_text(part: Part, text: str) -> Part:
    document = documents.single_document(text.encode())
    read = _read(part.file, part.number, document, part.line)
    return replace(read, is_truncated=part.is_truncated)


def _build_exchange(document: Any) -> Exchange:
    if document is None:
        raise ReadError("an exchange is empty", line=1, fix="write it, or delete the line `---`")
    return yaml_codec.build_exchange(document)


def _check_end(part: Part, document: Document) -> Part:
    """Return *part*, the last one of a recording, as it is without an incomplete separator, and whether it is truncated."""
    alone = strip_partial_separator(document)
    if alone.raw != document.raw:
        part = _read(part.file, part.number, alone, part.line)
    has_end = part.exchange is not None and part.exchange.response.end is not None
    is_truncated = not has_end and may_be_truncated(alone)
    return replace(part, raw=document.raw, is_truncated=is_truncated)


def _explain_conflict(error: ReadError, raw: bytes) -> ReadError:
    """Return *error*, or the error for a git conflict if the document *raw* has conflict markers."""
    conflict = _CONFLICT.search(raw.decode("utf-8", "replace"))
    if conflict and error.code in ("not-yaml", "duplicate-key", "malformed"):
        return ReadError(
            "unresolved git conflict",
            line=conflict.string.count("\n", 0, conflict.start()) + 1,
            code="conflict",
            fix="keep one side and delete the other, with the conflict markers",
        )
    return error
