"""What a run saves after each step, and the stream mode `checkpoints`, which tells of it. No I/O.

Only a thread that is kept has checkpoints.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mockserver.fake.graph.checkpoint_store import Checkpoint, History, Namespace, Task
from mockserver.fake.graph.metadata import RESEARCHER, START, Place, checkpoint_metadata
from mockserver.fake.graph.state import State
from mockserver.fake.graph.stream_modes import Modes
from mockserver.fake.ids import Ids
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json

FIRST = -1
"""The step of a thread's first checkpoint, which is saved before the input is taken in."""

Save = Callable[[Checkpoint], None]


class Checkpoints:
    """Saves the checkpoints of the *request*'s run in *history*, and tells them to *save* and *modes*."""

    def __init__(
        self,
        request: RunRequest,
        ids: Ids,
        modes: Modes,
        history: History | None = None,
        save: Save = lambda checkpoint: None,
    ) -> None:
        self.kept = request.kept
        self._request = request
        self._ids = ids
        self._modes = modes
        self._history = History() if history is None else history
        self._save_too = save
        self._at_exit = request.durability == "exit"
        self._heads: dict[Namespace, Checkpoint] = {}
        self._last: dict[Namespace, Checkpoint] = {}
        self._count = 0

    def head(self, namespace: Namespace = ()) -> Checkpoint | None:
        """Return the checkpoint at which the graph at *namespace* goes on; None where it begins."""
        if not self.kept:
            return None
        named = self.named if not namespace else None
        found = self._history.head(namespace) if named is None else self._history.get(named)
        if found is not None:
            self._heads[namespace] = self._last[namespace] = found
        return found

    @property
    def named(self) -> str | None:
        """The id of the checkpoint that the request names, None where it names none."""
        named: str | None = self._request.config.get("configurable", {}).get("checkpoint_id")
        return named

    def last(self, namespace: Namespace = ()) -> Checkpoint | None:
        """Return the checkpoint that the run saved last, or went on from."""
        return self._last.get(namespace)

    def before(self, namespace: Namespace, value: Json) -> None:
        """A graph is about to take its input in, *value*: without any it saves nothing."""
        if value is None or not self.kept:
            return
        head = self._last.get(namespace)
        other = isinstance(value, dict) and value and "messages" not in value
        values: Any = head.values if head else {} if other else {"messages": []}
        step = head.step + 1 if head else FIRST
        task = Task(self._ids.uuid5("task", *namespace, START, step), START, given=value)
        self._save(namespace, step, values, "input", (task,), "")

    def fork(self, head: Checkpoint) -> Checkpoint:
        """Go on from *head*, which was not the last, on a branch of its own."""
        step = head.step + 1
        tasks = (
            Task(self._task(head.namespace, task.name, step), task.name, given=task.given)
            for task in head.tasks
        )
        return self._save(head.namespace, step, dict(head.values), "fork", tuple(tasks), head.node)

    def after(
        self, namespace: Namespace, step: int, state: State, task: Place | None, node: str = START
    ) -> None:
        """The *node* of a graph has done *step*; *task* comes next, None if the graph has ended."""
        if not self.kept:
            return
        tasks = (Task(task.task, task.node),) if task else ()
        self._save(namespace, step, state, "loop", tasks, node)

    def again(self, head: Checkpoint, state: State, tasks: tuple[Task, ...]) -> None:
        """A graph goes on from *head*, with *state* and the *tasks* that are due."""
        configurable = {
            "thread_id": self._request.thread_id,
            "checkpoint_ns": head.path,
            "checkpoint_id": head.parent,
        }
        before = head.parent and {
            "configurable": configurable | _map(head.namespace, head.parent, head.outer)
        }
        self._tell(head, before, state, tasks, dict(head.metadata))

    def became(self, namespace: Namespace, task: str, **known: Any) -> None:
        """Keep what is *known* now of a *task* that was due at the last checkpoint."""
        last = self._last.get(namespace)
        if last is not None:
            self._keep(last.with_task(task, **known))

    def amended(self, checkpoint: Checkpoint) -> None:
        """Have *checkpoint* take the place of the last one."""
        self._keep(checkpoint)

    def _task(self, namespace: Namespace, node: str, step: int) -> str:
        return self._ids.uuid5("task", *namespace, node, step)

    def _save(
        self,
        namespace: Namespace,
        step: int,
        state: Any,
        source: str,
        tasks: tuple[Task, ...],
        node: str,
    ) -> Checkpoint:
        before = (self._heads if self._at_exit else self._last).get(namespace)
        outer = {
            "|".join(namespace[:depth]): self._last[namespace[:depth]].identity
            for depth in range(len(namespace))
            if namespace[:depth] in self._last
        }
        checkpoint = Checkpoint(
            identity=self._ids.uuid6(self._count, step, "checkpoint", *namespace, step),
            parent=before.identity if before else None,
            namespace=namespace,
            outer=outer,
            values=state,
            source=source,
            step=step,
            node=node,
            tasks=tasks,
        )
        self._count += 1
        parent = before and self._config(before)
        told = {"source": source, "step": step, "parents": outer}
        self._tell(checkpoint, parent, state, tasks, told)
        self._keep(self._dated(checkpoint, told))
        return checkpoint

    def _dated(self, checkpoint: Checkpoint, told: dict[str, Json]) -> Checkpoint:
        metadata = checkpoint_metadata(
            self._request, self._around(checkpoint.namespace), checkpoint.outer, told
        )
        return replace(checkpoint, metadata=metadata, created_at=self._modes.time())

    def _around(self, namespace: Namespace) -> Place | None:
        """Return the task that plays the graph at *namespace*."""
        if not namespace:
            return None
        *outer, last = namespace
        node, _, task = last.partition(":")
        before = self._last.get(tuple(outer))
        step = before.step + 1 if before else 0
        return Place("", tuple(outer), (), node, step, task)

    def close(self) -> None:
        """The run has ended: save what was to be saved then, the last checkpoint of each graph that has not."""
        if self._at_exit:
            for checkpoint in self._last.values():
                if checkpoint.tasks or not checkpoint.namespace:
                    self._put(checkpoint)

    def _keep(self, checkpoint: Checkpoint) -> None:
        self._last[checkpoint.namespace] = checkpoint
        if not self._at_exit:
            self._put(checkpoint)

    def _put(self, checkpoint: Checkpoint) -> None:
        self._history.put(checkpoint)
        self._save_too(checkpoint)

    def _tell(
        self,
        checkpoint: Checkpoint,
        parent: Json,
        state: State,
        tasks: tuple[Task, ...],
        metadata: dict[str, Json],
    ) -> None:
        namespace = checkpoint.namespace
        payload = {
            "config": self._config(checkpoint),
            "parent_config": parent,
            "values": state,
            "metadata": metadata,
            "next": [task.name for task in tasks],
        }
        inner = [self._inner(task) for task in tasks]
        before = checkpoint.parent
        self._modes.checkpoint(
            namespace,
            checkpoint.step,
            payload
            | {
                "tasks": [
                    {**_due(task), "state": one and {"configurable": one}}
                    for task, one in zip(tasks, inner, strict=True)
                ]
            },
            payload
            | {
                "tasks": [
                    {**_due(task), **({"checkpoint": one} if one else {"state": None})}
                    for task, one in zip(tasks, inner, strict=True)
                ],
                "checkpoint": self._reference(checkpoint, checkpoint.identity),
                "parent_checkpoint": before and self._reference(checkpoint, before),
            },
        )

    def _config(self, checkpoint: Checkpoint) -> Json:
        return {
            "configurable": {
                "checkpoint_ns": checkpoint.path,
                **self._request.config.get("configurable", {}),
                **_map(checkpoint.namespace, checkpoint.identity, checkpoint.outer),
                "checkpoint_id": checkpoint.identity,
            }
        }

    def _reference(self, checkpoint: Checkpoint, identity: str) -> Json:
        return reference(self._request.thread_id, checkpoint, identity)

    def _inner(self, task: Task) -> Json:
        """Return where the checkpoints of the graph within the graph are that *task* plays; None where it plays none."""
        return inner_place(self._request.thread_id, task)


def reference(thread: str, checkpoint: Checkpoint, identity: str) -> dict[str, Json]:
    """Return how the server refers to the checkpoint *identity*, which is *checkpoint* or the one before it."""
    return {
        "checkpoint_id": identity,
        "thread_id": thread,
        "checkpoint_ns": checkpoint.path,
        **_map(checkpoint.namespace, identity, checkpoint.outer),
    }


def inner_place(thread: str, task: Task) -> dict[str, Json] | None:
    """Return where in *thread* the graph within the graph is that *task* plays; None where it plays none."""
    if task.name != RESEARCHER:
        return None
    return {"thread_id": thread, "checkpoint_ns": f"{task.name}:{task.identity}"}


def _due(task: Task) -> dict[str, Json]:
    """Return what is known of a *task* when a graph comes to it; what has failed does not say that it asks nothing."""
    told: dict[str, Json] = {"id": task.identity, "name": task.name}
    if task.error is not None:
        return told | {"error": task.error}
    result = {} if task.result is None else {"result": task.result}
    return told | result | {"interrupts": list(task.interrupts)}


def _map(namespace: Namespace, identity: str, outer: Any) -> dict[str, Json]:
    return {"checkpoint_map": {**outer, "|".join(namespace): identity}} if namespace else {}
