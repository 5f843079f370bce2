"""Record into a temporary file, and replace the cassette only if the test passed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mockserver.errors import StorageError
from mockserver.store import atomic, operating_system


class StagedCassette:
    """A temporary copy `file` of the cassette *target*, or an empty one to *replace* it; raises StorageError if it cannot be copied."""

    def __init__(self, target: Path, *, replace: bool) -> None:
        self._target = target.resolve()
        self._folder = tempfile.TemporaryDirectory(prefix="mockserver-")
        self.file = Path(self._folder.name, target.name)
        try:
            self._before = self._read_target()
        except OSError as error:
            self.discard()
            raise StorageError(f"{target} cannot be read: {error.strerror}") from None
        if self._before and not replace:
            self.file.write_bytes(self._before)

    def save(self) -> None:
        """Replace the cassette atomically.

        Raise StorageError if it cannot be written, or has changed since, such as by a test in another worker.
        """
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self._target.parent):
                if self._read_target() != self._before:
                    raise StorageError(
                        "has changed since the test started, maybe another test recorded into it: record without -n"
                    )
                atomic.create(self._target, self.file.read_bytes())
        except OSError as error:
            raise StorageError(f"cannot be written: {error.strerror}") from None

    def discard(self) -> None:
        self._folder.cleanup()

    def _read_target(self) -> bytes | None:
        try:
            return self._target.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock *folder* against replacements by other processes, if the file system can lock folders."""
    with ExitStack() as stack:
        with suppress(OSError):
            descriptor = operating_system.open_file(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            operating_system.lock(descriptor, wait=True)
        yield
