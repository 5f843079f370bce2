"""What a person reads while a server runs, and at its end."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from mockserver.cassette.redaction import told
from mockserver.journal import Journal
from mockserver.messages import Reply, Request, Source
from mockserver.words import counted


class Log:
    """Counts the answers and tells them by *tell*, a line each: all of them if *every*, else misses and faults."""

    def __init__(
        self,
        tell: Callable[[str], None],
        *,
        every: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.journal = Journal()
        self.tell = tell
        self._clock = clock
        self.counts: Counter[Source] = Counter()
        self._every = every

    @property
    def misses(self) -> int:
        """How many requests no exchange matched."""
        return self.counts[Source.MISS]

    @property
    def errors(self) -> int:
        """How many requests we could not answer."""
        return self.counts[Source.ERROR]

    def answered(self, request: Request, reply: Reply, seconds: float) -> None:
        """Take note that *request* got *reply*, after *seconds*."""
        if reply.counted:
            self.counts[reply.source] += 1
            when = self._clock().isoformat(timespec="milliseconds")
            path = told(request).partition(" ")[2]
            self.journal.note(when, request, path, reply, seconds)
        if reply.note and reply.counted:
            asked = f"{told(request)}: " if reply.source in (Source.ERROR, Source.FAKE) else ""
            self.tell(f"{reply.source}: {asked}{reply.note}")
        elif self._every:
            exchange = f" {reply.exchange}" if reply.exchange else ""
            names = "".join(f", {live} for {recorded}" for live, recorded in reply.names)
            self.tell(
                f"{told(request)} {reply.status} {reply.source}{exchange} {seconds * 1000:.0f} ms{names}"
            )

    def summary(self) -> str:
        """Return how many requests were answered by what."""
        answered = [
            f"{self.counts[source]} by {source}"
            for source in (Source.CASSETTE, Source.FAKE, Source.UPSTREAM)
            if self.counts[source]
        ]
        parts = [f"answered {', '.join(answered)}" if answered else "answered nothing"]
        if self.misses:
            parts.append(counted(self.misses, "miss", "misses"))
        if self.errors:
            parts.append(counted(self.errors, "error"))
        return "; ".join(parts)
