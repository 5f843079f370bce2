"""A locked file that we append to, which notices edits by other programs."""

import os
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

from mockserver.errors import OutOfFilesError, UsageError, is_out_of_files
from mockserver.store import operating_system
from mockserver.store.cassette_file import Stamp, current_stamp, get_stamp
from mockserver.store.operating_system import open_file, read_at

RECORDED_SUFFIX = ".recorded"
"""The suffix of the file that gets the exchanges an edited cassette lacks; such files are not replayed."""

_BLOCK = 1 << 20
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT


class AppendedFile:
    """A file that we append to; it already held *base* bytes."""

    def __init__(self, path: Path, descriptor: int, base: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.base = base
        self.end = base
        self._stamp: Stamp | None = get_stamp(os.fstat(descriptor))

    def was_edited(self) -> bool:
        """Return whether another program has changed, replaced or removed the file."""
        return current_stamp(self.path) != self._stamp

    def write(self, raw: bytes) -> None:
        """Append *raw* completely; on OSError the file is as before."""
        view = memoryview(raw)
        try:
            while view:
                view = view[os.write(self.descriptor, view) :]
        except OSError:
            os.ftruncate(self.descriptor, self.end)
            self._stamp = get_stamp(os.fstat(self.descriptor))
            raise
        self.end += len(raw)
        stamp = get_stamp(os.fstat(self.descriptor))
        # Another size means that another program wrote just before us.
        self._stamp = stamp if stamp[1] == self.end else None

    def base_blocks(self) -> Iterator[bytes]:
        """Yield the bytes that the file held at the start."""
        for start in range(0, self.base, _BLOCK):
            yield read_at(self.descriptor, min(_BLOCK, self.base - start), start)


def open_locked(path: Path) -> int:
    """Open and lock the file *path*, which is created if it does not exist; return its descriptor."""
    while True:
        if not path.parent.is_dir():
            raise UsageError(f"{path.parent}: folder does not exist")
        try:
            if path.exists() and not path.is_file():
                raise UsageError(
                    f"{path} is not a file: name a cassette, such as {path / 'chat.yaml'}"
                )
            descriptor = open_file(path, _FLAGS, 0o644)
        except OSError as error:
            raise _unwritable(path, error) from None
        try:
            operating_system.lock(descriptor)
        except OSError:
            os.close(descriptor)
            raise UsageError(
                f"{path} is in use by another mockserver that records into it: stop it, or record into another file"
            ) from None
        if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
            return descriptor
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> UsageError | OutOfFilesError:
    if is_out_of_files(error):
        return OutOfFilesError()
    return UsageError(f"{path} cannot be written: {error.strerror}")


def create_new(path: Path) -> int:
    """Create the file *path* and return its descriptor; UsageError if it is left over from a killed recording."""
    try:
        return open_file(path, _FLAGS | os.O_EXCL, 0o644)
    except FileExistsError:
        raise UsageError(
            f"{path} is left over from a killed recording: move it away to keep it, or delete it"
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from None


def create_beside(path: Path) -> tuple[Path, int]:
    """Create a file for the exchanges that the edited cassette *path* lacks; return its path and descriptor."""
    for suffix in chain([RECORDED_SUFFIX], (f".{number}{RECORDED_SUFFIX}" for number in count(2))):
        new = path.with_name(f"{path.name}{suffix}")
        try:
            descriptor = open_file(new, _FLAGS | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        operating_system.lock(descriptor)
        return new, descriptor
    raise AssertionError
