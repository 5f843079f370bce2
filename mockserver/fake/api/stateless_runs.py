"""The endpoints that start stateless runs. No I/O."""

from mockserver.fake.api import assistants, schemas, thread_runs
from mockserver.fake.api.create_run import Body, create_run_record, create_stateless_request
from mockserver.fake.api.endpoint import ApiCall
from mockserver.fake.replies import Response, json_response
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json


def stream(call: ApiCall) -> Response:
    """`POST /runs/stream`: start a run and stream its events."""
    body = call.body(schemas.RUN_AWAITED)
    return thread_runs.stream_stateless(call, _run_request(call, body), body)


def wait(call: ApiCall) -> Response:
    """`POST /runs/wait`: start a run and return its outcome."""
    body = call.body(schemas.RUN_AWAITED)
    return thread_runs.wait_stateless(call, _run_request(call, body), body)


def start(call: ApiCall) -> Response:
    """`POST /runs`: start a run in the background."""
    record = _start_run(call, call.body(schemas.RUN))
    return json_response(record, headers=(("content-location", f"/runs/{record['run_id']}"),))


def batch(call: ApiCall) -> Response:
    """`POST /runs/batch`: start several runs in the background."""
    bodies = call.body(schemas.RUNS)
    for body in bodies:  # a batch with an invalid run starts none
        _run_request(call, body)
    return json_response([_start_run(call, body, number) for number, body in enumerate(bodies)])


def _start_run(call: ApiCall, body: Body, *names: int) -> dict[str, Json]:
    """Return the record of a new stateless run; it is played only if its thread is kept."""
    run = _run_request(call, body, *names)
    if run.keeps_thread:
        return thread_runs.start_stateless(call, run, body)[1].record
    return create_run_record(run, body, call.ids)


def _run_request(call: ApiCall, body: Body, *names: int) -> RunRequest:
    assistant = assistants.resolve(call, body["assistant_id"])
    return create_stateless_request(call, body, assistant, *names)
