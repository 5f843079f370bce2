"""The endpoints of threads. No I/O."""

from collections.abc import Mapping
from dataclasses import replace

from mockserver.fake.api import request_schemas
from mockserver.fake.api.api_call import ApiCall, require_uuid
from mockserver.fake.api.create_run import drop_reserved
from mockserver.fake.api.database import Record, create_thread_record
from mockserver.fake.api.pagination import (
    check_extract_paths,
    contains,
    page_response,
    sort_records,
)
from mockserver.fake.api.thread_state import NO_GRAPH, write_state
from mockserver.fake.api.validation import HTTPError, parse_uuid
from mockserver.fake.response import Response, error_response, json_response
from mockserver.fake.threads.thread import Action, Thread
from mockserver.formats.json_text import Json


def create(call: ApiCall) -> Response:
    """`POST /threads`: create a thread, or return the existing one if `if_exists` allows it."""
    body = call.body(request_schemas.THREAD)
    name = call.ids.uuid7("thread")
    if body.get("thread_id"):
        name = require_uuid(body["thread_id"], "thread")
    thread = call.find_thread(name)
    if thread is not None:
        if body.get("if_exists") != "do_nothing":
            raise HTTPError(409, f"Thread with ID {name} already exists")
        return json_response(thread.record)
    moment = call.database.next_time()
    thread = Thread(
        create_thread_record(
            name, call.ids.at(moment).time(), metadata=drop_reserved(body.get("metadata", {}))
        ),
        moment,
    )
    call.database.put_thread(thread)
    if body.get("supersteps"):
        return _apply_supersteps(call, thread, body["supersteps"])
    return json_response(thread.record)


def get(call: ApiCall) -> Response:
    return json_response(call.get_thread().record)


def patch(call: ApiCall) -> Response:
    body = call.body(request_schemas.THREAD_PATCH)
    thread = call.get_thread()
    ids = call.ids.at(thread.next_moment(call.database.next_time()))
    thread.record = {
        **thread.record,
        "updated_at": ids.time(),
        "metadata": {**thread.record["metadata"], **drop_reserved(body.get("metadata", {}))},
    }
    call.database.put_thread(thread)
    if call.request.header("prefer") == "return=minimal":
        return Response(204, (), b"")
    return json_response(thread.record)


def delete(call: ApiCall) -> Response:
    """`DELETE /threads/{id}`: cancel the runs of a thread and delete it."""
    thread = call.get_thread()
    for run in thread.active:
        thread.cancel(run, Action.INTERRUPT, call.now, None)
    del call.database.threads[thread.identity]
    return Response(204, (), b"")


def copy(call: ApiCall) -> Response:
    """`POST /threads/{id}/copy`: create a thread with the state and history of another one."""
    name = parse_uuid(call.path[0])
    if name is None:
        raise HTTPError(400, "Invalid thread ID: must be a UUID")
    thread = call.find_thread(name)
    if thread is None:
        raise HTTPError(409, "Conflict")
    moment = thread.next_moment(call.database.next_time())
    ids = call.ids.at(moment)
    metadata = thread.record["metadata"]
    record = create_thread_record(ids.uuid4("thread"), ids.time(), metadata=metadata)
    del record["values"]
    copied = Thread(record, moment)
    copied.history = thread.history.for_thread(copied.identity)
    call.database.put_thread(copied)
    return json_response(copied.record)


def search(call: ApiCall) -> Response:
    """`POST /threads/search`: list threads."""
    body = call.body(request_schemas.THREADS)
    check_extract_paths(body)
    return page_response(sort_records(_find_matching(call, body), body, by="updated_at"), body)


def count(call: ApiCall) -> Response:
    return json_response(
        len(_find_matching(call, call.body(request_schemas.THREADS_COUNT) | {"ids": []}))
    )


def prune(call: ApiCall) -> Response:
    """`POST /threads/prune`: delete several threads."""
    body = call.body(request_schemas.PRUNE)
    if body.get("strategy") == "keep_latest":
        raise HTTPError(422, "keep_latest is not supported")
    names = [require_uuid(name, "thread") for name in body["thread_ids"]]
    deleted = [call.database.threads.pop(name) for name in names if name in call.database.threads]
    return json_response({"pruned_count": len(deleted)})


def _apply_supersteps(call: ApiCall, thread: Thread, steps: list[Json]) -> Response:
    if "graph_id" not in thread.record["metadata"]:
        return error_response(201, f"Thread {thread.identity} has no state: {NO_GRAPH}")
    for number, step in enumerate(steps):
        if not step["updates"]:
            raise HTTPError(400, "No updates provided")
        for place, update in enumerate(step["updates"]):
            seed = f"{call.ids.seed}/{number}/{place}"
            one = replace(call, ids=replace(call.ids, seed=seed))
            write_state(one, thread, update, merge=place > 0)
    return json_response(thread.record)


def _find_matching(call: ApiCall, body: Mapping[str, Json]) -> list[Record]:
    ids = {name: parse_uuid(name) for name in body.get("ids", [])}
    for name, found in ids.items():
        if found is None:
            raise HTTPError(400, f"Invalid thread ID {name}")
    wanted = {name: body[name] for name in ("metadata", "values", "status") if body.get(name)}
    records = [call.advance(thread).record for thread in call.database.threads.values()]
    return [
        one
        for one in records
        if (not ids or one["thread_id"] in ids.values()) and contains(one, wanted)
    ]
