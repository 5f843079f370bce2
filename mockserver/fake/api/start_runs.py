"""Start runs on threads: the endpoints, and stateless runs, each on a thread of its own. No I/O."""

from mockserver.fake.api import assistants, request_schemas
from mockserver.fake.api.api_call import ApiCall
from mockserver.fake.api.create_run import (
    Body,
    check_run,
    create_run_record,
    create_run_request,
    get_own_metadata,
)
from mockserver.fake.api.database import Record, create_thread_record
from mockserver.fake.api.validation import HTTPError, parse_uuid
from mockserver.fake.graph.checkpoint_store import History
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.response import BodyReader, Response, json_response
from mockserver.fake.run_errors import RunRefused
from mockserver.fake.run_request import RunRequest
from mockserver.fake.threads.run_readers import (
    RunOutcomeReader,
    RunStreamReader,
    get_stream_headers,
    get_wait_headers,
)
from mockserver.fake.threads.thread import Action, Run, Thread
from mockserver.formats.json_text import Json
from mockserver.http.messages import Headers

START_SECONDS = 0.5
"""How long after its command a run starts, at any pace: clients open their streams meanwhile, and the SDKs ignore what comes after
the end of a run. On the real server it is half a second or more."""


def start(call: ApiCall) -> Response:
    """`POST /threads/{id}/runs`: start a run in the background."""
    _, run = add_run(call, call.body(request_schemas.RUN_ON_THREAD))
    return json_response(run.record, headers=(("content-location", get_run_path(run)),))


def stream(call: ApiCall) -> Response:
    """`POST /threads/{id}/runs/stream`: start a run and stream its events."""
    body = call.body(request_schemas.RUN_ON_THREAD_AWAITED)
    thread, run = add_run(call, body, malformed=400)
    return _stream(call, body, thread, run, get_run_path(run))


def wait(call: ApiCall) -> Response:
    """`POST /threads/{id}/runs/wait`: start a run and return its outcome."""
    body = call.body(request_schemas.RUN_ON_THREAD_AWAITED)
    return _wait(call, body, *add_run(call, body, malformed=400))


def stream_stateless(call: ApiCall) -> Response:
    """`POST /runs/stream`: start a stateless run and stream its events."""
    body = call.body(request_schemas.RUN_AWAITED)
    thread, run = _add_stateless(call, body, _create_stateless_request(call, body))
    return _stream(call, body, thread, run, f"/runs/{run.identity}")


def wait_stateless(call: ApiCall) -> Response:
    """`POST /runs/wait`: start a stateless run and return its outcome."""
    body = call.body(request_schemas.RUN_AWAITED)
    return _wait(call, body, *_add_stateless(call, body, _create_stateless_request(call, body)))


def start_stateless(call: ApiCall) -> Response:
    """`POST /runs`: start a stateless run in the background."""
    record = _start_stateless(call, call.body(request_schemas.RUN))
    return json_response(record, headers=(("content-location", f"/runs/{record['run_id']}"),))


def start_batch(call: ApiCall) -> Response:
    """`POST /runs/batch`: start several stateless runs in the background."""
    bodies = call.body(request_schemas.RUNS)
    for body in bodies:  # a batch with an invalid run starts none
        _create_stateless_request(call, body)
    records = [_start_stateless(call, body, number) for number, body in enumerate(bodies)]
    return json_response(records)


def _stream(call: ApiCall, body: Body, thread: Thread, run: Run, path: str) -> Response:
    cancels = body.get("on_disconnect") == "cancel"
    reader = RunStreamReader(thread, run, call.runs.play, cancels=cancels)
    return _respond(run, get_stream_headers(path), reader)


def _wait(call: ApiCall, body: Body, thread: Thread, run: Run) -> Response:
    cancels = body.get("on_disconnect") == "cancel"
    reader = RunOutcomeReader(thread, run, call.runs.play, cancels=cancels)
    return _respond(run, get_wait_headers(get_run_path(run)), reader)


def _respond(run: Run, headers: Headers, reader: BodyReader) -> Response:
    if run.result is None:  # the run waits for another one
        return Response(200, headers, reader)
    return Response(200, headers, reader, run.result.note, tuple(run.result.faults))


def _create_stateless_request(call: ApiCall, body: Body, *names: int) -> RunRequest:
    """Return the stateless run that *body* requests; *names* distinguish the runs of one batch."""
    assistant = _find_assistant(call, body)
    run_id, thread_id = call.ids.uuid7("run", *names), call.ids.uuid7("thread", *names)
    return create_run_request(call, body, assistant, run_id, thread_id)


def _start_stateless(call: ApiCall, body: Body, *names: int) -> dict[str, Json]:
    """Return the record of a new stateless run; it is played only if its thread is kept."""
    request = _create_stateless_request(call, body, *names)
    if request.keeps_thread:
        return _add_stateless(call, body, request)[1].record
    return create_run_record(request, body, call.ids)


def _add_stateless(call: ApiCall, body: Body, request: RunRequest) -> tuple[Thread, Run]:
    """Start the stateless run *request* on a new thread, which only the response knows unless the run keeps it."""
    _raise_if_refused(call, request, History())
    if request.keeps_thread:
        assistant = call.database.assistants[request.assistant_id].record
        thread = _create_thread(call, request.thread_id, body, assistant)
        return thread, _queue(call, thread, request, body)
    thread = Thread(create_thread_record(request.thread_id, call.ids.time()), call.ids.count - 1)
    run = _create_run(call, request, body, call.ids)
    thread.add(run, call.runs.play, call.now)
    return thread, run


def add_run(call: ApiCall, body: Body, malformed: int = 422) -> tuple[Thread, Run]:
    """Start the run that *body* requests; *malformed* is the status for an invalid thread id."""
    name = parse_uuid(call.path[0])
    if name is None:
        raise HTTPError(malformed, "Invalid thread ID")
    assistant = _find_assistant(call, body, on_existing_thread=True)
    thread = call.find_thread(name)
    if thread is None and body.get("if_not_exists") != "create":
        raise HTTPError(404, "Thread or assistant not found.")
    metadata: dict[str, Json] = {}
    if thread is not None:
        if body.get("multitask_strategy") == "reject" and thread.active:
            why = "Thread is already running a task: wait, or choose another multitask strategy."
            raise HTTPError(409, why)
        metadata = {**thread.record["metadata"], **_get_assistant_ids(assistant)}
    run_id = call.ids.uuid7("run")
    request = create_run_request(
        call, body, assistant, run_id, name, metadata, on_existing_thread=True
    )
    _raise_if_refused(call, request, thread.history if thread else History())
    if thread is None:
        thread = _create_thread(call, name, body, assistant)
    else:
        config = {"configurable": {}, **thread.record["config"], **body.get("config", {})}
        config["configurable"] = {}
        thread.record = {**thread.record, "metadata": metadata, "config": config}
    return thread, _queue(call, thread, request, body)


def _find_assistant(call: ApiCall, body: Body, *, on_existing_thread: bool = False) -> Record:
    """Return the assistant that *body* names; raise HTTPError if there is none, or if *body* is invalid."""
    identity = assistants.resolve(call, body["assistant_id"])
    check_run(body, on_existing_thread=on_existing_thread)
    if identity not in call.database.assistants:
        raise HTTPError(404, "Thread or assistant not found.")
    return call.database.assistants[identity].record


def _queue(call: ApiCall, thread: Thread, request: RunRequest, body: Body) -> Run:
    call.before_run()
    ids = call.ids.at(thread.next_moment(call.database.next_time()))
    strategy = body.get("multitask_strategy")
    if request.on_existing_thread and strategy in tuple(Action):
        for other in thread.active:
            thread.cancel(other, Action(strategy), call.now, None)
    run = _create_run(call, request, body, ids)
    thread.has_streams = thread.has_streams or bool(call.database.watchers)
    thread.add(run, call.runs.play, call.now)
    call.database.put_thread(thread)
    return run


def _create_run(call: ApiCall, request: RunRequest, body: Body, ids: IdGenerator) -> Run:
    due = call.now + call.runs.scale_pause(request.delay)
    if request.for_event_streams:
        due += START_SECONDS
    return Run(request, ids, create_run_record(request, body, ids), due)


def _create_thread(call: ApiCall, name: str, body: Body, assistant: Record) -> Thread:
    moment = call.database.next_time()
    record = create_thread_record(
        name,
        call.ids.at(moment).time(),
        metadata=_get_assistant_ids(assistant) | get_own_metadata(body),
        config={**body.get("config", {}), "configurable": {}},
    )
    order = ("thread_id", "status", "metadata", "config", "created_at", "updated_at", "values")
    return Thread({part: record[part] for part in order}, moment)


def _get_assistant_ids(assistant: Record) -> dict[str, Json]:
    return {"graph_id": assistant["graph_id"], "assistant_id": assistant["assistant_id"]}


def get_run_path(run: Run) -> str:
    """Return the path of *run* for response headers."""
    return f"/threads/{run.request.thread_id}/runs/{run.identity}"


def _raise_if_refused(call: ApiCall, request: RunRequest, history: History) -> None:
    """Raise RunRefused if the script refuses *request* on a thread with that *history*; nothing has changed then."""
    if call.runs.script.refuses:
        result = call.runs.play(request, call.ids, history.copy())
        if isinstance(result.error, RunRefused):
            raise result.error
