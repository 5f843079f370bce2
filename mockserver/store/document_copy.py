"""A copy of the documents that were appended to a cassette, in case another program shortens the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import SpooledTemporaryFile

from mockserver.cassette import documents

_IN_MEMORY = 1 << 20
"""The maximum number of bytes in memory; more go to a temporary file."""

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Position:
    """The position of the document of request *number* in the copy."""

    number: int
    start: int
    length: int


class DocumentCopy:
    """A copy of the documents that were appended to a file in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._copy = SpooledTemporaryFile(_IN_MEMORY, dir=str(folder))  # noqa: SIM115 (see `close`)
        self._positions: list[_Position] = []

    def __len__(self) -> int:
        return len(self._positions)

    def add(self, number: int, raw: bytes) -> None:
        """Add the document *raw* of request *number*; OSError if the disk is full."""
        last = self._positions[-1] if self._positions else _Position(0, 0, 0)
        position = _Position(number, last.start + last.length, len(raw))
        self._copy.seek(position.start)
        self._copy.write(raw)
        self._positions.append(position)

    def remove_last(self) -> None:
        """Remove the last document."""
        self._positions.pop()

    def are_in_order(self) -> bool:
        """Return whether the documents were appended in the order of their requests."""
        numbers = [position.number for position in self._positions]
        return numbers == sorted(numbers)

    def in_order(self) -> Iterator[bytes]:
        """Yield the documents in the order of their requests."""
        return map(self._read, sorted(self._positions, key=lambda position: position.number))

    def missing_in(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yield (number, document) for each document that the editor of the file *path* has not seen.

        The editor has seen all up to the last document still in the file; those missing before it were deleted on purpose.
        """
        present = _digests_in(path)
        seen = len(self._positions)
        while seen and _digest(self._read(self._positions[seen - 1])) not in present:
            seen -= 1
        for position in self._positions[seen:]:
            yield position.number, self._read(position)

    def close(self) -> None:
        """Delete the copy."""
        self._copy.close()

    def _read(self, position: _Position) -> bytes:
        self._copy.seek(position.start)
        return self._copy.read(position.length)


def _digest(document: bytes) -> bytes:
    """Return the digest of *document* without trailing comments, which may be added by hand."""
    lines = document.rstrip()
    while lines.startswith(b"#", begin := lines.rfind(b"\n") + 1):
        lines = lines[:begin].rstrip()
    return blake2b(lines, digest_size=16).digest()


def _digests_in(path: Path) -> set[bytes]:
    """Return the digests of the documents in the file *path*; empty if it is no longer a file."""
    if not path.is_file():
        return set()
    with path.open("rb") as file:
        blocks = iter(lambda: file.read(_BLOCK), b"")
        return {_digest(document.raw) for document in documents.split_documents(blocks)}
