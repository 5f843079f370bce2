"""The log of a thread, and subscriptions to it. No I/O, no clock.

The code that fills the log decides when an event happens: a subscription sees what has been appended, and its owner waits for more.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from mockserver.fake.thread_log.event import NumberedEvent, ThreadEvent
from mockserver.fake.thread_log.filter import Filter

MAX_EVENTS = 10_000
"""Limit for events per thread; beyond it the oldest is dropped. It is the size of the real server's buffer."""


class ThreadLog:
    """The events of one thread, all runs one after the other."""

    def __init__(self, limit: int = MAX_EVENTS) -> None:
        self._limit = limit
        self._events: list[NumberedEvent] = []
        self.last_seq = 0
        """The number of the last event; 0 before the first."""

    def append(
        self,
        event: ThreadEvent,
        seq: int | None = None,
        *,
        lasting: bool = True,
        raw: bytes | None = None,
    ) -> None:
        """Add *event* with the next number, or with *seq*, which must be greater than the last one; see NumberedEvent."""
        self.last_seq = self.last_seq + 1 if seq is None else seq
        self._events.append(NumberedEvent(self.last_seq, event, lasting, raw))
        if len(self._events) > 2 * self._limit:
            del self._events[: -self._limit]

    def hide_after(self, seq: int) -> None:
        """Hide the events with greater numbers than *seq* from the streams that are opened from now on."""
        first = bisect_right(self._events, seq, key=lambda one: one.seq)
        self._events[first:] = [replace(one, lasting=False) for one in self._events[first:]]

    def after(self, seq: int) -> list[NumberedEvent]:
        """Return the events with greater numbers than *seq*, of those that are kept."""
        oldest = max(0, len(self._events) - self._limit)
        return self._events[bisect_right(self._events, seq, oldest, key=lambda one: one.seq) :]


class Subscription:
    """Reads the events of *log* that *selected* selects: first the past, then what comes.

    Of the past it reads only what is lasting, unless it was *open_before* the first event.
    """

    def __init__(self, log: ThreadLog, selected: Filter, *, open_before: bool = False) -> None:
        self._log = log
        self._selected = selected
        self._seen = selected.since
        self._opened_at = 0 if open_before else log.last_seq

    def read(self) -> Iterator[NumberedEvent]:
        """Yield the selected events since the last one that was taken from an earlier call."""
        for one in self._log.after(self._seen):
            self._seen = one.seq
            if (one.lasting or one.seq > self._opened_at) and self._selected.selects(one.event):
                yield one
