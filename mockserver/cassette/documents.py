"""Where the documents of a cassette begin and end: bytes in, places out. No I/O."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_SEPARATOR = b"\n---"
_AFTER = b"\n\r \t"
_OUTDENTED = re.compile(r"\n[^\s#]")
_DASHES = re.compile(rb"(?<=\n)--?\Z")


@dataclass(frozen=True, slots=True)
class Document:
    """One document: *raw* with its separator line, from byte *start*, which is on *line* (from 1)."""

    start: int
    line: int
    raw: bytes

    @property
    def end(self) -> int:
        """The byte after it."""
        return self.start + len(self.raw)

    @property
    def text(self) -> str:
        """The document as text; UnicodeDecodeError where it is none."""
        return self.raw.decode("utf-8-sig" if self.start == 0 else "utf-8")


def split(blocks: Iterable[bytes]) -> Iterator[Document]:
    """Yield the documents of a file that comes in *blocks*; a document begins with a line `---`."""
    start, line, held = 0, 1, b""
    for block in blocks:
        search = max(len(held) - len(_SEPARATOR), 0)
        held += block
        begin = 0
        while (found := held.find(_SEPARATOR, search)) >= 0 and found + 4 < len(held):
            search = found + 1
            if held[found + 4] not in _AFTER:
                continue
            document = Document(start, line, held[begin : found + 1])
            yield document
            start, line = document.end, line + document.raw.count(b"\n")
            begin = found + 1
        held = held[begin:]
    if held.endswith(_SEPARATOR):
        yield Document(start, line, held[:-3])
    elif held:
        yield Document(start, line, held)


def without_dashes(document: Document) -> Document:
    """Return *document* without the beginning of a separator that was cut off."""
    return Document(document.start, document.line, _DASHES.sub(b"", document.raw))


def head(text: str) -> str | None:
    """Return what stands in a document's *text* before `response:`, None where the head alone does not tell all.

    It does not where anything but the response, blank lines and comments stands at the beginning of a line after it.
    """
    at = text.find("\nresponse:")
    if at < 0:
        return None
    lines = text.count("\n", at + 1)
    indented = text.count("\n ", at + 1)
    # Of the lines after `response:` all are indented, as we write them, or a closer look is needed.
    if lines > indented + 1 and _OUTDENTED.search(text, at + 1):
        return None
    return text[: at + 1]
