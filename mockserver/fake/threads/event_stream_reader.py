"""The body of an event stream: the events of a thread, from its first run on. No I/O."""

from collections.abc import Callable
from functools import lru_cache
from math import inf
from typing import ClassVar, Protocol

from mockserver.fake.response import HEARTBEAT
from mockserver.fake.server_json import to_server_json
from mockserver.fake.thread_log.event import NumberedEvent
from mockserver.fake.thread_log.filter import Filter
from mockserver.fake.thread_log.log import Subscription, ThreadLog
from mockserver.formats import sse

_CACHED = 32
"""How many events are kept encoded, since all streams of a thread send the same."""

MAX_CHUNK = 1 << 16
"""How many bytes are read at once, except for a larger event: a client that does not read its stream makes the server hold no more."""


class EventSource(Protocol):
    """What fills the *log* of a thread as time passes; *now* is the current time of the clock, in seconds."""

    log: ThreadLog

    def advance(self, now: float) -> None:
        """Append the events that are due until *now*."""

    def next_event(self) -> float:
        """Return when the next event is due; infinity if none is known."""


class EventStreamReader:
    """The events that *selected* selects of the thread that *find_source* returns, None while it does not exist.

    It never ends by itself. *watchers* are called when the thread is created or changes.
    """

    keepalive: ClassVar[bytes] = HEARTBEAT

    def __init__(
        self,
        selected: Filter,
        find_source: Callable[[], EventSource | None],
        watchers: set[Callable[[], None]],
    ) -> None:
        self._selected = selected
        self._find_source = find_source
        self._watchers = watchers
        self._log: ThreadLog | None = None
        self._subscription: Subscription | None = None
        self._was_open_before = False

    def read(self, now: float) -> tuple[bytes, float]:
        """Return new events, and when the next one is due: now if there are more."""
        source = self._find_source()
        if source is None:
            self._was_open_before = True
            return b"", inf
        source.advance(now)
        if source.log is not self._log or self._subscription is None:
            self._log = source.log
            self._subscription = Subscription(
                source.log, self._selected, open_before=self._was_open_before
            )
        chunk = bytearray()
        for numbered in self._subscription.read():
            chunk += _encode(numbered)
            if len(chunk) >= MAX_CHUNK:
                return bytes(chunk), now
        return bytes(chunk), source.next_event()

    def client_left(self, now: float) -> None:
        """Do nothing: runs go on."""

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call *changed* when the thread is created or changes; return a function that unsubscribes."""
        self._watchers.add(changed)
        return lambda: self._watchers.discard(changed)


@lru_cache(maxsize=_CACHED)
def _encode(numbered: NumberedEvent) -> bytes:
    """Return the event on the wire."""
    raw = numbered.raw
    text = to_server_json(numbered.envelope) if raw is None else raw.decode()
    return sse.encode_message(numbered.event.method, text, str(numbered.seq))
