"""Response bodies that follow a run: streams, and those that wait for its end. No I/O."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from mockserver.fake.graph.event_log import LoggedEvent
from mockserver.fake.response import HEARTBEAT, JSON_HEADER, STREAM_HEADERS
from mockserver.fake.server_json import JsonText, to_server_json
from mockserver.fake.threads.thread import Action, Play, Run, Thread
from mockserver.formats.json_text import Json
from mockserver.http.messages import Headers

EMPTY_STATE = b"{}"
"""The outcome of a run without any state."""

CLIENT_LEFT = "client disconnected from the run stream (on_disconnect=cancel)"


def get_stream_headers(run: str) -> Headers:
    return (("location", f"{run}/stream"), ("content-location", run), *STREAM_HEADERS)


def get_wait_headers(run: str) -> Headers:
    return (("location", f"{run}/join"), ("content-location", run), JSON_HEADER)


@dataclass(slots=True, eq=False)
class _RunReader:
    """Reads a *run* of a *thread*; if it *cancels*, the run ends when the client disconnects."""

    keepalive: ClassVar[bytes] = HEARTBEAT
    thread: Thread
    run: Run
    play: Play
    _: KW_ONLY
    cancels: bool = False

    def client_left(self, now: float) -> None:
        self.thread.advance(self.play, now)
        if self.cancels and self.run.ended_at is None:
            self.thread.cancel(self.run, Action.INTERRUPT, now, CLIENT_LEFT)
            self.thread.advance(self.play, now)

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call *changed* when a run is cancelled; return a function that unsubscribes."""
        self.thread.watchers.add(changed)
        return lambda: self.thread.watchers.discard(changed)

    def _next_change(self, now: float) -> float | None:
        if self.run.ended_at is not None:
            return None
        return self.thread.next_change(now)


@dataclass(slots=True, eq=False)
class RunStreamReader(_RunReader):
    """The events of a run from *position* on, filtered by *names* (None: all); without *errors*, `error` is omitted."""

    position: int = 0
    names: Collection[str] | None = None
    errors: bool = True

    def read(self, now: float) -> tuple[bytes, float | None]:
        """Return the new events, and when the next one is due."""
        self.thread.advance(self.play, now)
        events, began = self.run.events, self.run.started_at
        if began is None:
            return b"", self._next_change(now)
        chunks: list[bytes] = []
        # After the end of the run all events are due, even if rounding says otherwise.
        over = self.run.ended_at is not None
        while self.position < len(events) and (over or began + events[self.position].at <= now):
            event = events[self.position]
            self.position += 1
            if self._is_selected(event):
                chunks.append(event.raw)
        if self.position < len(events):
            return b"".join(chunks), began + events[self.position].at
        return b"".join(chunks), self._next_change(now)

    def _is_selected(self, event: LoggedEvent) -> bool:
        if event.name == "error" and not self.errors:
            return False
        return self.names is None or event.name.partition("|")[0] in self.names


@dataclass(slots=True, eq=False)
class RunOutcomeReader(_RunReader):
    """The outcome of a run after its end; *started_here* if the same request started it."""

    keepalive: ClassVar[bytes] = b"\n"
    started_here: bool = True

    def read(self, now: float) -> tuple[bytes, float | None]:
        """Return nothing until the run has ended, then the outcome."""
        self.thread.advance(self.play, now)
        following = self._next_change(now)
        return (self._outcome() if following is None else b""), following

    def _outcome(self) -> bytes:
        """Return the outcome of the run, or of its thread if the run has none or was cancelled and the thread is kept."""
        reads_events = self.started_here or not self.run.was_cancelled
        chunks = build_outcome(self.run.events) if reads_events else EMPTY_STATE
        has_none = chunks == EMPTY_STATE and self.run.request.keeps_thread
        return build_thread_outcome(self.thread) if has_none else chunks


def build_outcome(events: Sequence[LoggedEvent]) -> bytes:
    """Return the outcome of a run with these *events*, as JSON."""
    value: Json | JsonText = {}
    interrupts: list[Json] = []
    for event in events:
        match event.name, event.value:
            case "updates", {"__interrupt__": [*more]} if more:
                interrupts += more
                value = {"__interrupt__": interrupts}
            case "values", {"__interrupt__": more} if interrupts:
                # As on the real server: with both modes the outcome has only the interrupts, twice.
                interrupts += more
            case "values", state:
                value = state
            case "error", error:
                value = {"__error__": error}
            case _:
                pass
    return to_server_json(value).encode("utf-8", "replace")


def build_thread_outcome(thread: Thread) -> bytes:
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
