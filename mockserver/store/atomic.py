"""Atomic replacement of a file: after a kill, either the old or the new content is complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mockserver.cassette.file_names import SUFFIXES
from mockserver.errors import StorageError, UsageError
from mockserver.store import operating_system
from mockserver.store.operating_system import file_mode, open_file


def rewrite(path: Path, raw: bytes, before: bytes) -> None:
    """Replace the content *before* of the file *path* by *raw*; a link is followed.

    UsageError if a recording holds the file; StorageError if it has changed, is read-only or cannot be written.
    """
    try:
        real = path.resolve(strict=True)
        with _locked_unchanged(real, path, before) as mode:
            _write_and_replace(real, raw, mode)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Raise UsageError if the cassette *path* cannot be created: wrong name, no folder, or it exists and *overwrite* is False."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file, such as {path / 'chat.yaml'}")
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: the name of a cassette must end in .yaml")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: folder does not exist")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} already exists: name another file, or add --overwrite")


def create(path: Path, raw: bytes) -> None:
    """Write *raw* to the file *path*, which is created or replaced; StorageError if it cannot be written."""
    try:
        if path.exists():
            rewrite(path, raw, path.read_bytes())
        else:
            _write_and_replace(path, raw, 0o666 & ~operating_system.get_umask())
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None


def remove(path: Path, before: bytes) -> None:
    """Remove the file *path* if it still holds *before*; errors as in `rewrite`."""
    try:
        with _locked_unchanged(path, path, before):
            path.unlink()
    except OSError as error:
        raise StorageError(f"{path}: cannot be removed: {error.strerror}") from None


def _write_and_replace(path: Path, raw: bytes, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = open_file(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            operating_system.set_mode(descriptor, mode)
            operating_system.sync(descriptor)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _locked_unchanged(path: Path, shown: Path, before: bytes) -> Iterator[int]:
    """Lock the file *path* as a recording does, check that it still holds *before*, and yield its mode."""
    with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
        try:
            operating_system.lock(file.fileno())
        except BlockingIOError:
            raise UsageError(
                f"{shown} is in use by a mockserver that records into it: stop it first"
            ) from None
        if file.read() != before:
            raise StorageError(
                f"{shown}: changed by another program in the meantime, not written: run this again"
            )
        mode = file_mode(file.fileno())
        if not mode & 0o222:
            raise StorageError(f"{shown}: read-only, not changed")
        yield mode
