"""Record into one cassette, or into the cassettes of a folder that the requests name."""

import contextlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mockserver.cassette.file_names import SUFFIXES, cassette_path
from mockserver.cassette.model import Header
from mockserver.errors import OutOfFilesError, ReadError, RequestError, StorageError, UsageError
from mockserver.http.messages import CASSETTE_HEADER
from mockserver.store.cassette_writer import CassetteWriter, FindRepeated, WriteMode
from mockserver.store.discovery import find_existing

MAX_OPEN = 50
"""The maximum number of open cassettes of a folder; above it, the least recently used one is closed."""

UNNAMED = "unnamed"
"""The cassette for requests that name none."""

_MAX_PATH = 1000


def is_single_file(target: Path) -> bool:
    """Return whether *target* is one cassette and not a folder of cassettes."""
    return target.suffix in SUFFIXES and not target.is_dir()


@dataclass
class SingleFileWriter:
    """Records all exchanges into the cassette *path*, whatever cassettes the requests name."""

    path: Path
    mode: WriteMode
    header: Callable[[], Header]
    report: Callable[[str], None]
    find_repeated: FindRepeated
    _has_reported: bool = False

    def __post_init__(self) -> None:
        self._writer = CassetteWriter(
            self.path, self.mode, self.header, self.report, self.find_repeated
        )

    def prepare(self, name: str | None) -> Path:
        """Return the file; the first name other than its own is reported."""
        if name is not None and name.removesuffix(self.path.suffix) != self.path.stem:
            if not self._has_reported:
                self.report(
                    f"{CASSETTE_HEADER}: {name}, but everything is recorded into {self.path}: record into a folder to separate cassettes"
                )
            self._has_reported = True
        return self.path

    def append(self, name: str | None, number: int, document: bytes) -> Path:
        """Write *document*, the exchange of request *number*; return the file. StorageError if that fails."""
        return self._writer.append(number, document)

    def close_idle(self) -> None:
        """Do nothing: the only file stays open."""

    def close(self) -> None:
        """Finish the file; StorageError if that fails."""
        self._writer.close()


@dataclass
class FolderWriter:
    """Records into cassettes below *root*, each opened when it is first named. Not thread-safe."""

    root: Path
    mode: WriteMode
    header: Callable[[], Header]
    report: Callable[[str], None]
    find_repeated: FindRepeated
    _writers: OrderedDict[Path, CassetteWriter] = field(default_factory=OrderedDict)
    _finished: set[Path] = field(default_factory=set)
    _created: list[Path] = field(default_factory=list)
    _errors: list[StorageError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._create_folder(self.root)

    def prepare(self, name: str | None) -> Path:
        """Open the cassette *name* for recording and return its file.

        RequestError if the file cannot be recorded into, or is outside the folder.
        """
        path = self._path(name)
        if len(str(path)) > _MAX_PATH:
            raise RequestError(
                f"{CASSETTE_HEADER}: the name is too long for a file below {self.root}"
            )
        try:
            if not path.resolve().is_relative_to(self.root.resolve()):
                raise RequestError(f"{CASSETTE_HEADER}: {name} is outside {self.root}")
            self._create_folder(path.parent)
            self._writer(path)
        except (UsageError, ReadError) as error:
            raise RequestError(str(error)) from None
        except (OSError, RuntimeError) as error:
            # A link loop is a RuntimeError up to Python 3.12.
            reason = getattr(error, "strerror", None) or "its links form a loop"
            raise RequestError(f"{path} cannot be used as a cassette: {reason}") from None
        return path

    def append(self, name: str | None, number: int, document: bytes) -> Path:
        """Write *document*, the exchange of request *number*, into the cassette *name*, which is prepared; return its file.

        StorageError if that fails.
        """
        try:
            return self._writer(self._path(name)).append(number, document)
        except (UsageError, ReadError) as error:
            raise StorageError(f"not recorded: {error}") from None

    def close_idle(self) -> None:
        """Close all files, so that others can be opened."""
        while self._writers:
            self._finish()

    def close(self) -> None:
        """Finish all files and remove the folders that stayed empty; StorageError if a file cannot be finished."""
        self.close_idle()
        for folder in reversed(self._created):
            with contextlib.suppress(OSError):
                folder.rmdir()
        if self._errors:
            more = f" and {len(self._errors) - 1} more" if len(self._errors) > 1 else ""
            raise StorageError(f"{self._errors[0]}{more}")

    def _path(self, name: str | None) -> Path:
        return find_existing(self.root / cassette_path(UNNAMED if name is None else name))

    def _writer(self, path: Path) -> CassetteWriter:
        writer = self._writers.get(path)
        if writer is None:
            writer = self._writers[path] = self._open(path)
        self._writers.move_to_end(path)
        if len(self._writers) > MAX_OPEN:
            self._finish()
        return writer

    def _open(self, path: Path) -> CassetteWriter:
        mode = WriteMode.CONTINUE if path in self._finished else self.mode
        while True:
            try:
                return CassetteWriter(path, mode, self.header, self.report, self.find_repeated)
            except OutOfFilesError:
                if not self._writers:
                    raise
                self._finish()

    def _finish(self) -> None:
        """Close the least recently used cassette; an error is raised later, by `close`."""
        path, writer = self._writers.popitem(last=False)
        try:
            writer.close()
        except StorageError as error:
            self._errors.append(error)
        if writer.count:
            self._finished.add(path)

    def _create_folder(self, folder: Path) -> None:
        try:
            missing = [path for path in (folder, *folder.parents) if not path.exists()]
            for path in reversed(missing):
                path.mkdir()
                self._created.append(path)
        except OSError as error:
            raise UsageError(f"{folder} cannot be created: {error.strerror}") from None
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder: name another one")


CassetteWriters = SingleFileWriter | FolderWriter
