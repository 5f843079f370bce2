"""The body of an event stream: the events of a thread, from its first run on. No I/O."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import inf
from typing import ClassVar

from mockserver.fake.graph.runner import HEARTBEAT
from mockserver.fake.json_format import to_server_json
from mockserver.fake.threads.thread import Play, Thread
from mockserver.formats import sse
from mockserver.thread_log.event import NumberedEvent
from mockserver.thread_log.filter import Filter
from mockserver.thread_log.log import Subscription

_CACHED = 128
"""How many events are kept encoded, since all streams of a thread send the same."""


class EventStream:
    """The events that *selected* selects of the thread *name* in *threads*, which need not exist yet.

    It never ends by itself. *watchers* are called when the thread is created or changes.
    """

    keepalive: ClassVar[bytes] = HEARTBEAT

    def __init__(
        self,
        name: str,
        selected: Filter,
        threads: Mapping[str, Thread],
        watchers: set[Callable[[], None]],
        play: Play,
    ) -> None:
        self._name = name
        self._selected = selected
        self._threads = threads
        self._watchers = watchers
        self._play = play
        self._thread: Thread | None = None
        self._subscription: Subscription | None = None

    def read(self, now: float) -> tuple[bytes, float]:
        """Return the new events, and when the next one is due."""
        thread = self._threads.get(self._name)
        if thread is None:
            return b"", inf
        thread.settle(self._play, now)
        if thread is not self._thread or self._subscription is None:
            self._thread = thread
            self._subscription = Subscription(thread.log, self._selected)
        return b"".join(map(_encode, self._subscription.read())), thread.next_stream_event()

    def client_left(self, now: float) -> None:
        """Do nothing: runs go on."""

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call *changed* when the thread is created or changes; return a function that unsubscribes."""
        self._watchers.add(changed)
        return lambda: self._watchers.discard(changed)


@lru_cache(maxsize=_CACHED)
def _encode(numbered: NumberedEvent) -> bytes:
    """Return the event on the wire."""
    text = to_server_json(numbered.envelope)
    return sse.encode_message(numbered.event.method, text, str(numbered.seq))
