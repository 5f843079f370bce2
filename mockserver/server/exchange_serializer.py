"""Redact a finished exchange and serialize it to YAML; large exchanges are handled in a separate process.

A regular expression or parser on megabytes of text blocks the interpreter, and with it all other streams of the process.
"""

import asyncio
import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from mockserver.cassette.model import Exchange
from mockserver.cassette.thread_streams import ShownRuns, find_shown_runs
from mockserver.cassette.yaml_codec import dump_exchange
from mockserver.errors import MockServerError, StorageError
from mockserver.redaction.redactor import RedactionRules, Redactor
from mockserver.store.operating_system import limit_memory

LARGE = 1 << 20
"""From this size of its bodies in bytes, an exchange is handled in a separate process."""

TIMEOUT = 60.0
"""The time limit of such a process in seconds."""

_MEMORY_LIMIT = 3 << 30
_MAX_PROCESSES = 2


class SerializedExchange(NamedTuple):
    """An exchange as a YAML *document*, the number of *redacted* secrets in it, and what it shows of runs."""

    document: bytes
    redacted: int
    marks: ShownRuns | None


@dataclass(frozen=True, slots=True)
class PendingExchange:
    """An exchange that *finish* returns, and the *secrets* and *rules* to redact it."""

    finish: Callable[[], Exchange]
    secrets: frozenset[str]
    rules: RedactionRules

    def serialize(self) -> SerializedExchange:
        """Return the redacted text."""
        exchange = Redactor(self.secrets, self.rules).rewrite_exchange(self.finish())
        document = dump_exchange(exchange).encode()
        return SerializedExchange(document, exchange.redacted, find_shown_runs(exchange))


class ProcessPool:
    """Serializes large exchanges in separate processes, a few at a time."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_MAX_PROCESSES)

    async def serialize(self, exchange: PendingExchange) -> SerializedExchange:
        """Return `exchange.serialize()`; raise StorageError if it fails or takes too much time or memory."""
        async with self._free:
            try:
                with TemporaryFile() as stdin, TemporaryFile() as stdout:
                    await asyncio.to_thread(_write_input, exchange, stdin)
                    await _run(stdin, stdout)
                    result = await asyncio.to_thread(_read_result, stdout)
            except TimeoutError:
                raise StorageError(
                    f"not recorded: serializing it took longer than {TIMEOUT:g} s"
                ) from None
            except OSError as error:
                raise StorageError(f"not recorded: {error.strerror}") from None
        if isinstance(result, str):
            raise StorageError(f"not recorded: {result}")
        return result


def _write_input(exchange: PendingExchange, file: IO[bytes]) -> None:
    pickle.dump(exchange, file)
    file.seek(0)


def _read_result(file: IO[bytes]) -> SerializedExchange | str:
    file.seek(0)
    try:
        result: SerializedExchange | str = pickle.load(file)
    except EOFError:
        return "the process that serialized it was killed"
    return result


async def _run(stdin: IO[bytes], stdout: IO[bytes]) -> None:
    """Run `main` in a new process; raise TimeoutError if it takes too long."""
    module_paths = (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", ""))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "mockserver.server.exchange_serializer"),
        stdin=stdin,
        stdout=stdout,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, module_paths))},
        start_new_session=True,  # Ctrl-C must reach only the server
    )
    try:
        async with asyncio.timeout(TIMEOUT):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def main() -> None:
    """Serialize the pickled PendingExchange on stdin; write the pickled result, or the error as text, to stdout."""
    limit_memory(_MEMORY_LIMIT)
    try:
        result: SerializedExchange | str = pickle.load(sys.stdin.buffer).serialize()
    except MockServerError as error:
        result = str(error)
    except MemoryError:
        result = f"serializing it takes more than {_MEMORY_LIMIT >> 30} GB of memory"
    pickle.dump(result, sys.stdout.buffer)


if __name__ == "__main__":
    main()
