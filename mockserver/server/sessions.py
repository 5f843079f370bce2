"""What was played: the state of each session, and the exchanges that any session has played. No I/O."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from mockserver.matching.index import Cassette, Entry, Index
from mockserver.matching.keys import Key

T = TypeVar("T")

MAX_SESSIONS = 1000
"""Beyond this number the least recently used session is forgotten."""

_Identity = tuple[str, Key, int]
"""Identifies an exchange across edits: its cassette, its key, and its ordinal among the entries with that key."""


@dataclass(slots=True)
class Session:
    """The counters of one session, and one state object per class."""

    counts: Counter[Hashable] = field(default_factory=Counter)
    """How often a recorded response was used, by request key."""
    plays: Counter[str] = field(default_factory=Counter)
    """How often each exchange was played, by label."""
    state: dict[type, object] = field(default_factory=dict)

    def get_or_create(self, kind: type[T]) -> T:
        """Return the state object of class *kind*; create it if it is missing."""
        if kind not in self.state:
            self.state[kind] = kind()
        value = self.state[kind]
        assert isinstance(value, kind)
        return value

    def get(self, kind: type[T]) -> T | None:
        """Return the state object of class *kind*, or None."""
        value = self.state.get(kind)
        assert value is None or isinstance(value, kind)
        return value


class Sessions:
    """The sessions by name; the least recently used ones beyond *limit* are forgotten."""

    def __init__(self, limit: int = MAX_SESSIONS) -> None:
        self._limit = limit
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._plays: Counter[str] = Counter()

    def get_or_create(self, name: str) -> Session:
        """Return the session *name*, new if it does not exist, and mark it as used."""
        session = self._sessions.get(name)
        if session is None:
            session = self._sessions[name] = Session()
            if len(self._sessions) > self._limit:
                self._sessions.popitem(last=False)
        else:
            self._sessions.move_to_end(name)
        return session

    def count_play(self, session: Session, exchange: str) -> None:
        """Count one play of *exchange* in *session*."""
        session.plays[exchange] += 1
        self._plays[exchange] += 1

    def plays(self, name: str | None = None) -> Mapping[str, int]:
        """Return the number of plays per exchange since the last reset: in session *name*, or in all sessions if it is None."""
        if name is None:
            return self._plays
        session = self._sessions.get(name)
        return session.plays if session else {}

    def reset(self, name: str | None = None) -> None:
        """Forget session *name*, or all sessions if it is None."""
        if name is None:
            self._sessions.clear()
            self._plays.clear()
        else:
            self._sessions.pop(name, None)


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
