"""The endpoints of runs on threads. No I/O."""

from collections.abc import Collection
from typing import cast

from mockserver.fake.answers import Answer, json_answer
from mockserver.fake.request import RunRequest
from mockserver.fake.run.place import HOST
from mockserver.fake.run.reel import Event
from mockserver.fake.run.runs import Runs, stream_headers, wait_headers
from mockserver.fake.server import bodies
from mockserver.fake.server.asked import NOT_THERE, Body, check, pending, public, run_on_thread
from mockserver.fake.server.assistants import Assistants
from mockserver.fake.server.endpoint import Call, identity
from mockserver.fake.server.threads import NOT_A_UUID, Threads, new
from mockserver.fake.server.validation import RefusalError, Schema, spelled, uuid
from mockserver.fake.server.world import Record
from mockserver.fake.thread.readers import Outcome, Stream
from mockserver.fake.thread.thread import Action, Run, Thread
from mockserver.fake.written import written
from mockserver.jsontext import Json, loads

BUSY = "Thread is already running a task. Wait for it to finish or choose a different multitask strategy."
NONE_FOUND = "No runs found to cancel."
NONE_ACTIVE = (
    "No matching runs to cancel. Please verify the thread ID and run IDs are correct, and the runs haven't been "
    "deleted or completed."
)
_WHY = "{action} requested via POST {path}"
_ONE = "/threads/{thread_id}/runs/{run_id}/cancel"
_NOT_FOUND = {"error": "HTTPException", "message": "404: Run not found"}
_COLUMNS = (
    *("run_id", "thread_id", "assistant_id", "created_at", "updated_at", "status", "metadata"),
    *("kwargs", "multitask_strategy", "langsmith_session_name"),
)
_FROM_START = ("-1", "-", "0")
"""What a client says that wants all events again."""


class OnThread:
    """The runs on *threads*, of *assistants*, as *runs* plays them."""

    def __init__(self, runs: Runs, threads: Threads, assistants: Assistants) -> None:
        self._runs = runs
        self._threads = threads
        self._assistants = assistants

    def start(self, call: Call) -> Answer:
        """Begin a run, and do not wait for it."""
        run = self._begun(call, bodies.RUN_ON_THREAD, "Invalid thread ID", 422)[1]
        at = (("content-location", _path(run)),)
        return json_answer(_told(run, fresh=True), headers=at)

    def stream(self, call: Call) -> Answer:
        """Begin a run, and tell its events."""
        thread, run, cancels = self._begun(call, bodies.RUN_ON_THREAD_AWAITED, NOT_A_UUID, 400)
        reader = Stream(thread, run, self._runs.on_thread, cancels=cancels)
        return Answer(200, stream_headers(_path(run)), reader, _note(run))

    def wait(self, call: Call) -> Answer:
        """Begin a run, and tell what it comes to."""
        thread, run, cancels = self._begun(call, bodies.RUN_ON_THREAD_AWAITED, NOT_A_UUID, 400)
        reader = Outcome(thread, run, self._runs.on_thread, cancels=cancels)
        return Answer(200, wait_headers(_path(run)), reader, _note(run))

    def stream_kept(self, call: Call, request: RunRequest, body: Body) -> Answer:
        """Tell the events of the stateless run *request*, whose *body* wants its thread to be kept."""
        thread, run = self.keep(call, request, body)
        reader = Stream(thread, run, self._runs.on_thread, cancels=_cancels(body))
        return Answer(200, stream_headers(f"/runs/{run.identity}"), reader, _note(run))

    def wait_kept(self, call: Call, request: RunRequest, body: Body) -> Answer:
        """Tell what the stateless run *request* comes to, whose *body* wants its thread to be kept."""
        thread, run = self.keep(call, request, body)
        reader = Outcome(thread, run, self._runs.on_thread, cancels=_cancels(body))
        return Answer(200, wait_headers(_path(run)), reader, _note(run))

    def keep(self, call: Call, request: RunRequest, body: Body) -> tuple[Thread, Run]:
        """Begin the stateless run *request*, whose *body* wants its thread to be kept."""
        assistant = call.world.assistants[request.assistant_id].record
        thread, _ = _made(call, request.thread_id, body, assistant)
        return thread, self._add(call, thread, request, body)

    def listed(self, call: Call) -> Answer:
        """List the runs of a thread, the last one first."""
        call.uuid("thread")
        try:
            limit, offset = (
                int(self._number(call, *of)) for of in (("limit", "10"), ("offset", "0"))
            )
        except ValueError as error:
            raise RefusalError(400, str(error)) from None
        wanted = call.queries.get("select", [])
        if unknown := [name for name in wanted if name not in _COLUMNS]:
            expected = "{" + ", ".join(map(repr, _COLUMNS)) + "}"
            raise RefusalError(422, f"Invalid select columns: {unknown}. Expected: {expected}")
        thread = self._threads.known(call)
        told = [_told(run) for run in reversed(thread.runs.values())]
        if "status" in call.queries:
            told = [one for one in told if one["status"] == call.query("status")]
        shown = told[offset:][:limit]
        return json_answer(
            [{n: p for n, p in one.items() if not wanted or n in wanted} for one in shown]
        )

    def get(self, call: Call) -> Answer:
        """Tell of one run."""
        call.uuid("thread")
        call.uuid("run", 1)
        self._threads.known(call)
        _, run = self._found(call)
        if run is None:
            raise RefusalError(404, "Not Found")
        return json_answer(_told(run))

    def delete(self, call: Call) -> Answer:
        """Forget a run, and what it has saved."""
        thread, run = self._found(call)
        if thread is None or run is None:
            raise RefusalError(404, "Run not found")
        if run.over is None:
            thread.cancel(run, Action.INTERRUPT, call.now, None)
        thread.runs.pop(run.identity, None)
        thread.history.drop(run.identity)
        self._threads.settle(thread, call.now)
        return Answer(204, (), b"")

    def join(self, call: Call) -> Answer:
        """Wait for a run that was begun before."""
        headers = wait_headers(f"/threads/{call.path[0]}/runs/{call.path[1]}")
        thread, run = self._found(call)
        if thread is None or run is None:
            return Answer(200, headers, _bytes({"__error__": _NOT_FOUND}))
        return Answer(200, headers, self._joined(call, thread, run))

    def follow(self, call: Call) -> Answer:
        """Tell the events of a run that was begun before: those to come, or those behind a given one too."""
        headers = stream_headers(f"/threads/{call.path[0]}/runs/{call.path[1]}")
        thread, run = self._found(call)
        if thread is None or run is None:
            return Answer(200, headers, Event(0.0, "error", _NOT_FOUND).raw)
        reader = Stream(
            thread,
            run,
            self._runs.on_thread,
            begin=_begin(run, call.request.header("last-event-id"), call.now),
            names=_names(call),
            cancels=call.says("cancel_on_disconnect"),
        )
        return Answer(200, headers, reader)

    def cancel(self, call: Call) -> Answer:
        """End a run."""
        thread, run = self._found(call)
        if thread is None or run is None:
            raise RefusalError(404, NONE_FOUND)
        if run.over is not None:
            raise RefusalError(404, NONE_ACTIVE)
        self._cancel(call, thread, run, _ONE)
        if not call.says("wait"):
            return Answer(202, (), b"")
        return Answer(200, wait_headers(_path(run)), b"{}")

    def cancel_many(self, call: Call) -> Answer:
        """End several runs: of a thread, or all there are."""
        body = call.body(bodies.CANCEL)
        by_ids = {"thread_id", "run_ids"} & body.keys()
        if "status" not in body and len(by_ids) < 2:
            raise RefusalError(422, _NEITHER.format(body=spelled(body)))
        if "status" in body and by_ids:
            raise RefusalError(422, _BOTH_WAYS)
        found = self._meant(call, body)
        if not found:
            raise RefusalError(404, NONE_FOUND)
        active = [(thread, run) for thread, run in found if run.over is None]
        if not active:
            raise RefusalError(404, NONE_ACTIVE)
        for thread, run in active:
            self._cancel(call, thread, run, "/runs/cancel")
        return Answer(204, (), b"")

    def _meant(self, call: Call, body: Body) -> list[tuple[Thread, Run]]:
        """Return the runs that the *body* of a request to cancel several means."""
        if "status" in body:
            threads = [self._threads.settle(t, call.now) for t in call.world.threads.values()]
            active = [(thread, run) for thread in threads for run in thread.active]
            return [one for one in active if body["status"] in ("all", one[1].status)]
        name = identity(body["thread_id"], "thread")
        names = [identity(one, "run") for one in body["run_ids"]]
        thread = call.world.threads.get(name)
        if thread is None:
            return []
        self._threads.settle(thread, call.now)
        return [(thread, thread.runs[one]) for one in names if one in thread.runs]

    def _cancel(self, call: Call, thread: Thread, run: Run, path: str) -> None:
        asked = call.query("action")
        action = Action.ROLLBACK if asked == Action.ROLLBACK else Action.INTERRUPT
        thread.cancel(run, action, call.now, _WHY.format(action=action, path=path))
        self._threads.settle(thread, call.now)

    def _begun(
        self, call: Call, schema: Schema, malformed: str, status: int
    ) -> tuple[Thread, Run, bool]:
        """Begin the run that the request asks for; return whether it is to end when the client goes, too."""
        body = call.body(schema)
        name = uuid(call.path[0])
        if name is None and status == 400:
            raise RefusalError(status, malformed)
        assistant_id = self._assistants.resolve(body["assistant_id"], call.world, call.ids)
        if name is None:
            raise RefusalError(status, malformed)
        check(body, threaded=True)
        assistant = call.world.assistants.get(assistant_id)
        thread = call.world.threads.get(name)
        create = thread is None and body.get("if_not_exists") == "create"
        if assistant is None or (thread is None and not create):
            raise RefusalError(404, NOT_THERE)
        if thread is None:
            thread, of_thread = _made(call, name, body, assistant.record)
        else:
            self._threads.settle(thread, call.now)
            if body.get("multitask_strategy") == "reject" and thread.active:
                raise RefusalError(409, BUSY)
            thread.told = of_thread = _adopted(thread.told, body, assistant.record)
        request_id = call.request.header("x-request-id")
        request = run_on_thread(body, assistant.record, of_thread, call.ids, request_id=request_id)
        run = self._add(call, thread, request, body)
        return thread, run, _cancels(body)

    def _add(self, call: Call, thread: Thread, request: RunRequest, body: Body) -> Run:
        ids = call.ids.at(thread.moment(call.world.tick()))
        gone = {"interrupt": Action.INTERRUPT, "rollback": Action.ROLLBACK}
        action = gone.get(cast(str, body.get("multitask_strategy")))
        if request.threaded and action:
            for other in thread.active:
                thread.cancel(other, action, call.now, None)
        due = call.now + self._runs.gap(request.delay)
        run = Run(request, ids, pending(request, body, ids), due)
        thread.add(run, self._runs.on_thread, call.now)
        call.world.put(thread)
        return run

    def _found(self, call: Call) -> tuple[Thread | None, Run | None]:
        """Return the thread and the run that the path names, as they are now."""
        name, run = call.uuid("thread"), call.uuid("run", 1)
        thread = call.world.threads.get(name)
        if thread is None:
            return None, None
        self._threads.settle(thread, call.now)
        return thread, thread.runs.get(run)

    def _joined(self, call: Call, thread: Thread, run: Run) -> Outcome:
        return Outcome(
            thread,
            run,
            self._runs.on_thread,
            told=lambda events: _bytes(_present(thread)),
            cancels=call.says("cancel_on_disconnect"),
        )

    def _number(self, call: Call, name: str, otherwise: str) -> str:
        return call.query(name) if name in call.queries else otherwise


_NEITHER = (
    "{body} is not valid under any of the schemas listed in the 'oneOf' keyword\n\n"
    'Failed validating "oneOf" in schema\n\nOn instance:\n    {body}'
)
_BOTH_WAYS = (
    "When providing a 'status', 'thread_id' and 'run_ids' must be omitted. The 'status' parameter cancels all runs "
    "with the given status, regardless of thread or run ID."
)


def _made(call: Call, name: str, body: Body, assistant: Record) -> tuple[Thread, Record]:
    """Return the thread that a run makes for itself, and what the run takes over from it."""
    moment = call.world.tick()
    told = new(name, call.ids.at(moment), {})
    of_config = (body.get("config") or {}).get("metadata") or {}
    metadata = {**_of(assistant), **public(of_config), **public(body.get("metadata") or {})}
    order = ("thread_id", "status", "metadata", "config", "created_at", "updated_at", "values")
    changed = {**told, "metadata": metadata, "config": _config({}, body)}
    return Thread({part: changed[part] for part in order}, moment), {
        "thread_id": name,
        "metadata": {},
    }


def _adopted(told: dict[str, Json], body: Body, assistant: Record) -> dict[str, Json]:
    """Return what is told of a thread once a run of *assistant* is on it."""
    metadata = {**told["metadata"], **_of(assistant)}
    return {**told, "metadata": metadata, "config": _config(told["config"], body)}


def _of(assistant: Record) -> dict[str, Json]:
    return {"graph_id": assistant["graph_id"], "assistant_id": assistant["assistant_id"]}


def _config(of_thread: Body, body: Body) -> dict[str, Json]:
    return {"configurable": {}, **of_thread, **(body.get("config") or {}), "configurable": {}}


def _path(run: Run) -> str:
    return f"/threads/{run.request.thread_id}/runs/{run.identity}"


def _cancels(body: Body) -> bool:
    return body.get("on_disconnect") == "cancel"


def _note(run: Run) -> str | None:
    return run.played.note if run.played else None


def _told(run: Run, *, fresh: bool = False) -> dict[str, Json]:
    """Return what the server tells of *run*; once it has begun, it tells what the run knows of the server."""
    if fresh:
        return run.told
    if run.began is None:
        return {**run.told, "status": run.status}
    kwargs = run.told["kwargs"]
    config = kwargs["config"]
    config = {
        **config,
        "configurable": {**config["configurable"], "__pregel_node_finished": None},
        "metadata": {**config["metadata"], **HOST},
    }
    return {**run.told, "status": run.status, "kwargs": {**kwargs, "config": config}}


def _present(thread: Thread) -> Json:
    """Return what a thread whose run has ended comes to."""
    told = thread.told
    if told["status"] == "error":
        return {"__error__": told["error"]}
    if told["status"] == "interrupted" and told.get("interrupts"):
        return {"__interrupt__": [one for asked in told["interrupts"].values() for one in asked]}
    return told.get("values") or {}


def _bytes(value: Json) -> bytes:
    return written(value).encode("utf-8", "replace")


def _begin(run: Run, last: str | None, now: float) -> int:
    """Return how many events of *run* a client has seen that says it saw the one with the id *last*."""
    events = run.events
    if run.request.resumable and last:
        if last in _FROM_START:
            return 0
        seen = [number for number, event in enumerate(events, 1) if event.identity == last]
        return seen[0] if seen else len(events)
    began = run.began
    if began is None:
        return 0
    return sum(began + event.at <= now for event in events) if run.over is None else len(events)


def _names(call: Call) -> Collection[str] | None:
    """Return the names of the events that the query wants, None where it wants all."""
    text = call.query("stream_mode")
    if not text:
        return None
    try:
        wanted = loads(text)
    except ValueError:
        wanted = text
    names = {wanted} if isinstance(wanted, str) else set(map(str, wanted))
    if "messages-tuple" in names:
        names.add("messages")
    if "messages" in names:
        names |= {"messages/partial", "messages/complete", "messages/metadata"}
    return names
