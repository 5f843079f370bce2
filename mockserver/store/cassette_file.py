"""One loaded cassette file: its index, and its exchanges on demand."""

import os
from collections.abc import Iterator
from pathlib import Path

from mockserver.cassette import yaml_codec
from mockserver.cassette.documents import decode, single_document
from mockserver.cassette.json_checks import find_event_problem
from mockserver.cassette.model import Exchange, Policy, Response, Stream
from mockserver.errors import OutOfFilesError, ReadError, is_out_of_files
from mockserver.formats import strict_yaml
from mockserver.http.messages import Request
from mockserver.matching.index import Cassette, Entry
from mockserver.store import discovery
from mockserver.store.index_reader import IndexReader, locate_error, read_head
from mockserver.store.operating_system import max_open_files, read_at

BLOCK_SIZE = 4 << 20

MAX_OPEN = min(512, max_open_files() // 2)
"""The maximum number of open files; above it, the last good version of a file is lost if it is edited in place."""

Stamp = tuple[int, int, int]
"""Inode, size and modification time; a file with a new stamp has changed."""

NO_STAMP = (0, 0, 0)
"""The stamp of a file that does not exist."""


class CassetteFile:
    """A loaded file: its index and, as long as this object lives, its bytes.

    A file of up to *max_in_memory* bytes is kept in memory, so that an edit in place does not affect it. Requests that *previous*,
    the version loaded before, also holds are not parsed again. *notes* are messages for the user; *end* is the byte after the last complete document.
    """

    _last_line = (0, 1)
    """The byte and the line of the last call of `_line`; the next call often continues from there."""

    def __init__(
        self,
        path: Path,
        name: str,
        policy: Policy,
        max_in_memory: int,
        previous: "CassetteFile | None" = None,
    ) -> None:
        self._path = path
        self.name = name
        self._descriptor = -1
        self._descriptor = discovery.open_regular(path)
        try:
            self.stamp = get_stamp(os.fstat(self._descriptor))
            self._content: bytes | None = None
            if self.stamp[1] <= max_in_memory:
                self._content = b"".join(self._read_file())
            reader = IndexReader(name, self._line, previous.cassette if previous else None)
            self.notes = reader.notes
            self.cassette: Cassette
            self.cassette, self.header = reader.read(
                self._read_file() if self._content is None else (self._content,), policy
            )
            self.end = reader.end
            if previous is not None and previous.bytes_in_memory and self.bytes_in_memory:
                for entry in self._new_entries(previous):
                    self.load_response(entry)
        except BaseException:
            self.close()
            raise
        if self._content is not None or self._descriptor >= MAX_OPEN:
            self.close()

    @property
    def bytes_in_memory(self) -> int:
        """The number of bytes of the content that are kept in memory."""
        return len(self._content) if self._content is not None else 0

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()

    def load_exchange(self, entry: Entry) -> Exchange:
        """Return the exchange of *entry*; ReadError if it cannot be read."""
        raw = self.read_document(entry)
        if found := yaml_codec.read_exchange(raw):
            return found
        try:
            text = decode(single_document(raw, entry.start), raw)
            return yaml_codec.build_exchange(strict_yaml.parse(text))
        except ReadError as error:
            raise locate_error(self.name, self._line, error, entry.start) from None

    def load_response(self, entry: Entry) -> Response:
        """Return the response of *entry*; ReadError if it cannot be read."""
        found = yaml_codec.read_response(self.read_document(entry)[entry.fingerprint.raw_size :])
        return found or self.load_exchange(entry).response

    def read_document(self, entry: Entry) -> bytes:
        """Return the bytes of *entry*; ReadError if its request has changed in the file."""
        raw = self._read(entry.start, entry.end)
        if hash(raw[: entry.fingerprint.raw_size]) != entry.fingerprint.raw_hash:
            raise self._changed()
        return raw

    def find_line(self, entry: Entry) -> int:
        """Return the line on which *entry* begins, from 1."""
        return self._line(entry.start)

    def load_request(self, entry: Entry) -> Request:
        """Return the request of *entry*."""
        return read_head(single_document(self._read(entry.start, entry.end), entry.start)).request

    def _changed(self) -> ReadError:
        return ReadError(
            "was edited in place, so its loaded version is lost: fix the file", file=self.name
        )

    def _new_entries(self, previous: "CassetteFile | None") -> list[Entry]:
        """Return the entries that *previous* does not hold with the same bytes; all, if it is not in memory."""
        known: set[bytes] = set()
        if previous and previous.bytes_in_memory:
            known = {previous._read(one.start, one.end) for one in previous.cassette.entries}
        entries = self.cassette.entries
        return [one for one in entries if self._read(one.start, one.end) not in known]

    def find_problems(self, previous: "CassetteFile | None" = None) -> Iterator[ReadError]:
        """Yield an error for each response that cannot be read, and one with the code `not-json` for each event whose data is not JSON.

        Exchanges that *previous* also holds are not read, nor is a file that is not in memory.
        """
        if self._content is None:
            return
        for entry in self._new_entries(previous):
            try:
                content = self.load_response(entry).content
            except ReadError as error:
                yield error
                continue
            for number, timed in enumerate(content.events if isinstance(content, Stream) else ()):
                if problem := find_event_problem(timed.event):
                    raw = self.read_document(entry)
                    line = self._line(entry.start) + _find_line_of_data(raw, number) - 1
                    yield ReadError(
                        f"{problem}; it is sent as it is",
                        file=self.name,
                        line=line,
                        code="not-json",
                    )

    def _line(self, start: int) -> int:
        """Return the number (from 1) of the line that begins at byte *start*."""
        position, line = self._last_line
        if position > start:
            position, line = 0, 1
        line += self._read(position, start).count(b"\n")
        self._last_line = start, line
        return line

    def _read_file(self) -> Iterator[bytes]:
        offset, size = 0, self.stamp[1]
        # Reading no more than the file holds avoids allocating a large buffer.
        while block := read_at(self._descriptor, min(BLOCK_SIZE, size - offset) or 1, offset):
            yield block
            offset += len(block)
            size = max(size, offset)

    def _read(self, start: int, end: int) -> bytes:
        if self._content is not None:
            return self._content[start:end]
        if self._descriptor >= 0:
            return read_at(self._descriptor, end - start, start)
        try:
            descriptor = discovery.open_regular(self._path)
        except OSError as error:
            if is_out_of_files(error):
                raise OutOfFilesError from None
            raise ReadError(f"cannot be read: {error.strerror}", file=self.name) from None
        try:
            if get_stamp(os.fstat(descriptor)) != self.stamp:
                raise self._changed()
            return read_at(descriptor, end - start, start)
        finally:
            os.close(descriptor)


def _find_line_of_data(raw: bytes, number: int) -> int:
    """Return the line (from 1) of the data of the event *number* (from 0) of the exchange *raw*."""
    event = strict_yaml.parse(raw.decode())["response"]["events"][number]
    return int(event.lines.get("data", event.line))


def get_stamp(status: os.stat_result) -> Stamp:
    """Return the stamp of a file with this *status*."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def current_stamp(path: str | Path) -> Stamp:
    """Return the stamp of the file *path*, or NO_STAMP."""
    try:
        return get_stamp(os.stat(path))  # noqa: PTH116 (a third of the time of Path.stat)
    except OSError:
        return NO_STAMP
