"""What one test records: out of sight until all of it went well."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mockserver.errors import StorageError
from mockserver.store.cassette_file import Stamp, stamp_from


class Draft:
    """Records for the cassette *target* into `file`, which begins as that is, or empty if *anew*; StorageError where it cannot."""

    def __init__(self, target: Path, *, anew: bool) -> None:
        self._target = target.resolve()
        self._folder = tempfile.TemporaryDirectory(prefix="mockserver-")
        self.file = Path(self._folder.name, target.name)
        self._stamp = _stamp(self._target)
        if self._stamp and not anew:
            try:
                shutil.copyfile(self._target, self.file)
            except OSError as error:
                self.clear()
                raise StorageError(f"{target} cannot be read: {error.strerror}") from None

    def keep(self) -> None:
        """Put what was recorded in the place of the cassette, at once.

        StorageError where it cannot be written, or was changed meanwhile, such as by a test of another worker.
        """
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self._target.parent):
                if _stamp(self._target) != self._stamp:
                    raise StorageError(
                        "was changed meanwhile, maybe by another test that records into it: record without -n"
                    )
                self._replace()
        except OSError as error:
            raise StorageError(f"cannot be written: {error.strerror}") from None

    def clear(self) -> None:
        """Throw away what was not kept."""
        self._folder.cleanup()

    def _replace(self) -> None:
        beside = self._target.with_name(f".{self._target.name}.{os.getpid()}")
        try:
            shutil.copyfile(self.file, beside)
            if self._target.exists():
                shutil.copymode(self._target, beside)
            beside.replace(self._target)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from replacing a file in *folder* meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # there are file systems that lock no folders
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _stamp(path: Path) -> Stamp | None:
    try:
        return stamp_from(path.stat())
    except OSError:
        return None
