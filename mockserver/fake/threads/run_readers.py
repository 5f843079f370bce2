"""Who reads what a run tells while it goes on: streams, and those that wait for its end. No I/O."""

from collections.abc import Callable, Collection

from mockserver.fake.graph.event_log import Event
from mockserver.fake.graph.runner import EMPTY_STATE, HEARTBEAT, NEWLINE, outcome_json
from mockserver.fake.json_format import to_server_json
from mockserver.fake.threads.thread import Action, Play, Run, Thread
from mockserver.formats.json_text import Json

CLIENT_LEFT = "client disconnected from the run stream (on_disconnect=cancel)"


class _RunReader:
    """Reads a *run* of a *thread*; one that *cancels* ends the run when its client goes."""

    keepalive = HEARTBEAT

    def __init__(self, thread: Thread, run: Run, play: Play, *, cancels: bool = False) -> None:
        self._thread = thread
        self._run = run
        self._play = play
        self._cancels = cancels

    def client_left(self, now: float) -> None:
        """The client has gone: where it wanted that, the run goes too."""
        self._thread.settle(self._play, now)
        if self._cancels and self._run.ended_at is None:
            self._thread.cancel(self._run, Action.INTERRUPT, now, CLIENT_LEFT)
            self._thread.settle(self._play, now)

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have *changed* be called when a run is cancelled; return what ends that."""
        self._thread.watchers.add(changed)
        return lambda: self._thread.watchers.discard(changed)

    def _next_change(self, now: float) -> float | None:
        """Return when the run begins or ends, None where it has ended."""
        if self._run.ended_at is not None:
            return None
        return self._thread.next_change(now)


class RunStream(_RunReader):
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

    def read(self, now: float) -> tuple[bytes, float | None]:
        """Return the events that have come, and when the next one comes."""
        self._thread.settle(self._play, now)
        events, began = self._run.events, self._run.started_at
        if began is None:
            return b"", self._next_change(now)
        chunks: list[bytes] = []
        # Behind the run's end nothing is to come, whatever the rounding of its moments.
        over = self._run.ended_at is not None
        while self._position < len(events) and (over or began + events[self._position].at <= now):
            event = events[self._position]
            self._position += 1
            if self._is_selected(event):
                chunks.append(event.raw)
        if self._position < len(events):
            return b"".join(chunks), began + events[self._position].at
        return b"".join(chunks), self._next_change(now)

    def _is_selected(self, event: Event) -> bool:
        return self._names is None or event.name.partition("|")[0] in self._names


class RunOutcome(_RunReader):
    """What a run comes to, once it has ended; *own*, for who has begun it, else for who has joined it."""

    keepalive = NEWLINE

    def __init__(
        self,
        thread: Thread,
        run: Run,
        play: Play,
        *,
        started_here: bool = True,
        cancels: bool = False,
    ) -> None:
        super().__init__(thread, run, play, cancels=cancels)
        self._started_here = started_here
        self._reads_events = started_here or run.ended_at is None

    def read(self, now: float) -> tuple[bytes, float | None]:
        """Return nothing, and at the end all."""
        self._thread.settle(self._play, now)
        following = self._next_change(now)
        return (self._outcome() if following is None else b""), following

    def _outcome(self) -> bytes:
        """Return what the run has told; where that is nothing, or is not heard, what its thread has come to."""
        reads_events = self._reads_events and (self._started_here or not self._run.was_cancelled)
        chunks = outcome_json(self._run.events) if reads_events else EMPTY_STATE
        return thread_outcome(self._thread) if chunks == EMPTY_STATE else chunks


def thread_outcome(thread: Thread) -> bytes:
    """Return what *thread*, whose runs have ended, has come to, as JSON: its state, what it asks, or its error."""
    record = thread.record
    value: Json = record.get("values") or {}
    if record["status"] == "error":
        value = {"__error__": record["error"]}
    elif record["status"] == "interrupted" and record.get("interrupts"):
        value = {"__interrupt__": [one for asked in record["interrupts"].values() for one in asked]}
    return to_server_json(value).encode("utf-8", "replace")
