"""Remember which exchanges were played, also across edits of their files while the server runs."""

from collections import Counter
from collections.abc import Iterator

from mockserver.matching.index import Cassette, Entry, Index
from mockserver.matching.keys import Key

_Identity = tuple[str, Key, int]
"""Identifies an exchange across edits: its cassette, its key, and its ordinal among the entries with that key."""


class PlayedExchanges:
    """The played exchanges of *index*, and of the later versions of it."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._labels: set[str] = set()

    def add(self, label: str, index: Index) -> None:
        """Add the exchange *label* of *index*, the current index."""
        if index is not self._index:
            self._transfer_to(index)
        self._labels.add(label)

    def labels(self, index: Index) -> set[str]:
        """Return the labels of the played exchanges of *index*, the current index."""
        if index is not self._index:
            self._transfer_to(index)
        return self._labels

    def _transfer_to(self, index: Index) -> None:
        """Find the played exchanges in the new *index*."""
        identities = {
            identity
            for cassette in self._index.cassettes
            for identity, entry in _with_identities(cassette)
            if entry.label in self._labels
        }
        self._labels = {
            entry.label
            for cassette in index.cassettes
            for identity, entry in _with_identities(cassette)
            if identity in identities
        }
        self._index = index


def _with_identities(cassette: Cassette) -> Iterator[tuple[_Identity, Entry]]:
    seen: Counter[Key] = Counter()
    for entry in cassette.entries:
        seen[entry.key] += 1
        yield (cassette.name, entry.key, seen[entry.key]), entry
