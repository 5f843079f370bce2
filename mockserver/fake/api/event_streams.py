"""The endpoints of event streams: commands, and the events of a thread. No I/O.

Source: langgraph-api 0.16.7, `api/event_streaming` and `event_streaming/service`. Over HTTP a command knows nothing of the streams of
its thread, so the commands for subscriptions have no effect.
"""

from mockserver.fake.api import request_schemas, start_runs
from mockserver.fake.api.api_call import ApiCall
from mockserver.fake.api.create_run import STREAMS_KEY, Body
from mockserver.fake.api.database import Database
from mockserver.fake.api.validation import HTTPError, Schema, find_problem, parse_json, parse_uuid
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.response import STREAM_HEADERS, Response, error_response, json_response
from mockserver.fake.thread_log.filter import FilterError, is_channel, parse_filter
from mockserver.fake.threads.event_stream_reader import EventSource, EventStreamReader
from mockserver.fake.threads.thread import Thread, ThreadEvents
from mockserver.formats.json_text import Json

_STREAM_MODES = (
    *("values", "updates", "messages", "tools", "lifecycle", "custom", "tasks"),
    "checkpoints",
)
"""The stream modes of every run that a command starts."""

_STRATEGIES = ("reject", "rollback", "interrupt", "enqueue")


class CommandError(Exception):
    """The command gets an error envelope with *code* and *message*."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def command(call: ApiCall) -> Response:
    """`POST /threads/{id}/commands`: run a command; return an envelope with its result or error."""
    body = _object(_body(call))
    number, method = body.get("id"), body.get("method")
    if not isinstance(number, int) or not isinstance(method, str):
        why = "Protocol commands must include an integer id and string method."
        return json_response(_error_envelope(number, "invalid_argument", why), 400)
    try:
        if method not in _METHODS:
            raise CommandError("unknown_command", f"Unknown protocol command: {method}")
        result = _METHODS[method](call, _object(body.get("params")))
    except CommandError as error:
        return json_response(_error_envelope(number, error.code, error.message))
    except HTTPError as error:
        why = f"{error.status}: {error.detail}"
        return json_response(_error_envelope(number, "unknown_error", why))
    meta = {"applied_through_seq": 0}
    return json_response({"type": "success", "id": number, "result": result, "meta": meta})


def stream(call: ApiCall) -> Response:
    """`POST /threads/{id}/stream/events`: stream the events that the filter in the body selects."""
    try:
        selected = parse_filter(_body(call))
    except FilterError as error:
        return error_response(400, str(error))
    database, name = call.database, parse_uuid(call.path[0]) or call.path[0]
    reader = EventStreamReader(
        selected, lambda: find_source(database, name, call.runs), database.watchers
    )
    return Response(200, STREAM_HEADERS, reader)


def find_source(database: Database, thread: str, runs: RunEngine) -> EventSource | None:
    """Return the events of *thread* in *database*, which *runs* plays, or None if it does not exist yet."""
    found = database.threads.get(thread)
    return ThreadEvents(found, runs.play) if found else None


def _body(call: ApiCall) -> Json:
    try:
        return parse_json(call.request.body)
    except HTTPError:
        raise HTTPError(400, "Invalid JSON body") from None


def _error_envelope(number: Json, code: str, message: str) -> Json:
    return {"type": "error", "id": number, "error": code, "message": message}


def _start(call: ApiCall, params: Body) -> Json:
    """Start a run; on an interrupted thread, its input answers the interrupt."""
    _check(request_schemas.START_COMMAND, params)
    checkpoint = _checkpoint_id(params)
    thread = call.find_thread(parse_uuid(call.path[0]))
    strategy, value = params.get("multitaskStrategy"), params.get("input")
    resumes = value is not None and thread is not None and bool(_interrupt_ids(thread))
    body = {
        **_run_body(params["assistant_id"], params),
        **({"command": {"resume": value}} if resumes else {"input": value}),
        "checkpoint_id": checkpoint,
        "checkpoint": {"checkpoint_id": checkpoint} if checkpoint else None,
        "multitask_strategy": strategy if strategy in _STRATEGIES else "enqueue",
        "langsmith_tracer": params.get("langsmith_tracer"),
    }
    return {"run_id": start_runs.add_run(call, body)[1].identity}


def _respond(call: ApiCall, params: Body) -> Json:
    """Answer one or more interrupts, which starts another run."""
    several = params.get("responses")
    if isinstance(several, list):
        _check(request_schemas.ANSWERS, several, "params.responses")
    else:
        _check(request_schemas.ANSWER, params)
    entries = several if isinstance(several, list) else [params]
    answers = {entry["interrupt_id"]: entry.get("response") for entry in entries}
    thread = call.find_thread(parse_uuid(call.path[0]))
    known = _interrupt_ids(thread) if thread else answers.keys()
    for identity in answers:
        if identity not in known:
            why = f"Unknown or already-consumed interrupt: {identity}"
            raise CommandError("no_such_interrupt", why)
    assistant = thread and thread.record["metadata"].get("assistant_id")
    if not isinstance(assistant, str):
        raise CommandError("no_such_run", "No interrupted run is bound to this thread.")
    changes = {n: params[n] for n in ("update", "goto") if params.get(n) is not None}
    body = {
        **_run_body(assistant, params),
        "command": {"resume": answers, **changes},
        "multitask_strategy": "enqueue",
    }
    start_runs.add_run(call, body)
    return {}


def _run_body(assistant: str, params: Body) -> dict[str, Json]:
    """Return the body of a request for a run, without its input."""
    config = _object(params.get("config"))
    configurable = {**_object(config.get("configurable")), STREAMS_KEY: True}
    return {
        "assistant_id": assistant,
        "config": {**config, "configurable": configurable},
        "metadata": _object(params.get("metadata")),
        "stream_mode": list(_STREAM_MODES),
        "stream_subgraphs": True,
        "stream_resumable": True,
        "if_not_exists": "create",
    }


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _check(schema: Schema, value: Json, path: str = "params") -> None:
    problem = find_problem(schema, value, path)
    if problem is not None:
        raise CommandError("invalid_argument", problem)


def _checkpoint_id(params: Body) -> str | None:
    """Return the checkpoint from which the run is to fork, or None."""
    identity = _object(_object(params.get("config")).get("configurable")).get("checkpoint_id")
    if identity is None or (isinstance(identity, str) and parse_uuid(identity)):
        return identity
    raise CommandError("invalid_argument", "config.configurable.checkpoint_id must be a UUID")


def _interrupt_ids(thread: Thread) -> set[str]:
    """Return the ids of the interrupts at which *thread* waits."""
    pending = thread.record.get("interrupts") or {}
    return {one["id"] for interrupts in pending.values() for one in interrupts}


def _without_run(call: ApiCall, params: Body) -> Json:
    raise CommandError("no_such_run", "No active run is bound to this thread.")


def _subscribe(call: ApiCall, params: Body) -> Json:
    channels = params.get("channels")
    if not isinstance(channels, list) or not channels or not all(map(is_channel, channels)):
        raise CommandError("invalid_argument", "channels must be a list of channels")
    return {"subscription_id": call.ids.uuid4("subscription"), "replayed_events": 0}


def _unsubscribe(call: ApiCall, params: Body) -> Json:
    _check(request_schemas.UNSUBSCRIBE, params)
    raise CommandError("no_such_subscription", f"Unknown subscription: {params['subscription_id']}")


_METHODS = {
    "run.start": _start,
    "input.respond": _respond,
    "agent.getTree": _without_run,
    "subscription.subscribe": _subscribe,
    "subscription.unsubscribe": _unsubscribe,
    "subscription.reconnect": _without_run,
}
