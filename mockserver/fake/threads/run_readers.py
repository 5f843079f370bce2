"""Response bodies that follow a run: streams, and those that wait for its end. No I/O."""

from collections.abc import Callable, Collection

from mockserver.fake.graph.event_log import Event
from mockserver.fake.graph.runner import EMPTY_STATE, HEARTBEAT, NEWLINE, outcome_json
from mockserver.fake.json_format import to_server_json
from mockserver.fake.threads.thread import Action, Play, Run, Thread
from mockserver.formats.json_text import Json

CLIENT_LEFT = "client disconnected from the run stream (on_disconnect=cancel)"


class _RunReader:
    """Reads a *run* of a *thread*; if it *cancels*, the run ends when the client disconnects."""

    keepalive = HEARTBEAT

    def __init__(self, thread: Thread, run: Run, play: Play, *, cancels: bool = False) -> None:
        self._thread = thread
        self._run = run
        self._play = play
        self._cancels = cancels

    def client_left(self, now: float) -> None:
        self._thread.settle(self._play, now)
        if self._cancels and self._run.ended_at is None:
            self._thread.cancel(self._run, Action.INTERRUPT, now, CLIENT_LEFT)
            self._thread.settle(self._play, now)

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call *changed* when a run is cancelled; return a function that unsubscribes."""
        self._thread.watchers.add(changed)
        return lambda: self._thread.watchers.discard(changed)

    def _next_change(self, now: float) -> float | None:
        if self._run.ended_at is not None:
            return None
        return self._thread.next_change(now)


class RunStream(_RunReader):
    """The events of a run after the first *begin*, filtered by *names* (None: all); without *errors*, `error` is omitted."""

    def __init__(
        self,
        thread: Thread,
        run: Run,
        play: Play,
        *,
        begin: int = 0,
        names: Collection[str] | None = None,
        errors: bool = True,
        cancels: bool = False,
    ) -> None:
        super().__init__(thread, run, play, cancels=cancels)
        self._position = begin
        self._names = names
        self._errors = errors

    def read(self, now: float) -> tuple[bytes, float | None]:
        """Return the new events, and when the next one is due."""
        self._thread.settle(self._play, now)
        events, began = self._run.events, self._run.started_at
        if began is None:
            return b"", self._next_change(now)
        chunks: list[bytes] = []
        # After the end of the run all events are due, even if rounding says otherwise.
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
        if event.name == "error" and not self._errors:
            return False
        return self._names is None or event.name.partition("|")[0] in self._names


class RunOutcome(_RunReader):
    """The outcome of a run after its end; *started_here* if the same request started it."""

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
        """Return nothing until the run has ended, then the outcome."""
        self._thread.settle(self._play, now)
        following = self._next_change(now)
        return (self._outcome() if following is None else b""), following

    def _outcome(self) -> bytes:
        """Return the outcome of the run, or of its thread if the run has none or was cancelled."""
        reads_events = self._reads_events and (self._started_here or not self._run.was_cancelled)
        chunks = outcome_json(self._run.events) if reads_events else EMPTY_STATE
        return thread_outcome(self._thread) if chunks == EMPTY_STATE else chunks


def thread_outcome(thread: Thread) -> bytes:
    """Return the outcome of *thread* after its runs have ended, as JSON: its state, interrupts or error."""
    record = thread.record
    value: Json = record.get("values") or {}
    if record["status"] == "error":
        value = {"__error__": record["error"]}
    elif record["status"] == "interrupted" and record.get("interrupts"):
        value = {
            "__interrupt__": [
                one for interrupts in record["interrupts"].values() for one in interrupts
            ]
        }
    return to_server_json(value).encode("utf-8", "replace")
