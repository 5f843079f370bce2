"""The endpoints of a thread's state and history. No I/O."""

from collections.abc import Mapping
from itertools import islice

from mockserver.fake.api import schemas
from mockserver.fake.api.endpoint import ApiCall
from mockserver.fake.api.state_writes import get_namespace, write_state
from mockserver.fake.api.validation import HTTPError
from mockserver.fake.graph.checkpoint_store import Namespace
from mockserver.fake.replies import Response, json_response
from mockserver.fake.threads import state_snapshot
from mockserver.fake.threads.thread import Thread
from mockserver.formats.json_text import Json


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
    call.path_uuid("thread")
    body = call.body(schemas.AT_CHECKPOINT)
    thread = call.get_thread()
    reference = body["checkpoint"]
    namespace = get_namespace(reference)
    subgraphs = body.get("subgraphs", False)
    state = _get_state(thread, reference.get("checkpoint_id"), namespace, subgraphs=subgraphs)
    named = "checkpoint_ns" in reference or "checkpoint_id" not in reference
    return json_response(state if named else _drop_namespace(state))


def update(call: ApiCall) -> Response:
    """`POST /threads/{id}/state`: write the state of a thread."""
    call.path_uuid("thread")
    body = call.body(schemas.UPDATE)
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
        {
            "checkpoint": reference,
            "configurable": reference,
            "checkpoint_id": checkpoint.identity,
        }
    )


def history(call: ApiCall) -> Response:
    """`GET` or `POST /threads/{id}/history`: list the states of a thread, newest first."""
    if call.request.method == "POST":
        call.path_uuid("thread")
        return _list_states(call, call.body(schemas.HISTORY))
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
    return json_response(
        [state_snapshot.create_snapshot(thread.identity, thread.history, one) for one in listed]
    )


def _get_state(
    thread: Thread, identity: str | None, namespace: Namespace, *, subgraphs: bool
) -> dict[str, Json]:
    history = thread.history
    found = history.head(namespace) if identity is None else history.get(identity)
    if found is not None:
        return state_snapshot.create_snapshot(thread.identity, history, found, subgraphs=subgraphs)
    if identity is None or "graph_id" not in thread.record["metadata"]:
        return dict(state_snapshot.EMPTY_STATE)
    return state_snapshot.create_missing_snapshot(thread.identity, identity)


def _drop_namespace(state: dict[str, Json]) -> dict[str, Json]:
    """Return a state without the namespace of its checkpoint, as the real server sends it if only the checkpoint id was given."""
    if state["checkpoint"] is None:
        return state
    reference = {
        name: part for name, part in state["checkpoint"].items() if name != "checkpoint_ns"
    }
    return {**state, "checkpoint": reference}
