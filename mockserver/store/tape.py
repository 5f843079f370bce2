"""One cassette file while it is recorded into: locked, appended to, put in order at the end."""

import fcntl
import os
import stat
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from mockserver.cassette.model import Exchange, Header, Policy
from mockserver.cassette.text import dump_exchange, dump_header
from mockserver.errors import StorageError, UsageError
from mockserver.store.rewriting import SYNC
from mockserver.store.snapshot import Snapshot

COPIED = 1 << 20


class Mode(Enum):
    """What becomes of a file that is there already."""

    NEW = auto()
    EXTEND = auto()
    OVERWRITE = auto()


class Tape:
    """Appends exchanges to the cassette at *path*, each in one write.

    The file is locked as long as this is open. With OVERWRITE the recording is written beside it and takes its place
    in `close`, if there is anything in it. *header* is asked once, before the first exchange. UsageError where the
    file cannot be recorded into, StorageError where it cannot be written.
    """

    def __init__(
        self, path: Path, mode: Mode, header: Callable[[], Header], tell: Callable[[str], None]
    ) -> None:
        self.path = path
        self._header = header
        self._tell = tell
        self._places: list[tuple[int, int, int]] = []
        self._lock = _locked(path)
        try:
            if _is_filled(self._lock) and mode is Mode.NEW:
                raise UsageError(
                    f"{path} is there already: add to it with --extend, or record it anew with --overwrite"
                )
            self._written = path
            self._descriptor = self._lock
            self._end = 0
            if _is_filled(self._lock) and mode is Mode.EXTEND:
                self._end = self._extended()
            elif _is_filled(self._lock):
                if b"mockserver" not in os.pread(self._lock, COPIED, 0):
                    raise UsageError(f"{path} is no cassette: it is not overwritten")
                self._written = path.with_name(f"{path.name}.new")
                self._descriptor = _created(self._written)
                os.fchmod(self._descriptor, _permissions(self._lock))
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def count(self) -> int:
        """How many exchanges were appended."""
        return len(self._places)

    def append(self, number: int, exchange: Exchange) -> None:
        """Write *exchange*, the *number*th that was asked for; StorageError where that fails."""
        raw = dump_exchange(exchange).encode()
        head = b"" if self._end else dump_header(self._header()).encode()
        self._check_untouched()
        try:
            self._write(head + raw)
        except OSError as error:
            raise StorageError(
                f"{self._written}: not recorded: {error.strerror}: make room, then record again"
            ) from None
        self._places.append((number, self._end + len(head), len(raw)))
        self._end += len(head) + len(raw)

    def close(self) -> None:
        """Put the exchanges into the order of their requests and let go of the file.

        StorageError where that fails; nothing of what was appended is lost then.
        """
        try:
            self._settle()
        except OSError as error:
            raise StorageError(
                f"{self._written}: could not be put in order ({error.strerror}); "
                "it holds all exchanges as they ended"
            ) from None
        finally:
            if self._descriptor != self._lock:
                os.close(self._descriptor)
            os.close(self._lock)

    def _settle(self) -> None:
        SYNC(self._descriptor)
        if self._places != sorted(self._places):
            self._sort()
        if self._written == self.path:
            if not self._end:
                self.path.unlink()
        elif self._places:
            self._written.replace(self.path)
        else:
            self._written.unlink()

    def _check_untouched(self) -> None:
        status = os.fstat(self._descriptor)
        try:
            same = os.path.samestat(status, os.stat(self._written))  # noqa: PTH116 (quicker)
        except OSError:
            same = False
        if not same or status.st_size != self._end:
            raise StorageError(
                f"{self._written}: not recorded: another program changed the file meanwhile: start recording anew"
            )

    def _write(self, raw: bytes) -> None:
        view = memoryview(raw)
        at = self._end
        try:
            while view:
                written = os.pwrite(self._descriptor, view, at)
                view, at = view[written:], at + written
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise

    def _sort(self) -> None:
        """Copy the file with the exchanges in order, and put the copy in its place."""
        first = self._places[0][1]
        beside = self._written.with_name(f"{self._written.name}.sorted")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            os.fchmod(descriptor, _permissions(self._descriptor))
            self._copy(descriptor, 0, first)
            for _, start, length in sorted(self._places):
                self._copy(descriptor, start, length)
            SYNC(descriptor)
            beside.replace(self._written)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)

    def _copy(self, target: int, start: int, length: int) -> None:
        while length:
            block = os.pread(self._descriptor, min(length, COPIED), start)
            start, length = start + len(block), length - len(block)
            view = memoryview(block)
            while view:
                view = view[os.write(target, view) :]

    def _extended(self) -> int:
        snapshot = Snapshot(self.path, self.path.name, Policy(), hold=0)
        snapshot.close()
        if snapshot.notes or (snapshot.end < snapshot.stamp[1] and snapshot.header.recorded):
            self._tell(
                f"{self.path}: its last exchange was torn by a kill; it is cut off before recording goes on"
            )
        end = snapshot.end
        os.ftruncate(self._lock, end)
        if os.pread(self._lock, 1, end - 1) != b"\n":
            end += os.pwrite(self._lock, b"\n", end)
        return end


def _locked(path: Path) -> int:
    """Open *path*, made if it is not there, and lock it."""
    while True:
        try:
            if not path.parent.is_dir():
                raise UsageError(f"{path.parent}: there is no such folder")
            if path.exists() and not path.is_file():
                raise UsageError(
                    f"{path} is no file: name a cassette, such as {path / 'chat.yaml'}"
                )
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
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


def _permissions(descriptor: int) -> int:
    return stat.S_IMODE(os.fstat(descriptor).st_mode)


def _is_filled(descriptor: int) -> bool:
    return os.fstat(descriptor).st_size > 0


def _created(path: Path) -> int:
    """Make the file beside the one that is overwritten; one that is left from a kill is not thrown away."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        raise UsageError(
            f"{path} is left from a recording that was killed: move it away to keep it, or delete it"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
