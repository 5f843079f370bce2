"""Exchanges on their way to the disk: redacted and written beside the streams, by threads; large ones by processes."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from threading import Lock

from mockserver.cassette.model import Header
from mockserver.cassette.recorder import LARGEST, Recorder
from mockserver.cassette.redaction import Rules, told
from mockserver.cassette.secrets import credentials
from mockserver.errors import MockServerError, OutOfFilesError, StorageError
from mockserver.exchange_text import LARGE, Draft, Writers
from mockserver.messages import Request, cassette_of
from mockserver.store.tapes import Tapes
from mockserver.upstream import Upstream

TOLD = 3
"""How many troubles are remembered; all are told when they come."""


@dataclass
class Kept:
    """What a recording came to; *files* counts the exchanges of each, *troubles* says what could not be kept or finished first."""

    files: Counter[Path] = field(default_factory=Counter)
    redacted: int = 0
    lost: int = 0
    troubles: list[str] = field(default_factory=list)

    @property
    def exchanges(self) -> int:
        """How many exchanges were written."""
        return self.files.total()


class Recording:
    """Keeps exchanges on *tapes*. *tell* takes each line that a person should read.

    *header* is that of a new file; the versions that the *upstream* tells of itself are added to it.
    """

    def __init__(
        self,
        tapes: Callable[[Callable[[], Header]], Tapes],
        header: Header,
        upstream: Upstream,
        rules: Rules,
        tell: Callable[[str], None],
    ) -> None:
        self.kept = Kept()
        self._header = header
        self._tapes = tapes(lambda: self._header)
        self._ready: set[str | None] = set()
        self._upstream = upstream
        self._rules = rules
        self._tell = tell
        self._numbers = count()
        self._asked: asyncio.Task[None] | None = None
        self._is_out_of_files = False
        # One exchange that takes long must not keep the others from the disk.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="recording")
        self._one_at_a_time = Lock()
        self._writers = Writers()

    def number(self) -> int:
        """Return the number of a request that just came."""
        return next(self._numbers)

    async def ready(self, request: Request) -> None:
        """Make sure that the exchange of *request* has a file to go to; RequestError where it cannot have one."""
        name = cassette_of(request)
        if name not in self._ready:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._open, name)
            self._ready.add(name)

    def introduce(self) -> None:
        """Ask the upstream for its versions, once; it has just answered, so it is there."""
        if self._asked is None:
            self._asked = asyncio.create_task(self._ask())

    def pass_over(self, request: Request, status: int) -> None:
        """Tell that the answer to *request* is not kept."""
        self._tell(
            f"not recorded: {told(request)} was answered {status} (--record-errors keeps it)"
        )

    def lose(self, request: Request, error: MockServerError) -> None:
        """Count the exchange of *request* as one that cannot be recorded, and tell the *error*."""
        self.kept.lost += 1
        if not isinstance(error, OutOfFilesError):
            self._complain(f"{error} ({told(request)})")
        elif not self._is_out_of_files:
            self._is_out_of_files = True
            self._complain(str(error))

    async def keep(
        self, number: int, request: Request, recorder: Recorder, at: float, *, cut: bool
    ) -> None:
        """Write the exchange of *request* that *recorder* has collected, and that ended *at* that time or was *cut* then.

        Return when it is in the file. What cannot be written is told and counted, not raised: the client's answer goes on.
        """
        self.introduce()
        assert self._asked is not None
        await asyncio.shield(self._asked)
        secrets = frozenset((*credentials(request.headers, request.path), *self._upstream.secrets))
        draft = Draft(partial(recorder.finish, at, cut=cut), secrets, self._rules)
        run = partial(asyncio.get_running_loop().run_in_executor, self._threads)
        name = cassette_of(request)
        try:
            if recorder.size > LARGEST:
                raise StorageError(f"not recorded: it is larger than {LARGEST >> 20} MB")
            if recorder.size < LARGE:
                await run(self._write, name, number, draft)
            else:
                await run(self._append, name, number, *await self._writers.written(draft))
        except MockServerError as error:
            self.lose(request, error)

    async def leave(self) -> None:
        """Ask the upstream nothing more; to be awaited before it is closed."""
        if self._asked is not None and self._asked.cancel():
            with suppress(asyncio.CancelledError):
                await self._asked

    def close(self) -> None:
        """Finish the file; what goes wrong is told."""
        self._threads.shutdown()
        try:
            self._tapes.close()
        except StorageError as error:
            self._complain(str(error))

    def _complain(self, trouble: str) -> None:
        if len(self.kept.troubles) < TOLD:
            self.kept.troubles.append(trouble)
        self._tell(trouble)

    async def _ask(self) -> None:
        self._header = replace(self._header, server=await self._upstream.info())

    def _open(self, name: str | None) -> None:
        with self._one_at_a_time:
            self._tapes.ready(name)

    def _write(self, name: str | None, number: int, draft: Draft) -> None:
        self._append(name, number, *draft.written())

    def _append(self, name: str | None, number: int, document: bytes, redacted: int) -> None:
        with self._one_at_a_time:
            path = self._tapes.append(name, number, document)
            self.kept.files[path] += 1
            self.kept.redacted += redacted
