"""A run on a thread as it was played: what it tells and saves, and when. No I/O, no clock."""

from collections.abc import Callable
from dataclasses import dataclass

from mockserver.fake.errors import RunFailed
from mockserver.fake.graph.checkpoint_store import Checkpoint
from mockserver.fake.json_format import JsonText, to_server_json
from mockserver.formats import sse
from mockserver.formats.json_text import Json


@dataclass(frozen=True, slots=True)
class Event:
    """An event, *at* seconds from the run's beginning; *identity* where the run can be joined from there."""

    at: float
    name: str
    value: Json | JsonText
    identity: str | None = None

    @property
    def raw(self) -> bytes:
        """The event on the wire."""
        return sse.encode_message(self.name, to_server_json(self.value), self.identity)


@dataclass(frozen=True, slots=True)
class RunResult:
    """All that happens in a run: *events*, and *saved* checkpoints with their moments, until its *end*, in seconds.

    *lasted* is how long it took at the natural pace.
    """

    events: tuple[Event, ...]
    checkpoints: tuple[tuple[float, Checkpoint], ...]
    end: float
    duration: float
    error: RunFailed | None = None
    note: str | None = None
    """What a person should know of it."""


class EventLog:
    """Takes a run down; *gap* tells how long a pause of so many natural seconds takes.

    The events of a *resumable* run have ids, which count the milliseconds from *started* on.
    """

    def __init__(self, gap: Callable[[float], float], *, resumable: bool, started: int) -> None:
        self.now = 0.0
        """The seconds since the run's beginning, at the natural pace."""
        self._gap = gap
        self._resumable = resumable
        self._started = started
        self._counts: dict[int, int] = {}
        self._events: list[Event] = []
        self._checkpoints: list[tuple[float, Checkpoint]] = []
        self._scaled_now = self._scaled_until = 0.0

    def wait(self, seconds: float) -> None:
        """Let *seconds* go by."""
        self.now += seconds

    def emit(self, name: str, value: Json | JsonText) -> None:
        """Take an event down."""
        self._events.append(Event(self._advance(), name, value, self._next_id()))

    def save(self, checkpoint: Checkpoint) -> None:
        """Take a checkpoint down, or what more is known of one."""
        self._checkpoints.append((self._advance(), checkpoint))

    def result(self, error: RunFailed | None, note: str | None) -> RunResult:
        """Return the run, which has *failed* or not."""
        events, checkpoints = tuple(self._events), tuple(self._checkpoints)
        return RunResult(events, checkpoints, self._advance(), self.now, error, note)

    def _advance(self) -> float:
        self._scaled_now += self._gap(self.now - self._scaled_until)
        self._scaled_until = self.now
        return self._scaled_now

    def _next_id(self) -> str | None:
        if not self._resumable:
            return None
        milliseconds = self._started + round(self.now * 1000)
        self._counts[milliseconds] = number = self._counts.get(milliseconds, -1) + 1
        return f"{milliseconds}-{number}"
