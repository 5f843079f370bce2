"""What one test records: out of sight until all of it went well."""

import os
import shutil
import tempfile
from pathlib import Path


class Taping:
    """Records for the cassette *target* into `file`, which begins as that is, or empty if *anew*."""

    def __init__(self, target: Path, *, anew: bool) -> None:
        self.target = target
        self._folder = tempfile.TemporaryDirectory(prefix="mockserver-")
        self.file = Path(self._folder.name, target.name)
        if target.exists() and not anew:
            shutil.copy(target, self.file)
        self._before = self._size()

    def keep(self) -> bool:
        """Put what was recorded in the place of the cassette, at once; tell whether there was anything."""
        if self._size() == self._before:
            return False
        self.target.parent.mkdir(parents=True, exist_ok=True)
        beside = self.target.with_name(f".{self.target.name}.{os.getpid()}")
        shutil.copyfile(self.file, beside)
        if self.target.exists():
            shutil.copymode(self.target, beside)
        beside.replace(self.target)
        return True

    def clear(self) -> None:
        """Throw away what was not kept."""
        self._folder.cleanup()

    def _size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0
