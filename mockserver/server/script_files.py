"""Scripts of the fake graph, from their files."""

import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from mockserver.errors import UsageError
from mockserver.fake.script import parse
from mockserver.fake.script.model import Script
from mockserver.store import discovery


def builtin_text() -> str:
    """Return the text of the built-in script."""
    return (resources.files("mockserver.fake.script") / "builtin.yaml").read_text("utf-8")


def builtin() -> Script:
    """Return the built-in script."""
    return parse.script(builtin_text(), Script)


class Followed:
    """The script in the file *path*, which may be edited while it is played: *take* gets it anew when it was.

    A version that makes no sense is told by *tell*, and the one before stays.
    """

    def __init__(
        self, path: Path, take: Callable[[Script], None], tell: Callable[[str], None]
    ) -> None:
        self._path = path
        self._name = str(path)
        self._take = take
        self._tell = tell
        self._seen = self._stamp()

    def look(self) -> None:
        """See whether the file was edited."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._take(load(self._path))
        except UsageError as error:
            self._tell(f"{error}; the version before stays")

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._name)  # noqa: PTH116 (a third of the time of Path.stat)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def load(path: Path | None) -> Script:
    """Return the script in *path*, the built-in one if it is None; UsageError, with file and line, where it makes no sense."""
    if path is None:
        return builtin()
    return discovery.parse_file(path, lambda text: parse.script(text, builtin, str(path)))
