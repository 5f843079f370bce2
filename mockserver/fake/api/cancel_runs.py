"""The endpoints that cancel runs. No I/O."""

from mockserver.fake.api import schemas
from mockserver.fake.api.create_run import Body
from mockserver.fake.api.endpoint import ApiCall, require_uuid
from mockserver.fake.api.start_runs import get_run_path
from mockserver.fake.api.validation import HTTPError
from mockserver.fake.graph.runner import get_wait_headers
from mockserver.fake.replies import Response
from mockserver.fake.threads.thread import Action, Run, Thread

_NONE_FOUND = "No runs found to cancel."
_NONE_ACTIVE = "No matching runs to cancel: they have ended."


def cancel(call: ApiCall) -> Response:
    thread, run = call.find_run()
    if thread is None or run is None:
        raise HTTPError(404, _NONE_FOUND)
    if run.ended_at is not None:
        raise HTTPError(404, _NONE_ACTIVE)
    _cancel(call, thread, run, "/threads/{thread_id}/runs/{run_id}/cancel")
    if not call.is_true("wait"):
        return Response(202, (), b"")
    return Response(200, get_wait_headers(get_run_path(run)), b"{}")


def cancel_many(call: ApiCall) -> Response:
    """`POST /runs/cancel`: cancel several runs of a thread, or all runs with a status."""
    body = call.body(schemas.CANCEL)
    by_ids = {"thread_id", "run_ids"} & body.keys()
    if len(by_ids) != (0 if "status" in body else 2):
        raise HTTPError(422, "Provide either `status`, or both `thread_id` and `run_ids`.")
    found = _selected_runs(call, body)
    if not found:
        raise HTTPError(404, _NONE_FOUND)
    active = [(thread, run) for thread, run in found if run.ended_at is None]
    if not active:
        raise HTTPError(404, _NONE_ACTIVE)
    for thread, run in active:
        _cancel(call, thread, run, "/runs/cancel")
    return Response(204, (), b"")


def _selected_runs(call: ApiCall, body: Body) -> list[tuple[Thread, Run]]:
    if "status" in body:
        threads = [call.settle(t) for t in call.database.threads.values()]
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
    call.settle(thread)
