"""One cassette file while it is recorded into: locked, appended to, put in order at the end.

People edit cassettes while they record. An edit always stays: what the edited file does not hold goes to a new file beside it.
"""

import os
import shlex
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from mockserver.cassette.model import Header, Policy
from mockserver.cassette.yaml_codec import dump_header
from mockserver.errors import StorageError, UsageError
from mockserver.formats.wording import pluralize
from mockserver.store.appended_file import (
    AppendedFile,
    create_beside,
    create_new,
    current_stamp,
    file_mode,
    has_bytes,
    open_locked,
)
from mockserver.store.atomic import SYNC
from mockserver.store.cassette_file import CassetteFile, stamp_from
from mockserver.store.document_copy import DocumentCopy

_BLOCK = 1 << 20


class WriteMode(Enum):
    """What becomes of a file that is there already."""

    NEW = auto()
    EXTEND = auto()
    OVERWRITE = auto()


class CassetteWriter:
    """Appends exchanges to the cassette at *path*, each in one write.

    The file is locked as long as this is open. With OVERWRITE the recording is written beside it and takes its place
    in `close`, if there is anything in it. *header* is called once, before the first exchange. UsageError where the
    file cannot be recorded into, StorageError where it cannot be written.
    """

    def __init__(
        self, path: Path, mode: WriteMode, header: Callable[[], Header], tell: Callable[[str], None]
    ) -> None:
        self._path = path
        self._header = header
        self._tell = tell
        self._head = b""
        self._edited: list[Path] = []
        self._lock = open_locked(path)
        try:
            self._output = self._opened(mode)
            self._before = stamp_from(os.fstat(self._lock))
            self._documents = DocumentCopy(path.parent)
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def count(self) -> int:
        """How many exchanges were appended to the file that is written now."""
        return len(self._documents)

    def append(self, number: int, document: bytes) -> Path:
        """Write *document*, the exchange of the *number*th request; return its file. StorageError where that fails."""
        try:
            if self._output.was_edited():
                self._move_away()
                self._tell(
                    f"{self._edited[-1]} was edited while it was recorded into: the edit stays, "
                    f"and what is recorded from now on goes to {self._output.path}"
                )
            self._write(number, document)
        except OSError as error:
            raise StorageError(
                f"{self._output.path}: not recorded: {error.strerror}: make room, then record again"
            ) from None
        return self._output.path

    def close(self) -> None:
        """Put the exchanges into the order of their requests and let go of the file.

        StorageError where that fails or where the file was edited; nothing of what was appended is lost then.
        """
        try:
            if not self._finished():
                self._move_away()
                self._finished()
        except OSError as error:
            raise StorageError(
                f"{self._output.path}: could not be put in order ({error.strerror}); "
                "it holds all exchanges as they ended"
            ) from None
        finally:
            self._documents.close()
            for descriptor in {self._lock, self._output.descriptor}:
                os.close(descriptor)
        if self._edited:
            raise StorageError(self._report())

    def _opened(self, mode: WriteMode) -> AppendedFile:
        """Return the file that is to be appended to."""
        if not has_bytes(self._lock):
            return AppendedFile(self._path, self._lock, 0)
        match mode:
            case WriteMode.NEW:
                raise UsageError(
                    f"{self._path} is there already: add to it with --extend, or record it anew with --overwrite"
                )
            case WriteMode.EXTEND:
                return AppendedFile(self._path, self._lock, self._whole_part())
            case WriteMode.OVERWRITE:
                if b"mockserver" not in os.pread(self._lock, _BLOCK, 0):
                    raise UsageError(f"{self._path} is no cassette: it is not overwritten")
                path = self._path.with_name(f"{self._path.name}.new")
                descriptor = create_new(path)
                os.fchmod(descriptor, file_mode(self._lock))
                return AppendedFile(path, descriptor, 0)

    def _whole_part(self) -> int:
        """Cut off an exchange that a kill has torn, and return how long the file is then."""
        snapshot = CassetteFile(self._path, self._path.name, Policy(), hold=0)
        snapshot.close()
        if snapshot.notes or (snapshot.end < snapshot.stamp[1] and snapshot.header.recorded):
            self._tell(
                f"{self._path}: its last exchange was torn by a kill; it is cut off before recording goes on"
            )
        end = snapshot.end
        os.ftruncate(self._lock, end)
        if os.pread(self._lock, 1, end - 1) != b"\n":
            end += os.write(self._lock, b"\n")
        return end

    def _write(self, number: int, document: bytes) -> None:
        self._documents.add(number, document)
        try:
            self._output.write((b"" if self._output.end else self._new_head()) + document)
        except OSError:
            self._documents.remove_last()
            raise

    def _new_head(self) -> bytes:
        self._head = self._head or dump_header(self._header()).encode()
        return self._head

    def _finished(self) -> bool:
        """Put the file in order and in its place; return False if it was edited meanwhile."""
        output = self._output
        SYNC(output.descriptor)
        ordered = None if self._documents.are_in_order() else self._ordered()
        if output.was_edited():
            if ordered is not None:
                ordered.unlink()
            return False
        if ordered is not None:
            ordered.replace(output.path)
        if not len(self._documents):
            if not output.base:
                output.path.unlink()
        elif output.descriptor != self._lock and not self._edited:
            self._take_place()
        return True

    def _ordered(self) -> Path:
        """Return a new file with the exchanges in the order of their requests."""
        path = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, file_mode(self._output.descriptor))
                file.writelines(self._output.base_blocks() if self._output.base else [self._head])
                file.writelines(self._documents.in_order())
                file.flush()
                SYNC(descriptor)
        except BaseException:
            path.unlink()
            raise
        return path

    def _take_place(self) -> None:
        """Replace the cassette by what was written beside it, unless somebody edited the cassette meanwhile."""
        written = self._output.path
        if current_stamp(self._path) in (None, self._before):
            written.replace(self._path)
        else:
            self._edited.append(self._path)
            self._output.path, descriptor = create_beside(self._path)
            os.close(descriptor)
            written.replace(self._output.path)

    def _move_away(self) -> None:
        """Leave the edited file as it is; go on in a new file beside it, which begins with the exchanges that the edited one lacks."""
        edited, written = self._output, self._documents
        missing = list(written.missing_in(edited.path))
        self._output = AppendedFile(*create_beside(self._path), 0)
        self._edited.append(edited.path)
        self._documents = DocumentCopy(self._path.parent)
        for number, document in missing:
            self._write(number, document)
        written.close()
        if edited.descriptor != self._lock:
            os.close(edited.descriptor)

    def _report(self) -> str:
        """Say what became of a recording whose file was edited."""
        start = f"{self._edited[-1]} was edited while it was recorded into: the edit stays"
        if not len(self._documents):
            return f"{start}, and it lacks no exchange that came after it"
        sources = [*(path for path in self._edited if path.exists()), self._output.path]
        overwrite = ["--overwrite"] if self._path.exists() else []
        command = shlex.join(
            ["mockserver", "merge", *map(str, sources), "--into", str(self._path), *overwrite]
        )
        rest = pluralize(len(self._documents), "exchange")
        return f"{start}, {rest} went to {self._output.path}: put them together with `{command}`"
