"""Exchanges on their way to the disk: redacted and written by a thread of their own, beside the streams."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from mockserver.cassette.model import Exchange, Header
from mockserver.cassette.redaction import Redactor, Rules, told
from mockserver.cassette.secrets import credentials
from mockserver.errors import StorageError
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
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recording")

    def number(self) -> int:
        """Return the number of a request that just came."""
        return next(self._numbers)

    async def ready(self, request: Request) -> None:
        """Make sure that the exchange of *request* has a file to go to; RequestError where it cannot have one."""
        name = cassette_of(request)
        if name not in self._ready:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._tapes.ready, name)
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

    async def keep(self, number: int, request: Request, finish: Callable[[], Exchange]) -> None:
        """Write what *finish* returns, the exchange of *request*; return when it is in the file.

        What cannot be written is told and counted, not raised: the client's answer goes on.
        """
        self.introduce()
        assert self._asked is not None
        await asyncio.shield(self._asked)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._write, number, request, finish)
        except StorageError as error:
            self.kept.lost += 1
            self._complain(f"{error} ({told(request)})")

    async def leave(self) -> None:
        """Ask the upstream nothing more; to be awaited before it is closed."""
        if self._asked is not None and self._asked.cancel():
            with suppress(asyncio.CancelledError):
                await self._asked

    def close(self) -> None:
        """Finish the file; what goes wrong is told."""
        self._thread.shutdown()
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

    def _write(self, number: int, request: Request, finish: Callable[[], Exchange]) -> None:
        secrets = {*credentials(request.headers, request.path), *self._upstream.secrets}
        exchange = Redactor(secrets, self._rules).exchange(finish())
        path = self._tapes.append(cassette_of(request), number, exchange)
        self.kept.files[path] += 1
        self.kept.redacted += exchange.redacted
