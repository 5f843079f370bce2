"""A copy of the documents that were appended to a cassette: whoever shortens the file does not take them away."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import SpooledTemporaryFile

from mockserver.cassette import documents

_IN_MEMORY = 1 << 20
"""How many bytes are held in memory; more go to a temporary file."""

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the document of the *number*th request stands in the copy of all."""

    number: int
    start: int
    length: int
    digest: bytes


class DocumentCopy:
    """A copy of the documents that were appended to a file in *folder*: whoever shortens the file does not take them away."""

    def __init__(self, folder: Path) -> None:
        self._copy = SpooledTemporaryFile(_IN_MEMORY, dir=str(folder))  # noqa: SIM115 (see `close`)
        self._places: list[_Place] = []

    def __len__(self) -> int:
        return len(self._places)

    def add(self, number: int, raw: bytes) -> None:
        """Add the document *raw* of the *number*th request; OSError where the disk is full."""
        last = self._places[-1] if self._places else _Place(0, 0, 0, b"")
        place = _Place(number, last.start + last.length, len(raw), _digest(raw))
        self._copy.seek(place.start)
        self._copy.write(raw)
        self._places.append(place)

    def remove_last(self) -> None:
        """Take the last one out."""
        self._places.pop()

    def are_in_order(self) -> bool:
        """Return whether they were appended in the order of their requests."""
        numbers = [place.number for place in self._places]
        return numbers == sorted(numbers)

    def in_order(self) -> Iterator[bytes]:
        """Yield them in the order of their requests."""
        return map(self._read, sorted(self._places, key=lambda place: place.number))

    def missing_in(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yield number and document of those that the edited file *path* has never held.

        Its editor has seen all up to the last one that it still holds: what is missing before that was changed or deleted on purpose.
        """
        there = _digests_in(path)
        seen = 0
        for number, place in enumerate(self._places, 1):
            if place.digest in there:
                seen = number
        for place in self._places[seen:]:
            yield place.number, self._read(place)

    def close(self) -> None:
        """Forget them."""
        self._copy.close()

    def _read(self, place: _Place) -> bytes:
        self._copy.seek(place.start)
        return self._copy.read(place.length)


def _digest(document: bytes) -> bytes:
    """Return the same for a *document* as we wrote it and with comments behind it."""
    lines = document.rstrip()
    while lines.startswith(b"#", begin := lines.rfind(b"\n") + 1):
        lines = lines[:begin].rstrip()
    return blake2b(lines, digest_size=16).digest()


def _digests_in(path: Path) -> set[bytes]:
    """Return the digests of the documents in the file *path*; none where it is gone, or no file any more."""
    if not path.is_file():
        return set()
    with path.open("rb") as file:
        blocks = iter(lambda: file.read(_BLOCK), b"")
        return {_digest(document.raw) for document in documents.split_documents(blocks)}
