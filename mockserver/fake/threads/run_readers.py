"""Who reads what a run tells while it goes on: streams, and those that wait for its end. No I/O."""

from collections.abc import Callable, Collection

from mockserver.fake.graph.event_log import Event
from mockserver.fake.graph.runner import HEARTBEAT, NEWLINE, NOTHING, outcome
from mockserver.fake.json_format import written
from mockserver.fake.threads.thread import Action, Play, Run, Thread
from mockserver.formats.json_text import Json

LEFT = "client disconnected from the run stream (on_disconnect=cancel)"


class _Reader:
    """Reads a *run* of a *thread*; one that *cancels* ends the run when its client goes."""

    keepalive = HEARTBEAT

    def __init__(self, thread: Thread, run: Run, play: Play, *, cancels: bool = False) -> None:
        self._thread = thread
        self._run = run
        self._play = play
        self._cancels = cancels

    def leave(self, now: float) -> None:
        """The client has gone: where it wanted that, the run goes too."""
        self._thread.settle(self._play, now)
        if self._cancels and self._run.over is None:
            self._thread.cancel(self._run, Action.INTERRUPT, now, LEFT)
            self._thread.settle(self._play, now)

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have *changed* be called when a run is cancelled; return what ends that."""
        self._thread.watchers.add(changed)
        return lambda: self._thread.watchers.discard(changed)

    def _next(self, now: float) -> float | None:
        """Return when the run begins or ends, None where it has ended."""
        if self._run.over is not None:
            return None
        return self._thread.expected(now)


class Stream(_Reader):
    """The events of a run behind the first *begin*, of those with one of the *names*, all if there are none."""

    def __init__(
        self,
        thread: Thread,
        run: Run,
        play: Play,
        *,
        begin: int = 0,
        names: Collection[str] | None = None,
        cancels: bool = False,
    ) -> None:
        super().__init__(thread, run, play, cancels=cancels)
        self._position = begin
        self._names = names

    def take(self, now: float) -> tuple[bytes, float | None]:
        """Return the events that have come, and when the next one comes."""
        self._thread.settle(self._play, now)
        events, began = self._run.events, self._run.began
        if began is None:
            return b"", self._next(now)
        told: list[bytes] = []
        # Behind the run's end nothing is to come, whatever the rounding of its moments.
        over = self._run.over is not None
        while self._position < len(events) and (over or began + events[self._position].at <= now):
            event = events[self._position]
            self._position += 1
            if self._is_told(event):
                told.append(event.raw)
        if self._position < len(events):
            return b"".join(told), began + events[self._position].at
        return b"".join(told), self._next(now)

    def _is_told(self, event: Event) -> bool:
        return self._names is None or event.name.partition("|")[0] in self._names


class Outcome(_Reader):
    """What a run comes to, once it has ended; *own*, for who has begun it, else for who has joined it."""

    keepalive = NEWLINE

    def __init__(
        self, thread: Thread, run: Run, play: Play, *, own: bool = True, cancels: bool = False
    ) -> None:
        super().__init__(thread, run, play, cancels=cancels)
        self._own = own
        self._hears = own or run.over is None

    def take(self, now: float) -> tuple[bytes, float | None]:
        """Return nothing, and at the end all."""
        self._thread.settle(self._play, now)
        following = self._next(now)
        return (self._told() if following is None else b""), following

    def _told(self) -> bytes:
        """Return what the run has told; where that is nothing, or is not heard, what its thread has come to."""
        hears = self._hears and (self._own or not self._run.cut)
        told = outcome(self._run.events) if hears else NOTHING
        return present(self._thread) if told == NOTHING else told


def present(thread: Thread) -> bytes:
    """Return what *thread*, whose runs have ended, has come to, as JSON: its state, what it asks, or its error."""
    told = thread.told
    value: Json = told.get("values") or {}
    if told["status"] == "error":
        value = {"__error__": told["error"]}
    elif told["status"] == "interrupted" and told.get("interrupts"):
        value = {"__interrupt__": [one for asked in told["interrupts"].values() for one in asked]}
    return written(value).encode("utf-8", "replace")
