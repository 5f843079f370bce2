"""A finished exchange as the text of its document; a large one is redacted and written out by a process of its own.

A regular expression or a parser that works on megabytes holds the interpreter, so that nothing else goes on beside it in one process.
"""

import asyncio
import os
import pickle
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from mockserver.cassette.model import Exchange
from mockserver.cassette.yaml_codec import dump_exchange
from mockserver.errors import MockServerError, StorageError
from mockserver.redaction.redactor import RedactionRules, Redactor

LARGE = 1 << 20
"""From how many bytes of its bodies on an exchange gets a process of its own."""

SECONDS = 60.0
"""How long that process may take."""

_MEMORY = 3 << 30
_AT_A_TIME = 2


@dataclass(frozen=True, slots=True)
class Draft:
    """An exchange as *finish* returns it, with its *secrets* and the *rules* of what else is one."""

    finish: Callable[[], Exchange]
    secrets: frozenset[str]
    rules: RedactionRules

    def written(self) -> tuple[bytes, int]:
        """Return the document without secrets, and how many were replaced."""
        exchange = Redactor(self.secrets, self.rules).exchange(self.finish())
        return dump_exchange(exchange).encode(), exchange.redacted


class Writers:
    """Processes that write out large exchanges, a few at a time."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_AT_A_TIME)

    async def written(self, draft: Draft) -> tuple[bytes, int]:
        """Return what `draft.written` returns; StorageError where that fails or takes too much time or memory."""
        async with self._free:
            try:
                with TemporaryFile() as given, TemporaryFile() as taken:
                    await asyncio.to_thread(_put, draft, given)
                    await _run(given, taken)
                    result = await asyncio.to_thread(_get, taken)
            except TimeoutError:
                raise StorageError(
                    f"not recorded: it was not written out after {SECONDS:g} s"
                ) from None
            except OSError as error:
                raise StorageError(f"not recorded: {error.strerror}") from None
        if isinstance(result, str):
            raise StorageError(f"not recorded: {result}")
        return result


def _put(draft: Draft, file: IO[bytes]) -> None:
    pickle.dump(draft, file)
    file.seek(0)


def _get(file: IO[bytes]) -> tuple[bytes, int] | str:
    file.seek(0)
    try:
        result: tuple[bytes, int] | str = pickle.load(file)
    except EOFError:
        return "the process that wrote it out was killed"
    return result


async def _run(given: IO[bytes], taken: IO[bytes]) -> None:
    """Run `main` in a process of its own; TimeoutError where it takes too long."""
    places = (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", ""))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "mockserver.server.exchange_text"),
        stdin=given,
        stdout=taken,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))},
        start_new_session=True,  # Ctrl-C is for the server
    )
    try:
        async with asyncio.timeout(SECONDS):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()


def main() -> None:
    """Write out the pickled Draft on stdin; put the result on stdout, or say why there is none."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, most))
    try:
        result: tuple[bytes, int] | str = pickle.load(sys.stdin.buffer).written()
    except MockServerError as error:
        result = str(error)
    except MemoryError:
        result = f"writing it out takes more than {_MEMORY >> 30} GB of memory"
    pickle.dump(result, sys.stdout.buffer)


if __name__ == "__main__":
    main()
