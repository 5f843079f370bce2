"""Load scripts of the fake graph from files."""

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
    return parse.parse_script(builtin_text(), Script)


class ScriptReloader:
    """Reloads the script in the file *path* after an edit, and passes it to *on_change*.

    If the new version is invalid, an error goes to *write*, and the previous version stays in use.
    """

    def __init__(
        self, path: Path, on_change: Callable[[Script], None], write: Callable[[str], None]
    ) -> None:
        self._path = path
        self._name = str(path)
        self._on_change = on_change
        self._write = write
        self._stamp = self._read_stamp()

    def reload_if_changed(self) -> None:
        """Reload the script if the file was edited."""
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._on_change(load(self._path))
        except UsageError as error:
            self._write(f"{error}; the previous version stays in use")

    def _read_stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = os.stat(self._name)  # noqa: PTH116 (three times as fast as Path.stat)
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


def load(path: Path | None) -> Script:
    """Return the script in *path*, or the built-in one if it is None; raise UsageError, with file and line, if it is invalid."""
    if path is None:
        return builtin()
    return discovery.parse_file(path, lambda text: parse.parse_script(text, builtin, str(path)))
