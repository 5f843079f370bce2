"""What a request writes into the state of a thread. No I/O."""

from collections.abc import Mapping

from mockserver.fake.api.endpoint import Call
from mockserver.fake.api.validation import RefusalError
from mockserver.fake.graph.checkpoint_store import Checkpoint, Namespace
from mockserver.fake.graph.runner import Runs
from mockserver.fake.threads.thread import Thread
from mockserver.fake.threads.update_state import Update, updated
from mockserver.formats.json_text import Json

NO_GRAPH = (
    "Thread '{id}' has no assigned graph ID. This usually occurs when no runs have been made on this particular "
    "thread. This operation requires a graph ID. Please ensure a run has been made for the thread or manually "
    "update the thread metadata (by setting the 'graph_id' field) before running this operation."
)


def write(
    call: Call, thread: Thread, body: Mapping[str, Json], runs: Runs, *, joined: bool = False
) -> Checkpoint:
    """Write what the *body* says into the state of *thread*; RejectedError where the graph does not take it.

    *joined*, it is part of the step before.
    """
    graph = thread.told["metadata"].get("graph_id")
    if graph is None:
        raise RefusalError(400, NO_GRAPH.format(id=thread.identity))
    place = body.get("checkpoint", {})
    namespace = namespace_of(place)
    wanted = body.get("checkpoint_id") or place.get("checkpoint_id")
    wanted = None if wanted is None else str(wanted)
    base = thread.history.head(namespace) if wanted is None else thread.history.get(wanted)
    if namespace and base is None:
        raise RefusalError(400, f"Subgraph {'|'.join(namespace)} not found")
    ids = call.ids.at(thread.moment(call.world.tick()))
    metadata = {"graph_id": graph, "thread_id": thread.identity}
    if wanted is not None:
        metadata["checkpoint_id"] = wanted
    update = Update(body.get("values"), body.get("as_node"), base, namespace, wanted)
    made = updated(update, runs.script, graph, ids, metadata)
    if joined and base is not None:
        made = base.joined(made)
    thread.history.put(made)
    # The server tells of the thread as it is where the update was to go, not where it went.
    thread.rest(ids.time(), head=base if wanted is not None else None)
    call.world.put(thread)
    return made


def namespace_of(place: Mapping[str, Json]) -> Namespace:
    """Return the namespace that a checkpoint's *place* names."""
    path = place.get("checkpoint_ns") or ""
    return tuple(path.split("|")) if path else ()
