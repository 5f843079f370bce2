"""Writes the state of a thread on request. No I/O."""

from collections.abc import Mapping

from mockserver.fake.api.endpoint import ApiCall
from mockserver.fake.api.validation import HTTPError
from mockserver.fake.errors import RunFailed
from mockserver.fake.graph.checkpoint_store import Checkpoint, Namespace
from mockserver.fake.threads.thread import Thread
from mockserver.fake.threads.update_state import StateUpdate, create_updated_checkpoint
from mockserver.formats.json_text import Json

NO_GRAPH = "it has no graph: start a run on it, or set `graph_id` in its metadata"


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
