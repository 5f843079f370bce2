"""The endpoints of runs that were started before. No I/O."""

from mockserver.fake.api import request_schemas
from mockserver.fake.api.api_call import ApiCall, require_uuid
from mockserver.fake.api.create_run import Body
from mockserver.fake.api.start_runs import get_run_path
from mockserver.fake.api.validation import HTTPError
from mockserver.fake.graph.event_log import LoggedEvent
from mockserver.fake.graph.metadata import HOST
from mockserver.fake.graph.stream_modes import parse_event_names
from mockserver.fake.response import Response, json_response
from mockserver.fake.server_json import to_server_json
from mockserver.fake.threads.run_readers import (
    RunOutcomeReader,
    RunStreamReader,
    build_thread_outcome,
    get_stream_headers,
    get_wait_headers,
)
from mockserver.fake.threads.thread import Action, Run, Thread
from mockserver.formats.json_text import Json

_NOT_FOUND = {"error": "HTTPException", "message": "404: Run not found"}
_COLUMNS = (
    *("run_id", "thread_id", "assistant_id", "created_at", "updated_at", "status", "metadata"),
    *("kwargs", "multitask_strategy", "langsmith_session_name"),
)
_NONE_TO_CANCEL = "No runs found to cancel."
_NONE_ACTIVE = "No matching runs to cancel: they have ended."
_FROM_START = ("-1", "-", "0")
"""Values of `last-event-id` that request all events."""


def list_runs(call: ApiCall) -> Response:
    """`GET /threads/{id}/runs`: list the runs of a thread, newest first; a delayed run counts from when it is due."""
    call.path_uuid("thread")
    limit = call.query_number("limit", 10, status=400)
    offset = call.query_number("offset", 0, status=400)
    wanted = call.queries.get("select", [])
    if unknown := [name for name in wanted if name not in _COLUMNS]:
        raise HTTPError(422, f"Invalid select columns: {', '.join(unknown)}")
    thread = call.get_thread()
    runs = sorted(thread.runs.values(), key=lambda run: run.due_at)
    records = [_run_json(run) for run in reversed(runs)]
    if "status" in call.queries:
        records = [one for one in records if one["status"] == call.query("status")]
    shown = records[offset:][:limit]
    return json_response(
        [{n: p for n, p in one.items() if not wanted or n in wanted} for one in shown]
    )


def get(call: ApiCall) -> Response:
    _, run = call.find_run()
    if run is None:
        raise HTTPError(404, "Run not found")
    return json_response(_run_json(run))


def delete(call: ApiCall) -> Response:
    """`DELETE /threads/{id}/runs/{id}`: delete a run and its checkpoints."""
    thread, run = call.find_run()
    if thread is None or run is None:
        raise HTTPError(404, "Run not found")
    if run.ended_at is None:
        thread.cancel(run, Action.INTERRUPT, call.now, None)
    thread.runs.pop(run.identity, None)
    thread.history.drop_run(run.identity)
    call.advance(thread)
    return Response(204, (), b"")


def join(call: ApiCall) -> Response:
    """`GET /threads/{id}/runs/{id}/join`: wait for a run."""
    headers = get_wait_headers(f"/threads/{call.path[0]}/runs/{call.path[1]}")
    thread, run = call.find_run()
    if thread is None or run is None:
        return Response(200, headers, to_server_json({"__error__": _NOT_FOUND}).encode())
    if run.ended_at is not None:
        return Response(200, headers, build_thread_outcome(thread))
    cancels = call.is_true("cancel_on_disconnect")
    reader = RunOutcomeReader(thread, run, call.runs.play, started_here=False, cancels=cancels)
    return Response(200, headers, reader)


def stream(call: ApiCall) -> Response:
    """`GET /threads/{id}/runs/{id}/stream`: stream the events of a run, from `last-event-id` on if given."""
    headers = get_stream_headers(f"/threads/{call.path[0]}/runs/{call.path[1]}")
    thread, run = call.find_run()
    if thread is None or run is None:
        return Response(200, headers, LoggedEvent(0.0, "error", _NOT_FOUND).raw)
    reader = RunStreamReader(
        thread,
        run,
        call.runs.play,
        position=_count_seen(run, call.request.header("last-event-id"), call.now),
        names=parse_event_names(call.query("stream_mode")),
        # The real server sends an error only to those who are connected when the run fails.
        errors=run.ended_at is None,
        cancels=call.is_true("cancel_on_disconnect"),
    )
    return Response(200, headers, reader)


def cancel(call: ApiCall) -> Response:
    thread, run = call.find_run()
    if thread is None or run is None:
        raise HTTPError(404, _NONE_TO_CANCEL)
    if run.ended_at is not None:
        raise HTTPError(404, _NONE_ACTIVE)
    _cancel(call, thread, run, "/threads/{thread_id}/runs/{run_id}/cancel")
    if not call.is_true("wait"):
        return Response(202, (), b"")
    return Response(200, get_wait_headers(get_run_path(run)), b"{}")


def cancel_many(call: ApiCall) -> Response:
    """`POST /runs/cancel`: cancel several runs of a thread, or all runs with a status."""
    body = call.body(request_schemas.CANCEL)
    by_ids = {"thread_id", "run_ids"} & body.keys()
    if len(by_ids) != (0 if "status" in body else 2):
        raise HTTPError(422, "Provide either `status`, or both `thread_id` and `run_ids`.")
    found = _selected_runs(call, body)
    if not found:
        raise HTTPError(404, _NONE_TO_CANCEL)
    active = [(thread, run) for thread, run in found if run.ended_at is None]
    if not active:
        raise HTTPError(404, _NONE_ACTIVE)
    for thread, run in active:
        _cancel(call, thread, run, "/runs/cancel")
    return Response(204, (), b"")


def _run_json(run: Run) -> dict[str, Json]:
    """Return the record of *run*; after the start it also has the server's metadata."""
    if run.started_at is None:
        return {**run.record, "status": run.status}
    kwargs = run.record["kwargs"]
    config = {**kwargs["config"]}
    used = "__context_provided__"  # the start of the run uses it up
    configurable = {name: part for name, part in config["configurable"].items() if name != used}
    config["configurable"] = configurable | {"__pregel_node_finished": None}
    config["metadata"] = {**config["metadata"], **HOST}
    return {**run.record, "status": run.status, "kwargs": {**kwargs, "config": config}}


def _count_seen(run: Run, last: str | None, now: float) -> int:
    """Return how many events of *run* a client has seen if *last* is the id of its last event."""
    events = run.events
    if run.request.resumable and last:
        if last in _FROM_START:
            return 0
        seen = [number for number, event in enumerate(events, 1) if event.identity == last]
        return seen[0] if seen else len(events)
    began = run.started_at
    if began is None:
        return 0
    return sum(began + event.at <= now for event in events) if run.ended_at is None else len(events)


def _selected_runs(call: ApiCall, body: Body) -> list[tuple[Thread, Run]]:
    if "status" in body:
        threads = [call.advance(t) for t in call.database.threads.values()]
        active = [(thread, run) for thread in threads for run in thread.active]
        return [one for one in active if body["status"] in ("all", one[1].status)]
    name = require_uuid(body["thread_id"], "thread")
    names = [require_uuid(one, "run") for one in body["run_ids"]]
    thread = call.find_thread(name)
    if thread is None:
        return []
    return [(thread, thread.runs[one]) for one in names if one in thread.runs]


def _cancel(call: ApiCall, thread: Thread, run: Run, path: str) -> None:
    action = Action.ROLLBACK if call.query("action") == "rollback" else Action.INTERRUPT
    thread.cancel(run, action, call.now, f"{action} requested via POST {path}")
    call.advance(thread)
