"""One cassette file while it is recorded into: locked, appended to, put in order at the end.

People edit cassettes while they record. An edit always stays: what the edited file does not hold goes to a new file beside it.
"""

import fcntl
import os
import shlex
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import blake2b
from itertools import chain, count
from pathlib import Path
from tempfile import SpooledTemporaryFile

from mockserver.cassette import documents
from mockserver.cassette.model import Header, Policy
from mockserver.cassette.text import dump_header
from mockserver.errors import OutOfFilesError, StorageError, UsageError, is_out_of_files
from mockserver.store.rewriting import SYNC
from mockserver.store.snapshot import Snapshot, Stamp, stamp
from mockserver.words import counted

_BLOCK = 1 << 20

RECORDED = ".recorded"
"""What the name of a file beside an edited cassette ends in; no folder replays it."""

_IN_MEMORY = 1 << 20
"""How many bytes of documents are held in memory; more go to a temporary file."""


class Mode(Enum):
    """What becomes of a file that is there already."""

    NEW = auto()
    EXTEND = auto()
    OVERWRITE = auto()


class Tape:
    """Appends exchanges to the cassette at *path*, each in one write.

    The file is locked as long as this is open. With OVERWRITE the recording is written beside it and takes its place
    in `close`, if there is anything in it. *header* is called once, before the first exchange. UsageError where the
    file cannot be recorded into, StorageError where it cannot be written.
    """

    def __init__(
        self, path: Path, mode: Mode, header: Callable[[], Header], tell: Callable[[str], None]
    ) -> None:
        self._path = path
        self._header = header
        self._tell = tell
        self._head = b""
        self._edited: list[Path] = []
        self._lock = _locked(path)
        try:
            self._output = self._opened(mode)
            self._before = stamp(os.fstat(self._lock))
            self._documents = _Documents(path.parent)
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def count(self) -> int:
        """How many exchanges were appended to the file that is written now."""
        return len(self._documents)

    def append(self, number: int, document: bytes) -> Path:
        """Write *document*, the exchange of the *number*th request; return its file. StorageError where that fails."""
        try:
            if self._output.was_edited():
                self._move_away()
                self._tell(
                    f"{self._edited[-1]} was edited while it was recorded into: the edit stays, "
                    f"and what is recorded from now on goes to {self._output.path}"
                )
            self._write(number, document)
        except OSError as error:
            raise StorageError(
                f"{self._output.path}: not recorded: {error.strerror}: make room, then record again"
            ) from None
        return self._output.path

    def close(self) -> None:
        """Put the exchanges into the order of their requests and let go of the file.

        StorageError where that fails or where the file was edited; nothing of what was appended is lost then.
        """
        try:
            if not self._finished():
                self._move_away()
                self._finished()
        except OSError as error:
            raise StorageError(
                f"{self._output.path}: could not be put in order ({error.strerror}); "
                "it holds all exchanges as they ended"
            ) from None
        finally:
            self._documents.close()
            for descriptor in {self._lock, self._output.descriptor}:
                os.close(descriptor)
        if self._edited:
            raise StorageError(self._report())

    def _opened(self, mode: Mode) -> "_Output":
        """Return the file that is to be appended to."""
        if not _is_filled(self._lock):
            return _Output(self._path, self._lock, 0)
        match mode:
            case Mode.NEW:
                raise UsageError(
                    f"{self._path} is there already: add to it with --extend, or record it anew with --overwrite"
                )
            case Mode.EXTEND:
                return _Output(self._path, self._lock, self._whole_part())
            case Mode.OVERWRITE:
                if b"mockserver" not in os.pread(self._lock, _BLOCK, 0):
                    raise UsageError(f"{self._path} is no cassette: it is not overwritten")
                path = self._path.with_name(f"{self._path.name}.new")
                descriptor = _created(path)
                os.fchmod(descriptor, _permissions(self._lock))
                return _Output(path, descriptor, 0)

    def _whole_part(self) -> int:
        """Cut off an exchange that a kill has torn, and return how long the file is then."""
        snapshot = Snapshot(self._path, self._path.name, Policy(), hold=0)
        snapshot.close()
        if snapshot.notes or (snapshot.end < snapshot.stamp[1] and snapshot.header.recorded):
            self._tell(
                f"{self._path}: its last exchange was torn by a kill; it is cut off before recording goes on"
            )
        end = snapshot.end
        os.ftruncate(self._lock, end)
        if os.pread(self._lock, 1, end - 1) != b"\n":
            end += os.write(self._lock, b"\n")
        return end

    def _write(self, number: int, document: bytes) -> None:
        self._documents.add(number, document)
        try:
            self._output.write((b"" if self._output.end else self._new_head()) + document)
        except OSError:
            self._documents.remove_last()
            raise

    def _new_head(self) -> bytes:
        self._head = self._head or dump_header(self._header()).encode()
        return self._head

    def _finished(self) -> bool:
        """Put the file in order and in its place; return False if it was edited meanwhile."""
        output = self._output
        SYNC(output.descriptor)
        ordered = None if self._documents.are_in_order() else self._ordered()
        if output.was_edited():
            if ordered is not None:
                ordered.unlink()
            return False
        if ordered is not None:
            ordered.replace(output.path)
        if not len(self._documents):
            if not output.base:
                output.path.unlink()
        elif output.descriptor != self._lock and not self._edited:
            self._take_place()
        return True

    def _ordered(self) -> Path:
        """Return a new file with the exchanges in the order of their requests."""
        path = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, _permissions(self._output.descriptor))
                file.writelines(self._output.base_blocks() if self._output.base else [self._head])
                file.writelines(self._documents.in_order())
                file.flush()
                SYNC(descriptor)
        except BaseException:
            path.unlink()
            raise
        return path

    def _take_place(self) -> None:
        """Replace the cassette by what was written beside it, unless somebody edited the cassette meanwhile."""
        written = self._output.path
        if _stamp_of(self._path) in (None, self._before):
            written.replace(self._path)
        else:
            self._edited.append(self._path)
            self._output.path, descriptor = _created_beside(self._path)
            os.close(descriptor)
            written.replace(self._output.path)

    def _move_away(self) -> None:
        """Leave the edited file as it is; go on in a new file beside it, which begins with the exchanges that the edited one lacks."""
        edited, written = self._output, self._documents
        missing = list(written.missing_in(edited.path))
        self._output = _Output(*_created_beside(self._path), 0)
        self._edited.append(edited.path)
        self._documents = _Documents(self._path.parent)
        for number, document in missing:
            self._write(number, document)
        written.close()
        if edited.descriptor != self._lock:
            os.close(edited.descriptor)

    def _report(self) -> str:
        """Say what became of a recording whose file was edited."""
        start = f"{self._edited[-1]} was edited while it was recorded into: the edit stays"
        if not len(self._documents):
            return f"{start}, and it lacks no exchange that came after it"
        sources = [*(path for path in self._edited if path.exists()), self._output.path]
        overwrite = ["--overwrite"] if self._path.exists() else []
        command = shlex.join(
            ["mockserver", "merge", *map(str, sources), "--into", str(self._path), *overwrite]
        )
        rest = counted(len(self._documents), "exchange")
        return f"{start}, {rest} went to {self._output.path}: put them together with `{command}`"


class _Output:
    """A file that only we append to, after the *base* bytes that it held before."""

    def __init__(self, path: Path, descriptor: int, base: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.base = base
        self.end = base
        self._stamp = stamp(os.fstat(descriptor))

    def was_edited(self) -> bool:
        """Return whether another program has changed, replaced or removed the file."""
        return _stamp_of(self.path) != self._stamp

    def write(self, raw: bytes) -> None:
        """Append *raw*, whole or not at all; OSError where that fails."""
        view = memoryview(raw)
        try:
            while view:
                view = view[os.write(self.descriptor, view) :]
        except OSError:
            os.ftruncate(self.descriptor, self.end)
            self._stamp = stamp(os.fstat(self.descriptor))
            raise
        self.end += len(raw)
        now = stamp(os.fstat(self.descriptor))
        # Of another size than ours, it was edited in the moment before we wrote.
        self._stamp = now if now[1] == self.end else _NO_STAMP

    def base_blocks(self) -> Iterator[bytes]:
        """Yield what the file held before."""
        for start in range(0, self.base, _BLOCK):
            yield os.pread(self.descriptor, min(_BLOCK, self.base - start), start)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the document of the *number*th request stands in the copy of all."""

    number: int
    start: int
    length: int
    digest: bytes


class _Documents:
    """A copy of the documents that were appended to a file in *folder*: whoever shortens the file does not take them away."""

    def __init__(self, folder: Path) -> None:
        self._copy = SpooledTemporaryFile(_IN_MEMORY, dir=str(folder))  # noqa: SIM115 (see `close`)
        self._places: list[_Place] = []

    def __len__(self) -> int:
        return len(self._places)

    def add(self, number: int, raw: bytes) -> None:
        """Add the document *raw* of the *number*th request; OSError where the disk is full."""
        last = self._places[-1] if self._places else _Place(0, 0, 0, b"")
        place = _Place(number, last.start + last.length, len(raw), _digest(raw))
        self._copy.seek(place.start)
        self._copy.write(raw)
        self._places.append(place)

    def remove_last(self) -> None:
        """Take the last one out."""
        self._places.pop()

    def are_in_order(self) -> bool:
        """Return whether they were appended in the order of their requests."""
        numbers = [place.number for place in self._places]
        return numbers == sorted(numbers)

    def in_order(self) -> Iterator[bytes]:
        """Yield them in the order of their requests."""
        return map(self._read, sorted(self._places, key=lambda place: place.number))

    def missing_in(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yield number and document of those that the edited file *path* has never held.

        Its editor has seen all up to the last one that it still holds: what is missing before that was changed or deleted on purpose.
        """
        there = _digests_in(path)
        seen = 0
        for number, place in enumerate(self._places, 1):
            if place.digest in there:
                seen = number
        for place in self._places[seen:]:
            yield place.number, self._read(place)

    def close(self) -> None:
        """Forget them."""
        self._copy.close()

    def _read(self, place: _Place) -> bytes:
        self._copy.seek(place.start)
        return self._copy.read(place.length)


_NO_STAMP = (0, 0, 0)


def _stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of the file *path*, None where there is none."""
    try:
        return stamp(os.stat(path))  # noqa: PTH116 (a third of the time of Path.stat)
    except OSError:
        return None


def _digest(document: bytes) -> bytes:
    """Return the same for a *document* as we wrote it and with comments behind it."""
    lines = document.rstrip()
    while lines.startswith(b"#", begin := lines.rfind(b"\n") + 1):
        lines = lines[:begin].rstrip()
    return blake2b(lines, digest_size=16).digest()


def _digests_in(path: Path) -> set[bytes]:
    """Return the digests of the documents in the file *path*; none where it is gone, or no file any more."""
    if not path.is_file():
        return set()
    with path.open("rb") as file:
        blocks = iter(lambda: file.read(_BLOCK), b"")
        return {_digest(document.raw) for document in documents.split(blocks)}


def _locked(path: Path) -> int:
    """Open *path*, made if it is not there, and lock it."""
    while True:
        if not path.parent.is_dir():
            raise UsageError(f"{path.parent}: there is no such folder")
        try:
            if path.exists() and not path.is_file():
                raise UsageError(
                    f"{path} is no file: name a cassette, such as {path / 'chat.yaml'}"
                )
            descriptor = os.open(path, _FLAGS, 0o644)
        except OSError as error:
            raise _unwritable(path, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise UsageError(
                f"{path} is being recorded by another mockserver: stop that one, or record into another file"
            ) from None
        if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
            return descriptor
        os.close(descriptor)


_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


def _unwritable(path: Path, error: OSError) -> UsageError | OutOfFilesError:
    if is_out_of_files(error):
        return OutOfFilesError()
    return UsageError(f"{path} cannot be written: {error.strerror}")


def _permissions(descriptor: int) -> int:
    return stat.S_IMODE(os.fstat(descriptor).st_mode)


def _is_filled(descriptor: int) -> bool:
    return os.fstat(descriptor).st_size > 0


def _created(path: Path) -> int:
    """Make the file beside the one that is overwritten; one that is left from a kill is not thrown away."""
    try:
        return os.open(path, _FLAGS | os.O_EXCL, 0o644)
    except FileExistsError:
        raise UsageError(
            f"{path} is left from a recording that was killed: move it away to keep it, or delete it"
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from None


def _created_beside(path: Path) -> tuple[Path, int]:
    """Make a new file for exchanges that the edited cassette *path* does not take; return its path and descriptor."""
    for suffix in chain([RECORDED], (f".{number}{RECORDED}" for number in count(2))):
        beside = path.with_name(f"{path.name}{suffix}")
        try:
            descriptor = os.open(beside, _FLAGS | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return beside, descriptor
    raise AssertionError
