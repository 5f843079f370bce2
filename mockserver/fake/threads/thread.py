"""A thread: its state, and its runs one after the other. No I/O.

Runs take time. *now* is the current time of the clock, in seconds; `advance` applies everything due until then.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import ceil, inf
from typing import TypeVar

from mockserver.fake.graph.checkpoint_store import Checkpoint, History
from mockserver.fake.graph.event_log import EventLog, LoggedEvent
from mockserver.fake.graph.stream_events import ModeEvents, interrupted_event
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.run_request import RunRequest
from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.fake.thread_log.log import ThreadLog
from mockserver.formats.json_text import Json

MAX_CHECKPOINTS = 1000
"""Limit for checkpoints per thread; beyond it the oldest is dropped."""

MAX_RUNS = 100
"""Limit for runs per thread; beyond it the oldest is dropped."""

Due = TypeVar("Due")
Play = Callable[[RunRequest, IdGenerator, History], EventLog]


class Action(StrEnum):
    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


@dataclass(eq=False)
class Run:
    """A run on a thread, which starts at *due_at* at the earliest; *record* is its JSON form."""

    request: RunRequest
    ids: IdGenerator
    record: dict[str, Json]
    due_at: float
    status: str = "pending"
    started_at: float | None = None
    ended_at: float | None = None
    """When it ended or was cancelled."""
    was_cancelled: bool = False
    result: EventLog | None = None
    """What happens in it, without the checkpoints that the thread has already; None before the start."""

    @property
    def identity(self) -> str:
        return self.request.run_id

    @property
    def events(self) -> list[LoggedEvent]:
        """All its events; after a cancellation only those before it."""
        return self.result.events if self.result else []

    @cached_property
    def stream_events(self) -> deque[tuple[float, ThreadEvent]]:
        """The events for event streams that are not due yet, with their times. The run has started."""
        assert self.result is not None
        if self.request.for_event_streams:
            return self.result.stream_events
        return ModeEvents(self.request, self.ids).convert(self.result.events, self.result.end)

    @property
    def changes_at(self) -> float:
        """When it starts; after its start, when it ends."""
        if self.result is None or self.started_at is None:
            return self.due_at
        return self.started_at + self.result.end

    @property
    def lasts_in_streams(self) -> bool:
        """Whether event streams that are opened later show its events too."""
        return self.request.for_event_streams or self.request.resumable


def _take_due(pending: deque[tuple[float, Due]], started: float, until: float) -> Iterator[Due]:
    """Take out and yield what is due until *until*; the times in *pending* count from *started*."""
    while pending and started + pending[0][0] <= until:
        yield pending.popleft()[1]


class Thread:
    """A thread with its runs; *record* is its JSON form."""

    def __init__(self, record: dict[str, Json], next_moment: int = 0) -> None:
        self.record = record
        self.history = History()
        self.log = ThreadLog()
        """The events of its runs for event streams."""
        self.has_streams = False
        """Whether an event stream may be open."""
        self.runs: dict[str, Run] = {}
        self.watchers: set[Callable[[], None]] = set()
        """Called when a cancellation changes the expected course."""
        self._moment = next_moment
        self._queue: list[Run] = []
        self._free_at = float("-inf")
        self._history_before = History()
        self._seq_before = 0

    @property
    def identity(self) -> str:
        return str(self.record["thread_id"])

    @property
    def active(self) -> tuple[Run, ...]:
        return tuple(self._queue)

    def next_moment(self, at_least: int) -> int:
        """Return a time after everything that happened, but *at_least* that one, in seconds since the epoch of the ids."""
        self._moment = max(self._moment + 1, at_least)
        return self._moment

    def add(self, run: Run, play: Play, now: float) -> None:
        """Queue *run*; *play* plays it when it is due and the runs before it have ended."""
        self.runs[run.identity] = run
        while len(self.runs) > MAX_RUNS:
            del self.runs[next(iter(self.runs))]
        # A run comes before waiting runs that are due later.
        earlier = [each for each in self._queue if each.result or each.due_at <= run.due_at]
        self._queue.insert(len(earlier), run)
        self.record = {**self.record, "status": "busy", "updated_at": run.record["updated_at"]}
        self.advance(play, now)

    def advance(self, play: Play, now: float) -> None:
        """Apply everything that is due until *now*."""
        while self._queue:
            run = self._queue[0]
            if run.result is None:
                if run.due_at > now:
                    return
                self._start(run, play)
            started, end = run.started_at, run.changes_at
            assert run.result is not None and started is not None
            ended = end <= now
            # After the end of the run everything is due, even if rounding says otherwise.
            until = inf if ended else now
            for checkpoint in _take_due(run.result.checkpoints, started, until):
                self.history.put(checkpoint)
            if self.has_streams or run.lasts_in_streams:
                for event in _take_due(run.stream_events, started, until):
                    self.log.append(event, lasting=run.lasts_in_streams)
            if not ended:
                return
            self._end(run, end)

    def next_change(self, now: float) -> float:
        """Return when the first run in the queue starts or ends."""
        return self._queue[0].changes_at if self._queue else now

    def next_stream_event(self) -> float:
        """Return when the next event for event streams is due, or a run starts; infinity if no run is active."""
        if not self._queue:
            return inf
        run = self._queue[0]
        if run.result is None or run.started_at is None:
            return run.due_at
        return run.started_at + run.stream_events[0][0] if run.stream_events else inf

    def cancel(self, run: Run, action: Action, now: float, why: str | None) -> None:
        """End the active *run* at *now*; *why* becomes the error of the thread, None if another run replaces it."""
        self._queue.remove(run)
        run.status, run.ended_at, run.was_cancelled = "interrupted", now, True
        error = why and {
            "error": "UserInterrupt" if action is Action.INTERRUPT else "UserRollback",
            "message": why,
        }
        if action is Action.ROLLBACK:
            del self.runs[run.identity]
        if run.result is not None and run.started_at is not None:
            at = now - run.started_at
            run.result.events = [event for event in run.result.events if event.at <= at]
            self._free_at = now
            if error is not None:
                self._mark_cancelled()
            if action is Action.ROLLBACK:
                self.history = self._history_before
                self.log.hide_after(self._seq_before)
            elif self.has_streams or run.lasts_in_streams:
                end = interrupted_event(run.request, run.ids, at)
                self.log.append(end, lasting=run.lasts_in_streams)
            self._update_after_run(run, error)
        elif not self._queue:
            self._update_after_run(run, self.record.get("error"))
        for watcher in tuple(self.watchers):
            watcher()

    def update_record(self, at: str, error: Json = None, head: Checkpoint | None = None) -> None:
        """Update the record to *head*, or to the last checkpoint; *at* is the time, *error* ended the last run."""
        head = head or self.history.head()
        record = {**self.record, "updated_at": at, "state_updated_at": at, "error": error}
        if self._queue:
            record["status"] = "busy"
        elif error is not None and error["error"] not in ("UserInterrupt", "UserRollback"):
            record["status"] = "error"
        else:
            record["status"] = "interrupted" if head is not None and head.tasks else "idle"
        if head is not None:
            record["values"] = dict(head.values)
            asking = (task for task in head.tasks if task.interrupts and task.result is None)
            record["interrupts"] = {
                task.identity: [convert_interrupt(one) for one in task.interrupts]
                for task in asking
            }
        elif self.record.get("values") is not None:
            record["values"] = None
        self.record = record

    def _innermost_head(self, head: Checkpoint) -> Checkpoint:
        """Return the checkpoint where the run stopped: *head*, or that of a subgraph."""
        for task in head.tasks:
            path = (*head.namespace, f"{task.name}:{task.identity}")
            if task.result is None and (inner := self.history.head(path)):
                return self._innermost_head(inner)
        return head

    def _mark_cancelled(self) -> None:
        head = self.history.head()
        if head is not None:
            for task in head.tasks:
                head = head.with_task(task.identity, error="CancelledError()")
            self.history.put(head)

    def _start(self, run: Run, play: Play) -> None:
        run.started_at = max(run.due_at, self._free_at)
        run.status = "running"
        self._history_before = self.history.copy()
        self._seq_before = self.log.last_seq
        run.ids = run.ids.at(self.next_moment(run.ids.moment or 0))
        run.result = play(run.request, run.ids, self.history.copy())
        self._moment += ceil(run.result.now)

    def _end(self, run: Run, end: float) -> None:
        assert run.result is not None
        failed = run.result.error
        run.status, run.ended_at = "error" if failed else "success", end
        self._free_at = end
        self._queue.remove(run)
        self.history.drop_oldest(MAX_CHECKPOINTS)
        self._update_after_run(run, failed.payload if failed else None)

    def _update_after_run(self, run: Run, error: Json) -> None:
        at = run.ids.time(run.result.now if run.result else 0.0)
        run.record = {**run.record, "updated_at": at}
        head = self.history.head()
        if head and run.request.subgraphs:
            # The real server shows the graph that sent the last event of the stream.
            head = self._innermost_head(head)
        self.update_record(at, error, head)


def convert_interrupt(interrupt: Json) -> dict[str, Json]:
    return {"id": interrupt["id"], "value": interrupt["value"]}


class ThreadEvents:
    """The events of *thread*, whose runs *play* plays; see EventSource."""

    def __init__(self, thread: Thread, play: Play) -> None:
        self.log = thread.log
        thread.has_streams = True
        self._thread = thread
        self._play = play

    def advance(self, now: float) -> None:
        """Apply everything that is due until *now*."""
        self._thread.advance(self._play, now)

    def next_event(self) -> float:
        """Return when the next event is due, or a run starts; infinity if no run is active."""
        return self._thread.next_stream_event()
