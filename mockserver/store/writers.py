"""Where a recording goes: one cassette, or the cassettes of a folder that the requests name."""

import contextlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mockserver.cassette.file_names import SUFFIXES, cassette_path
from mockserver.cassette.model import Header
from mockserver.errors import OutOfFilesError, ReadError, RequestError, StorageError, UsageError
from mockserver.http.messages import CASSETTE_HEADER
from mockserver.store.writer import CassetteWriter, WriteMode

MAX_OPEN = 50
"""How many cassettes of a folder are open at a time; of more, or where files run out, the one unused for longest is finished."""

UNNAMED = "unnamed"
"""The cassette in a folder of the requests that name none."""

_MAX_PATH = 1000


def is_single_file(target: Path) -> bool:
    """Tell whether *target* means one cassette and not a folder of them."""
    return target.suffix in SUFFIXES and not target.is_dir()


class CassetteWriters(Protocol):
    """Takes exchanges by the name of their cassette; `ready` comes before the first `append` of a name."""

    def prepare(self, name: str | None) -> Path:
        """Return the file of the cassette *name*, open to be recorded into; RequestError where it cannot be."""

    def append(self, name: str | None, number: int, document: bytes) -> Path:
        """Write *document*, the exchange of the *number*th request; return the file. StorageError where that fails."""

    def close_idle(self) -> None:
        """Close the files that can be opened again."""

    def close(self) -> None:
        """Finish all files; StorageError where one cannot be."""


class SingleFileWriter:
    """The one cassette at *path*, whatever the requests name."""

    def __init__(
        self, path: Path, mode: WriteMode, header: Callable[[], Header], tell: Callable[[str], None]
    ) -> None:
        self._path = path
        self._tape = CassetteWriter(path, mode, header, tell)
        self._tell = tell
        self._told = False

    def prepare(self, name: str | None) -> Path:
        """Return the file; another name than its own is told, once."""
        if name is not None and name.removesuffix(self._path.suffix) != self._path.stem:
            if not self._told:
                self._tell(
                    f"{CASSETTE_HEADER}: {name}, but all is recorded into {self._path}: record into a folder to part them"
                )
            self._told = True
        return self._path

    def append(self, name: str | None, number: int, document: bytes) -> Path:
        """Write *document*."""
        return self._tape.append(number, document)

    def close_idle(self) -> None:
        """Do nothing: there is one file."""

    def close(self) -> None:
        """Finish the file."""
        self._tape.close()


class FolderWriter:
    """The cassettes below *root*, each opened when it is first named.

    Not to be used by two threads at once.
    """

    def __init__(
        self, root: Path, mode: WriteMode, header: Callable[[], Header], tell: Callable[[str], None]
    ) -> None:
        self._root = root
        self._mode = mode
        self._header = header
        self._tell = tell
        self._tapes: OrderedDict[Path, CassetteWriter] = OrderedDict()
        self._finished: set[Path] = set()
        self._made: list[Path] = []
        self._faults: list[StorageError] = []
        self._make(root)

    def prepare(self, name: str | None) -> Path:
        """Return the file of the cassette *name*, open to be recorded into.

        RequestError where its file cannot be recorded into, or lies elsewhere.
        """
        path = self._path(name)
        if len(str(path)) > _MAX_PATH:
            raise RequestError(
                f"{CASSETTE_HEADER}: the name is too long for a file below {self._root}"
            )
        try:
            if not path.resolve().is_relative_to(self._root.resolve()):
                raise RequestError(f"{CASSETTE_HEADER}: {name} leads out of {self._root}")
            self._make(path.parent)
            self._tape(path)
        except (UsageError, ReadError) as error:
            raise RequestError(str(error)) from None
        except (OSError, RuntimeError) as error:
            # Links that lead round are a RuntimeError up to Python 3.12.
            why = getattr(error, "strerror", None) or "its links lead round"
            raise RequestError(f"{path} cannot be a cassette: {why}") from None
        return path

    def append(self, name: str | None, number: int, document: bytes) -> Path:
        """Write *document* into the cassette *name*."""
        try:
            return self._tape(self._path(name)).append(number, document)
        except (UsageError, ReadError) as error:
            raise StorageError(f"not recorded: {error}") from None

    def close_idle(self) -> None:
        """Close all files, so that others can be opened."""
        while self._tapes:
            self._finish()

    def close(self) -> None:
        """Finish all files, and take away the folders that were made in vain."""
        self.close_idle()
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                folder.rmdir()
        if self._faults:
            more = f" and {len(self._faults) - 1} more" if len(self._faults) > 1 else ""
            raise StorageError(f"{self._faults[0]}{more}")

    def _path(self, name: str | None) -> Path:
        return self._root / cassette_path(UNNAMED if name is None else name)

    def _tape(self, path: Path) -> CassetteWriter:
        tape = self._tapes.get(path)
        if tape is None:
            tape = self._tapes[path] = self._opened(path)
        self._tapes.move_to_end(path)
        if len(self._tapes) > MAX_OPEN:
            self._finish()
        return tape

    def _opened(self, path: Path) -> CassetteWriter:
        mode = WriteMode.EXTEND if path in self._finished else self._mode
        while True:
            try:
                return CassetteWriter(path, mode, self._header, self._tell)
            except OutOfFilesError:
                if not self._tapes:
                    raise
                self._finish()

    def _finish(self) -> None:
        """Close the cassette that was not recorded into for longest; what goes wrong is kept for `close`."""
        path, tape = self._tapes.popitem(last=False)
        try:
            tape.close()
        except StorageError as error:
            self._faults.append(error)
        if tape.count:
            self._finished.add(path)

    def _make(self, folder: Path) -> None:
        try:
            missing = [one for one in (folder, *folder.parents) if not one.exists()]
            for one in reversed(missing):
                one.mkdir()
                self._made.append(one)
        except OSError as error:
            raise UsageError(f"{folder} cannot be made: {error.strerror}") from None
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder: name another one")
