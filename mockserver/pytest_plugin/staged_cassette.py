"""Record into a temporary file, and replace the cassette only if the test passed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mockserver.errors import StorageError
from mockserver.store.cassette_file import Stamp, stamp_from


class StagedCassette:
    """A temporary copy `file` of the cassette *target*, or an empty one to *replace* it; raises StorageError if it cannot be copied."""

    def __init__(self, target: Path, *, replace: bool) -> None:
        self._target = target.resolve()
        self._folder = tempfile.TemporaryDirectory(prefix="mockserver-")
        self.file = Path(self._folder.name, target.name)
        self._stamp = _stamp(self._target)
        if self._stamp and not replace:
            try:
                shutil.copyfile(self._target, self.file)
            except OSError as error:
                self.discard()
                raise StorageError(f"{target} cannot be read: {error.strerror}") from None

    def save(self) -> None:
        """Replace the cassette atomically.

        Raise StorageError if it cannot be written, or has changed since, such as by a test in another worker.
        """
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self._target.parent):
                if _stamp(self._target) != self._stamp:
                    raise StorageError(
                        "has changed since the test started, maybe another test recorded into it: record without -n"
                    )
                self._replace()
        except OSError as error:
            raise StorageError(f"cannot be written: {error.strerror}") from None

    def discard(self) -> None:
        """Delete the temporary file."""
        self._folder.cleanup()

    def _replace(self) -> None:
        temporary = self._target.with_name(f".{self._target.name}.{os.getpid()}")
        try:
            shutil.copyfile(self.file, temporary)
            if self._target.exists():
                shutil.copymode(self._target, temporary)
            temporary.replace(self._target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock *folder* against replacements by other processes."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot lock folders
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _stamp(path: Path) -> Stamp | None:
    try:
        return stamp_from(path.stat())
    except OSError:
        return None
