"""Load scripts of the fake graph from files."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path

from mockserver.errors import UsageError
from mockserver.fake.script import parse
from mockserver.fake.script.model import Script
from mockserver.store import discovery
from mockserver.store.cassette_file import Stamp, stamp_from


def read_builtin_text() -> str:
    return (resources.files("mockserver.fake.script") / "builtin.yaml").read_text("utf-8")


def load_builtin() -> Script:
    return parse.parse_script(read_builtin_text(), Script)


class ScriptReloader:
    """Reloads the script in the file *path* after an edit, and passes it to *on_change*.

    If the new version is invalid, an error goes to *write*, and the previous version stays in use.
    """

    def __init__(
        self, path: Path, on_change: Callable[[Script], None], write: Callable[[str], None]
    ) -> None:
        self._path = path
        self._on_change = on_change
        self._write = write
        self._stamp = self._read_stamp()

    def reload_if_changed(self) -> None:
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._on_change(load(self._path))
        except UsageError as error:
            self._write(f"{error}; the previous version stays in use")

    def _read_stamp(self) -> Stamp | None:
        try:
            return stamp_from(self._path.stat())
        except OSError:
            return None


def load(path: Path | None) -> Script:
    """Return the script in *path*, or the built-in one if it is None; raise UsageError, with file and line, if it is invalid."""
    if path is None:
        return load_builtin()
    return discovery.parse_file(
        path, lambda text: parse.parse_script(text, load_builtin, str(path))
    )
