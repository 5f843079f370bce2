"""The endpoints of threads, as far as they go without runs on them. No I/O."""

from mockserver.fake.answers import Answer, json_answer, refusal
from mockserver.fake.server import bodies
from mockserver.fake.server.asked import public
from mockserver.fake.server.endpoint import Call, identity
from mockserver.fake.server.searching import check_paths, holds, ordered, page
from mockserver.fake.server.validation import RefusalError, uuid
from mockserver.fake.server.world import Record
from mockserver.jsontext import Json

_NO_GRAPH = (
    "Thread '{id}' has no assigned graph ID. This usually occurs when no runs have been made on this particular "
    "thread. This operation requires a graph ID. Please ensure a run has been made for the thread or manually "
    "update the thread metadata (by setting the 'graph_id' field) before running this operation."
)
_NO_STATE = "mockserver's fake graph does not keep the state of threads yet."


def create(call: Call) -> Answer:
    """Make a thread, or give the one that has its id if the body says so."""
    body = call.body(bodies.THREAD)
    name = (
        identity(body["thread_id"], "thread") if body.get("thread_id") else call.ids.uuid7("thread")
    )
    thread = call.world.threads.get(name)
    if thread is None:
        thread = _new(call, name, body.get("metadata", {}))
        call.world.put(thread)
    elif body.get("if_exists") != "do_nothing":
        raise RefusalError(409, f"Thread with ID {name} already exists")
    if body.get("supersteps"):
        return _without_state(thread)
    return json_answer(thread)


def get(call: Call) -> Answer:
    """Tell of one thread."""
    return json_answer(_known(call))


def patch(call: Call) -> Answer:
    """Add to the metadata of a thread."""
    name = call.uuid("thread")
    body = call.body(bodies.THREAD_PATCH)
    thread = call.world.threads.get(name)
    if thread is None:
        raise RefusalError(404, "Not Found")
    metadata = {**thread["metadata"], **public(body.get("metadata", {}))}
    changed = {
        **thread,
        "updated_at": call.ids.time_after(thread["updated_at"]),
        "metadata": metadata,
    }
    call.world.put(changed)
    return json_answer(changed)


def delete(call: Call) -> Answer:
    """Forget a thread."""
    name = call.uuid("thread")
    if call.world.threads.pop(name, None) is None:
        raise RefusalError(404, f"Thread with ID {name} not found")
    return Answer(204, (), b"")


def search(call: Call) -> Answer:
    """List threads."""
    body = call.body(bodies.THREADS)
    check_paths(body)
    return page(ordered(_found(call, body), body), body)


def count(call: Call) -> Answer:
    """Tell how many threads there are."""
    return json_answer(len(_found(call, call.body(bodies.THREADS_COUNT) | {"ids": []})))


def _new(call: Call, name: str, metadata: dict[str, Json]) -> Record:
    now = call.ids.time()
    return {
        "thread_id": name,
        "created_at": now,
        "updated_at": now,
        "state_updated_at": now,
        "metadata": public(metadata),
        "status": "idle",
        "config": {},
        "values": None,
    }


def _without_state(thread: Record) -> Answer:
    name = thread["thread_id"]
    why = _NO_STATE if "graph_id" in thread["metadata"] else _NO_GRAPH.format(id=name)
    words = f"Thread {name} was created, but there were problems updating the state: {why}"
    return refusal(201, words)


def _known(call: Call) -> Record:
    thread = call.world.threads.get(call.uuid("thread"))
    if thread is None:
        raise RefusalError(404, f"Thread with ID {call.path[0]} not found")
    return thread


def _found(call: Call, asked: dict[str, Json]) -> list[Record]:
    ids = {name: uuid(name) for name in asked.get("ids", [])}
    for name, found in ids.items():
        if found is None:
            raise RefusalError(400, f"Invalid thread ID {name}")
    wanted = {name: asked[name] for name in ("metadata", "values", "status") if asked.get(name)}
    return [
        thread
        for thread in call.world.threads.values()
        if (not ids or thread["thread_id"] in ids.values()) and holds(thread, wanted)
    ]
