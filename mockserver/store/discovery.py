"""The files that a person names: which are meant by a path, and what stands in one of their own."""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from mockserver.cassette.file_names import SETTINGS_FILE, SUFFIXES
from mockserver.errors import ReadError, UsageError

T = TypeVar("T")


def find_files(paths: Iterable[Path]) -> dict[str, tuple[str, bool]]:
    """Return the files that *paths* mean by their names, in path order, each with whether it was named outright.

    A name is the path below the given folder, or the file's own name; two alike are told apart by the path as given.
    UsageError for a path that is not there.
    """
    files: dict[str, tuple[str, bool]] = {}
    seen: set[str] = set()
    for path in paths:
        try:
            for name, file, place in _below(path):
                if place not in seen:
                    seen.add(place)
                    files[name if name not in files else Path(file).as_posix()] = (
                        file,
                        not path.is_dir(),
                    )
        except OSError as error:
            where = error.filename or path
            raise UsageError(f"{where}: cannot be read: {error.strerror}") from None
    return files


def open_regular(path: Path) -> int:
    """Return the file *path*, opened to be read; OSError where that fails or where it is a pipe, a device or a folder.

    Reading these may never end, except for the null device, which stands for an empty file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) and status.st_rdev != Path(os.devnull).stat().st_rdev:
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file: name a file, or move it away")
    return descriptor


def read_bytes(path: Path) -> bytes:
    """Return the bytes of the file *path*; OSError as in `opened`."""
    with os.fdopen(open_regular(path), "rb") as file:
        return file.read()


def parse_file(path: Path, parse: Callable[[str], T]) -> T:
    """Return what *parse* makes of the text of the file *path*.

    UsageError, with file and line, where the file cannot be read, or *parse* raises ReadError.
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
    """Yield the name of each file, its path, and the one place that it has, by whatever path it is reached."""
    if path.is_dir():
        start = len(str(path))
        there = [(file[start:].lstrip("/"), file, place) for file, place in _walk(path)]
        yield from sorted(there, key=lambda one: one[0].split("/"))
    elif path.exists():
        yield path.name, str(path), f"{os.path.realpath(path)}/{path.name}"
    else:
        raise UsageError(f"{path}: there is no such file or folder")


def _walk(folder: Path | str) -> Iterator[tuple[str, str]]:
    """Yield the path of each file below *folder*, and its one place. It is done again and again, so the folder tells of links."""
    real = os.path.realpath(folder)
    with os.scandir(folder) as entries:
        there = list(entries)
    for entry in there:
        name = entry.name
        if name.startswith("."):
            continue
        if entry.is_dir():
            if not entry.is_symlink():
                yield from _walk(entry.path)
        elif name.endswith(SUFFIXES) and name != SETTINGS_FILE:
            place = os.path.realpath(entry.path) if entry.is_symlink() else f"{real}/{name}"
            yield entry.path, f"{place}/{name}"
