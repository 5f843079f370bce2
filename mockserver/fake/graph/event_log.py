"""A run on a thread as it was played: what it tells and saves, and when. No I/O, no clock."""

from collections.abc import Callable
from dataclasses import dataclass

from mockserver.fake.errors import RejectedError
from mockserver.fake.graph.checkpoint_store import Checkpoint
from mockserver.fake.json_format import Written, written
from mockserver.formats import sse
from mockserver.formats.json_text import Json


@dataclass(frozen=True, slots=True)
class Event:
    """An event, *at* seconds from the run's beginning; *identity* where the run can be joined from there."""

    at: float
    name: str
    value: Json | Written
    identity: str | None = None

    @property
    def raw(self) -> bytes:
        """The event on the wire."""
        return sse.encode_message(self.name, written(self.value), self.identity)


@dataclass(frozen=True, slots=True)
class Played:
    """All that happens in a run: *events*, and *saved* checkpoints with their moments, until its *end*, in seconds.

    *lasted* is how long it took at the natural pace.
    """

    events: tuple[Event, ...]
    saved: tuple[tuple[float, Checkpoint], ...]
    end: float
    lasted: float
    failed: RejectedError | None = None
    note: str | None = None
    """What a person should know of it."""


class Reel:
    """Takes a run down; *gap* tells how long a pause of so many natural seconds takes.

    The events of a *resumable* run have ids, which count the milliseconds from *started* on.
    """

    def __init__(self, gap: Callable[[float], float], *, resumable: bool, started: int) -> None:
        self.now = 0.0
        """The seconds since the run's beginning, at the natural pace."""
        self._gap = gap
        self._resumable = resumable
        self._started = started
        self._numbers: dict[int, int] = {}
        self._events: list[Event] = []
        self._saved: list[tuple[float, Checkpoint]] = []
        self._at = self._before = 0.0

    def wait(self, seconds: float) -> None:
        """Let *seconds* go by."""
        self.now += seconds

    def emit(self, name: str, value: Json | Written) -> None:
        """Take an event down."""
        self._events.append(Event(self._moment(), name, value, self._identity()))

    def save(self, checkpoint: Checkpoint) -> None:
        """Take a checkpoint down, or what more is known of one."""
        self._saved.append((self._moment(), checkpoint))

    def played(self, failed: RejectedError | None, note: str | None) -> Played:
        """Return the run, which has *failed* or not."""
        events, saved = tuple(self._events), tuple(self._saved)
        return Played(events, saved, self._moment(), self.now, failed, note)

    def _moment(self) -> float:
        self._at += self._gap(self.now - self._before)
        self._before = self.now
        return self._at

    def _identity(self) -> str | None:
        if not self._resumable:
            return None
        moment = self._started + round(self.now * 1000)
        self._numbers[moment] = number = self._numbers.get(moment, -1) + 1
        return f"{moment}-{number}"
