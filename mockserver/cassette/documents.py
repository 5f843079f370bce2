"""Split a cassette file into its YAML documents. No I/O."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from mockserver.errors import ReadError

_UNINDENTED_LINE = re.compile(rb"\n[^ \n]")
"""The beginning of each line that is neither indented nor empty; three times as fast as visiting all lines."""

_SEPARATOR = re.compile(rb"---[\n\r \t]")
_TEXT = re.compile(rb"^(?:---)?+[ \t\r]*+[^#%\s]", re.MULTILINE)
_BLANK = b"\r\t#"
_RESPONSE = b"response:"
_AHEAD = 16
_NEAR = 4
_DASHES = re.compile(rb"(?<=\n)--?\Z")


@dataclass(frozen=True, slots=True)
class Document:
    """One document with its separator line: bytes *begin* to *stop* of *buffer*, from byte *start* of the file.

    *response_at* is the position of `response:` in *buffer* if that is the last key, else -1.
    """

    start: int
    buffer: bytes
    begin: int
    stop: int
    response_at: int = -1

    @property
    def end(self) -> int:
        """The position in the file after the document."""
        return self.start + self.stop - self.begin

    @property
    def raw(self) -> bytes:
        """The bytes of the document."""
        return self.buffer[self.begin : self.stop]

    @property
    def head(self) -> bytes | None:
        """The bytes before `response:`, or None if other keys may follow the response."""
        return self.buffer[self.begin : self.response_at] if self.response_at >= 0 else None

    @property
    def encoding(self) -> str:
        """The encoding of the document; the first one may begin with a byte order mark."""
        return "utf-8-sig" if self.start == 0 else "utf-8"


def single_document(raw: bytes, start: int = 0) -> Document:
    """Return *raw*, from byte *start* of its file, as one document."""
    first = next(split_documents((raw,)), None)
    whole = Document(start, raw, 0, len(raw))
    return (
        replace(whole, response_at=first.response_at) if first and first.stop == len(raw) else whole
    )


def split_documents(blocks: Iterable[bytes]) -> Iterator[Document]:
    """Yield the documents of a file that comes in *blocks*; the line `---` begins a document."""
    start = begin = searched = 0
    buffer = b""
    response, is_last = -1, True
    for block in chain(blocks, (None,)):
        if block is not None:
            buffer = buffer[begin:] + block if buffer else block
            searched -= begin
            response = max(response - begin, -1)
            begin = 0
        # A line that begins close to the end of a block is examined with the next block.
        limit = len(buffer) if block is None else max(len(buffer) - _AHEAD, searched)
        for found in _UNINDENTED_LINE.finditer(buffer, searched, limit):
            at = found.start() + 1
            if buffer[at] in _BLANK:
                continue
            if _SEPARATOR.match(buffer, at):
                yield Document(start, buffer, begin, at, response if is_last else -1)
                start, begin = start + at - begin, at
                response, is_last = -1, True
            elif response < 0 and is_last:
                response = at if buffer.startswith(_RESPONSE, at) else -1
            else:
                is_last = False
        searched = max(limit - 1, searched)
    stop = len(buffer) - 3 if buffer.endswith(b"\n---", begin) else len(buffer)
    if stop > begin:
        yield Document(start, buffer, begin, stop, response if is_last else -1)


def strip_partial_separator(document: Document) -> Document:
    """Return *document* without an incomplete separator (`-` or `--`) at its end."""
    near = max(document.stop - _NEAR, document.begin)
    cut = _DASHES.search(document.buffer, near, document.stop)
    return replace(document, stop=cut.start()) if cut else document


def decode(document: Document, raw: bytes) -> str:
    """Return *raw*, all or a part of *document*, as text; ReadError if it is not UTF-8."""
    try:
        return raw.decode(document.encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ReadError(
            "not UTF-8", line=line, code="not-utf8", fix="save the file as UTF-8"
        ) from None


def has_content(raw: bytes) -> bool:
    """Return whether a document holds more than its separator, blank lines and comments."""
    return _TEXT.search(raw.removeprefix(b"\xef\xbb\xbf")) is not None
