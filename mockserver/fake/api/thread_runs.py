"""Start runs on threads: the endpoints, and stateless runs, each on a thread of its own. No I/O."""

from mockserver.fake.api import assistants, schemas
from mockserver.fake.api.create_run import (
    NOT_FOUND,
    Body,
    check_run,
    create_run_record,
    create_thread_request,
    get_own_metadata,
)
from mockserver.fake.api.database import Record
from mockserver.fake.api.endpoint import ApiCall
from mockserver.fake.api.threads import create_thread_record
from mockserver.fake.api.validation import HTTPError, parse_uuid
from mockserver.fake.errors import RunRefused
from mockserver.fake.graph.checkpoint_store import History
from mockserver.fake.graph.runner import get_stream_headers, get_wait_headers
from mockserver.fake.ids import Ids
from mockserver.fake.replies import Response, json_response
from mockserver.fake.run_request import RunRequest
from mockserver.fake.threads.run_readers import RunOutcome, RunStream
from mockserver.fake.threads.thread import Action, Run, Thread
from mockserver.formats.json_text import Json
from mockserver.http.fault import Fault

_BUSY = "Thread is already running a task: wait, or choose another multitask strategy."

START_SECONDS = 0.5
"""How long after its command a run starts, at any pace: clients open their streams meanwhile, and the SDKs ignore what comes after
the end of a run. On the real server it is half a second or more."""


def start(call: ApiCall) -> Response:
    """`POST /threads/{id}/runs`: start a run in the background."""
    _, run = add_run(call, call.body(schemas.RUN_ON_THREAD))
    return json_response(run.record, headers=(("content-location", get_run_path(run)),))


def stream(call: ApiCall) -> Response:
    """`POST /threads/{id}/runs/stream`: start a run and stream its events."""
    body = call.body(schemas.RUN_ON_THREAD_AWAITED)
    thread, run = add_run(call, body, malformed=400)
    return _stream(call, thread, run, body, get_run_path(run))


def wait(call: ApiCall) -> Response:
    """`POST /threads/{id}/runs/wait`: start a run and return its outcome."""
    body = call.body(schemas.RUN_ON_THREAD_AWAITED)
    return _wait(call, *add_run(call, body, malformed=400), body)


def stream_stateless(call: ApiCall, request: RunRequest, body: Body) -> Response:
    """Stream the events of the stateless run *request*."""
    thread, run = start_stateless(call, request, body)
    return _stream(call, thread, run, body, f"/runs/{run.identity}")


def wait_stateless(call: ApiCall, request: RunRequest, body: Body) -> Response:
    """Return the outcome of the stateless run *request*."""
    return _wait(call, *start_stateless(call, request, body), body)


def _stream(call: ApiCall, thread: Thread, run: Run, body: Body, path: str) -> Response:
    cancels = body.get("on_disconnect") == "cancel"
    reader = RunStream(thread, run, call.runs.play, cancels=cancels)
    return Response(200, get_stream_headers(path), reader, _get_note(run), _get_faults(run))


def _wait(call: ApiCall, thread: Thread, run: Run, body: Body) -> Response:
    cancels = body.get("on_disconnect") == "cancel"
    reader = RunOutcome(thread, run, call.runs.play, cancels=cancels)
    return Response(
        200, get_wait_headers(get_run_path(run)), reader, _get_note(run), _get_faults(run)
    )


def start_stateless(call: ApiCall, request: RunRequest, body: Body) -> tuple[Thread, Run]:
    """Start the stateless run *request* on a new thread, which only the response knows unless the run keeps it."""
    _raise_if_refused(call, request, History())
    if request.keeps_thread:
        assistant = call.database.assistants[request.assistant_id].record
        thread = _create_thread(call, request.thread_id, body, assistant)
        return thread, _queue(call, thread, request, body)
    thread = Thread(create_thread_record(request.thread_id, call.ids, {}), call.ids.count - 1)
    run = _create_run(call, request, body, call.ids)
    thread.add(run, call.runs.play, call.now)
    return thread, run


def add_run(call: ApiCall, body: Body, malformed: int = 422) -> tuple[Thread, Run]:
    """Start the run that *body* requests; *malformed* is the status for an invalid thread id."""
    name = parse_uuid(call.path[0])
    if name is None:
        raise HTTPError(malformed, "Invalid thread ID")
    assistant_id = assistants.resolve(call, body["assistant_id"])
    check_run(body, on_existing_thread=True)
    assistant = call.database.assistants.get(assistant_id)
    thread = call.database.threads.get(name)
    create = thread is None and body.get("if_not_exists") == "create"
    if assistant is None or (thread is None and not create):
        raise HTTPError(404, NOT_FOUND)
    metadata: dict[str, Json] = {}
    if thread is not None:
        call.settle(thread)
        if body.get("multitask_strategy") == "reject" and thread.active:
            raise HTTPError(409, _BUSY)
        metadata = {**thread.record["metadata"], **_get_assistant_ids(assistant.record)}
    request = create_thread_request(call, body, assistant.record, name, metadata)
    _raise_if_refused(call, request, thread.history if thread else History())
    if thread is None:
        thread = _create_thread(call, name, body, assistant.record)
    else:
        record = thread.record
        config = {"configurable": {}, **record["config"], **body.get("config", {})}
        thread.record = {
            **record,
            "metadata": metadata,
            "config": config | {"configurable": {}},
        }
    return thread, _queue(call, thread, request, body)


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


def _create_run(call: ApiCall, request: RunRequest, body: Body, ids: Ids) -> Run:
    due = call.now + call.runs.gap(request.delay)
    if request.for_event_streams:
        due += START_SECONDS
    return Run(request, ids, create_run_record(request, body, ids), due)


def _create_thread(call: ApiCall, name: str, body: Body, assistant: Record) -> Thread:
    moment = call.database.next_time()
    record = create_thread_record(name, call.ids.at(moment), {}) | {
        "metadata": _get_assistant_ids(assistant) | get_own_metadata(body),
        "config": {**body.get("config", {}), "configurable": {}},
    }
    order = ("thread_id", "status", "metadata", "config", "created_at", "updated_at", "values")
    return Thread({part: record[part] for part in order}, moment)


def _get_assistant_ids(assistant: Record) -> dict[str, Json]:
    return {"graph_id": assistant["graph_id"], "assistant_id": assistant["assistant_id"]}


def get_run_path(run: Run) -> str:
    """Return the path of *run* for response headers."""
    return f"/threads/{run.request.thread_id}/runs/{run.identity}"


def _get_note(run: Run) -> str | None:
    return run.result.note if run.result else None


def _get_faults(run: Run) -> tuple[Fault, ...]:
    """Return what goes wrong with the response that starts *run*; nothing if it waits for another run."""
    return run.result.faults if run.result else ()


def _raise_if_refused(call: ApiCall, request: RunRequest, history: History) -> None:
    """Raise RunRefused if the script refuses *request* on a thread with that *history*; nothing has changed then."""
    if call.runs.script.refuses:
        result = call.runs.play(request, call.ids, history.copy())
        if isinstance(result.error, RunRefused):
            raise result.error
