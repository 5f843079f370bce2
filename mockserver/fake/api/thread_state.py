"""The endpoints of a thread's state and history. No I/O."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from mockserver.fake.api import request_schemas
from mockserver.fake.api.api_call import ApiCall
from mockserver.fake.api.validation import HTTPError
from mockserver.fake.graph.checkpoint_store import Checkpoint, Namespace, Task
from mockserver.fake.graph.checkpointer import create_references, create_subgraph_reference
from mockserver.fake.graph.metadata import PULL
from mockserver.fake.response import Response, json_response
from mockserver.fake.run_errors import RunFailed
from mockserver.fake.threads.thread import Thread, convert_interrupt
from mockserver.fake.threads.update_state import StateUpdate, create_updated_checkpoint
from mockserver.formats.json_text import Json

NO_GRAPH = "it has no graph: start a run on it, or set `graph_id` in its metadata"

_EMPTY_STATE: Mapping[str, Json] = {
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


def get(call: ApiCall) -> Response:
    """`GET /threads/{id}/state`: return the state of a thread, or its state at a checkpoint."""
    thread = call.get_thread()
    subgraphs = call.query("subgraphs") in ("true", "True")
    if len(call.path) == 1:
        return json_response(_get_state(thread, None, (), subgraphs=subgraphs))
    state = _get_state(thread, call.path[1], (), subgraphs=subgraphs)
    return json_response(_drop_namespace(state))


def at_checkpoint(call: ApiCall) -> Response:
    """`POST /threads/{id}/state/checkpoint`: return the state at the checkpoint in the body."""
    body = call.body(request_schemas.AT_CHECKPOINT)
    thread = call.get_thread()
    reference = body["checkpoint"]
    namespace = get_namespace(reference)
    subgraphs = body.get("subgraphs", False)
    state = _get_state(thread, reference.get("checkpoint_id"), namespace, subgraphs=subgraphs)
    named = "checkpoint_ns" in reference or "checkpoint_id" not in reference
    return json_response(state if named else _drop_namespace(state))


def update(call: ApiCall) -> Response:
    """`POST /threads/{id}/state`: write the state of a thread."""
    body = call.body(request_schemas.UPDATE)
    thread = call.get_thread()
    if thread.active:
        runs = ", ".join(run.identity for run in thread.active)
        raise HTTPError(409, f"Thread {thread.identity} has active runs: {runs}")
    checkpoint = write_state(call, thread, body)
    reference = {
        "thread_id": thread.identity,
        "checkpoint_ns": checkpoint.path,
        "checkpoint_id": checkpoint.identity,
    }
    return json_response(
        {"checkpoint": reference, "configurable": reference, "checkpoint_id": checkpoint.identity}
    )


def history(call: ApiCall) -> Response:
    """`GET` or `POST /threads/{id}/history`: list the states of a thread, newest first."""
    if call.request.method == "POST":
        return _list_states(call, call.body(request_schemas.HISTORY))
    limit = call.query_number("limit", 1, status=422)
    before = {"checkpoint_id": call.query("before")} if call.query("before") else {}
    return _list_states(call, {"limit": max(limit, 0), "before": before})


def _list_states(call: ApiCall, query: Mapping[str, Json]) -> Response:
    thread = call.get_thread()
    before = query.get("before", {})
    before = before.get("configurable", before).get("checkpoint_id")
    reference = query.get("checkpoint", {})
    wanted = reference.get("checkpoint_id")
    metadata = query.get("metadata", {}).items()
    found = (
        one
        for one in thread.history.latest(get_namespace(reference))
        if (before is None or one.identity < before)
        and (wanted is None or one.identity == wanted)
        and all((name, part) in one.metadata.items() for name, part in metadata)
    )
    listed = islice(found, int(query.get("limit", 1)))
    return json_response([_create_snapshot(thread, one) for one in listed])


def _get_state(
    thread: Thread, identity: str | None, namespace: Namespace, *, subgraphs: bool
) -> dict[str, Json]:
    history = thread.history
    found = history.head(namespace) if identity is None else history.get(identity)
    if found is not None:
        return _create_snapshot(thread, found, subgraphs=subgraphs)
    if identity is None or "graph_id" not in thread.record["metadata"]:
        return dict(_EMPTY_STATE)
    reference = {"checkpoint_id": identity, "thread_id": thread.identity}
    return {**_EMPTY_STATE, "checkpoint": reference, "checkpoint_id": identity}


def _create_snapshot(
    thread: Thread, checkpoint: Checkpoint, *, subgraphs: bool = False
) -> dict[str, Json]:
    """Return the state of *thread* at *checkpoint*, with the states of subgraphs if *subgraphs*."""
    tasks = [_convert_task(thread, checkpoint, task, subgraphs) for task in checkpoint.tasks]
    return {
        "values": dict(checkpoint.values),
        "next": checkpoint.next_nodes,
        "tasks": tasks,
        "metadata": dict(checkpoint.metadata),
        "created_at": checkpoint.created_at,
        **create_references(thread.identity, checkpoint),
        "interrupts": [one for task in tasks for one in task["interrupts"]],
        "checkpoint_id": checkpoint.identity,
        "parent_checkpoint_id": checkpoint.parent,
    }


def _convert_task(
    thread: Thread, checkpoint: Checkpoint, task: Task, subgraphs: bool
) -> dict[str, Any]:
    path = (*checkpoint.namespace, f"{task.name}:{task.identity}")
    inner = thread.history.head(path) if subgraphs else None
    return {
        "id": task.identity,
        "name": task.name,
        "path": [PULL, task.name],
        "error": task.error,
        "interrupts": [convert_interrupt(one) for one in task.interrupts],
        "checkpoint": None if inner else create_subgraph_reference(thread.identity, task),
        "state": inner and _create_snapshot(thread, inner, subgraphs=True),
        "result": task.result,
    }


def _drop_namespace(state: dict[str, Json]) -> dict[str, Json]:
    """Return a state without the namespace of its checkpoint, as the real server sends it if only the checkpoint id was given."""
    if state["checkpoint"] is None:
        return state
    reference = {
        name: part for name, part in state["checkpoint"].items() if name != "checkpoint_ns"
    }
    return {**state, "checkpoint": reference}


def write_state(
    call: ApiCall, thread: Thread, body: Mapping[str, Json], *, merge: bool = False
) -> Checkpoint:
    """Write the values of *body* into the state of *thread*; raise HTTPError if the graph rejects them.

    With *merge* the write becomes part of the previous step.
    """
    graph = thread.record["metadata"].get("graph_id")
    if graph is None:
        raise HTTPError(400, f"Thread {thread.identity}: {NO_GRAPH}")
    reference = body.get("checkpoint", {})
    namespace = get_namespace(reference)
    checkpoint_id = body.get("checkpoint_id") or reference.get("checkpoint_id")
    base = thread.history.head(namespace)
    if checkpoint_id is not None:
        base = thread.history.get(checkpoint_id)
    if namespace and base is None:
        raise HTTPError(400, f"Subgraph {'|'.join(namespace)} not found")
    ids = call.ids.at(thread.next_moment(call.database.next_time()))
    metadata = {"graph_id": graph, "thread_id": thread.identity}
    if checkpoint_id is not None:
        metadata["checkpoint_id"] = checkpoint_id
    update = StateUpdate(body.get("values"), body.get("as_node"), base, namespace, checkpoint_id)
    try:
        checkpoint = create_updated_checkpoint(update, call.runs.script, graph, ids, metadata)
    except RunFailed as error:
        raise HTTPError(400, error.message) from None
    if merge and base is not None:
        checkpoint = base.merged_with(checkpoint)
    thread.history.put(checkpoint)
    # The real server shows the state of the checkpoint in the request, not the new one.
    thread.update_record(ids.time(), head=base if checkpoint_id is not None else None)
    call.database.put_thread(thread)
    return checkpoint


def get_namespace(reference: Mapping[str, Json]) -> Namespace:
    """Return the namespace of a checkpoint reference."""
    path = reference.get("checkpoint_ns") or ""
    return tuple(path.split("|")) if path else ()
