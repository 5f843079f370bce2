"""What the runs of a thread have saved: checkpoints, and what became of the tasks that were due at them. No I/O.

A checkpoint is never changed: where more is known of it, another one takes its place under its id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mockserver.formats.json_text import Json

Namespace = tuple[str, ...]
"""The tasks of the outer graphs that lead to a graph, as `node:task`; empty for the whole graph."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task that was due at a checkpoint: *error* as Python shows it, *interrupts* while or since it asks a human.

    *answers* are what humans said to it so far, *result* is what it returned in the end.
    """

    identity: str
    name: str
    error: str | None = None
    interrupts: tuple[Json, ...] = ()
    result: Json = None
    answers: tuple[Json, ...] = ()
    given: Json = None
    """What the task that takes the input in is to take in."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The *values* of a graph behind its *step*, and the *tasks* that are due then.

    *outer* maps the namespaces around it to their checkpoints; *parent* is the id of the one before; *node* did the step.
    """

    identity: str
    parent: str | None
    namespace: Namespace
    outer: Mapping[str, str]
    values: Mapping[str, Json]
    source: str
    step: int
    node: str
    tasks: tuple[Task, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)
    created_at: str = ""

    @property
    def path(self) -> str:
        """The namespace as it is written."""
        return "|".join(self.namespace)

    @property
    def following(self) -> list[str]:
        """The names of the nodes that come next."""
        return [task.name for task in self.tasks]

    def with_task(self, identity: str, **known: Any) -> "Checkpoint":
        """Return the checkpoint with what is *known* now of the task *identity*: its first result stays."""
        tasks = (_with(task, known) if task.identity == identity else task for task in self.tasks)
        return replace(self, tasks=tuple(tasks))

    def merged_with(self, more: "Checkpoint") -> "Checkpoint":
        """Return *more*, which was saved behind this one, as if both were one step."""
        return replace(
            more, identity=self.identity, parent=self.parent, step=self.step, metadata=self.metadata
        )


def _with(task: Task, known: dict[str, Any]) -> Task:
    new = {name: part for name, part in known.items() if name != "result" or task.result is None}
    return replace(task, **new)


class History:
    """The checkpoints of a thread by id, in the order in which they were saved."""

    def __init__(self, checkpoints: Mapping[str, Checkpoint] | None = None) -> None:
        self._checkpoints = dict(checkpoints or {})

    def copy(self) -> "History":
        """Return a history of its own with the same checkpoints."""
        return History(self._checkpoints)

    def put(self, checkpoint: Checkpoint) -> None:
        """Keep *checkpoint*, in the place of the one with its id if there is one."""
        self._checkpoints[checkpoint.identity] = checkpoint

    def get(self, identity: str) -> Checkpoint | None:
        """Return the checkpoint *identity*, None where there is none."""
        return self._checkpoints.get(identity)

    def head(self, namespace: Namespace = ()) -> Checkpoint | None:
        """Return the last checkpoint of the graph at *namespace*, None where there is none."""
        return next(self.latest(namespace), None)

    def latest(self, namespace: Namespace = ()) -> Iterator[Checkpoint]:
        """Yield the checkpoints of the graph at *namespace*, the last one first."""
        return (one for one in reversed(self._checkpoints.values()) if one.namespace == namespace)

    def drop(self, run: str) -> None:
        """Take out what the *run* has saved."""
        for identity, one in list(self._checkpoints.items()):
            if one.metadata.get("run_id") == run:
                del self._checkpoints[identity]

    def of(self, thread: str) -> "History":
        """Return the same history, as that of another *thread*."""
        return History(
            {
                identity: replace(one, metadata={**one.metadata, "thread_id": thread})
                for identity, one in self._checkpoints.items()
            }
        )

    def forget(self, room: int) -> None:
        """Take the oldest checkpoints out where they are more than there is *room* for."""
        while len(self._checkpoints) > room:
            del self._checkpoints[next(iter(self._checkpoints))]
