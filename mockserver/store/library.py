"""The cassettes of a server: loaded at the start, followed while it runs."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from mockserver.cassette.index import Entry, Index
from mockserver.cassette.model import Exchange, Policy
from mockserver.errors import MockServerError, ReadError
from mockserver.messages import Request
from mockserver.store import files
from mockserver.store.snapshot import NotACassetteError, Snapshot, Stamp, stamp
from mockserver.words import counted

HELD = 48 << 20
"""How many bytes of small files are held in memory together."""

HELD_EACH = 4 << 20
"""How large a file may be to be held."""

LONG = 0.001
"""How many seconds a look at all files may take to be taken with every request that nothing answers."""

SELDOM = 1.0
"""After how many seconds a hit, which looks at its own file alone, makes us look at all of them."""


class Library:
    """All cassettes below *paths*; `index` is always the last good version of each.

    *tell* takes each line that a person should read. Raises ReadError or UsageError where a path or a file
    cannot be read at the start; later a broken edit keeps what was there before.
    """

    def __init__(self, paths: Iterable[Path], policy: Policy, tell: Callable[[str], None]) -> None:
        self._paths = tuple(paths)
        self._policy = policy
        self._tell = tell
        self._snapshots: dict[str, Snapshot] = {}
        self._places: dict[str, Path] = {}
        self._seen: dict[str, Stamp] = {}
        self._held = 0
        self._checked = 0.0
        self._pause = 0.0
        there = files.found(self._paths)
        self._order = list(there)
        for name, (path, named) in there.items():
            self._load(name, path, named=named)
        self.index = self._indexed()

    def exchange(self, entry: Entry) -> Exchange:
        """Return the exchange at *entry*; ReadError where it cannot be read."""
        return self._snapshots[entry.cassette].exchange(entry)

    def request(self, entry: Entry) -> Request:
        """Return the recorded request at *entry*."""
        return self._snapshots[entry.cassette].request(entry)

    def current(self, entry: Entry) -> bool:
        """Tell whether the file of *entry* is still as it was loaded; follow it if not.

        From time to time this looks at all the other files too.
        """
        if time.monotonic() > self._checked + SELDOM and self.follow():
            return False
        name = entry.cassette
        try:
            now = stamp(os.stat(self._places[name]))  # noqa: PTH116 (a third of the time of Path.stat)
        except OSError:
            now = (0, 0, 0)
        if now == self._seen[name]:
            return True
        return not self.follow(force=True)

    def follow(self, *, force: bool = False) -> bool:
        """Pick up edited, new and removed files; tell whether there were any.

        Without *force*, where that takes long it is done seldom enough to take a tenth of the time at the most.
        """
        started = time.monotonic()
        if not force and started < self._checked + self._pause:
            return False
        changed = self._follow()
        self._checked = time.monotonic()
        spent = self._checked - started
        self._pause = 10 * spent if spent > LONG else 0.0
        if changed:
            self.index = self._indexed()
        return changed

    def _follow(self) -> bool:
        try:
            there = files.found(path for path in self._paths if path.exists())
        except (MockServerError, OSError):
            return False
        self._order = list(there)
        changed = False
        for name in [name for name in self._snapshots if name not in there]:
            self._tell(f"{name}: is gone, its exchanges are not served any more")
            self._held -= self._snapshots[name].held
            del self._snapshots[name], self._seen[name], self._places[name]
            changed = True
        for name, (path, named) in there.items():
            changed |= self._pick_up(name, path, named=named)
        return changed

    def _pick_up(self, name: str, path: Path, *, named: bool) -> bool:
        try:
            now = stamp(path.stat())
            if self._seen.get(name) == now:
                return False
            self._seen[name] = now
            self._load(name, path, named=named and name not in self._snapshots)
        except ReadError as error:
            kept = "; the version before is kept" if name in self._snapshots else ""
            self._tell(f"{error}{kept}")
            return False
        except OSError as error:
            self._tell(f"{name}: {error.strerror}")
            return False
        if name in self._snapshots:
            count = len(self._snapshots[name].cassette.entries)
            self._tell(f"{name}: read again, {counted(count, 'exchange')}")
        return name in self._snapshots

    def _load(self, name: str, path: Path, *, named: bool) -> None:
        try:
            snapshot = Snapshot(path, name, self._policy, HELD_EACH if self._held < HELD else 0)
        except OSError as error:
            raise ReadError(f"cannot be read: {error.strerror}", file=str(path)) from None
        except ReadError as error:
            known = named or name in self._snapshots
            if isinstance(error, NotACassetteError) and not known:
                self._tell(f"{name}: skipped, it is no cassette (no `mockserver:` in it)")
                self._places[name], self._seen[name] = path, stamp(path.stat())
                return
            raise ReadError(error.message, line=error.line, file=str(path)) from None
        before = self._snapshots.get(name)
        if before is not None and before.held and snapshot.held:
            snapshot.check(before)
        for note in snapshot.notes:
            self._tell(note)
        self._held += snapshot.held - (before.held if before else 0)
        self._snapshots[name] = snapshot
        self._places[name], self._seen[name] = path, snapshot.stamp

    def _indexed(self) -> Index:
        ordered = (name for name in self._order if name in self._snapshots)
        return Index(tuple(self._snapshots[name].cassette for name in ordered))
