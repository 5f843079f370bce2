"""Load scripts of the fake graph from files."""

from collections.abc import Callable
from contextlib import suppress
from importlib import resources
from pathlib import Path

from mockserver.errors import UsageError
from mockserver.fake.script import parse
from mockserver.fake.script.model import Script
from mockserver.store import discovery
from mockserver.store.cassette_file import Stamp, get_stamp


def read_builtin_text() -> str:
    return (resources.files("mockserver.fake.script") / "builtin.yaml").read_text("utf-8")


def load_builtin() -> Script:
    return parse.parse_script(read_builtin_text(), Script)


class ScriptReloader:
    """Reloads the script in the file *path* after an edit, also of a file that it names, and passes it to *on_change*.

    If the new version is invalid, an error goes to *write*, and the previous version stays in use.
    """

    def __init__(
        self, path: Path, on_change: Callable[[Script], None], write: Callable[[str], None]
    ) -> None:
        self._path = path
        self._on_change = on_change
        self._write = write
        self._files: list[Path] = []
        with suppress(UsageError):
            load(path, self._files)
        self._stamps = self._read_stamps()

    def reload_if_changed(self) -> None:
        if self._read_stamps() == self._stamps:
            return
        self._files.clear()
        try:
            self._on_change(load(self._path, self._files))
        except UsageError as error:
            self._write(f"{error}; the previous version stays in use")
        self._stamps = self._read_stamps()

    def _read_stamps(self) -> list[Stamp | None]:
        return [_read_stamp(path) for path in (self._path, *self._files)]


def load(path: Path | None, files: list[Path] | None = None) -> Script:
    """Return the script in *path*, or the built-in one if it is None; raise UsageError, with file and line, if it is invalid.

    The files that the script names are added to *files*.
    """
    if path is None:
        return load_builtin()

    def read_file(name: str) -> str:
        file = path.parent / name
        if files is not None:
            files.append(file)
        return file.read_text("utf-8")

    return discovery.parse_file(
        path, lambda text: parse.parse_script(text, load_builtin, str(path), read_file)
    )


def _read_stamp(path: Path) -> Stamp | None:
    try:
        return get_stamp(path.stat())
    except OSError:
        return None
