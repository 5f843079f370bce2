"""One cassette file as it was when it was loaded."""

import os
import resource
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mockserver.cassette import events_reader, yaml_codec
from mockserver.cassette import playback as player
from mockserver.cassette.documents import decode, single_document
from mockserver.cassette.model import Exchange, Policy
from mockserver.cassette.playback import Playback
from mockserver.errors import OutOfFilesError, ReadError, is_out_of_files
from mockserver.http.messages import Request
from mockserver.matching.index import Entry, RequestFingerprint
from mockserver.matching.keys import IgnoreRules
from mockserver.store import discovery
from mockserver.store.reader import Reader, Visitor, locate_error, read_request

BLOCK_SIZE = 4 << 20

MAX_OPEN = min(512, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
"""How many files may be open; of more, the last good version cannot be kept when they are edited in place."""

Stamp = tuple[int, int, int]
"""Inode, size and time of the last change: another stamp, another content."""


class CassetteFile:
    """A file that was loaded: its index and, as long as this lives, its bytes.

    A file of up to *hold* bytes is held in memory, so that an edit in place cannot take them from us. Requests that *before*, what
    was loaded of it last, has too are not read again; each exchange is followed by a *rest*, or else each is only to be seen by *look*. *notes* are the lines to be told about it; *end* is the byte after the last whole document.
    """

    _last_line = (0, 1)
    """The byte and the line of the last call of `_line`: the next one is often further on."""

    def __init__(
        self,
        path: Path,
        name: str,
        policy: Policy,
        hold: int,
        before: "CassetteFile | None" = None,
        look: Visitor | None = None,
    ) -> None:
        self._path = path
        self.name = name
        self.notes: list[str] = []
        self.end = 0
        self._descriptor = -1
        self._descriptor = discovery.open_regular(path)
        try:
            self.stamp = stamp_from(os.fstat(self._descriptor))
            self._held: bytes | None = None
            if self.stamp[1] <= hold:
                self._held = b"".join(self._pieces())
            reader = Reader(name, self._line, partial(_known_fingerprints, before), look)
            self.notes = reader.notes
            self.cassette, self.header = reader.read(self._blocks(), policy)
            self.end = reader.end
            if before is not None and before.bytes_in_memory and self.bytes_in_memory:
                self._check(before)
        except BaseException:
            self.close()
            raise
        self._let_go()

    @property
    def bytes_in_memory(self) -> int:
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
        return events_reader.read_playback(raw) or player.build_playback(
            self._exchange(place, raw).response
        )

    def request(self, place: Entry) -> Request:
        """Return the request at *place* alone."""
        return read_request(single_document(self._read(place.start, place.end), place.start))[0]

    def _exchange(self, place: Entry, raw: bytes) -> Exchange:
        try:
            exchange = yaml_codec.load_exchange(decode(single_document(raw, place.start), raw))
        except ReadError as error:
            raise self.locate_error(error, place.start) from None
        if exchange is None:
            raise self._changed()
        return exchange

    def _same(self, place: Entry) -> bytes:
        """Return the bytes of the exchange at *place*; ReadError where its request is another one by now."""
        raw = self._read(place.start, place.end)
        if hash(raw[: place.fingerprint.raw_size]) != place.fingerprint.raw_hash:
            raise self._changed()
        return raw

    def _changed(self) -> ReadError:
        return ReadError(
            "was changed in place and cannot be read as it was: mend the file", file=self.name
        )

    def _check(self, before: "CassetteFile") -> None:
        """Read the answers of those exchanges that *before* does not hold alike; ReadError as in `playback`."""
        known = {before._read(place.start, place.end) for place in before.cassette.entries}
        for place in self.cassette.entries:
            if self._read(place.start, place.end) not in known:
                self.playback(place)

    def locate_error(self, error: ReadError, start: int) -> ReadError:
        """Return the *error* in the document at byte *start* with the file and line at which it stands."""
        return locate_error(self.name, self._line, error, start)

    def _line(self, start: int) -> int:
        """Return the line, from 1, that begins at byte *start*."""
        place, line = self._last_line
        if place > start:
            place, line = 0, 1
        line += self._read(place, start).count(b"\n")
        self._last_line = start, line
        return line

    def _blocks(self) -> Iterator[bytes]:
        if self._held is not None:
            yield self._held
            return
        yield from self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        offset, size = 0, self.stamp[1]
        # A read that asks for more than there is costs more than the read: the memory for it.
        while block := os.pread(self._descriptor, min(BLOCK_SIZE, size - offset) or 1, offset):
            yield block
            offset += len(block)
            size = max(size, offset)

    def _read(self, start: int, end: int) -> bytes:
        if self._held is not None:
            return self._held[start:end]
        if self._descriptor >= 0:
            return os.pread(self._descriptor, end - start, start)
        try:
            descriptor = discovery.open_regular(self._path)
        except OSError as error:
            if is_out_of_files(error):
                raise OutOfFilesError from None
            raise ReadError(f"cannot be read: {error.strerror}", file=self.name) from None
        try:
            if stamp_from(os.fstat(descriptor)) != self.stamp:
                raise self._changed()
            return os.pread(descriptor, end - start, start)
        finally:
            os.close(descriptor)

    def _let_go(self) -> None:
        """Close the file where that is no loss, or where too many are open to keep this one."""
        if self._held is not None or self._descriptor >= MAX_OPEN:
            self.close()


def stamp_from(status: os.stat_result) -> Stamp:
    """Return what tells one content of a file from another."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def _known_fingerprints(
    before: CassetteFile | None, in_force: IgnoreRules
) -> dict[tuple[int, int], RequestFingerprint]:
    """Return what is known of the requests of *before* where the rules *in_force* are the same, by the size and mark of each."""
    if before is None or before.cassette.rules != in_force:
        return {}
    return {
        (one.fingerprint.raw_size, one.fingerprint.raw_hash): one.fingerprint
        for one in before.cassette.entries
    }
