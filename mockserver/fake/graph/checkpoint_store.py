"""The checkpoints of a thread, and the tasks due at each. No I/O.

A checkpoint is immutable; an updated copy replaces it under the same id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mockserver.fake.id_generator import IdGenerator
from mockserver.formats.json_text import Json

Namespace = tuple[str, ...]
"""The tasks of the outer graphs that lead to a subgraph, each as `node:task`; empty for the root graph."""


@dataclass(frozen=True, slots=True)
class TurnProgress:
    """How far a turn has come: *played* is the number of visits that are done.

    *facts* are what rules may ask of the request that began the turn, None if that is unknown. A turn is *silent* if its
    input has no messages, and *said_before* is the number of messages of the assistant that it does not count. *answer* is
    the placeholder with the last answer of a human.
    """

    facts: Mapping[str, Json] | None = None
    played: int = 0
    is_silent: bool = False
    said_before: int = 0
    answer: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """A task due at a checkpoint.

    *error* is the `repr` of its exception, *interrupts* are its open questions, *answers* the values it was resumed with
    so far, and *result* is its final update.
    """

    identity: str
    name: str
    error: str | None = None
    interrupts: tuple[Json, ...] = ()
    result: Json = None
    answers: tuple[Json, ...] = ()
    input: Json = None
    """The input of the run, for the task that takes it in."""
    has_subgraph: bool = False


def create_task(
    ids: IdGenerator, namespace: Namespace, node: str, step: int, *, has_subgraph: bool = False
) -> Task:
    """Return the task of *node* that is due at *step*."""
    identity = ids.uuid5("task", *namespace, node, step)
    return Task(identity, node, has_subgraph=has_subgraph)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The *values* of a graph after *step*, and the *tasks* due next.

    *outer* maps the enclosing namespaces to their checkpoints, *parent* is the id of the previous checkpoint, and *node*
    is the node that ran in this step.
    """

    identity: str
    parent: str | None
    namespace: Namespace
    outer: Mapping[str, str]
    values: Mapping[str, Json]
    step: int
    node: str
    tasks: tuple[Task, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)
    created_at: str = ""
    progress: TurnProgress = TurnProgress()

    @property
    def path(self) -> str:
        return "|".join(self.namespace)

    @property
    def next_nodes(self) -> list[str]:
        return [task.name for task in self.tasks]

    def with_task(self, identity: str, **changes: Any) -> "Checkpoint":
        """Return the checkpoint with changes to the task *identity*; a result is never replaced."""
        tasks = (_with(task, changes) if task.identity == identity else task for task in self.tasks)
        return replace(self, tasks=tuple(tasks))

    def merged_with(self, more: "Checkpoint") -> "Checkpoint":
        """Return *more*, the next checkpoint, with the identity of this one, so that both become one step."""
        return replace(
            more, identity=self.identity, parent=self.parent, step=self.step, metadata=self.metadata
        )


def _with(task: Task, changes: dict[str, Any]) -> Task:
    new = {name: part for name, part in changes.items() if name != "result" or task.result is None}
    return replace(task, **new)


class History:
    """The checkpoints of a thread by id, in the order in which they were saved."""

    def __init__(self, checkpoints: Mapping[str, Checkpoint] | None = None) -> None:
        self._checkpoints = dict(checkpoints or {})

    def copy(self) -> "History":
        return History(self._checkpoints)

    def put(self, checkpoint: Checkpoint) -> None:
        """Add *checkpoint*, or replace the one with its id."""
        self._checkpoints[checkpoint.identity] = checkpoint

    def get(self, identity: str) -> Checkpoint | None:
        return self._checkpoints.get(identity)

    def head(self, namespace: Namespace = ()) -> Checkpoint | None:
        return next(self.latest(namespace), None)

    def latest(self, namespace: Namespace = ()) -> Iterator[Checkpoint]:
        """Yield the checkpoints of the graph at *namespace*, newest first."""
        return (one for one in reversed(self._checkpoints.values()) if one.namespace == namespace)

    def drop_run(self, run: str) -> None:
        for identity, one in list(self._checkpoints.items()):
            if one.metadata.get("run_id") == run:
                del self._checkpoints[identity]

    def for_thread(self, thread: str) -> "History":
        """Return a copy of the history for another *thread*."""
        return History(
            {
                identity: replace(one, metadata={**one.metadata, "thread_id": thread})
                for identity, one in self._checkpoints.items()
            }
        )

    def drop_oldest(self, limit: int) -> None:
        while len(self._checkpoints) > limit:
            del self._checkpoints[next(iter(self._checkpoints))]
