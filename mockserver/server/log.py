"""What a person reads while a server runs, and at its end."""

import time
from collections import Counter
from collections.abc import Callable

from mockserver.errors import OUT_OF_FILES
from mockserver.formats.wording import pluralize
from mockserver.http.messages import Reply, Request, Source
from mockserver.redaction.redactor import describe
from mockserver.server.journal import FAULTY, Call, Journal, call

_SHOWN = 5
"""Of how many malformed requests, and of how many who were refused, there is a line."""


class Log:
    """Counts the answers and tells them by *tell*, a line each: all of them if *every*, else misses and faults.

    With *on_fault*, that takes the misses and the calls that could not be answered, and *tell* does not.
    """

    def __init__(
        self,
        tell: Callable[[str], None],
        *,
        every: bool = False,
        on_fault: Callable[[Call], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.journal = Journal()
        self.tell = tell
        self._clock = clock
        self.counts: Counter[Source] = Counter()
        self.every = every
        self._malformed = 0
        self._refusals = 0
        self._refused: set[str] = set()
        self._on_fault = on_fault
        self._told_once: set[str] = set()

    def tell_once(self, line: str) -> None:
        """Tell *line*, the first time it comes."""
        if line not in self._told_once:
            self._told_once.add(line)
            self.tell(line)

    @property
    def misses(self) -> int:
        """How many requests no exchange matched."""
        return self.counts[Source.MISS]

    @property
    def errors(self) -> int:
        """How many requests we could not answer."""
        return self.counts[Source.ERROR]

    def answering(self, request: Request, reply: Reply) -> None:
        """Take note that *request* is about to get *reply*."""
        if not reply.is_counted:
            return
        self.counts[reply.source] += 1
        noted = self.journal.note(self._clock(), request, reply)
        if reply.source in FAULTY and self._on_fault:
            self._on_fault(call(noted))
        elif reply.note == OUT_OF_FILES:
            self.tell_once(OUT_OF_FILES)
        elif reply.note:
            self.tell(f"{reply.source}: {call(noted)}")

    def answered(self, request: Request, reply: Reply, seconds: float) -> None:
        """Tell, where every answer is told, that *request* has got *reply* after *seconds*."""
        if self.every and not (reply.note and reply.is_counted):
            exchange = f" {reply.exchange}" if reply.exchange else ""
            names = "".join(f", {live} for {recorded}" for live, recorded in reply.id_pairs)
            self.tell(
                f"{describe(request)} {reply.status} {reply.source}{exchange} {seconds * 1000:.0f} ms{names}"
            )

    def malformed(self, line: str) -> None:
        """Count a malformed request; say *line* about it if it is one of the first."""
        self._malformed += 1
        self._tell_first(self._malformed, line, "malformed requests")

    def refused(self, line: str) -> None:
        """Count a request that was refused; say *line* about it if it is new, and one of the first."""
        self._refusals += 1
        if line not in self._refused and len(self._refused) <= _SHOWN:
            self._refused.add(line)
            self._tell_first(len(self._refused), line, "refused requests")

    def _tell_first(self, number: int, line: str, kind: str) -> None:
        if number <= _SHOWN:
            self.tell(line)
        elif number == _SHOWN + 1:
            self.tell(f"more {kind} are counted, and not shown")

    def summary(self) -> str:
        """Return how many requests were answered by what."""
        answered = [
            f"{self.counts[source]} by {source}"
            for source in (Source.CASSETTE, Source.FAKE, Source.UPSTREAM)
            if self.counts[source]
        ]
        parts = [f"answered {', '.join(answered)}" if answered else "answered nothing"]
        if self.misses:
            parts.append(pluralize(self.misses, "miss", "misses"))
        if self.errors:
            parts.append(pluralize(self.errors, "error"))
        if self._malformed:
            parts.append(pluralize(self._malformed, "malformed request"))
        if self._refusals:
            parts.append(pluralize(self._refusals, "refused request"))
        return "; ".join(parts)
