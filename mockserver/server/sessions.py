"""The state of each session: which exchanges it played, and its fake server. No I/O."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

MAX_SESSIONS = 1000
"""Beyond this number the least recently used session is forgotten."""


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
