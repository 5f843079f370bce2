"""What each session has played: counters, nothing else. No I/O."""

from collections import Counter, OrderedDict
from collections.abc import Hashable

SHARED = ""
"""The session of whoever names none."""

KEPT = 10_000
"""How many sessions are kept; beyond that the one not heard of for longest is forgotten."""


class Sessions:
    """Counts, per session, how often each key was taken."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._counts: OrderedDict[str, Counter[Hashable]] = OrderedDict()

    def count(self, session: str, key: Hashable) -> int:
        """Return how often *session* has taken *key*."""
        counts = self._counts.get(session)
        return counts[key] if counts else 0

    def take(self, session: str, key: Hashable) -> None:
        """Count *key* once more for *session*."""
        counts = self._counts.setdefault(session, Counter())
        counts[key] += 1
        self._counts.move_to_end(session)
        if len(self._counts) > self._kept:
            self._counts.popitem(last=False)

    def reset(self, session: str | None = None) -> None:
        """Forget what *session* has taken; all of them if it is None."""
        if session is None:
            self._counts.clear()
        else:
            self._counts.pop(session, None)
