"""The cassettes of a server: loaded at the start, followed while it runs, beside the requests that it answers."""

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
from mockserver.store.library_state import Files, Shelf

FEW = 64
"""How many files are looked at so quickly that it needs no thread of its own."""

LONG = 0.001
"""How many seconds a look at all files may take to be taken with every request that nothing answers."""

SELDOM = 1.0
"""After how many seconds a hit, which looks at its own file alone, makes us look at all of them."""

_RARELY = 50
"""How much more seldom that is than a look for a request that nothing answers, where it takes long."""

_WORK = 0.001
"""For how many seconds a file is read while the requests wait; as long they have their turn."""


class Library:
    """All cassettes below *paths*; `index` is always the last good version of each.

    *tell* takes each line that a person should read. Raises ReadError or UsageError where a path or a file
    cannot be read at the start; later a broken edit keeps what was there before.
    """

    def __init__(self, paths: Iterable[Path], policy: Policy, tell: Callable[[str], None]) -> None:
        self._paths = tuple(paths)
        self._tell = tell
        self._looked = 0.0
        self._next_look = 0.0
        self._fresh: set[str] = set()
        self._pause = 0.0
        self._looks = 0
        self._one_at_a_time = asyncio.Lock()
        self._look: asyncio.Task[bool] | None = None
        self._take(Shelf(policy).filled(discovery.found(self._paths)))

    def exchange(self, entry: Entry) -> Exchange:
        """Return the exchange at *entry*; ReadError where it cannot be read."""
        return self._shelf.snapshots[entry.cassette].exchange(entry)

    def playback(self, entry: Entry) -> Playback:
        """Return how the answer at *entry* is played; ReadError where it cannot be read."""
        return self._shelf.snapshots[entry.cassette].playback(entry)

    def request(self, entry: Entry) -> Request:
        """Return the recorded request at *entry*."""
        return self._shelf.snapshots[entry.cassette].request(entry)

    def path(self, name: str) -> str:
        """Return where the cassette *name* is."""
        return self._shelf.paths[name]

    def is_current(self, entry: Entry) -> bool:
        """Tell whether the file of *entry* is still as it was loaded.

        A file is looked at once in a turn of the event loop: what is answered in one turn was asked before it. From time to time this has
        all the other files looked at too, beside what goes on.
        """
        if entry.cassette in self._fresh:
            return True
        loop = asyncio.get_running_loop()
        if time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + max(SELDOM, _RARELY * self._pause)
            self._look = loop.create_task(self.follow(force=True))
        if not self._shelf.is_current(entry.cassette):
            return False
        if not self._fresh:
            loop.call_soon(self._fresh.clear)
        self._fresh.add(entry.cassette)
        return True

    async def follow(self, *, force: bool = False) -> bool:
        """Pick up edited, new and removed files; tell whether there were any.

        Without *force*, where that takes long it is done seldom enough to take a tenth of the time at the most. What takes long is
        done in a thread, so that other requests go on.
        """
        if not self._paths or (not force and time.monotonic() < self._looked + self._pause):
            return False
        looks, index = self._looks, self.index
        async with self._one_at_a_time:
            # Who waits takes what another look has found meanwhile, if that began after the wait.
            if self._looks == looks:
                await self._followed()
        return self.index is not index

    async def _followed(self) -> None:
        self._looks += 1
        started = time.monotonic()
        few = len(self._shelf.paths) <= FEW
        there = self._changed() if few else await asyncio.to_thread(self._changed)
        self._looked = time.monotonic()
        spent = self._looked - started
        self._pause = spent * (10 if spent > LONG else 3)
        if there is not None:
            self._take(await asyncio.to_thread(self._shelf.followed, there, _Rest()))

    def _changed(self) -> Files | None:
        """Return the files that are there, None where all is as it was."""
        try:
            there = discovery.found(path for path in self._paths if path.exists())
        except (MockServerError, OSError):
            return None
        return there if self._shelf.differs(there) else None

    def _take(self, shelf: Shelf) -> None:
        self._fresh.clear()
        self._shelf = shelf
        self.index = shelf.index
        for note in shelf.notes:
            self._tell(note)


class _Rest:
    """Lets other threads have their turn now and then."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._since > _WORK:
            time.sleep(_WORK)
            self._since = time.monotonic()
