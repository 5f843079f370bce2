"""The state of a thread at a checkpoint, as the API returns it. No I/O."""

from collections.abc import Mapping
from typing import Any

from mockserver.fake.graph.checkpoint_store import Checkpoint, History, Task
from mockserver.fake.graph.checkpointer import create_reference, create_subgraph_reference
from mockserver.fake.graph.metadata import PULL
from mockserver.fake.threads.thread import convert_interrupt
from mockserver.formats.json_text import Json

EMPTY_STATE: Mapping[str, Json] = {
    "values": {},
    "next": [],
    "tasks": [],
    "metadata": None,
    "created_at": None,
    "checkpoint": None,
    "parent_checkpoint": None,
    "interrupts": [],
    "checkpoint_id": None,
    "parent_checkpoint_id": None,
}
"""The state of a thread without checkpoints."""


def create_snapshot(
    thread: str, history: History, checkpoint: Checkpoint, *, subgraphs: bool = False
) -> dict[str, Json]:
    """Return the state of *thread* at *checkpoint*, with the states of subgraphs if *subgraphs*."""
    tasks = [_task(thread, history, checkpoint, task, subgraphs) for task in checkpoint.tasks]
    before = checkpoint.parent
    return {
        "values": dict(checkpoint.values),
        "next": checkpoint.next_nodes,
        "tasks": tasks,
        "metadata": dict(checkpoint.metadata),
        "created_at": checkpoint.created_at,
        "checkpoint": create_reference(thread, checkpoint, checkpoint.identity),
        "parent_checkpoint": before and create_reference(thread, checkpoint, before),
        "interrupts": [one for task in tasks for one in task["interrupts"]],
        "checkpoint_id": checkpoint.identity,
        "parent_checkpoint_id": before,
    }


def create_missing_snapshot(thread: str, identity: str) -> dict[str, Json]:
    """Return the state at a checkpoint *identity* that does not exist."""
    checkpoint_reference = {"checkpoint_id": identity, "thread_id": thread}
    return {**EMPTY_STATE, "checkpoint": checkpoint_reference, "checkpoint_id": identity}


def _task(
    thread: str, history: History, checkpoint: Checkpoint, task: Task, subgraphs: bool
) -> dict[str, Any]:
    path = (*checkpoint.namespace, f"{task.name}:{task.identity}")
    inner = history.head(path) if subgraphs else None
    return {
        "id": task.identity,
        "name": task.name,
        "path": [PULL, task.name],
        "error": task.error,
        "interrupts": [convert_interrupt(one) for one in task.interrupts],
        "checkpoint": None if inner else create_subgraph_reference(thread, task),
        "state": inner and create_snapshot(thread, history, inner, subgraphs=True),
        "result": task.result,
    }
