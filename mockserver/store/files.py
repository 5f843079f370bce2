"""The files that a person names: which are meant by a path, and what stands in one of their own."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from mockserver.cassette.filing import SETTINGS, SUFFIXES
from mockserver.errors import ReadError, UsageError

T = TypeVar("T")


def found(paths: Iterable[Path]) -> dict[str, tuple[Path, bool]]:
    """Return the files that *paths* mean by their names, in path order, each with whether it was named outright.

    A name is the path below the given folder, or the file's own name; two alike are told apart by the path as given.
    UsageError for a path that is not there.
    """
    files: dict[str, tuple[Path, bool]] = {}
    seen: set[tuple[str, str]] = set()
    for path in paths:
        try:
            for name, file, named in _below(path):
                place = (file.name, os.path.realpath(file))
                if place not in seen:
                    seen.add(place)
                    files[name if name not in files else file.as_posix()] = (file, named)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    return files


def read(path: Path, parse: Callable[[str], T]) -> T:
    """Return what *parse* makes of the text of the file *path*.

    UsageError, with file and line, where the file cannot be read, or *parse* raises ReadError.
    """
    try:
        return parse(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8: save the file as UTF-8") from None
    except ReadError as error:
        raise UsageError(str(error.at(file=str(path)))) from None


def _below(path: Path) -> Iterator[tuple[str, Path, bool]]:
    if path.is_dir():
        for file in sorted(_walk(path), key=lambda file: file.relative_to(path).parts):
            yield file.relative_to(path).as_posix(), file, False
    elif path.exists():
        yield path.name, path, True
    else:
        raise UsageError(f"{path}: there is no such file or folder")


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.endswith(SUFFIXES) and not name.startswith(".") and name != SETTINGS:
                yield Path(place, name)
