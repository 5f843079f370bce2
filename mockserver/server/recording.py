"""Redact recorded exchanges and write them to disk in background threads, large ones in separate processes."""

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

from mockserver.cassette.model import Ending, Header
from mockserver.cassette.recorder import MAX_SIZE, Recorder
from mockserver.cassette.thread_streams import RunCounter
from mockserver.errors import (
    OUT_OF_FILES,
    MockServerError,
    OutOfFilesError,
    SlowPatternError,
    StorageError,
)
from mockserver.formats.wording import pluralize
from mockserver.http.content_coding import find_codings
from mockserver.http.messages import Headers, Request, cassette_name, first_value
from mockserver.redaction.credentials import find_credentials, find_ordinary_credentials
from mockserver.redaction.redactor import RedactionRules, describe
from mockserver.redaction.rules import discard
from mockserver.server.exchange_serializer import (
    LARGE,
    PendingExchange,
    ProcessPool,
    SerializedExchange,
)
from mockserver.server.log import Log
from mockserver.server.upstream import Upstream
from mockserver.store.target_writers import CassetteWriters

_RETRIES = 30
_RETRY_DELAY = 0.1
"""How often, and after how many seconds, opening a file is retried while too many files are open."""

MAX_ERRORS = 3
"""How many errors are kept; all of them are logged."""


@dataclass
class Stats:
    """The outcome of a recording."""

    files: Counter[Path] = field(default_factory=Counter)
    """The number of exchanges per file."""
    redacted: int = 0
    """The number of redacted secrets."""
    failed: int = 0
    """The number of exchanges that could not be recorded."""
    errors: list[str] = field(default_factory=list)
    """The first errors."""

    @property
    def exchanges(self) -> int:
        """The number of written exchanges."""
        return self.files.total()


class Recording:
    """Saves exchanges with the writer that *create_writer* returns.

    A new file gets *header*, extended by the versions that the *upstream* reports. *log* gets the lines for people.
    """

    def __init__(
        self,
        create_writer: Callable[[Callable[[], Header]], CassetteWriters],
        header: Header,
        upstream: Upstream,
        rules: RedactionRules,
        log: Log,
    ) -> None:
        self.stats = Stats()
        self._header = header
        self._writer = create_writer(lambda: self._header)
        self._prepared: set[str | None] = set()
        self._upstream = upstream
        self._rules = replace(rules, report=discard)  # a separate process cannot log
        self._log = log
        self._numbers = count()
        self._server_info: asyncio.Task[None] | None = None
        # A slow exchange must not delay the others.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="recording")
        self._writer_lock = Lock()
        self._runs = RunCounter()
        self._processes = ProcessPool()

    def next_number(self) -> int:
        """Return the next number of a request, in order of arrival."""
        return next(self._numbers)

    async def prepare_file(self, request: Request) -> None:
        """Open the file for the exchange of *request*; raise RequestError if its cassette name is invalid."""
        name = cassette_name(request)
        if name not in self._prepared:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._open, name)
            self._prepared.add(name)

    async def close_idle_files(self) -> None:
        """Close the files that are not in use; they are opened again when needed."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._close_idle)

    def fetch_server_info(self) -> None:
        """Start to fetch the versions of the upstream, once; call this after its first response."""
        if self._server_info is None:
            self._server_info = asyncio.create_task(self._add_server_info())

    def report_compressed(self, request: Request, response_headers: Headers) -> None:
        """Log that a body of the exchange is recorded compressed, if it is."""
        for what, headers in (("request", request.headers), ("response", response_headers)):
            if find_codings(headers):
                coding = first_value(headers, "content-encoding")
                self._log.write_once(
                    f"{describe(request)}: the {what} is recorded as it is, compressed ({coding}): secrets in it are not found"
                )

    def skip(self, request: Request, status: int) -> None:
        """Log that the response to *request* is not recorded because of its *status*."""
        key = " without a credential: set MOCKSERVER_UPSTREAM_API_KEY" if status == 401 else ""
        self._log.write(
            f"not recorded: {describe(request)} got status {status}{key} (record it with --record-errors)"
        )

    def skip_unanswered(self, request: Request) -> None:
        """Log that *request* is not recorded because there was no response to it."""
        self._log.write(f"not recorded: {describe(request)} had no response yet")

    def fail(self, request: Request, error: MockServerError) -> None:
        """Count and log that the exchange of *request* cannot be recorded because of *error*."""
        self.stats.failed += 1
        if isinstance(error, OutOfFilesError):
            self._log.write_once(OUT_OF_FILES)
            self.stats.errors = self.stats.errors or [OUT_OF_FILES]
        elif isinstance(error, SlowPatternError):
            self._report(f"not recorded: {describe(request)}: {error}")
        else:
            self._report(f"{error} ({describe(request)})")

    async def save(
        self, number: int, request: Request, recorder: Recorder, at: float, how: Ending
    ) -> None:
        """Write the exchange of *request* that *recorder* has collected; *how* it ended *at* this time.

        Return when it is in the file. Errors are logged and counted, not raised, so that the client still gets its response.
        """
        self.fetch_server_info()
        assert self._server_info is not None
        await asyncio.shield(self._server_info)
        for header in find_ordinary_credentials(request.headers):
            self._log.write_once(
                f"the credential in {header} is short or an ordinary word: it is removed from this header alone"
            )
        secrets = frozenset(
            (*find_credentials(request.headers, request.path), *self._upstream.secrets)
        )
        exchange = PendingExchange(partial(recorder.finish, at, how), secrets, self._rules)
        name = cassette_name(request)
        try:
            if recorder.size > MAX_SIZE:
                raise StorageError(f"not recorded: the exchange is larger than {MAX_SIZE >> 20} MB")
            if recorder.size < LARGE:
                await self._run_in_thread(self._write, name, number, exchange)
            else:
                await self._run_in_thread(
                    self._append, name, number, await self._processes.serialize(exchange)
                )
        except MockServerError as error:
            self.fail(request, error)
        except asyncio.CancelledError:
            # The stop waited no longer, and has logged that.
            self.stats.failed += 1
            self.stats.errors.append(f"not recorded before the stop: {describe(request)}")
            raise

    async def cancel_pending(self) -> None:
        """Cancel the request for the versions of the upstream; await this before the upstream is closed."""
        if self._server_info is not None and self._server_info.cancel():
            with suppress(asyncio.CancelledError):
                await self._server_info

    def close(self) -> None:
        """Finish the files; errors are logged."""
        self._threads.shutdown()
        try:
            self._writer.close()
        except StorageError as error:
            self._report(str(error))

        if unended := self._runs.find_unended():
            runs = pluralize(sum(unended.values()), "run")
            self._log.write(
                f"no event stream shows the end of {runs} on {', '.join(unended)}: "
                "to replay it, keep the client connected until the run has ended"
            )

    def _report(self, error: str) -> None:
        if len(self.stats.errors) < MAX_ERRORS:
            self.stats.errors.append(error)
        self._log.write(error)

    async def _add_server_info(self) -> None:
        self._header = replace(self._header, server=await self._upstream.fetch_info())

    async def _run_in_thread(self, write: Callable[..., None], *arguments: object) -> None:
        """Call *write* in a thread; retry while too many files are open, since others are closed meanwhile."""
        loop = asyncio.get_running_loop()
        for _ in range(_RETRIES):
            try:
                return await loop.run_in_executor(self._threads, write, *arguments)
            except OutOfFilesError:
                await asyncio.sleep(_RETRY_DELAY)
        return await loop.run_in_executor(self._threads, write, *arguments)

    def _open(self, name: str | None) -> None:
        with self._writer_lock:
            self._writer.prepare(name)

    def _close_idle(self) -> None:
        with self._writer_lock:
            self._writer.close_idle()

    def _write(self, name: str | None, number: int, exchange: PendingExchange) -> None:
        self._append(name, number, exchange.serialize())

    def _append(self, name: str | None, number: int, text: SerializedExchange) -> None:
        with self._writer_lock:
            path = self._writer.append(name, number, text.document)
            self.stats.files[path] += 1
            self.stats.redacted += text.redacted
            if text.marks is not None:
                self._runs.add(text.marks)
