"""Saves a checkpoint after each step, and emits the events of the stream mode `checkpoints`. No I/O.

Only a thread that is kept has checkpoints.
"""

from dataclasses import replace
from typing import Any

from mockserver.fake.graph.checkpoint_store import (
    Checkpoint,
    History,
    Namespace,
    Task,
    TurnProgress,
    create_task,
)
from mockserver.fake.graph.event_log import EventLog
from mockserver.fake.graph.metadata import Scope, build_checkpoint_metadata
from mockserver.fake.graph.state import State, create_first_state
from mockserver.fake.graph.stream_modes import StreamModes
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.run_request import RunRequest
from mockserver.fake.script.model import Script
from mockserver.fake.script.topology import START
from mockserver.formats.json_text import Json

FIRST_STEP = -1
"""The step of a thread's first checkpoint, which is saved before the input is applied."""


class Checkpointer:
    """Saves the checkpoints of one run in *history* and *log*, and passes each to *modes*."""

    def __init__(
        self,
        request: RunRequest,
        ids: IdGenerator,
        script: Script,
        history: History,
        log: EventLog,
        modes: StreamModes,
    ) -> None:
        self.keeps_thread = request.keeps_thread
        self.progress = TurnProgress(request.facts)
        """How far the turn is at the next checkpoint."""
        self._script = script
        self._request = request
        self._ids = ids
        self._modes = modes
        self._history = history
        self._log = log
        self._at_exit = request.durability == "exit"
        self._heads: dict[Namespace, Checkpoint] = {}
        self._last: dict[Namespace, Checkpoint] = {}
        self._count = 0

    def head(self, namespace: Namespace = ()) -> Checkpoint | None:
        """Return the checkpoint from which the graph at *namespace* continues, or None for a new graph."""
        if not self.keeps_thread:
            return None
        found = self._history.head(namespace)
        if self.requested_id is not None and not namespace:
            found = self._history.get(self.requested_id)
        if found is not None:
            self._heads[namespace] = self._last[namespace] = found
        return found

    @property
    def requested_id(self) -> str | None:
        configurable: dict[str, str] = self._request.config.get("configurable", {})
        return configurable.get("checkpoint_id")

    def last(self, namespace: Namespace = ()) -> Checkpoint | None:
        """Return the checkpoint that the run saved last or continued from."""
        return self._last.get(namespace)

    def save_input(self, namespace: Namespace, value: Json) -> None:
        """Save the checkpoint before a graph applies its input *value*; without input nothing is saved."""
        if value is None or not self.keeps_thread:
            return
        head = self._last.get(namespace)
        values: Any = head.values if head else create_first_state(self._script.state, value)
        step = head.step + 1 if head else FIRST_STEP
        task = replace(create_task(self._ids, namespace, START, step), input=value)
        self._save(namespace, step, values, "input", (task,), "")

    def fork(self, head: Checkpoint) -> Checkpoint:
        """Start a branch at *head*, an earlier checkpoint; return its first checkpoint."""
        step = head.step + 1
        tasks = tuple(
            replace(
                create_task(self._ids, head.namespace, task.name, step),
                input=task.input,
                has_subgraph=task.has_subgraph,
            )
            for task in head.tasks
        )
        return self._save(head.namespace, step, dict(head.values), "fork", tasks, head.node)

    def save_step(
        self, namespace: Namespace, step: int, state: State, task: Scope | None, node: str = START
    ) -> None:
        """Save the checkpoint after *node* has finished *step*; *task* is the next task, or None at the end."""
        if not self.keeps_thread:
            return
        tasks: tuple[Task, ...] = ()
        if task:
            has_subgraph = not namespace and task.node in self._script.topology.subgraphs
            tasks = (Task(task.task, task.node, has_subgraph=has_subgraph),)
        self._save(namespace, step, state, "loop", tasks, node)

    def resume(self, head: Checkpoint) -> None:
        """Emit the checkpoint *head*, from which a graph continues."""
        parent = head.parent and {
            "configurable": {
                "thread_id": self._request.thread_id,
                "checkpoint_ns": head.path,
                "checkpoint_id": head.parent,
                **_checkpoint_map(head.namespace, head.parent, head.outer),
            }
        }
        self._send(head, parent, dict(head.metadata))

    def update_task(self, namespace: Namespace, task: str, **changes: Any) -> None:
        last = self._last.get(namespace)
        if last is not None:
            self.store(last.with_task(task, **changes))

    def _save(
        self,
        namespace: Namespace,
        step: int,
        state: Any,
        source: str,
        tasks: tuple[Task, ...],
        node: str,
    ) -> Checkpoint:
        parent = (self._heads if self._at_exit else self._last).get(namespace)
        outer = {
            "|".join(namespace[:depth]): self._last[namespace[:depth]].identity
            for depth in range(len(namespace))
            if namespace[:depth] in self._last
        }
        checkpoint = Checkpoint(
            identity=self._ids.uuid6(self._count, step, "checkpoint", *namespace, step),
            parent=parent.identity if parent else None,
            namespace=namespace,
            outer=outer,
            values=state,
            step=step,
            node=node,
            tasks=tasks,
            progress=self.progress,
        )
        self._count += 1
        own_metadata = {"source": source, "step": step, "parents": outer}
        self._send(checkpoint, parent and self._create_config(parent), own_metadata)
        around = self._last.get(namespace[:-1])
        outer_step = around.step + 1 if around else 0
        metadata = build_checkpoint_metadata(
            self._request, namespace, outer_step, outer, own_metadata
        )
        self.store(replace(checkpoint, metadata=metadata, created_at=self._modes.time()))
        return checkpoint

    def close(self) -> None:
        """Save at the end of the run what the durability `exit` has delayed."""
        if self._at_exit:
            for checkpoint in self._last.values():
                if checkpoint.tasks or not checkpoint.namespace:
                    self._persist(checkpoint)

    def store(self, checkpoint: Checkpoint) -> None:
        """Make *checkpoint* the last one."""
        self._last[checkpoint.namespace] = checkpoint
        if not self._at_exit:
            self._persist(checkpoint)

    def _persist(self, checkpoint: Checkpoint) -> None:
        self._history.put(checkpoint)
        self._log.save(checkpoint)

    def _send(self, checkpoint: Checkpoint, parent: Json, metadata: dict[str, Json]) -> None:
        payload = {
            "config": self._create_config(checkpoint),
            "parent_config": parent,
            "values": checkpoint.values,
            "metadata": metadata,
            "next": checkpoint.next_nodes,
        }
        thread = self._request.thread_id
        tasks, debug_tasks = [], []
        for task in checkpoint.tasks:
            inner = create_subgraph_reference(thread, task)
            tasks.append(_convert_task(task) | {"state": inner and {"configurable": inner}})
            debug_tasks.append(
                _convert_task(task) | ({"checkpoint": inner} if inner else {"state": None})
            )
        debug = {"tasks": debug_tasks, **create_references(thread, checkpoint)}
        self._modes.send_checkpoint(
            checkpoint.namespace, checkpoint.step, payload | {"tasks": tasks}, payload | debug
        )

    def _create_config(self, checkpoint: Checkpoint) -> Json:
        return {
            "configurable": {
                "checkpoint_ns": checkpoint.path,
                **self._request.config.get("configurable", {}),
                **_checkpoint_map(checkpoint.namespace, checkpoint.identity, checkpoint.outer),
                "checkpoint_id": checkpoint.identity,
            }
        }


def create_references(thread: str, checkpoint: Checkpoint) -> dict[str, Json]:
    """Return the server's references to *checkpoint* and to the one before it."""
    own, parent = (
        identity
        and {
            "checkpoint_id": identity,
            "thread_id": thread,
            "checkpoint_ns": checkpoint.path,
            **_checkpoint_map(checkpoint.namespace, identity, checkpoint.outer),
        }
        for identity in (checkpoint.identity, checkpoint.parent)
    )
    return {"checkpoint": own, "parent_checkpoint": parent}


def create_subgraph_reference(thread: str, task: Task) -> dict[str, Json] | None:
    """Return a reference to the subgraph that *task* runs, or None if it runs none."""
    if not task.has_subgraph:
        return None
    return {"thread_id": thread, "checkpoint_ns": f"{task.name}:{task.identity}"}


def _convert_task(task: Task) -> dict[str, Json]:
    """Return the JSON of a due *task*; with an error it has no list of interrupts."""
    own_metadata: dict[str, Json] = {"id": task.identity, "name": task.name}
    if task.error is not None:
        return own_metadata | {"error": task.error}
    result = {} if task.result is None else {"result": task.result}
    return own_metadata | result | {"interrupts": list(task.interrupts)}


def _checkpoint_map(namespace: Namespace, identity: str, outer: Any) -> dict[str, Json]:
    return {"checkpoint_map": {**outer, "|".join(namespace): identity}} if namespace else {}
