"""Record into one cassette file: lock it, append exchanges, sort them at the end.

Users edit cassettes while they record. An edit always stays: exchanges that the edited file lacks go to a new file next to it.
"""

import os
import shlex
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from mockserver.cassette.model import Exchange, Header, Policy
from mockserver.cassette.yaml_codec import dump_header
from mockserver.errors import StorageError, UsageError
from mockserver.formats.wording import pluralize
from mockserver.matching.index import Cassette, Entry
from mockserver.store import atomic
from mockserver.store.appended_file import (
    AppendedFile,
    create_beside,
    create_new,
    open_locked,
)
from mockserver.store.cassette_file import NO_STAMP, CassetteFile, current_stamp, get_stamp
from mockserver.store.document_copy import DocumentCopy
from mockserver.store.operating_system import file_mode, open_file, read_at, set_mode, sync

_BLOCK = 1 << 20

FindRepeated = Callable[[Cassette, int, Callable[[Entry], Exchange]], tuple[list[list[Entry]], int]]
"""Returns which new exchanges repeat old conversations; see `conversations.conversation_index.find_repeated`."""


class WriteMode(Enum):
    """What to do with a file that already exists."""

    NEW = auto()
    EXTEND = auto()
    """Add to it. At the end, new recordings of conversations that it already held are discarded."""
    OVERWRITE = auto()
    CONTINUE = auto()
    """Add to a file that the same recording has closed."""


class CassetteWriter:
    """Appends exchanges to the cassette *path*, each in one write.

    The file is locked until `close`. With OVERWRITE the recording goes to a file next to it, which replaces the cassette
    in `close` unless it is empty. *header* is called once, before the first exchange. *report* gets messages for the user.
    *find_repeated* finds what EXTEND discards.
    UsageError if the file cannot be recorded into, StorageError if it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        mode: WriteMode,
        header: Callable[[], Header],
        report: Callable[[str], None],
        find_repeated: FindRepeated,
    ) -> None:
        self._mode = mode
        self._header = header
        self._report = report
        self._find_repeated = find_repeated
        self._head = b""
        self._edited: list[Path] = []
        self._lock = open_locked(path)
        # A link stays one: the file that it names is written.
        self._path = Path(os.path.realpath(path)) if path.is_symlink() else path
        try:
            self._output = self._open_output(mode)
            self._original = get_stamp(os.fstat(self._lock))
            self._documents = DocumentCopy(self._path.parent)
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def count(self) -> int:
        """The number of exchanges that were appended to the current file."""
        return len(self._documents)

    def append(self, number: int, document: bytes) -> Path:
        """Write *document*, the exchange of request *number*; return its file. StorageError if that fails."""
        try:
            if self._output.was_edited():
                self._switch_file()
                self._report(
                    f"{self._edited[-1]} was edited during the recording: the edit stays, "
                    f"and further exchanges go to {self._output.path}"
                )
            self._write(number, document)
        except OSError as error:
            raise StorageError(
                f"{self._output.path}: not recorded: {error.strerror}: free some disk space, then record again"
            ) from None
        return self._output.path

    def close(self) -> None:
        """Sort the exchanges by request and close the file.

        StorageError if that fails or if the file was edited; no appended exchange is lost then.
        """
        try:
            if not self._sort_and_move():
                self._switch_file()
                self._sort_and_move()
        except OSError as error:
            raise StorageError(
                f"{self._output.path}: could not be sorted ({error.strerror}); "
                "it holds all exchanges in the order in which they ended"
            ) from None
        finally:
            self._documents.close()
            for descriptor in {self._lock, self._output.descriptor}:
                os.close(descriptor)
        if self._edited:
            raise StorageError(self._edit_message())
        if self._mode is WriteMode.EXTEND and self._output.base and len(self._documents):
            self._drop_repeated()

    def _open_output(self, mode: WriteMode) -> AppendedFile:
        """Return the file to append to."""
        if os.fstat(self._lock).st_size == 0:
            return AppendedFile(self._path, self._lock, 0)
        match mode:
            case WriteMode.NEW:
                raise UsageError(
                    f"{self._path} already exists: add to it with --extend, or replace it with --overwrite"
                )
            case WriteMode.EXTEND | WriteMode.CONTINUE:
                return AppendedFile(self._path, self._lock, self._cut_incomplete())
            case WriteMode.OVERWRITE:
                if b"mockserver" not in read_at(self._lock, _BLOCK, 0):
                    raise UsageError(f"{self._path} is not a cassette: it is not overwritten")
                path = self._path.with_name(f"{self._path.name}.new")
                descriptor = create_new(path)
                set_mode(descriptor, file_mode(self._lock))
                return AppendedFile(path, descriptor, 0)

    def _cut_incomplete(self) -> int:
        """Cut off an incomplete last exchange of a killed recording; return the length of the file."""
        cassette_file = CassetteFile(self._path, self._path.name, Policy(), max_in_memory=0)
        cassette_file.close()
        if cassette_file.notes or (
            cassette_file.end < cassette_file.stamp[1] and cassette_file.header.recorded
        ):
            self._report(
                f"{self._path}: its last exchange is incomplete (a recording was killed); it is cut off before recording continues"
            )
        end = cassette_file.end
        os.ftruncate(self._lock, end)
        if read_at(self._lock, 1, end - 1) != b"\n":
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

    def _sort_and_move(self) -> bool:
        """Sort the file and move it to its final path; return False if it was edited in the meantime."""
        output = self._output
        sync(output.descriptor)
        ordered = None if self._documents.are_in_order() else self._write_sorted()
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
            self._replace_cassette()
        return True

    def _drop_repeated(self) -> None:
        """Discard the new recordings of conversations that the cassette held before, and report that."""
        raw = self._path.read_bytes()
        cassette_file = CassetteFile(self._path, self._path.name, Policy(), max_in_memory=0)
        try:
            cassette = cassette_file.cassette
            old_count = len(cassette.entries) - len(self._documents)
            repeated, kept = self._find_repeated(cassette, old_count, cassette_file.load_exchange)
        finally:
            cassette_file.close()
        dropped = {entry for entries in repeated for entry in entries}
        if not dropped:
            return
        parts: list[bytes] = []
        position = 0
        for entry in sorted(dropped, key=lambda entry: entry.start):
            parts.append(raw[position : entry.start])
            position = entry.end
        atomic.rewrite(self._path, b"".join((*parts, raw[position:])), raw)
        verb = "was" if len(repeated) == 1 else "were"
        self._report(
            f"{self._path}: kept {pluralize(kept, 'new conversation')}, dropped {len(repeated)} that {verb} recorded before; "
            "--overwrite renews them"
        )

    def _write_sorted(self) -> Path:
        """Write the exchanges in the order of their requests to a new file; return its path."""
        path = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        descriptor = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            with os.fdopen(descriptor, "wb") as file:
                set_mode(descriptor, file_mode(self._output.descriptor))
                file.writelines(self._output.base_blocks() if self._output.base else [self._head])
                file.writelines(self._documents.in_order())
                file.flush()
                sync(descriptor)
        except BaseException:
            path.unlink()
            raise
        return path

    def _replace_cassette(self) -> None:
        """Replace the cassette by the recorded file, unless the cassette was edited in the meantime."""
        written = self._output.path
        if current_stamp(self._path) in (NO_STAMP, self._original):
            written.replace(self._path)
        else:
            self._edited.append(self._path)
            self._output.path, descriptor = create_beside(self._path)
            os.close(descriptor)
            written.replace(self._output.path)

    def _switch_file(self) -> None:
        """Leave the edited file unchanged and continue in a new file, which starts with the exchanges that the edited one lacks."""
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

    def _edit_message(self) -> str:
        """Return the message about a recording whose file was edited."""
        start = f"{self._edited[-1]} was edited during the recording: the edit stays"
        if not len(self._documents):
            return f"{start}, and no exchange is missing in it"
        sources = [*(path for path in self._edited if path.exists()), self._output.path]
        overwrite = ["--overwrite"] if self._path.exists() else []
        command = shlex.join(
            ["mockserver", "merge", *map(str, sources), "--into", str(self._path), *overwrite]
        )
        missing = pluralize(len(self._documents), "exchange")
        return f"{start}, {missing} went to {self._output.path}: merge them with `{command}`"
