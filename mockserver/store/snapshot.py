"""One cassette file as it was when it was loaded."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mockserver.cassette import documents, text
from mockserver.cassette.canonical import canonical
from mockserver.cassette.documents import Document
from mockserver.cassette.index import Cassette, Entry, entry
from mockserver.cassette.matching import Key, key, reduced, rules
from mockserver.cassette.model import Exchange, Header, Policy, Repeat
from mockserver.errors import ReadError, UsageError
from mockserver.messages import Request

BLOCK = 1 << 20

_BEGINNING = b"request:"
_END = re.compile(rb"^  end: \{.*\}\s*$", re.MULTILINE)
"""How an exchange begins that was recorded, and how the last line of its response reads."""

Stamp = tuple[int, int, int]
"""Inode, size and time of the last change: another stamp, another content."""


class NotACassetteError(ReadError):
    """The file does not say that it is a cassette."""


class Snapshot:
    """A file that was loaded: its index and, as long as this lives, its bytes.

    A file of up to *hold* bytes is held in memory, so that an edit in place cannot take them from us. *notes* are the
    lines to be told about it; *end* is the byte after the last whole document.
    """

    def __init__(self, path: Path, name: str, policy: Policy, hold: int) -> None:
        self.name = name
        self.notes: list[str] = []
        self.end = 0
        self._descriptor = -1
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.stamp = stamp(os.fstat(self._descriptor))
            self._held: bytes | None = None
            if self.stamp[1] <= hold:
                self._held = b"".join(self._pieces())
            self.cassette, self.header = self._load(policy)
        except BaseException:
            self.close()
            raise
        if self._held is not None:
            self.close()

    @property
    def held(self) -> int:
        """How many bytes of memory its content takes."""
        return len(self._held) if self._held is not None else 0

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()

    def exchange(self, place: Entry) -> Exchange:
        """Return the exchange at *place*; ReadError where it cannot be read."""
        raw = self._read(place.start, place.end)
        try:
            exchange = text.load_exchange(self._text(Document(place.start, place.line, raw)))
        except ReadError as error:
            raise error.at(file=self.name, first_line=place.line) from None
        if exchange is None or self._key(exchange.request) != place.key:
            raise ReadError(
                "was changed in place and cannot be read as it was: mend the file", file=self.name
            )
        return exchange

    def check(self, before: "Snapshot") -> None:
        """Read the answers of those exchanges that *before* does not hold alike; ReadError as in `exchange`."""
        known = {before._read(place.start, place.end) for place in before.cassette.entries}
        for place in self.cassette.entries:
            if self._read(place.start, place.end) not in known:
                self.exchange(place)

    def request(self, place: Entry) -> Request:
        """Return the request at *place* alone."""
        raw = self._read(place.start, place.end)
        return self._head(Document(place.start, place.line, raw))[0]

    def _load(self, policy: Policy) -> tuple[Cassette, Header]:
        places = documents.split(self._blocks())
        header, pending = self._header(places)
        try:
            in_force = rules(policy.ignore, header.ignore)
        except UsageError as error:
            raise ReadError(str(error), file=self.name) from None
        repeat = policy.repeating(header)
        entries: list[Entry] = []
        for document in pending:
            entries += self._entry(document, len(entries) + 1, in_force, repeat)
        return Cassette(self.name, in_force, tuple(entries)), header

    def _header(self, places: Iterator[Document]) -> tuple[Header, Iterator[Document]]:
        first = next(places, Document(0, 1, b""))
        if not _holds_text(first.raw):
            first = next(places, first)
        first = documents.without_dashes(first)
        if b"mockserver" not in first.raw:
            raise NotACassetteError(
                "not a cassette: it must begin with `mockserver: 1`", file=self.name
            )
        try:
            header = text.load_header(self._text(first))
        except ReadError as error:
            raise error.at(file=self.name, first_line=first.line) from None
        self.end = first.end
        return header, self._counted(self._whole(places) if header.recorded else places)

    def _counted(self, places: Iterator[Document]) -> Iterator[Document]:
        for document in places:
            if document.raw.strip(b"-\r\n"):
                self.end = document.end
                yield document

    def _whole(self, places: Iterator[Document]) -> Iterator[Document]:
        """Leave out the last exchange of a recorded file if a kill has torn it."""
        last: Document | None = None
        for document in places:
            if last is not None:
                yield last
            last = document
        if last is None:
            return
        last = documents.without_dashes(last)
        if self._is_torn(last):
            self.notes.append(
                f"{self.name}, line {last.line}: the last exchange is torn (a recording was killed), skipped"
            )
        else:
            yield last

    def _is_torn(self, last: Document) -> bool:
        """Tell whether the *last* exchange breaks off; one that was only made wrong by hand is no less there for that."""
        begun = last.raw.removeprefix(b"---").strip()
        ours = begun.startswith(_BEGINNING) or _BEGINNING.startswith(begun)
        if not ours or _END.search(last.raw):
            return False
        try:
            exchange = text.load_exchange(self._text(last))
        except ReadError:
            return True
        return exchange is not None and exchange.response.end is None

    def _entry(
        self, document: Document, number: int, in_force: tuple[str, ...], repeat: Repeat
    ) -> Iterator[Entry]:
        if not _holds_text(document.raw):
            return
        try:
            head = self._head(document)
        except ReadError as error:
            raise error.at(file=self.name, first_line=document.line) from None
        place = (self.name, number, document.start, document.end, document.line)
        yield entry(head[0], place, in_force, head[1] or repeat)

    def _head(self, document: Document) -> tuple[Request, Repeat | None]:
        whole = self._text(document)
        start = documents.head(whole)
        if start is not None:
            try:
                head = text.load_head(start)
            except ReadError:
                head = None
            if head is not None:
                return head
        head = text.load_head(whole, whole=True)
        if head is None:
            raise ReadError("an exchange is empty", line=1)
        return head

    def _text(self, document: Document) -> str:
        try:
            return document.text
        except UnicodeDecodeError as error:
            line = document.raw.count(b"\n", 0, error.start) + 1
            raise ReadError("not UTF-8: save the file as UTF-8", line=line) from None

    def _blocks(self) -> Iterator[bytes]:
        if self._held is not None:
            yield self._held
            return
        yield from self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        offset = 0
        while block := os.pread(self._descriptor, BLOCK, offset):
            yield block
            offset += len(block)

    def _key(self, request: Request) -> Key:
        return key(reduced(canonical(request), self.cassette.rules))

    def _read(self, start: int, end: int) -> bytes:
        if self._held is not None:
            return self._held[start:end]
        return os.pread(self._descriptor, end - start, start)


def stamp(status: os.stat_result) -> Stamp:
    """Return what tells one content of a file from another."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def _holds_text(raw: bytes) -> bool:
    """Tell whether a document holds anything but its separator, blank lines and comments."""
    lines = (line.strip() for line in raw.removeprefix(b"\xef\xbb\xbf").split(b"\n", 64))
    return any(
        line
        and not line.startswith((b"#", b"%"))
        and line.removeprefix(b"---").split(b"#")[0].strip()
        for line in lines
    )
