"""Usage files: which exchanges were played. Several processes may add to one file."""

import os
from collections.abc import Iterable
from pathlib import Path

from mockserver.errors import StorageError, UsageError
from mockserver.formats.json_text import Json
from mockserver.formats.wording import pluralize
from mockserver.matching import usage
from mockserver.matching.index import Index
from mockserver.matching.usage import Plays, Usage
from mockserver.store import discovery, operating_system
from mockserver.store.library import Library


def collect_usage(library: Library, index: Index, labels: Iterable[str]) -> Usage:
    """Return the usage in which the exchanges with *labels* (`FILE#N`) were played and all others of *index* were not."""
    played = set(labels)
    by_path: dict[str, Plays] = {}
    for cassette in index.cassettes:
        marks = usage.compute_marks(library.load_request(entry) for entry in cassette.entries)
        pairs = zip(marks, cassette.entries, strict=True)
        plays = {mark: int(entry.label in played) for mark, entry in pairs}
        by_path[display_path(library.get_path(cassette.name))] = Plays(plays)
    return by_path


def display_path(path: str | Path) -> str:
    """Return *path* as usage files spell it: relative if it is below the working directory."""
    real = os.path.realpath(path)
    near = os.path.relpath(real)
    return Path(real if near.startswith("..") else near).as_posix()


def read_usages(paths: Iterable[Path]) -> Usage:
    """Return the usage in the files *paths* together; UsageError if one cannot be read."""
    return usage.merge_usages(discovery.parse_file(path, usage.loads) for path in paths)


def check_usage_file(path: Path) -> None:
    """Raise UsageError if usage cannot be added to the file *path*."""
    if path.exists():
        read_usages([path])
    elif not path.parent.is_dir():
        raise UsageError(f"{path}: folder does not exist")


def add_test_usages(path: Path, usages: Iterable[Json], unfinished: Iterable[Path]) -> str:
    """Add the *usages* of tests, in JSON, to the usage file *path*; return `N cassettes`. See `add_usage`.

    The tests that may play the cassettes *unfinished*, files and folders, did not run or did not pass.
    """
    files = (file for file, _ in discovery.find_files(unfinished).values())
    marked = {display_path(file): Plays(unfinished=True) for file in files}
    merged = usage.merge_usages([*map(usage.from_json, usages), marked])
    add_usage(path, merged)
    return pluralize(len(merged), "cassette")


def add_usage(path: Path, more: Usage) -> None:
    """Add *more* to the usage file *path*, which is created if it does not exist.

    UsageError if it is another kind of file, StorageError if it cannot be written.
    """
    try:
        descriptor = operating_system.open_file(path, os.O_RDWR | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "r+b") as file:
            operating_system.lock(descriptor, wait=True)
            text = usage.dumps(usage.merge_usages((read_usages([path]), more)))
            file.seek(0)
            file.write(text.encode())
            file.truncate()
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
