"""Files that tell which exchanges were played; several processes may add to one."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from mockserver.errors import StorageError, UsageError
from mockserver.matching import usage
from mockserver.matching.index import Index
from mockserver.matching.usage import Plays, Usage
from mockserver.store import discovery
from mockserver.store.library import Library


def usage_of(library: Library, index: Index, labels: Iterable[str]) -> Usage:
    """Return that of all exchanges in *index* those of *labels*, `FILE#N`, were played, and the others not."""
    known = set(labels)
    told: dict[str, Plays] = {}
    for cassette in index.cassettes:
        marks = usage.exchange_marks(library.request(entry) for entry in cassette.entries)
        pairs = zip(marks, cassette.entries, strict=True)
        plays = {mark: int(entry.label in known) for mark, entry in pairs}
        told[display_path(library.path(cassette.name))] = Plays(plays)
    return told


def display_path(path: str | Path) -> str:
    """Return how a usage file names the cassette at *path*: from the working directory, where it is below that."""
    real = os.path.realpath(path)
    near = os.path.relpath(real)
    return Path(real if near.startswith("..") else near).as_posix()


def read_usage(path: Path) -> Usage:
    """Return what the file *path* tells; UsageError where it cannot be read."""
    return discovery.parse_file(path, usage.loads)


def check_usage_file(path: Path) -> None:
    """Raise UsageError where no usage can be added to the file *path*."""
    if path.exists():
        read_usage(path)
    elif not path.parent.is_dir():
        raise UsageError(f"{path}: there is no such folder")


def add_usage(path: Path, more: Usage) -> None:
    """Add *more* to what the file *path* tells, which is made if it is not there.

    UsageError where it is another kind of file, StorageError where it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            told = usage.dumps(usage.merge_usages((read_usage(path), more)))
            file.seek(0)
            file.write(told.encode())
            file.truncate()
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
