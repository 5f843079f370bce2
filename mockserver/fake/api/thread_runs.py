"""The endpoints that start runs on threads. No I/O."""

from typing import cast

from mockserver.fake.api import schemas
from mockserver.fake.api.assistants import Assistants
from mockserver.fake.api.create_run import (
    NOT_FOUND,
    Body,
    check_run,
    run_record,
    thread_run_request,
    without_reserved,
)
from mockserver.fake.api.database import Record
from mockserver.fake.api.endpoint import Call
from mockserver.fake.api.threads import NOT_A_UUID, Threads, new_thread_record
from mockserver.fake.api.validation import HTTPError, parse_uuid
from mockserver.fake.graph.runner import RunEngine, stream_headers, wait_headers
from mockserver.fake.replies import Response, json_response
from mockserver.fake.run_request import RunRequest
from mockserver.fake.threads.run_readers import RunOutcome, RunStream
from mockserver.fake.threads.thread import Action, Run, Thread
from mockserver.formats.json_text import Json

BUSY = "Thread is already running a task. Wait for it to finish or choose a different multitask strategy."

START_SECONDS = 0.2
"""How long after its command a run starts, at any pace: clients open their streams meanwhile, and the SDKs ignore what comes after
the end of a run. On the real server it is half a second or more."""


class ThreadRuns:
    """Starts runs of *assistants* on *threads*."""

    def __init__(self, runs: RunEngine, threads: Threads, assistants: Assistants) -> None:
        self._runs = runs
        self._threads = threads
        self._assistants = assistants

    def start(self, call: Call) -> Response:
        """`POST /threads/{id}/runs`: start a run in the background."""
        run = self.create(call, call.body(schemas.RUN_ON_THREAD))[1]
        at = (("content-location", path_of(run)),)
        return json_response(run.record, headers=at)

    def stream(self, call: Call) -> Response:
        """`POST /threads/{id}/runs/stream`: start a run and stream its events."""
        thread, run, cancels = self._create_awaited(call)
        reader = RunStream(thread, run, self._runs.play_on_thread, cancels=cancels)
        return Response(200, stream_headers(path_of(run)), reader, _note(run))

    def wait(self, call: Call) -> Response:
        """`POST /threads/{id}/runs/wait`: start a run and return its outcome."""
        thread, run, cancels = self._create_awaited(call)
        reader = RunOutcome(thread, run, self._runs.play_on_thread, cancels=cancels)
        return Response(200, wait_headers(path_of(run)), reader, _note(run))

    def stream_stateless(self, call: Call, request: RunRequest, body: Body) -> Response:
        """Stream the events of the stateless run *request*, whose *body* asks to keep its thread."""
        thread, run = self.start_stateless(call, request, body)
        reader = RunStream(
            thread, run, self._runs.play_on_thread, cancels=_cancels_on_disconnect(body)
        )
        return Response(200, stream_headers(f"/runs/{run.identity}"), reader, _note(run))

    def wait_stateless(self, call: Call, request: RunRequest, body: Body) -> Response:
        """Return the outcome of the stateless run *request*, whose *body* asks to keep its thread."""
        thread, run = self.start_stateless(call, request, body)
        reader = RunOutcome(
            thread, run, self._runs.play_on_thread, cancels=_cancels_on_disconnect(body)
        )
        return Response(200, wait_headers(path_of(run)), reader, _note(run))

    def start_stateless(self, call: Call, request: RunRequest, body: Body) -> tuple[Thread, Run]:
        """Start the stateless run *request* on a new thread that is kept."""
        assistant = call.database.assistants[request.assistant_id].record
        thread, _ = _new_thread(call, request.thread_id, body, assistant)
        return thread, self._add(call, thread, request, body)

    def _create_awaited(self, call: Call) -> tuple[Thread, Run, bool]:
        """Start the run that the request asks for, and whose response is awaited."""
        body = call.body(schemas.RUN_ON_THREAD_AWAITED)
        if parse_uuid(call.path[0]) is None:
            raise HTTPError(400, NOT_A_UUID)
        return self.create(call, body)

    def create(self, call: Call, body: Body) -> tuple[Thread, Run, bool]:
        """Start the run that *body* requests; return its thread, the run, and whether it is cancelled when the client disconnects."""
        name = parse_uuid(call.path[0])
        assistant_id = self._assistants.resolve(body["assistant_id"], call.database, call.ids)
        if name is None:
            raise HTTPError(422, "Invalid thread ID")
        check_run(body, on_existing_thread=True)
        assistant = call.database.assistants.get(assistant_id)
        thread = call.database.threads.get(name)
        create = thread is None and body.get("if_not_exists") == "create"
        if assistant is None or (thread is None and not create):
            raise HTTPError(404, NOT_FOUND)
        if thread is None:
            thread, of_thread = _new_thread(call, name, body, assistant.record)
        else:
            self._threads.settle(thread, call.now)
            if body.get("multitask_strategy") == "reject" and thread.active:
                raise HTTPError(409, BUSY)
            thread.record = of_thread = _with_assistant(thread.record, body, assistant.record)
        request_id = call.request.header("x-request-id")
        request = thread_run_request(
            body, assistant.record, of_thread, call.ids, request_id=request_id
        )
        run = self._add(call, thread, request, body)
        return thread, run, _cancels_on_disconnect(body)

    def _add(self, call: Call, thread: Thread, request: RunRequest, body: Body) -> Run:
        ids = call.ids.at(thread.next_moment(call.database.next_time()))
        actions = {"interrupt": Action.INTERRUPT, "rollback": Action.ROLLBACK}
        action = actions.get(cast(str, body.get("multitask_strategy")))
        if request.on_existing_thread and action:
            for other in thread.active:
                thread.cancel(other, action, call.now, None)
        due = call.now + self._runs.gap(request.delay)
        if request.for_event_streams:
            due += START_SECONDS
        run = Run(request, ids, run_record(request, body, ids), due)
        thread.add(run, self._runs.play_on_thread, call.now)
        call.database.put_thread(thread)
        return run


def _new_thread(call: Call, name: str, body: Body, assistant: Record) -> tuple[Thread, Record]:
    """Return a new thread for a run, and the thread record that the run inherits from."""
    moment = call.database.next_time()
    record = new_thread_record(name, call.ids.at(moment), {})
    of_config = (body.get("config") or {}).get("metadata") or {}
    metadata = {
        **_assistant_ids(assistant),
        **without_reserved(of_config),
        **without_reserved(body.get("metadata") or {}),
    }
    order = ("thread_id", "status", "metadata", "config", "created_at", "updated_at", "values")
    config = {**(body.get("config") or {}), "configurable": {}}
    changed = {**record, "metadata": metadata, "config": config}
    return Thread({part: changed[part] for part in order}, moment), {
        "thread_id": name,
        "metadata": {},
    }


def _with_assistant(record: dict[str, Json], body: Body, assistant: Record) -> dict[str, Json]:
    """Return the *record* of a thread after a run of *assistant* was added."""
    metadata = {**record["metadata"], **_assistant_ids(assistant)}
    return {**record, "metadata": metadata, "config": _config(record["config"], body)}


def _assistant_ids(assistant: Record) -> dict[str, Json]:
    return {"graph_id": assistant["graph_id"], "assistant_id": assistant["assistant_id"]}


def _config(of_thread: Body, body: Body) -> dict[str, Json]:
    merged = {"configurable": {}, **of_thread, **(body.get("config") or {})}
    return merged | {"configurable": {}}


def path_of(run: Run) -> str:
    """Return the path of *run* for response headers."""
    return f"/threads/{run.request.thread_id}/runs/{run.identity}"


def _cancels_on_disconnect(body: Body) -> bool:
    return body.get("on_disconnect") == "cancel"


def _note(run: Run) -> str | None:
    return run.result.note if run.result else None
