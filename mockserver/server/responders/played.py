"""Which exchanges were ever played, told by what they ask, so that an edit of a file while the server runs changes nothing of it."""

from collections import Counter
from collections.abc import Iterator

from mockserver.matching.index import Cassette, Entry, Index
from mockserver.matching.keys import Key

_Mark = tuple[str, Key, int]
"""A cassette, a key, and the how manieth of that key it is there."""


class Plays:
    """The exchanges of *index*, and of those that come after it, which were played."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._labels: set[str] = set()

    def add(self, label: str, index: Index) -> None:
        """Take note that the exchange *label* of *index*, which is loaded now, was played."""
        if index is not self._index:
            self._move(index)
        self._labels.add(label)

    def of(self, index: Index) -> set[str]:
        """Return the labels of those exchanges of *index*, which is loaded now, that were played."""
        if index is not self._index:
            self._move(index)
        return self._labels

    def _move(self, index: Index) -> None:
        """Have the played exchanges be those of *index*."""
        marks = {
            mark
            for cassette in self._index.cassettes
            for mark, entry in _marked(cassette)
            if entry.label in self._labels
        }
        self._labels = {
            entry.label
            for cassette in index.cassettes
            for mark, entry in _marked(cassette)
            if mark in marks
        }
        self._index = index


def _marked(cassette: Cassette) -> Iterator[tuple[_Mark, Entry]]:
    seen: Counter[Key] = Counter()
    for entry in cassette.entries:
        seen[entry.key] += 1
        yield (cassette.name, entry.key, seen[entry.key]), entry
