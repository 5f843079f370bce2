"""One cassette file as it was when it was loaded."""

import os
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mockserver.cassette import documents, layout, player, text
from mockserver.cassette.canonical import canonical, whole_numbers
from mockserver.cassette.canonical import form as canonical_form
from mockserver.cassette.documents import Document, document
from mockserver.cassette.index import Asked, Cassette, Entry, asked
from mockserver.cassette.matching import Rules, rules
from mockserver.cassette.model import Exchange, Header, Policy, Repeat
from mockserver.cassette.player import Playback
from mockserver.errors import ReadError, UsageError
from mockserver.jsontext import Json
from mockserver.messages import Request

BLOCK = 4 << 20

_RECORDED = b"---\nrequest:"
_BEGINNING = b"request:"
_END = b"\n  end: {"
_END_LINE = re.compile(rb"\n  end: \{.*\}[ \t\r]*(?:\n|\Z)")
"""How an exchange begins that was recorded, and how the last line of its response reads."""

Stamp = tuple[int, int, int]
"""Inode, size and time of the last change: another stamp, another content."""


Look = Callable[[Document, str, dict[str, Json]], None]
"""Takes an exchange: where it stands, the target of its request, and the canonical form of that."""


_LOOKED_AT = Asked(0, 0, b"", None, (), ("", ""), array("q"), None)
"""What is known of a request that was to be looked at, and nothing more."""


class NotACassetteError(ReadError):
    """The file does not say that it is a cassette."""


class Snapshot:
    """A file that was loaded: its index and, as long as this lives, its bytes.

    A file of up to *hold* bytes is held in memory, so that an edit in place cannot take them from us. Requests that *before*, what
    was loaded of it last, has too are not read again; each exchange is followed by a *rest*, or else each is only to be seen by *look*. *notes* are the lines to be told about it; *end* is the byte after the last whole document.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        policy: Policy,
        hold: int,
        before: "Snapshot | None" = None,
        rest: Callable[[], None] = lambda: None,
        look: Look | None = None,
    ) -> None:
        self._look = look
        self._path = path
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
            self.cassette, self.header = self._load(policy, before, rest)
            if before is not None and before.held and self.held:
                self._check(before)
        except BaseException:
            self.close()
            raise
        if self._held is not None:
            self.close()

    def __getstate__(self) -> tuple[object, ...]:
        """Return what another process has to know of it; it opens the file by itself."""
        told = [
            (one.start, one.end, one.repeat, *_packed(one.asked)) for one in self.cassette.entries
        ]
        held = self._held is not None
        known = (self._path, self.name, self.notes, self.end, self.stamp, self.header, held)
        return *known, self.cassette.rules, told

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Be what another process has told; ReadError where the file is another one by now."""
        *known, in_force, told = state
        self._look = None
        self._path, self.name, self.notes, self.end, self.stamp, self.header, held = known
        self._held = None
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        self.cassette = Cassette(
            self.name,
            in_force,
            tuple(
                Entry(self.name, number, start, end, _unpacked(packed), repeat)
                for number, (start, end, repeat, *packed) in enumerate(told, 1)
            ),
        )
        if held:
            self._held = b"".join(self._pieces())
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
        return self._exchange(place, self._same(place))

    def playback(self, place: Entry) -> Playback:
        """Return how the answer at *place* is played; ReadError where it cannot be read."""
        raw = self._same(place)
        return layout.playback(raw) or player.playback(self._exchange(place, raw).response)

    def request(self, place: Entry) -> Request:
        """Return the request at *place* alone."""
        return self._head(document(self._read(place.start, place.end), place.start))[0]

    def _exchange(self, place: Entry, raw: bytes) -> Exchange:
        try:
            exchange = text.load_exchange(self._text(document(raw, place.start), raw))
        except ReadError as error:
            raise self.at(error, place.start) from None
        if exchange is None:
            raise self._changed()
        return exchange

    def _same(self, place: Entry) -> bytes:
        """Return the bytes of the exchange at *place*; ReadError where its request is another one by now."""
        raw = self._read(place.start, place.end)
        if hash(raw[: place.asked.size]) != place.asked.mark:
            raise self._changed()
        return raw

    def _changed(self) -> ReadError:
        return ReadError(
            "was changed in place and cannot be read as it was: mend the file", file=self.name
        )

    def _load(
        self, policy: Policy, before: "Snapshot | None", rest: Callable[[], None]
    ) -> tuple[Cassette, Header]:
        places = documents.split(self._blocks())
        header, pending = self._header(places)
        try:
            in_force = rules(policy.ignore, header.ignore)
        except UsageError as error:
            raise ReadError(str(error), file=self.name) from None
        repeat = policy.repeating(header)
        known: dict[tuple[int, int], Asked] = {}
        if before is not None and before.cassette.rules == in_force:
            old = (one.asked for one in before.cassette.entries)
            known = {(asked.size, asked.mark): asked for asked in old}
        entries: list[Entry] = []
        for place in pending:
            entries += self._entry(place, len(entries) + 1, in_force, repeat, known)
            rest()
        return Cassette(self.name, in_force, tuple(entries)), header

    def _check(self, before: "Snapshot") -> None:
        """Read the answers of those exchanges that *before* does not hold alike; ReadError as in `playback`."""
        known = {before._read(place.start, place.end) for place in before.cassette.entries}
        for place in self.cassette.entries:
            if self._read(place.start, place.end) not in known:
                self.playback(place)

    def _header(self, places: Iterator[Document]) -> tuple[Header, Iterator[Document]]:
        first = next(places, document(b""))
        if not _holds_text(first.raw):
            first = next(places, first)
        first = documents.without_dashes(first)
        if b"mockserver" not in first.raw:
            raise NotACassetteError(
                "not a cassette: it must begin with `mockserver: 1`", file=self.name
            )
        try:
            header = text.load_header(self._text(first, first.raw))
        except ReadError as error:
            raise self.at(error, first.start) from None
        self.end = first.end
        return header, self._counted(self._whole(places) if header.recorded else places)

    def _counted(self, places: Iterator[Document]) -> Iterator[Document]:
        for place in places:
            if place.head or place.raw.strip(b"-\r\n"):
                self.end = place.end
                yield place

    def _whole(self, places: Iterator[Document]) -> Iterator[Document]:
        """Leave out the last exchange of a recorded file if a kill has torn it."""
        last: Document | None = None
        for place in places:
            if last is not None:
                yield last
            last = place
        if last is None:
            return
        last = documents.without_dashes(last)
        if self._is_torn(last):
            self.notes.append(
                f"{self.name}, line {self._line(last.start)}: the last exchange is torn (a recording was killed), skipped"
            )
        else:
            yield last

    def _is_torn(self, last: Document) -> bool:
        """Tell whether the *last* exchange breaks off; one that was only made wrong by hand is no less there for that."""
        begun = last.raw.removeprefix(b"---").strip()
        ours = begun.startswith(_BEGINNING) or _BEGINNING.startswith(begun)
        if not ours or _has_end(last.raw):
            return False
        try:
            exchange = text.load_exchange(self._text(last, last.raw))
        except ReadError:
            return True
        return exchange is not None and exchange.response.end is None

    def _entry(
        self,
        place: Document,
        number: int,
        in_force: Rules,
        repeat: Repeat,
        known: Mapping[tuple[int, int], Asked],
    ) -> Iterator[Entry]:
        if not place.held.startswith(_RECORDED, place.begin) and not _holds_text(place.raw):
            return
        start = place.raw if place.head is None else place.head
        try:
            told = known.get((len(start), hash(start))) or self._asked(place, start, in_force)
        except ReadError as error:
            raise self.at(error, place.start) from None
        yield Entry(self.name, number, place.start, place.end, told, told.repeat or repeat)

    def _asked(self, place: Document, start: bytes, in_force: Rules) -> Asked:
        """Return what is asked in the document at *place*, of which *start* tells that."""
        own = None
        if place.head is not None and (head := layout.head(start)):
            form, target = _form(head, start), head.path
        else:
            request, own = self._head(place)
            form, target = canonical(request), request.path
        if self._look is not None:
            self._look(place, target, form)
            return _LOOKED_AT
        return asked(form, in_force, start, own)

    def _head(self, place: Document) -> tuple[Request, Repeat | None]:
        if place.head is not None:
            try:
                head = text.load_head(self._text(place, place.head))
            except ReadError:
                head = None
            if head is not None:
                return head
        head = text.load_head(self._text(place, place.raw), whole=True)
        if head is None:
            raise ReadError("an exchange is empty", line=1)
        return head

    def at(self, error: ReadError, start: int) -> ReadError:
        """Return the *error* in the document at byte *start* with the file and line at which it stands."""
        return error.at(file=self.name, first_line=self._line(start))

    def _line(self, start: int) -> int:
        """Return the line, from 1, that begins at byte *start*."""
        return self._read(0, start).count(b"\n") + 1

    def _text(self, place: Document, raw: bytes) -> str:
        try:
            return raw.decode(place.encoding)
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise ReadError("not UTF-8: save the file as UTF-8", line=line) from None

    def _blocks(self) -> Iterator[bytes]:
        if self._held is not None:
            yield self._held
            return
        yield from self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        offset, size = 0, self.stamp[1]
        # A read that asks for more than there is costs more than the read: the memory for it.
        while block := os.pread(self._descriptor, min(BLOCK, size - offset) or 1, offset):
            yield block
            offset += len(block)
            size = max(size, offset)

    def _read(self, start: int, end: int) -> bytes:
        if self._held is not None:
            return self._held[start:end]
        return os.pread(self._descriptor, end - start, start)


def stamp(status: os.stat_result) -> Stamp:
    """Return what tells one content of a file from another."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def _packed(asked: Asked) -> tuple[object, ...]:
    return (
        *(asked.size, asked.mark, asked.key, asked.shape, asked.ids, asked.route),
        *(asked.sketch.tobytes(), asked.repeat),
    )


def _unpacked(packed: list[Any]) -> Asked:
    size, mark, key, shape, ids, route, sketch, repeat = packed
    return Asked(size, mark, key, shape, ids, route, array("q", sketch), repeat)


def _form(head: layout.Head, raw: bytes) -> dict[str, Json]:
    """Return the canonical form of the request whose *head* was read from *raw*."""
    body = {"body": head.body[0]} if head.body else {}
    return canonical_form(head.method, head.path, whole_numbers(body) if b".0" in raw else body)


def _has_end(raw: bytes) -> bool:
    at = raw.rfind(_END)
    return at >= 0 and _END_LINE.match(raw, at) is not None


def _holds_text(raw: bytes) -> bool:
    """Tell whether a document holds anything but its separator, blank lines and comments."""
    lines = (line.strip() for line in raw.removeprefix(b"\xef\xbb\xbf").split(b"\n", 64))
    return any(
        line
        and not line.startswith((b"#", b"%"))
        and line.removeprefix(b"---").split(b"#")[0].strip()
        for line in lines
    )
