"""What each session has played and made: counters, and what its fake server keeps. No I/O."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

KEPT = 1000
"""How many sessions are kept; beyond that the one not heard of for longest is forgotten."""


@dataclass(slots=True)
class _Session:
    counts: Counter[Hashable] = field(default_factory=Counter)
    plays: Counter[str] = field(default_factory=Counter)
    kept: dict[type, object] = field(default_factory=dict)


class Sessions:
    """Counts, per session, how often each key was taken and each exchange played, and keeps one thing of each kind."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._plays: Counter[str] = Counter()

    def count(self, session: str, key: Hashable) -> int:
        """Return how often *session* has taken *key*."""
        known = self._sessions.get(session)
        return known.counts[key] if known else 0

    def take(self, session: str, key: Hashable) -> None:
        """Count *key* once more for *session*."""
        self._heard_of(session).counts[key] += 1

    def play(self, session: str, exchange: str) -> None:
        """Count that *exchange* was played once more in *session*."""
        self._heard_of(session).plays[exchange] += 1
        self._plays[exchange] += 1

    def plays(self, session: str | None = None) -> Mapping[str, int]:
        """Return how often each exchange was played since the last reset: in *session*, or in all if it is None."""
        if session is None:
            return self._plays
        known = self._sessions.get(session)
        return known.plays if known else {}

    def keep(self, session: str, kind: type[T]) -> T:
        """Return the one *kind* that *session* keeps, made now if it is new."""
        kept = self._heard_of(session).kept
        if kind not in kept:
            kept[kind] = kind()
        made = kept[kind]
        assert isinstance(made, kind)
        return made

    def kept(self, session: str, kind: type[T]) -> T | None:
        """Return the one *kind* that *session* keeps, None where it keeps none."""
        known = self._sessions.get(session)
        made = known.kept.get(kind) if known else None
        assert made is None or isinstance(made, kind)
        return made

    def reset(self, session: str | None = None) -> None:
        """Forget *session*; all of them if it is None."""
        if session is None:
            self._sessions.clear()
            self._plays.clear()
        else:
            self._sessions.pop(session, None)

    def _heard_of(self, session: str) -> _Session:
        known = self._sessions.get(session)
        if known is None:
            known = self._sessions[session] = _Session()
        self._sessions.move_to_end(session)
        if len(self._sessions) > self._kept:
            self._sessions.popitem(last=False)
        return known
