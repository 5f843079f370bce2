"""The cassettes of a server: loaded at the start and reloaded when their files change."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mockserver.cassette.model import Exchange, Policy, Response
from mockserver.errors import MockServerError, ReadError
from mockserver.formats.wording import pluralize
from mockserver.http.messages import Request
from mockserver.matching.index import Entry, Index
from mockserver.store import discovery
from mockserver.store.cassette_file import CassetteFile, Stamp, current_stamp
from mockserver.store.index_reader import NotACassetteError

INTERVAL = 1.0
"""Seconds after which a hit, which checks its own file only, starts a check of all files."""

MAX_IN_MEMORY = 16 << 20
"""The maximum number of bytes of all files in memory."""

MAX_FILE_IN_MEMORY = 4 << 20
"""The maximum size of one file in memory."""

Files = Mapping[str, tuple[str, bool]]
"""Files by name: the path and whether the user named the file itself; see `discovery.find_files`."""


class Library:
    """All cassettes below *paths*; `index` holds the last good version of each.

    *report* gets each line for the user. Raises ReadError or UsageError if a path or a file cannot be read at the
    start. After the start, a file that cannot be read keeps its last good version.
    """

    def __init__(
        self, paths: Iterable[Path], policy: Policy, report: Callable[[str], None]
    ) -> None:
        self._paths = tuple(paths)
        self._report = report
        self._next_check = 0.0
        self._checks = 0
        self._lock = asyncio.Lock()
        self._background_check: asyncio.Task[bool] | None = None
        state = LibraryState(policy)
        state.load(discovery.find_files(self._paths))
        self._use(state)

    def load_exchange(self, entry: Entry) -> Exchange:
        """Return the exchange of *entry*; ReadError if it cannot be read."""
        return self._state.cassette_files[entry.cassette].load_exchange(entry)

    def read_document(self, entry: Entry) -> bytes:
        """Return the text of the exchange of *entry*; ReadError if it cannot be read."""
        return self._state.cassette_files[entry.cassette].read_document(entry)

    def load_response(self, entry: Entry) -> Response:
        """Return the response of *entry*; ReadError if it cannot be read."""
        return self._state.cassette_files[entry.cassette].load_response(entry)

    def get_upstream(self, entry: Entry) -> str | None:
        """Return the URL of the server that *entry* was recorded from, if its cassette says it."""
        return self._state.cassette_files[entry.cassette].header.upstream

    def load_request(self, entry: Entry) -> Request:
        """Return the recorded request of *entry*."""
        return self._state.cassette_files[entry.cassette].load_request(entry)

    def find_line(self, entry: Entry) -> int:
        """Return the line of its file on which *entry* begins, from 1."""
        return self._state.cassette_files[entry.cassette].find_line(entry)

    def get_path(self, name: str) -> str:
        """Return the path of the cassette *name*."""
        return self._state.paths[name]

    def is_fresh(self, entry: Entry) -> bool:
        """Return whether the file of *entry* is unchanged since it was loaded.

        Once per INTERVAL this also starts a check of all other files in the background.
        """
        if time.monotonic() > self._next_check:
            self._next_check = time.monotonic() + INTERVAL
            self._background_check = asyncio.create_task(self.reload_if_changed())
        name, state = entry.cassette, self._state
        return current_stamp(state.paths[name]) == state.stamps[name]

    async def reload_if_changed(self) -> bool:
        """Load edited and new files, drop removed ones; return whether the index changed.

        Files are checked and read in a thread, so that other requests go on meanwhile.
        """
        if not self._paths:
            return False
        checks, index = self._checks, self.index
        async with self._lock:
            # A check that began while this one waited has seen the same files.
            if self._checks == checks:
                self._checks += 1
                state = await asyncio.to_thread(self._reloaded)
                if state is not None:
                    self._use(state)
        return self.index is not index

    async def report_data(self) -> None:
        """Report the events of the loaded files whose data is not JSON.

        The files are read in a thread, since this takes as long as all other work of a start.
        """
        files = list(self._state.cassette_files.values())
        for file in files:
            for problem in await asyncio.to_thread(list, file.find_problems()):
                if problem.code == "not-json":
                    self._report(str(problem))

    def _reloaded(self) -> "LibraryState | None":
        """Return the state with the files that are below the paths now, or None if they are unchanged."""
        try:
            paths = map(discovery.find_existing, self._paths)
            files = discovery.find_files(path for path in paths if path.exists())
        except (MockServerError, OSError):
            return None
        return self._state.reload(files) if self._state.differs_from(files) else None

    def _use(self, state: "LibraryState") -> None:
        self._state = state
        self.index = state.index
        for note in state.notes:
            self._report(note)


@dataclass(slots=True)
class LibraryState:
    """The loaded files by name, the *index* of their requests, and *notes* for the user.

    *stamps* are those of all files found, loaded or not.
    """

    policy: Policy
    cassette_files: dict[str, CassetteFile] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    index: Index = field(default_factory=Index)
    notes: list[str] = field(default_factory=list)
    bytes_in_memory: int = 0

    def differs_from(self, files: Files) -> bool:
        """Return whether *files* are other files than the loaded ones, or have changed."""
        return list(files) != list(self.paths) or any(
            current_stamp(path) != self.stamps[name] for name, (path, _) in files.items()
        )

    def load(self, files: Files) -> None:
        """Load all *files*; ReadError for the first one that cannot be read."""
        for name, (path, is_explicit) in files.items():
            self._load_file(name, path, is_explicit=is_explicit)
        self._set_index(self.index)

    def reload(self, files: Files) -> "LibraryState":
        """Return the state with the edited, new and removed files of *files* taken into account.

        Only changed files are read. A file that cannot be read keeps its last good version, with a note.
        """
        state = LibraryState(self.policy, bytes_in_memory=self.bytes_in_memory)
        for name in self.cassette_files:
            if name not in files:
                state.notes.append(
                    f"{name}: the file was removed, its exchanges are no longer served"
                )
                state.bytes_in_memory -= self.cassette_files[name].bytes_in_memory
        for name, (path, is_explicit) in files.items():
            if name in self.cassette_files:
                state.cassette_files[name] = self.cassette_files[name]
            state.paths[name] = path
            now = current_stamp(path)
            if self.stamps.get(name) != now:
                state._reload_file(
                    name, path, is_explicit=is_explicit and name not in self.cassette_files
                )
            state.stamps.setdefault(name, now)
        state._set_index(self.index)
        return state

    def _reload_file(self, name: str, path: str, *, is_explicit: bool) -> None:
        previous = self.cassette_files.get(name)
        try:
            self._load_file(name, path, is_explicit=is_explicit)
        except ReadError as error:
            suffix = "; the last good version stays in use" if previous else ""
            self.notes.append(f"{error}{suffix}")
            return
        if name in self.cassette_files:
            count = len(self.cassette_files[name].cassette.entries)
            self.notes.append(f"{name}: reloaded, {pluralize(count, 'exchange')}")
            self.notes += map(str, self.cassette_files[name].find_problems(previous))

    def _load_file(self, name: str, path: str, *, is_explicit: bool) -> None:
        previous = self.cassette_files.get(name)
        max_in_memory = MAX_FILE_IN_MEMORY if self.bytes_in_memory < MAX_IN_MEMORY else 0
        self.paths[name] = path
        try:
            cassette_file = CassetteFile(Path(path), name, self.policy, max_in_memory, previous)
        except OSError as error:
            raise ReadError(f"cannot be read: {error.strerror}", file=path) from None
        except ReadError as error:
            if isinstance(error, NotACassetteError) and not is_explicit and previous is None:
                self.notes.append(f"{name}: skipped, {error.skip_reason}")
                self.stamps[name] = current_stamp(path)
                return
            raise ReadError(error.message, line=error.line, file=path) from None
        self.notes += cassette_file.notes
        self.bytes_in_memory += cassette_file.bytes_in_memory - (
            previous.bytes_in_memory if previous else 0
        )
        self.cassette_files[name] = cassette_file
        self.stamps[name] = cassette_file.stamp

    def _set_index(self, previous: Index) -> None:
        """Index the loaded cassettes; keep the *previous* index if it has the same ones."""
        files = self.cassette_files
        cassettes = tuple(files[name].cassette for name in self.paths if name in files)
        is_same = list(map(id, cassettes)) == list(map(id, previous.cassettes))
        self.index = previous if is_same else Index(cassettes)
