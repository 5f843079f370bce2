"""The cassettes of a server: loaded at the start and reloaded when their files change."""

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from mockserver.cassette.model import Exchange, Policy
from mockserver.cassette.playback import Playback
from mockserver.errors import MockServerError
from mockserver.http.messages import Request
from mockserver.matching.index import Entry
from mockserver.store import discovery
from mockserver.store.library_state import Files, LibraryState

INTERVAL = 1.0
"""Seconds after which a hit, which checks its own file only, starts a check of all files."""


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
        self._use(LibraryState(policy).load(discovery.find_files(self._paths)))

    def exchange(self, entry: Entry) -> Exchange:
        """Return the exchange of *entry*; ReadError if it cannot be read."""
        return self._state.cassette_files[entry.cassette].exchange(entry)

    def playback(self, entry: Entry) -> Playback:
        """Return the playback of the response of *entry*; ReadError if it cannot be read."""
        return self._state.cassette_files[entry.cassette].playback(entry)

    def request(self, entry: Entry) -> Request:
        """Return the recorded request of *entry*."""
        return self._state.cassette_files[entry.cassette].request(entry)

    def path(self, name: str) -> str:
        """Return the path of the cassette *name*."""
        return self._state.paths[name]

    def is_fresh(self, entry: Entry) -> bool:
        """Return whether the file of *entry* is unchanged since it was loaded.

        Once per INTERVAL this also starts a check of all other files in the background.
        """
        if time.monotonic() > self._next_check:
            self._next_check = time.monotonic() + INTERVAL
            self._background_check = asyncio.create_task(self.reload_if_changed())
        return self._state.is_fresh(entry.cassette)

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

    def _reloaded(self) -> LibraryState | None:
        files = self._changed_files()
        return None if files is None else self._state.reload(files)

    def _changed_files(self) -> Files | None:
        """Return the files below the paths, or None if they are unchanged."""
        try:
            files = discovery.find_files(path for path in self._paths if path.exists())
        except (MockServerError, OSError):
            return None
        return files if self._state.differs_from(files) else None

    def _use(self, state: LibraryState) -> None:
        self._state = state
        self.index = state.index
        for note in state.notes:
            self._report(note)
