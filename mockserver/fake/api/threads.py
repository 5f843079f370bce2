"""The endpoints of threads. No I/O."""

from collections.abc import Mapping
from dataclasses import replace

from mockserver.fake.api import schemas
from mockserver.fake.api.create_run import drop_reserved
from mockserver.fake.api.database import Record
from mockserver.fake.api.endpoint import ApiCall, require_uuid
from mockserver.fake.api.search import check_extract_paths, contains, page_response, sort_records
from mockserver.fake.api.state_writes import NO_GRAPH, write_state
from mockserver.fake.api.validation import HTTPError, parse_uuid
from mockserver.fake.graph.runner import RunEngine
from mockserver.fake.ids import Ids
from mockserver.fake.replies import Response, error_response, json_response
from mockserver.fake.threads.thread import Action, Run, Thread
from mockserver.formats.json_text import Json


class Threads:
    """Creates, changes and searches threads, on which *runs* are played."""

    def __init__(self, runs: RunEngine) -> None:
        self._runs = runs

    def create(self, call: ApiCall) -> Response:
        """`POST /threads`: create a thread, or return the existing one if `if_exists` allows it."""
        body = call.body(schemas.THREAD)
        name = call.ids.uuid7("thread")
        if body.get("thread_id"):
            name = require_uuid(body["thread_id"], "thread")
        thread = self._settled(call, name)
        if thread is not None:
            if body.get("if_exists") != "do_nothing":
                raise HTTPError(409, f"Thread with ID {name} already exists")
            return json_response(thread.record)
        moment = call.database.next_time()
        thread = Thread(
            create_thread_record(name, call.ids.at(moment), body.get("metadata", {})), moment
        )
        call.database.put_thread(thread)
        if body.get("supersteps"):
            return self._apply_supersteps(call, thread, body["supersteps"])
        return json_response(thread.record)

    def get(self, call: ApiCall) -> Response:
        return json_response(self.get_existing(call).record)

    def patch(self, call: ApiCall) -> Response:
        call.path_uuid("thread")
        body = call.body(schemas.THREAD_PATCH)
        thread = self.get_existing(call)
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

    def delete(self, call: ApiCall) -> Response:
        """`DELETE /threads/{id}`: cancel the runs of a thread and delete it."""
        thread = self.get_existing(call)
        for run in thread.active:
            thread.cancel(run, Action.INTERRUPT, call.now, None)
        del call.database.threads[thread.identity]
        return Response(204, (), b"")

    def copy(self, call: ApiCall) -> Response:
        """`POST /threads/{id}/copy`: create a thread with the state and history of another one."""
        name = parse_uuid(call.path[0])
        if name is None:
            raise HTTPError(400, "Invalid thread ID: must be a UUID")
        thread = self._settled(call, name)
        if thread is None:
            raise HTTPError(409, "Conflict")
        moment = thread.next_moment(call.database.next_time())
        ids = call.ids.at(moment)
        record = create_thread_record(ids.uuid4("thread"), ids, {}) | {
            "metadata": thread.record["metadata"]
        }
        del record["values"]
        copied = Thread(record, moment)
        copied.history = thread.history.for_thread(copied.identity)
        call.database.put_thread(copied)
        return json_response(copied.record)

    def search(self, call: ApiCall) -> Response:
        """`POST /threads/search`: list threads."""
        body = call.body(schemas.THREADS)
        check_extract_paths(body)
        return page_response(
            sort_records(self._find_matching(call, body), body, by="updated_at"), body
        )

    def count(self, call: ApiCall) -> Response:
        return json_response(
            len(self._find_matching(call, call.body(schemas.THREADS_COUNT) | {"ids": []}))
        )

    def prune(self, call: ApiCall) -> Response:
        """`POST /threads/prune`: delete several threads."""
        body = call.body(schemas.PRUNE)
        if body.get("strategy") == "keep_latest":
            raise HTTPError(422, "keep_latest is not supported")
        names = [require_uuid(name, "thread") for name in body["thread_ids"]]
        deleted = [
            call.database.threads.pop(name) for name in names if name in call.database.threads
        ]
        return json_response({"pruned_count": len(deleted)})

    def get_existing(self, call: ApiCall) -> Thread:
        """Return the thread in the path, up to date; raise HTTPError if it does not exist."""
        name = call.path_uuid("thread")
        thread = self._settled(call, name)
        if thread is None:
            raise HTTPError(404, f"Thread {name} not found")
        return thread

    def find_run(self, call: ApiCall) -> tuple[Thread | None, Run | None]:
        """Return the thread and the run in the path, up to date; None for each that does not exist."""
        run = call.path_uuid("run", 1)
        thread = self._settled(call, call.path_uuid("thread"))
        return thread, thread.runs.get(run) if thread else None

    def settle(self, thread: Thread, now: float) -> Thread:
        """Return *thread*, brought up to date."""
        thread.settle(self._runs.play_on_thread, now)
        return thread

    def _settled(self, call: ApiCall, name: str) -> Thread | None:
        thread = call.database.threads.get(name)
        return thread and self.settle(thread, call.now)

    def _apply_supersteps(self, call: ApiCall, thread: Thread, steps: list[Json]) -> Response:
        if "graph_id" not in thread.record["metadata"]:
            return error_response(201, f"Thread {thread.identity} has no state: {NO_GRAPH}")
        for number, step in enumerate(steps):
            if not step["updates"]:
                raise HTTPError(400, "No updates provided")
            for place, update in enumerate(step["updates"]):
                seed = f"{call.ids.seed}/{number}/{place}"
                one = replace(call, ids=replace(call.ids, seed=seed))
                write_state(one, thread, update, self._runs, merge=place > 0)
        return json_response(thread.record)

    def _find_matching(self, call: ApiCall, body: Mapping[str, Json]) -> list[Record]:
        ids = {name: parse_uuid(name) for name in body.get("ids", [])}
        for name, found in ids.items():
            if found is None:
                raise HTTPError(400, f"Invalid thread ID {name}")
        wanted = {name: body[name] for name in ("metadata", "values", "status") if body.get(name)}
        records = [
            self.settle(thread, call.now).record for thread in call.database.threads.values()
        ]
        return [
            one
            for one in records
            if (not ids or one["thread_id"] in ids.values()) and contains(one, wanted)
        ]


def create_thread_record(name: str, ids: Ids, metadata: dict[str, Json]) -> dict[str, Json]:
    """Return the record of a new thread."""
    now = ids.time()
    return {
        "thread_id": name,
        "created_at": now,
        "updated_at": now,
        "state_updated_at": now,
        "metadata": drop_reserved(metadata),
        "status": "idle",
        "config": {},
        "values": None,
    }
