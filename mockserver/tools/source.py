"""A cassette as text, split into its documents; each is read alone, so that an error in one does not affect the others. No I/O."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from mockserver.cassette import documents, events_reader, yaml_codec
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
from mockserver.matching import json_path
from mockserver.matching.keys import ABSENT
from mockserver.tools.json_bodies import parse_body

T = TypeVar("T")

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

    def line_of(self, path: KeyPath) -> int:
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
class Source:
    """The cassette *name* with its *parts*, the header first; *raw* is the whole file."""

    name: str
    raw: bytes
    parts: tuple[Part, ...] = ()
    is_cassette: bool = True
    """Whether the first document has the key `mockserver`."""
    empty_lines: tuple[int, ...] = field(default=())
    """The lines on which empty documents begin."""

    @property
    def header(self) -> Header:
        """The header; an empty one if it cannot be read."""
        return (self.parts[0].header if self.parts else None) or Header()

    @property
    def exchanges(self) -> Iterator[Part]:
        """The parts with a complete exchange that can be read."""
        return (part for part in self.parts if part.exchange is not None and not part.is_truncated)

    @property
    def errors(self) -> list[ReadError]:
        """The errors of the parts that cannot be read, in order; without a truncated part."""
        return [part.error for part in self.parts if part.error and not part.is_truncated]


def parse_source(name: str, raw: bytes) -> Source:
    """Return the file *name* with the content *raw*, split into its parts; a part that cannot be read holds its error."""
    split_documents, empty_lines = _split_documents(raw)
    parts: list[Part] = []
    for document, line in split_documents:
        if parts:
            header = parts[0].header
            is_last = len(parts) == len(split_documents) - 1
            is_last_recorded = is_last and header is not None and header.recorded is not None
            parts.append(
                _read_exchange(name, len(parts), document, line, is_last_recorded=is_last_recorded)
            )
        else:
            parts.append(_read_header(name, document, line))
    is_cassette = bool(parts) and b"mockserver" in parts[0].raw
    return Source(name, raw, tuple(parts), is_cassette, tuple(empty_lines))


def _split_documents(raw: bytes) -> tuple[list[tuple[Document, int]], list[int]]:
    """Return the documents in *raw* with their first lines, and the first lines of empty documents.

    A document with only comments is joined with the one after it, or before it if it is the last.
    """
    found: list[tuple[Document, int]] = []
    empty_lines: list[int] = []
    comments, comments_line, line = b"", 1, 1
    for part in split_documents((raw,)):
        # YAML requires a separator after a directive.
        is_separated = b"%" in comments or not comments
        joined = comments + (part.raw if is_separated else _without_separator(part.raw))
        if has_content(part.raw):
            found.append(
                (documents.single_document(joined, part.start), comments_line if comments else line)
            )
            comments = b""
        elif b"#" in part.raw or b"%" in part.raw:
            comments_line = comments_line if comments else line
            comments = joined
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


def _read_header(name: str, document: Document, line: int) -> Part:
    value, header, error = _read(document, yaml_codec.header_from)
    error = _locate(error, document, name, line)
    part = Part(name, 0, line, document.raw, header=header, error=error)
    _cache_document(part, value, error)
    for number, path in enumerate(header.ignore if header else ()):
        try:
            json_path.parse(path)
        except UsageError as problem:
            error = ReadError(str(problem), file=name, line=part.line_of(("ignore", number)))
            return Part(name, 0, line, document.raw, error=error)
    return part


def _read_exchange(
    name: str, number: int, document: Document, line: int, *, is_last_recorded: bool
) -> Part:
    if exchange := events_reader.read_exchange(document.raw):
        return Part(name, number, line, document.raw, None, exchange)
    # The loader reads each document alone too, so the text before it makes no difference.
    raw = (strip_partial_separator(document) if is_last_recorded else document).raw
    alone = documents.single_document(raw, document.start)
    value, exchange, error = _read(alone, _load_exchange)
    has_no_end = exchange is None or exchange.response.end is None
    is_truncated = is_last_recorded and has_no_end and may_be_truncated(alone)
    located = _locate(error, document, name, line)
    part = Part(name, number, line, document.raw, None, exchange, located, is_truncated)
    if alone.raw == document.raw:
        _cache_document(part, value, error)
    return part


def _load_exchange(document: Any) -> Exchange:
    if document is None:
        raise ReadError("an exchange is empty", line=1, fix="write it, or delete the line `---`")
    return yaml_codec.exchange_from(document)


def _read(document: Document, build: Callable[[Any], T]) -> tuple[Any, T | None, ReadError | None]:
    """Return the parsed *document*, what *build* makes of it, and the error; each may be None."""
    value = None
    try:
        value = strict_yaml.parse(decode(document, document.raw))
        return value, build(value), None
    except ReadError as error:
        return value, None, error


def _cache_document(part: Part, value: Any, error: ReadError | None) -> None:
    """Set `part.document` to *value*, so that it is not parsed again; not if `part.text` replaces invalid bytes."""
    if error is None or error.code != "not-utf8":
        vars(part)["document"] = value if isinstance(value, Mapping) else None


def _locate(error: ReadError | None, document: Document, name: str, line: int) -> ReadError | None:
    """Return *error* with its line in the file *name*; it becomes a git conflict if *document* has conflict markers."""
    if error is None:
        return None
    conflict = _CONFLICT.search(document.raw.decode("utf-8", "replace"))
    if conflict and error.code in ("not-yaml", "duplicate-key", "malformed"):
        error = ReadError(
            "unresolved git conflict",
            line=conflict.string.count("\n", 0, conflict.start()) + 1,
            code="conflict",
            fix="keep one side and delete the other, with the conflict markers",
        )
    return error.at(file=name, first_line=line)
