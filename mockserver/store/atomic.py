"""A file put in the place of another at once, so that a kill leaves the one or the other whole."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mockserver.cassette.file_names import SUFFIXES
from mockserver.errors import StorageError, UsageError

SYNC = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


def rewrite(path: Path, raw: bytes, before: bytes) -> None:
    """Have the file *path*, which held *before*, hold *raw*; where it is a link, the file that it leads to.

    UsageError where it is being recorded into, StorageError where it was changed meanwhile, is read-only or cannot be written.
    """
    try:
        real = path.resolve(strict=True)
        with _locked_unchanged(real, path, before) as mode:
            _write_and_replace(real, raw, mode)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Raise UsageError where the cassette *path* cannot be made: its name is none, or it is there and not to *overwrite*."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file, such as {path / 'chat.yaml'}")
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: a cassette's name ends in .yaml")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: there is no such folder")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} is there already: name another file, or add --overwrite")


def create(path: Path, raw: bytes) -> None:
    """Have the file *path* hold *raw*, whatever it held; StorageError where it cannot be written."""
    try:
        if path.exists():
            rewrite(path, raw, path.read_bytes())
        else:
            _write_and_replace(path, raw, 0o666 & ~_umask())
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None


def remove(path: Path, before: bytes) -> None:
    """Remove the file *path*, which held *before*; raises as `rewrite` does."""
    try:
        with _locked_unchanged(path, path, before):
            path.unlink()
    except OSError as error:
        raise StorageError(f"{path}: cannot be removed: {error.strerror}") from None


def _write_and_replace(path: Path, raw: bytes, mode: int) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fchmod(descriptor, mode)
            SYNC(descriptor)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _locked_unchanged(path: Path, shown: Path, before: bytes) -> Iterator[int]:
    """Hold the lock that a recording holds on the file *path*, which still holds *before*; yield its permissions."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{shown} is being recorded into by a mockserver: stop that one first"
            ) from None
        if _content(descriptor) != before:
            raise StorageError(f"{shown}: was changed meanwhile, left as it is: run this again")
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if not mode & 0o222:
            raise StorageError(f"{shown}: is read-only, left as it is")
        yield mode
    finally:
        os.close(descriptor)


def _content(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read()


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
