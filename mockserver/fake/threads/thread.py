"""A thread: its state, and its runs one after the other. No I/O.

Runs take time. *now* is the current time of the clock, in seconds; `settle` applies everything due until then.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import ceil, inf

from mockserver.fake.graph.checkpoint_store import Checkpoint, History
from mockserver.fake.graph.event_log import Event, RunResult
from mockserver.fake.graph.stream_events import ModeEvents, interrupted_event
from mockserver.fake.ids import Ids
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json
from mockserver.thread_log.event import Event as StreamEvent
from mockserver.thread_log.log import ThreadLog

MAX_CHECKPOINTS = 1000
"""Limit for checkpoints per thread; beyond it the oldest is dropped."""

MAX_RUNS = 100
"""Limit for runs per thread; beyond it the oldest is dropped."""

Play = Callable[[RunRequest, Ids, History], RunResult]


class Action(StrEnum):
    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


@dataclass(eq=False)
class Run:
    """A run on a thread, which starts at *due_at* at the earliest; *record* is its JSON form."""

    request: RunRequest
    ids: Ids
    record: dict[str, Json]
    due_at: float
    status: str = "pending"
    started_at: float | None = None
    ended_at: float | None = None
    """When it ended or was cancelled."""
    was_cancelled: bool = False
    """Whether it was cancelled."""
    result: RunResult | None = None
    _checkpoints_taken: int = 0
    _stream_events_taken: int = 0

    @property
    def identity(self) -> str:
        return self.request.run_id

    @property
    def events(self) -> tuple[Event, ...]:
        """All its events; after a cancellation only those before it."""
        if self.result is None:
            return ()
        if not self.was_cancelled or self.ended_at is None or self.started_at is None:
            return self.result.events
        return tuple(e for e in self.result.events if e.at <= self.ended_at - self.started_at)

    @cached_property
    def stream_events(self) -> tuple[tuple[float, StreamEvent], ...]:
        """The events for event streams, with their times. The run has started."""
        assert self.result is not None
        if self.request.for_event_streams:
            return self.result.stream_events
        return ModeEvents(self.request, self.ids).convert(self.result.events, self.result.end)

    @property
    def next_stream_event(self) -> float:
        """When the next event for event streams is due; infinity if there is none."""
        if self.result is None or self.started_at is None:
            return inf
        events, taken = self.stream_events, self._stream_events_taken
        return inf if taken == len(events) else self.started_at + events[taken][0]

    @property
    def lasts_in_streams(self) -> bool:
        """Whether event streams that are opened later show its events too."""
        return self.request.for_event_streams or self.request.resumable

    def take_stream_events(self, now: float) -> Iterator[StreamEvent]:
        """Yield the events for event streams until *now* that no earlier call has yielded."""
        while (at := self.next_stream_event) <= now and at != inf:
            self._stream_events_taken += 1
            yield self.stream_events[self._stream_events_taken - 1][1]

    def take_checkpoints(self, at: float) -> tuple[Checkpoint, ...]:
        """Return the checkpoints until *at* seconds after the start that no earlier call has returned."""
        assert self.result is not None
        due = [
            one for time, one in self.result.checkpoints[self._checkpoints_taken :] if time <= at
        ]
        self._checkpoints_taken += len(due)
        return tuple(due)


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
        name: str = self.record["thread_id"]
        return name

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
        self._enqueue(run)
        self.record = {**self.record, "status": "busy", "updated_at": run.record["updated_at"]}
        self.settle(play, now)

    def _enqueue(self, run: Run) -> None:
        """Add *run* to the queue, before waiting runs that are due later."""
        earlier = [each for each in self._queue if each.result or each.due_at <= run.due_at]
        self._queue.insert(len(earlier), run)

    def settle(self, play: Play, now: float) -> None:
        """Apply everything that is due until *now*."""
        while self._queue:
            run = self._queue[0]
            if run.result is None:
                if run.due_at > now:
                    return
                self._start(run, play)
            assert run.result is not None and run.started_at is not None
            end = run.started_at + run.result.end
            ended = end <= now
            for checkpoint in run.take_checkpoints(float("inf") if ended else now - run.started_at):
                self.history.put(checkpoint)
            if self.has_streams or run.lasts_in_streams:
                for event in run.take_stream_events(inf if ended else now):
                    self.log.append(event, lasting=run.lasts_in_streams)
            if not ended:
                return
            self._end(run, end)

    def next_change(self, now: float) -> float:
        """Return when the first run in the queue starts or ends."""
        if not self._queue:
            return now
        run = self._queue[0]
        if run.result is None or run.started_at is None:
            return run.due_at
        return run.started_at + run.result.end

    def next_stream_event(self) -> float:
        """Return when the next event for event streams is due, or a run starts; infinity if no run is active."""
        if not self._queue:
            return inf
        run = self._queue[0]
        return run.due_at if run.result is None else run.next_stream_event

    def cancel(self, run: Run, action: Action, now: float, why: str | None) -> None:
        """End the active *run* at *now*; *why* becomes the error of the thread, None if another run replaces it."""
        self._queue.remove(run)
        has_started = run.result is not None
        run.status, run.ended_at, run.was_cancelled = "interrupted", now, True
        error = why and {
            "error": "UserInterrupt" if action is Action.INTERRUPT else "UserRollback",
            "message": why,
        }
        if action is Action.ROLLBACK:
            del self.runs[run.identity]
        if has_started:
            self._free_at = now
            if error is not None:
                self._mark_cancelled()
            if action is Action.ROLLBACK:
                self.history = self._history_before
                self.log.hide_after(self._seq_before)
            elif self.has_streams or run.lasts_in_streams:
                at = now - (run.started_at or now)
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
        elif "values" in self.record and self.record["values"] is not None:
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
        self._moment += ceil(run.result.duration)

    def _end(self, run: Run, end: float) -> None:
        assert run.result is not None
        failed = run.result.error
        run.status, run.ended_at = "error" if failed else "success", end
        self._free_at = end
        self._queue.remove(run)
        self.history.drop_oldest(MAX_CHECKPOINTS)
        self._update_after_run(run, failed.payload if failed else None)

    def _update_after_run(self, run: Run, error: Json) -> None:
        at = run.ids.time(run.result.duration if run.result else 0.0)
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

    def settle(self, now: float) -> None:
        """Apply everything that is due until *now*."""
        self._thread.settle(self._play, now)

    def next_event(self) -> float:
        """Return when the next event is due, or a run starts; infinity if no run is active."""
        return self._thread.next_stream_event()
