"""Where the documents of a cassette begin and end: bytes in, places out. No I/O."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from mockserver.errors import ReadError

_UNINDENTED_LINE = re.compile(rb"\n[^ \n]")
"""The beginning of each line that is neither indented nor empty: all there is to look at, and found three times as fast as all lines."""

_SEPARATOR = re.compile(rb"---[\n\r \t]")
_TEXT = re.compile(rb"^(?:---)?+[ \t\r]*+[^#%\s]", re.MULTILINE)
_BLANK = b"\r\t#"
_RESPONSE = b"response:"
_AHEAD = 16
_NEAR = 4
_DASHES = re.compile(rb"(?<=\n)--?\Z")


@dataclass(frozen=True, slots=True)
class Document:
    """One document with its separator line, from byte *start* of its file: the part from *begin* to *stop* of *held*.

    *response* is where in *held* its `response:` stands if nothing but that stands from there on; -1 where a closer look is needed.
    """

    start: int
    buffer: bytes
    begin: int
    stop: int
    response_at: int = -1

    @property
    def end(self) -> int:
        """The byte after it."""
        return self.start + self.stop - self.begin

    @property
    def raw(self) -> bytes:
        """Its bytes."""
        return self.buffer[self.begin : self.stop]

    @property
    def head(self) -> bytes | None:
        """What stands before `response:`, None where the head alone does not tell all."""
        return self.buffer[self.begin : self.response_at] if self.response_at >= 0 else None

    @property
    def encoding(self) -> str:
        """How it is to be decoded."""
        return "utf-8-sig" if self.start == 0 else "utf-8"


def single_document(raw: bytes, start: int = 0) -> Document:
    """Return the one document that is *raw*, from byte *start* of its file."""
    first = next(split_documents((raw,)), None)
    whole = Document(start, raw, 0, len(raw))
    return (
        replace(whole, response_at=first.response_at) if first and first.stop == len(raw) else whole
    )


def split_documents(blocks: Iterable[bytes]) -> Iterator[Document]:
    """Yield the documents of a file that comes in *blocks*; a document begins with a line `---`."""
    start = begin = searched = 0
    held = b""
    response, alone = -1, True
    for block in chain(blocks, (None,)):
        if block is not None:
            held = held[begin:] + block if held else block
            searched -= begin
            response = max(response - begin, -1)
            begin = 0
        # A line that begins close to the end of a block is looked at with the next one.
        limit = len(held) if block is None else max(len(held) - _AHEAD, searched)
        for found in _UNINDENTED_LINE.finditer(held, searched, limit):
            at = found.start() + 1
            if held[at] in _BLANK:
                continue
            if _SEPARATOR.match(held, at):
                yield Document(start, held, begin, at, response if alone else -1)
                start, begin = start + at - begin, at
                response, alone = -1, True
            elif response < 0 and alone:
                response = at if held.startswith(_RESPONSE, at) else -1
            else:
                alone = False
        searched = max(limit - 1, searched)
    stop = len(held) - 3 if held.endswith(b"\n---", begin) else len(held)
    if stop > begin:
        yield Document(start, held, begin, stop, response if alone else -1)


def strip_partial_separator(document: Document) -> Document:
    """Return *document* without the beginning of a separator that was cut off."""
    near = max(document.stop - _NEAR, document.begin)
    cut = _DASHES.search(document.buffer, near, document.stop)
    return replace(document, stop=cut.start()) if cut else document


def decode(place: Document, raw: bytes) -> str:
    """Return *raw*, all or a part of the document at *place*, as text; ReadError where it is none."""
    try:
        return raw.decode(place.encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ReadError(
            "not UTF-8", line=line, code="not-utf8", fix="save the file as UTF-8"
        ) from None


def has_content(raw: bytes) -> bool:
    """Tell whether a document holds anything but its separator, blank lines and comments."""
    return _TEXT.search(raw.removeprefix(b"\xef\xbb\xbf")) is not None
