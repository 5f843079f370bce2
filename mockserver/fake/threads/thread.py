"""A thread: its state, and its runs one after the other. No I/O.

Runs take time, and *now* is always the moment of the clock, in seconds, at which somebody looks: `settle` lets happen
what has happened until then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from mockserver.fake.graph.checkpoint_store import Checkpoint, History
from mockserver.fake.graph.event_log import Event, Played
from mockserver.fake.ids import Ids
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json

CHECKPOINTS = 1000
"""How many checkpoints a thread may have; more, and the oldest is forgotten."""

RUNS = 100
"""How many runs a thread may have; more, and the oldest is forgotten."""

Play = Callable[[RunRequest, Ids, History], Played]


class Action(StrEnum):
    """What becomes of a run that is cancelled."""

    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


@dataclass(slots=True, eq=False)
class Run:
    """A run on a thread, that begins at the moment *due* at the earliest; *told* is what the server tells of it."""

    request: RunRequest
    ids: Ids
    told: dict[str, Json]
    due: float
    status: str = "pending"
    began: float | None = None
    over: float | None = None
    """When it ended, or was made to end."""
    cut: bool = False
    """Whether it was made to end."""
    played: Played | None = None
    _saved: int = 0

    @property
    def identity(self) -> str:
        """The id of the run."""
        return self.request.run_id

    @property
    def events(self) -> tuple[Event, ...]:
        """All that it tells, as far as it comes."""
        if self.played is None:
            return ()
        if not self.cut or self.over is None or self.began is None:
            return self.played.events
        return tuple(e for e in self.played.events if e.at <= self.over - self.began)

    def saved_until(self, at: float) -> tuple[Checkpoint, ...]:
        """Return the checkpoints that it saves until *at* seconds from its beginning, and that were not asked for yet."""
        assert self.played is not None
        first = self._saved
        while self._saved < len(self.played.saved) and self.played.saved[self._saved][0] <= at:
            self._saved += 1
        return tuple(checkpoint for _, checkpoint in self.played.saved[first : self._saved])


class Thread:
    """A thread that the server tells of as *told*."""

    def __init__(self, told: dict[str, Json], moment: int = 0) -> None:
        self.told = told
        self.history = History()
        self.runs: dict[str, Run] = {}
        self.watchers: set[Callable[[], None]] = set()
        """Called when things go otherwise than they were to go."""
        self._moment = moment
        self._queue: list[Run] = []
        self._free = float("-inf")
        self._before = History()

    @property
    def identity(self) -> str:
        """The id of the thread."""
        name: str = self.told["thread_id"]
        return name

    @property
    def active(self) -> tuple[Run, ...]:
        """The runs that have not ended, in the order in which they begin."""
        return tuple(self._queue)

    def moment(self, at_least: int) -> int:
        """Return a moment, in seconds since EPOCH, behind all that has happened, but *at_least* that one."""
        self._moment = max(self._moment + 1, at_least)
        return self._moment

    def add(self, run: Run, play: Play, now: float) -> None:
        """Have *run* be played by *play* when those before it have ended."""
        self.runs[run.identity] = run
        while len(self.runs) > RUNS:
            del self.runs[next(iter(self.runs))]
        self._queue.append(run)
        self.told = {**self.told, "status": "busy", "updated_at": run.told["updated_at"]}
        self.settle(play, now)

    def settle(self, play: Play, now: float) -> None:
        """Let happen what has happened until *now*."""
        while self._queue:
            run = self._queue[0]
            if run.played is None:
                if run.due > now:
                    return
                self._begin(run, play)
            assert run.played is not None and run.began is not None
            end = run.began + run.played.end
            ended = end <= now
            for checkpoint in run.saved_until(float("inf") if ended else now - run.began):
                self.history.put(checkpoint)
            if not ended:
                return
            self._end(run, end)

    def expected(self, now: float) -> float:
        """Return when the run that comes first begins or ends; look again then."""
        run = self._queue[0] if self._queue else None
        if run is None:
            return now
        return run.due if run.played is None or run.began is None else run.began + run.played.end

    def cancel(self, run: Run, action: Action, now: float, why: str | None) -> None:
        """End *run*, which has not ended, at the moment *now*; *why* it was is told, None where another takes its place."""
        self._queue.remove(run)
        begun = run.played is not None
        run.status, run.over, run.cut = "interrupted", now, True
        error = why and {
            "error": "UserInterrupt" if action is Action.INTERRUPT else "UserRollback",
            "message": why,
        }
        if action is Action.ROLLBACK:
            del self.runs[run.identity]
        if begun:
            self._free = now
            if error is not None:
                self._leave()
            if action is Action.ROLLBACK:
                self.history = self._before
            self._rest(run, error)
        elif not self._queue:
            self._rest(run, self.told.get("error"))
        for watcher in tuple(self.watchers):
            watcher()

    def rest(self, at: str, error: Json = None, head: Checkpoint | None = None) -> None:
        """Tell of the thread as it is at *head*, or else at its last checkpoint.

        *at* is the time, *error* what ended the last run before its time.
        """
        head = head or self.history.head()
        told = {**self.told, "updated_at": at, "state_updated_at": at, "error": error}
        if self._queue:
            told["status"] = "busy"
        elif error is not None and error["error"] not in ("UserInterrupt", "UserRollback"):
            told["status"] = "error"
        else:
            told["status"] = "interrupted" if head is not None and head.tasks else "idle"
        if head is not None:
            told["values"] = dict(head.values)
            asking = (task for task in head.tasks if task.interrupts and task.result is None)
            told["interrupts"] = {
                task.identity: [shown_interrupt(one) for one in task.interrupts] for task in asking
            }
        elif "values" in self.told and self.told["values"] is not None:
            told["values"] = None
        self.told = told

    def _innermost(self, head: Checkpoint) -> Checkpoint:
        """Return the checkpoint at which the graph was left, within a graph of *head* or not."""
        for task in head.tasks:
            path = (*head.namespace, f"{task.name}:{task.identity}")
            inner = self.history.head(path) if task.result is None else None
            if inner is not None:
                return self._innermost(inner)
        return head

    def _leave(self) -> None:
        """Take down of the tasks that are due that they were cancelled."""
        head = self.history.head()
        if head is not None:
            for task in head.tasks:
                head = head.with_task(task.identity, error="CancelledError()")
            self.history.put(head)

    def _begin(self, run: Run, play: Play) -> None:
        run.began = max(run.due, self._free)
        run.status = "running"
        self._before = self.history.copy()
        run.ids = run.ids.at(self.moment(run.ids.moment or 0))
        run.played = play(run.request, run.ids, self.history.copy())
        self._moment += ceil(run.played.lasted)

    def _end(self, run: Run, end: float) -> None:
        assert run.played is not None
        failed = run.played.failed
        run.status, run.over = "error" if failed else "success", end
        self._free = end
        self._queue.remove(run)
        self.history.forget(CHECKPOINTS)
        self._rest(run, failed.told if failed else None)

    def _rest(self, run: Run, error: Json) -> None:
        lasted = run.played.lasted if run.played else 0.0
        at = run.ids.time(lasted)
        run.told = {**run.told, "updated_at": at}
        head = self.history.head()
        # The server tells of the graph that spoke last, of those that the run told of.
        within = head is not None and run.request.subgraphs
        self.rest(at, error, self._innermost(head) if within and head else head)


def shown_interrupt(interrupt: Json) -> dict[str, Json]:
    """Return an interrupt as a thread and its state show it."""
    return {"id": interrupt["id"], "value": interrupt["value"]}
