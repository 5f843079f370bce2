"""What was answered, request by request: the last ones, for a test to look at. No I/O, no clock."""

from collections import deque
from collections.abc import Mapping

from mockserver.jsontext import Json
from mockserver.messages import SESSION, Reply, Request, Source

KEPT = 10_000
"""How many requests are remembered; beyond that the oldest is forgotten."""


class Journal:
    """The last requests and what answered them, as JSON."""

    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[Mapping[str, Json]] = deque(maxlen=kept)

    def note(self, when: str, request: Request, path: str, reply: Reply, seconds: float) -> None:
        """Take down that *request*, whose *path* is without its secrets, got *reply* after *seconds*, at the time *when*."""
        entry: dict[str, Json] = {
            "when": when,
            "session": request.header(SESSION) or "",
            "method": request.method,
            "path": path,
            "status": reply.status,
            "source": str(reply.source),
            "exchange": reply.exchange,
            "ids": dict(reply.names),
            "seconds": round(seconds, 6),
        }
        if reply.source is Source.MISS:
            entry["miss"] = reply.facts
        self._entries.append(entry)

    def entries(self, session: str | None = None) -> list[Mapping[str, Json]]:
        """Return what was taken down, the oldest first: of *session*, or of all if it is None."""
        return [one for one in self._entries if session in (None, one["session"])]

    def clear(self, session: str | None = None) -> None:
        """Forget the requests of *session*; all of them if it is None."""
        kept = [] if session is None else [e for e in self._entries if e["session"] != session]
        self._entries = deque(kept, maxlen=self._entries.maxlen)
