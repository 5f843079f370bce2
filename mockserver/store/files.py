"""Which files are meant by the paths that a person gives."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mockserver.errors import UsageError

SETTINGS = "mockserver.yaml"
SUFFIXES = (".yaml", ".yml")


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
