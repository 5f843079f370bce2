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
from mockserver.cassette.recorder import MAX_SIZE, Recorder
from mockserver.errors import (
    OUT_OF_FILES,
    MockServerError,
    OutOfFilesError,
    SlowPatternError,
    StorageError,
)
from mockserver.http.messages import Request, cassette_name
from mockserver.redaction.patterns import find_credentials
from mockserver.redaction.redactor import RedactionRules, describe
from mockserver.redaction.rules import discard
from mockserver.server.exchange_text import LARGE, Draft, Writers
from mockserver.server.log import Log
from mockserver.server.upstream import Upstream
from mockserver.store.writers import CassetteWriters

_TRIES = 30
_PAUSE = 0.1
"""How often, and after how many seconds, a file is opened again where files have run out."""

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
    """Keeps exchanges on *tapes*. *log* takes each line that a person should read.

    *header* is that of a new file; the versions that the *upstream* tells of itself are added to it.
    """

    def __init__(
        self,
        tapes: Callable[[Callable[[], Header]], CassetteWriters],
        header: Header,
        upstream: Upstream,
        rules: RedactionRules,
        log: Log,
    ) -> None:
        self.kept = Kept()
        self._header = header
        self._tapes = tapes(lambda: self._header)
        self._ready: set[str | None] = set()
        self._upstream = upstream
        self._rules = replace(rules, report=discard)  # a process of its own cannot tell anybody
        self._log = log
        self._numbers = count()
        self._asked: asyncio.Task[None] | None = None
        # One exchange that takes long must not keep the others from the disk.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="recording")
        self._one_at_a_time = Lock()
        self._writers = Writers()

    def number(self) -> int:
        """Return the number of a request that just came."""
        return next(self._numbers)

    async def ready(self, request: Request) -> None:
        """Make sure that the exchange of *request* has a file to go to; RequestError where it cannot have one."""
        name = cassette_name(request)
        if name not in self._ready:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._open, name)
            self._ready.add(name)

    async def close_idle_files(self) -> None:
        """Close the files that nothing is written to at the moment; they are opened again when they are needed."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._close_idle)

    def introduce(self) -> None:
        """Ask the upstream for its versions, once; it has just answered, so it is there."""
        if self._asked is None:
            self._asked = asyncio.create_task(self._ask())

    def pass_over(self, request: Request, status: int) -> None:
        """Tell that the answer to *request* is not kept."""
        self._log.tell(
            f"not recorded: {describe(request)} was answered {status} (--record-errors keeps it)"
        )

    def lose(self, request: Request, error: MockServerError) -> None:
        """Count the exchange of *request* as one that cannot be recorded, and tell the *error*."""
        self.kept.lost += 1
        if isinstance(error, OutOfFilesError):
            self._log.tell_once(OUT_OF_FILES)
            self.kept.troubles = self.kept.troubles or [OUT_OF_FILES]
        elif isinstance(error, SlowPatternError):
            self._complain(f"not recorded: {describe(request)}: {error}")
        else:
            self._complain(f"{error} ({describe(request)})")

    async def keep(
        self, number: int, request: Request, recorder: Recorder, at: float, *, cut: bool
    ) -> None:
        """Write the exchange of *request* that *recorder* has collected, and that ended *at* that time or was *cut* then.

        Return when it is in the file. What cannot be written is told and counted, not raised: the client's answer goes on.
        """
        self.introduce()
        assert self._asked is not None
        await asyncio.shield(self._asked)
        secrets = frozenset(
            (*find_credentials(request.headers, request.path), *self._upstream.secrets)
        )
        draft = Draft(partial(recorder.finish, at, cut=cut), secrets, self._rules)
        name = cassette_name(request)
        try:
            if recorder.size > MAX_SIZE:
                raise StorageError(f"not recorded: it is larger than {MAX_SIZE >> 20} MB")
            if recorder.size < LARGE:
                await self._in_thread(self._write, name, number, draft)
            else:
                await self._in_thread(
                    self._append, name, number, *await self._writers.written(draft)
                )
        except MockServerError as error:
            self.lose(request, error)
        except asyncio.CancelledError:
            # The stop did not wait for it any longer, and has said so.
            self.kept.lost += 1
            self.kept.troubles.append(f"not recorded in time for the stop: {describe(request)}")
            raise

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
        self._log.tell(trouble)

    async def _ask(self) -> None:
        self._header = replace(self._header, server=await self._upstream.info())

    async def _in_thread(self, write: Callable[..., None], *arguments: object) -> None:
        """Call *write* in a thread; where files have run out, again a little later: others are closed meanwhile."""
        loop = asyncio.get_running_loop()
        for _ in range(_TRIES):
            try:
                return await loop.run_in_executor(self._threads, write, *arguments)
            except OutOfFilesError:
                await asyncio.sleep(_PAUSE)
        return await loop.run_in_executor(self._threads, write, *arguments)

    def _open(self, name: str | None) -> None:
        with self._one_at_a_time:
            self._tapes.prepare(name)

    def _close_idle(self) -> None:
        with self._one_at_a_time:
            self._tapes.close_idle()

    def _write(self, name: str | None, number: int, draft: Draft) -> None:
        self._append(name, number, *draft.written())

    def _append(self, name: str | None, number: int, document: bytes, redacted: int) -> None:
        with self._one_at_a_time:
            path = self._tapes.append(name, number, document)
            self.kept.files[path] += 1
            self.kept.redacted += redacted
