"""Find and read the files that a user names."""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar
from unicodedata import normalize

from mockserver.cassette.file_names import SETTINGS_FILE, SUFFIXES
from mockserver.errors import ReadError, UsageError
from mockserver.store.operating_system import open_without_waiting

T = TypeVar("T")


def find_files(paths: Iterable[Path]) -> dict[str, tuple[str, bool]]:
    """Return the files at and below *paths* in path order: name -> (path, whether the user named the file itself).

    The name is the path below the given folder, or the file name; a duplicate name is replaced by the path as given.
    UsageError for a path that does not exist.
    """
    files: dict[str, tuple[str, bool]] = {}
    seen: set[str] = set()
    for path in paths:
        try:
            for name, file, real in _below(path):
                if real not in seen:
                    seen.add(real)
                    name = normalize("NFC", name)
                    files[name if name not in files else Path(file).as_posix()] = (
                        file,
                        not find_existing(path).is_dir(),
                    )
        except OSError as error:
            where = error.filename or path
            raise UsageError(f"{where}: cannot be read: {error.strerror}") from None
    return files


def find_existing(path: Path) -> Path:
    """Return *path*, or the existing file whose name is the same text in another Unicode form, such as one from a Mac."""
    try:
        if str(path).isascii() or path.exists():
            return path
        folder = find_existing(path.parent)
        wanted = normalize("NFC", path.name)
        files = folder.iterdir() if folder.is_dir() else ()
        same = (file for file in files if normalize("NFC", file.name) == wanted)
        return next(same, folder / path.name)
    except OSError:
        return path  # opening it fails too, and says why


def open_regular(path: Path) -> int:
    """Open the file *path* for reading and return its descriptor; OSError if it is no regular file or cannot be opened.

    Reading these may never end, except for the null device, which stands for an empty file.
    """
    descriptor = open_without_waiting(path)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) and status.st_rdev != Path(os.devnull).stat().st_rdev:
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file: name a file, or move this one away")
    return descriptor


def read_bytes(path: Path) -> bytes:
    """Return the bytes of the file *path*; OSError as in `open_regular`."""
    with os.fdopen(open_regular(path), "rb") as file:
        return file.read()


def parse_file(path: Path, parse: Callable[[str], T]) -> T:
    """Return the result of *parse* for the text of the file *path*.

    UsageError, with file and line, if the file cannot be read or *parse* raises ReadError.
    """
    try:
        return parse(read_bytes(path).decode("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8: save the file as UTF-8") from None
    except ReadError as error:
        raise UsageError(str(error.at(file=str(path)))) from None


def _below(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (name, path, real path) of each file at or below *path*."""
    path = find_existing(path)
    if path.is_dir():
        start = len(str(path))
        files = [(file[start:].lstrip("/"), file, real) for file, real in _walk(path)]
        yield from sorted(files, key=lambda file: file[0].split("/"))
    elif path.exists():
        yield path.name, str(path), f"{os.path.realpath(path)}/{path.name}"
    else:
        file, _, number = str(path).rpartition("#")
        if number.isdecimal() and os.path.isfile(file):  # noqa: PTH113 (an empty path is no file)
            raise UsageError(
                f"{path}: name the whole cassette, {file}: only ls, show, lint and diff take one exchange"
            )
        raise UsageError(f"{path}: no such file or folder")


def _walk(folder: Path | str) -> Iterator[tuple[str, str]]:
    """Yield (path, real path) of each file below *folder*. Called often, so only links cost a call of `realpath`."""
    real = os.path.realpath(folder)
    with os.scandir(folder) as entries:
        listed = list(entries)
    for entry in listed:
        name = entry.name
        if name.startswith("."):
            continue
        if entry.is_dir():
            if not entry.is_symlink():
                yield from _walk(entry.path)
        elif name.endswith(SUFFIXES) and name != SETTINGS_FILE:
            target = os.path.realpath(entry.path) if entry.is_symlink() else f"{real}/{name}"
            yield entry.path, f"{target}/{name}"
