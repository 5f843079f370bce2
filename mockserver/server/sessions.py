"""What each session has played and made: counters, and what its fake server keeps. No I/O."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

KEPT = 1000
"""How many sessions are kept; beyond that the one not heard of for longest is forgotten."""


@dataclass(slots=True)
class Session:
    """What one session has taken and played, and the one thing of each kind that it keeps."""

    counts: Counter[Hashable] = field(default_factory=Counter)
    """How often each key was taken."""
    plays: Counter[str] = field(default_factory=Counter)
    """How often each exchange was played."""
    things: dict[type, object] = field(default_factory=dict)

    def keep(self, kind: type[T]) -> T:
        """Return the one *kind* that it keeps, made now if it is new."""
        if kind not in self.things:
            self.things[kind] = kind()
        made = self.things[kind]
        assert isinstance(made, kind)
        return made

    def kept(self, kind: type[T]) -> T | None:
        """Return the one *kind* that it keeps, None where it keeps none."""
        made = self.things.get(kind)
        assert made is None or isinstance(made, kind)
        return made


class Sessions:
    """The sessions by their names; a name that is new has an empty one."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._plays: Counter[str] = Counter()

    def of(self, name: str) -> Session:
        """Return the session *name*, which is heard of now."""
        known = self._sessions.get(name)
        if known is None:
            known = self._sessions[name] = Session()
            if len(self._sessions) > self._kept:
                self._sessions.popitem(last=False)
        else:
            self._sessions.move_to_end(name)
        return known

    def play(self, session: Session, exchange: str) -> None:
        """Count that *exchange* was played once more in *session*."""
        session.plays[exchange] += 1
        self._plays[exchange] += 1

    def plays(self, name: str | None = None) -> Mapping[str, int]:
        """Return how often each exchange was played since the last reset: in session *name*, or in all if it is None."""
        if name is None:
            return self._plays
        known = self._sessions.get(name)
        return known.plays if known else {}

    def reset(self, name: str | None = None) -> None:
        """Forget session *name*; all of them if it is None."""
        if name is None:
            self._sessions.clear()
            self._plays.clear()
        else:
            self._sessions.pop(name, None)
