"""All files of a server as they were when they were loaded; a change makes another shelf of them, which shares the rest."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import is_
from pathlib import Path

from mockserver.cassette.model import Policy
from mockserver.errors import ReadError
from mockserver.formats.wording import pluralize
from mockserver.matching.index import Index
from mockserver.store.cassette_file import CassetteFile, Stamp, stamp_from
from mockserver.store.reader import NotACassetteError

MAX_IN_MEMORY = 16 << 20
"""How many bytes of small files are held in memory together."""

MAX_FILE_IN_MEMORY = 4 << 20
"""How large a file may be to be held."""

Files = Mapping[str, tuple[str, bool]]
"""Files by their names: the path of each, and whether it was named outright, as `files.found` gives them."""


@dataclass(slots=True)
class LibraryState:
    """The loaded files by their names, the *index* of their requests, and the *notes* that were made on the way.

    *stamps* are those of all files that were looked at, loaded or not.
    """

    policy: Policy
    cassette_files: dict[str, CassetteFile] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    index: Index = field(default_factory=Index)
    notes: list[str] = field(default_factory=list)
    bytes_in_memory: int = 0

    def is_fresh(self, name: str) -> bool:
        """Tell whether the file *name* is still as it was loaded."""
        try:
            now = os.stat(self.paths[name])  # noqa: PTH116 (a third of the time of Path.stat)
        except OSError:
            return False
        known = self.stamps[name]
        return (now.st_mtime_ns, now.st_size, now.st_ino) == (known[2], known[1], known[0])

    def differs_from(self, there: Files) -> bool:
        """Tell whether the files that are *there* are others, or otherwise."""
        return list(there) != list(self.paths) or any(
            _stamp(path) != self.stamps[name] for name, (path, _) in there.items()
        )

    def load(self, there: Files) -> "LibraryState":
        """Return the shelf of the files that are *there*; ReadError for the first that cannot be read."""
        shelf = LibraryState(self.policy)
        for name, (path, named) in there.items():
            shelf._load(name, path, named=named)
        return shelf._indexed(Index())

    def reload(self, there: Files) -> "LibraryState":
        """Return the shelf after edited, new and removed files were picked up from what is *there*.

        Only changed files are read. A file that cannot be read keeps its last good version, with a note.
        """
        shelf = LibraryState(self.policy, bytes_in_memory=self.bytes_in_memory)
        for name in self.cassette_files:
            if name not in there:
                shelf.notes.append(f"{name}: is gone, its exchanges are not served any more")
                shelf.bytes_in_memory -= self.cassette_files[name].bytes_in_memory
        for name, (path, named) in there.items():
            if name in self.cassette_files:
                shelf.cassette_files[name] = self.cassette_files[name]
            shelf.paths[name] = path
            now = _stamp(path)
            if self.stamps.get(name) != now:
                shelf._pick_up(name, path, named=named and name not in self.cassette_files)
            shelf.stamps.setdefault(name, now)
        return shelf._indexed(self.index)

    def _pick_up(self, name: str, path: str, *, named: bool) -> None:
        known = name in self.cassette_files
        try:
            self._load(name, path, named=named)
        except ReadError as error:
            kept = "; the version before is kept" if known else ""
            self.notes.append(f"{error}{kept}")
            return
        if name in self.cassette_files:
            count = len(self.cassette_files[name].cassette.entries)
            self.notes.append(f"{name}: read again, {pluralize(count, 'exchange')}")

    def _load(self, name: str, path: str, *, named: bool) -> None:
        before = self.cassette_files.get(name)
        hold = MAX_FILE_IN_MEMORY if self.bytes_in_memory < MAX_IN_MEMORY else 0
        self.paths[name] = path
        try:
            snapshot = CassetteFile(Path(path), name, self.policy, hold, before)
        except OSError as error:
            raise ReadError(f"cannot be read: {error.strerror}", file=path) from None
        except ReadError as error:
            if isinstance(error, NotACassetteError) and not named and before is None:
                self.notes.append(f"{name}: skipped, {error.skip_reason}")
                self.stamps[name] = _stamp(path)
                return
            raise ReadError(error.message, line=error.line, file=path) from None
        self.notes += snapshot.notes
        self.bytes_in_memory += snapshot.bytes_in_memory - (before.bytes_in_memory if before else 0)
        self.cassette_files[name] = snapshot
        self.stamps[name] = snapshot.stamp
        self.paths[name] = path

    def _indexed(self, before: Index) -> "LibraryState":
        there = [
            self.cassette_files[name].cassette for name in self.paths if name in self.cassette_files
        ]
        same = len(there) == len(before.cassettes) and all(map(is_, there, before.cassettes))
        self.index = before if same else Index(tuple(there))
        return self


def _stamp(path: str) -> Stamp:
    try:
        return stamp_from(os.stat(path))  # noqa: PTH116 (a third of the time of Path.stat)
    except OSError:
        return 0, 0, 0
