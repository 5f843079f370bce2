"""A cassette's text, part by part: each document by itself, whatever is wrong with the others. No I/O."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from mockserver.cassette import events_reader, yaml_codec
from mockserver.cassette.documents import (
    Document,
    decoded,
    document,
    holds_text,
    split,
    without_dashes,
)
from mockserver.cassette.model import Body, Exchange, Header
from mockserver.cassette.truncation import may_be_torn
from mockserver.errors import ReadError, UsageError
from mockserver.formats import strict_yaml
from mockserver.formats.json_text import Json
from mockserver.formats.strict_yaml import Mapping
from mockserver.matching import json_path
from mockserver.matching.keys import ABSENT
from mockserver.tools.json_bodies import parsed

T = TypeVar("T")

Place = tuple[str | int, ...]
"""Where something stands in a document: keys and numbers of items."""

_CONFLICT = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
_EXCHANGE = re.compile(rb"^(request|response):", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """One document of the file *file*, which begins on *line*: the header, number 0, or an exchange, from 1 on.

    *fault* is why it cannot be read, with its line in the file. A *torn* one breaks off. A *laid_out* one has the layout that we write, without comments.
    """

    file: str
    number: int
    line: int
    raw: bytes
    header: Header | None = None
    exchange: Exchange | None = None
    fault: ReadError | None = None
    torn: bool = False
    laid_out: bool = False

    @property
    def label(self) -> str:
        """`FILE#N`, or the file alone for its header."""
        return f"{self.file}#{self.number}" if self.number else self.file

    @cached_property
    def text(self) -> str:
        """Its text, what is no UTF-8 in it put as U+FFFD."""
        return self.raw.decode("utf-8-sig" if self.line == 1 else "utf-8", "replace")

    @cached_property
    def document(self) -> Mapping | None:
        """Its mapping, whose lines count from 1 in it; None where it is none."""
        try:
            value = strict_yaml.read(self.text)
        except ReadError:
            return None
        return value if isinstance(value, Mapping) else None

    @cached_property
    def is_canonical(self) -> bool:
        """Whether its text is the one that its exchange is recorded as, with quotes wherever they are needed."""
        return self.exchange is not None and yaml_codec.dump_exchange(self.exchange) == self.text

    @cached_property
    def bodies(self) -> tuple[Json, Json]:
        """What the bodies of its request and its response say; ABSENT for events."""
        if self.exchange is None:
            return ABSENT, ABSENT
        content = self.exchange.response.content
        answer = parsed(content.raw) if isinstance(content, Body) else ABSENT
        return parsed(self.exchange.request.body), answer

    def line_of(self, place: Place) -> int:
        """Return the line in the file at which *place* stands, or what of it there is."""
        node, line = self.document, 1
        for step in place:
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
    """Whether it says so itself."""
    blank: tuple[int, ...] = field(default=())
    """The lines at which documents begin that hold nothing."""

    @property
    def header(self) -> Header:
        """Its header; an empty one where that cannot be read."""
        return (self.parts[0].header if self.parts else None) or Header()

    @property
    def exchanges(self) -> Iterator[Part]:
        """The parts that hold an exchange which can be read, and is whole."""
        return (part for part in self.parts if part.exchange is not None and not part.torn)

    @property
    def faults(self) -> list[ReadError]:
        """Why parts of it cannot be read, in their order; a torn one is no such part."""
        return [part.fault for part in self.parts if part.fault and not part.torn]


def source(name: str, raw: bytes, advance: Callable[[int], None] = lambda done: None) -> Source:
    """Return the parts of the file *name* that holds *raw*; what is wrong with a part stands in that part.

    *advance* is called with the number of bytes of each part that is read.
    """
    filled, blank = _documents(raw)
    parts: list[Part] = []
    for place, line in filled:
        if parts:
            header = parts[0].header
            last = len(parts) == len(filled) - 1
            is_last = last and header is not None and header.recorded is not None
            parts.append(_exchange(name, len(parts), place, line, is_last=is_last))
        else:
            parts.append(_header(name, place, line))
        advance(place.stop - place.begin)
    own = bool(parts) and b"mockserver" in parts[0].raw
    return Source(name, raw, tuple(parts), own, tuple(blank))


def _documents(raw: bytes) -> tuple[list[tuple[Document, int]], list[int]]:
    """Return the documents of a file that holds *raw*, each with its first line, and the lines of those that hold nothing.

    Comments in a document of their own belong to the one behind it, or before it where there is none behind.
    """
    filled: list[tuple[Document, int]] = []
    blank: list[int] = []
    comments, first, line = b"", 1, 1
    for place in split((raw,)):
        held = place.raw
        # Behind a directive a separator has to stand.
        bare = held if b"%" in comments or not comments else _without_separator(held)
        whole = comments + bare
        if holds_text(held):
            filled.append((document(whole, place.start), first if comments else line))
            comments = b""
        elif b"#" in held or b"%" in held:
            first = first if comments else line
            comments = whole
        else:
            blank.append(line)
        line += held.count(b"\n")
    if comments and filled:
        last, at = filled[-1]
        filled[-1] = document(last.raw + _without_separator(comments), last.start), at
    return filled, blank


def _without_separator(raw: bytes) -> bytes:
    """Return the text of a document without its `---`, on as many lines."""
    return raw.removeprefix(b"---").lstrip(b" \t") if raw.startswith(b"---") else raw


def looks_recorded(raw: bytes) -> bool:
    """Tell whether *raw* looks like a cassette that was damaged: whose first line was lost, whose text was, or its encoding."""
    return (
        not raw
        or raw.startswith((b"\xff\xfe", b"\xfe\xff"))
        or {b"request", b"response"} <= set(_EXCHANGE.findall(raw))
    )


def _header(name: str, place: Document, line: int) -> Part:
    document, header, fault = _read(place, yaml_codec.header_of)
    part = Part(name, 0, line, place.raw, header=header, fault=_at(fault, place, name, line))
    _keep(part, document, fault)
    for number, path in enumerate(header.ignore if header else ()):
        try:
            json_path.parse(path)
        except UsageError as error:
            at = part.line_of(("ignore", number))
            return Part(name, 0, line, place.raw, fault=ReadError(str(error), file=name, line=at))
    return part


def _exchange(name: str, number: int, place: Document, line: int, *, is_last: bool) -> Part:
    if exchange := events_reader.exchange(place.raw):
        return Part(name, number, line, place.raw, None, exchange, laid_out=True)
    # The loader looks at each document by itself, so that it is the same whatever stands before it.
    alone = document((without_dashes(place) if is_last else place).raw, place.start)
    read, exchange, fault = _read(alone, _whole_exchange)
    unended = exchange is None or exchange.response.end is None
    torn = is_last and unended and may_be_torn(alone)
    at = _at(fault, place, name, line)
    part = Part(name, number, line, place.raw, None, exchange, at, torn)
    if alone.raw == place.raw:
        _keep(part, read, fault)
    return part


def _whole_exchange(document: Any) -> Exchange:
    if document is None:
        raise ReadError("an exchange is empty: write it, or delete the line `---`", line=1)
    return yaml_codec.exchange_of(document)


def _read(place: Document, build: Callable[[Any], T]) -> tuple[Any, T | None, ReadError | None]:
    """Return the strict document at *place* and what *build* makes of it, each None where there is none, and the fault."""
    document = None
    try:
        document = strict_yaml.read(decoded(place, place.raw))
        return document, build(document), None
    except ReadError as error:
        return document, None, error


def _keep(part: Part, document: Any, fault: ReadError | None) -> None:
    """Have `part.document` be *document*, so that it is not parsed again; what is not UTF-8 is read otherwise there."""
    if fault is None or fault.code != "not-utf8":
        vars(part)["document"] = document if isinstance(document, Mapping) else None


def _at(error: ReadError | None, place: Document, name: str, line: int) -> ReadError | None:
    if error is None:
        return None
    conflict = _CONFLICT.search(place.raw.decode("utf-8", "replace"))
    if conflict and error.code in ("not-yaml", "duplicate-key", "malformed"):
        error = ReadError(
            "a conflict that git left stands here: choose a side",
            line=conflict.string.count("\n", 0, conflict.start()) + 1,
            code="conflict",
        )
    return error.at(file=name, first_line=line)
