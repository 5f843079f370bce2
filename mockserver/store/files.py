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
    for path in paths:
        try:
            _find(files, path)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    return files


def _find(files: dict[str, tuple[Path, bool]], path: Path) -> None:
    if path.is_dir():
        for below in sorted(_walk(path), key=lambda file: file.relative_to(path).parts):
            _add(files, below.relative_to(path).as_posix(), below, named=False)
    elif path.exists():
        _add(files, path.name, path, named=True)
    else:
        raise UsageError(f"{path}: there is no such file or folder")


def _add(files: dict[str, tuple[Path, bool]], name: str, path: Path, *, named: bool) -> None:
    alike = (other for other, _ in files.values() if other.name == path.name)
    if any(os.path.realpath(path) == os.path.realpath(other) for other in alike):
        return
    files[name if name not in files else path.as_posix()] = (path, named)


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.endswith(SUFFIXES) and not name.startswith(".") and name != SETTINGS:
                yield Path(place, name)
