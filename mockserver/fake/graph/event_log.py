"""Logs the events and checkpoints of a run with their times. No I/O, no clock."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from mockserver.fake.graph.checkpoint_store import Checkpoint
from mockserver.fake.run_errors import RunFailed
from mockserver.fake.server_json import JsonText, to_server_json
from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.formats import sse
from mockserver.formats.json_text import Json
from mockserver.http.fault import Cut, Fault, Stall


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event, *at* seconds after the start of the run; *identity* is its id if the stream can be resumed."""

    at: float
    name: str
    value: Json | JsonText
    identity: str | None = None

    @property
    def raw(self) -> bytes:
        return sse.encode_message(self.name, to_server_json(self.value), self.identity)


class EventLog:
    """What happens in a run, with its times in seconds after the start; *scale_pause* converts a natural pause to the seconds it takes.

    The events of a *resumable* run have ids, which count milliseconds from *started*.
    """

    def __init__(
        self, scale_pause: Callable[[float], float], *, resumable: bool, started: int
    ) -> None:
        self.now = 0.0
        """Seconds since the start of the run, at the natural pace."""
        self.end = 0.0
        """The time of its end."""
        self.events: list[LoggedEvent] = []
        self.checkpoints: deque[tuple[float, Checkpoint]] = deque()
        self.stream_events: deque[tuple[float, ThreadEvent]] = deque()
        """The events for the event streams of the thread."""
        self.faults: list[Fault] = []
        """What goes wrong with the connection of the client that has started the run."""
        self.error: RunFailed | None = None
        """The error that ended the run."""
        self.note: str | None = None
        """A remark for the log of the server."""
        self._scale_pause = scale_pause
        self._resumable = resumable
        self._started = started
        self._counts: dict[int, int] = {}
        self._scaled_now = self._scaled_until = 0.0

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def emit(self, name: str, value: Json | JsonText) -> None:
        self.events.append(LoggedEvent(self._advance(), name, value, self._next_id()))

    def save(self, checkpoint: Checkpoint) -> None:
        self.checkpoints.append((self._advance(), checkpoint))

    def stream(self, event: ThreadEvent) -> None:
        """Log an event for the event streams of the thread."""
        self.stream_events.append((self._advance(), event))

    def pause(self, seconds: float) -> None:
        """Advance the time by *seconds* at any pace."""
        self._advance()
        self._scaled_now += seconds

    def add_fault(self, fault: Cut | Stall) -> None:
        """Have the connection break or stall here."""
        self.faults.append(replace(fault, events=len(self.events)))

    def finish(self) -> None:
        self.end = self._advance()

    def _advance(self) -> float:
        self._scaled_now += self._scale_pause(self.now - self._scaled_until)
        self._scaled_until = self.now
        return self._scaled_now

    def _next_id(self) -> str | None:
        if not self._resumable:
            return None
        milliseconds = self._started + round(self.now * 1000)
        self._counts[milliseconds] = number = self._counts.get(milliseconds, -1) + 1
        return f"{milliseconds}-{number}"
