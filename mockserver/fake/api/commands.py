"""The commands of event streams: start a run, and answer interrupts. No I/O.

Source: langgraph-api 0.16.7, `event_streaming/service`. Over HTTP a command knows nothing of the streams of its thread, so the
commands for subscriptions have no effect.
"""

from mockserver.fake.api import thread_runs
from mockserver.fake.api.create_run import STREAMS_KEY, Body
from mockserver.fake.api.endpoint import ApiCall
from mockserver.fake.api.validation import HTTPError, parse_uuid
from mockserver.fake.threads.thread import Thread
from mockserver.formats.json_text import Json
from mockserver.thread_log.filter import is_channel

STREAM_MODES = (
    *("values", "updates", "messages", "tools", "lifecycle", "custom", "tasks"),
    "checkpoints",
)
"""The stream modes of every run that a command starts."""

_STRATEGIES = ("reject", "rollback", "interrupt", "enqueue")
_TRACER_KEYS = {"project_name", "example_id"}
_NO_RUN = "No active run is bound to this thread."
_NO_INTERRUPTED_RUN = "No interrupted run is bound to this thread."


class CommandError(Exception):
    """The command gets an error envelope with *code* and *message*."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def handle_command(call: ApiCall, number: int, method: str, params: Json) -> Json:
    """Return the envelope that answers the command *method* with the id *number*."""
    given = params if isinstance(params, dict) else {}
    if method not in _METHODS:
        return error_envelope(number, "unknown_command", f"Unknown protocol command: {method}")
    try:
        result = _METHODS[method](call, given)
    except CommandError as error:
        return error_envelope(number, error.code, error.message)
    except HTTPError as error:
        return error_envelope(number, "unknown_error", f"{error.status}: {error.detail}")
    meta = {"applied_through_seq": 0}
    return {"type": "success", "id": number, "result": result, "meta": meta}


def _start(call: ApiCall, params: Body) -> Json:
    """Start a run; on an interrupted thread, its input answers the interrupt."""
    assistant = params.get("assistant_id")
    if not isinstance(assistant, str) or not assistant:
        raise CommandError("invalid_argument", "run.start requires an assistant_id.")
    checkpoint, tracer = _checkpoint_id(params), _tracer(params)
    thread = call.find_thread(parse_uuid(call.path[0]))
    strategy, value = params.get("multitaskStrategy"), params.get("input")
    resumes = value is not None and thread is not None and bool(_interrupt_ids(thread))
    body = {
        **_run_body(assistant, params),
        **({"command": {"resume": value}} if resumes else {"input": value}),
        "checkpoint_id": checkpoint,
        "checkpoint": {"checkpoint_id": checkpoint} if checkpoint else None,
        "multitask_strategy": strategy if strategy in _STRATEGIES else "enqueue",
        "langsmith_tracer": tracer,
    }
    return {"run_id": thread_runs.add_run(call, body)[1].identity}


def _respond(call: ApiCall, params: Body) -> Json:
    """Answer one or more interrupts, which starts another run."""
    answers = _answers(params)
    thread = call.find_thread(parse_uuid(call.path[0]))
    unknown = answers.keys() - _interrupt_ids(thread) if thread else ()
    for identity in answers:
        if identity in unknown:
            why = f"Unknown or already-consumed interrupt: {identity}"
            raise CommandError("no_such_interrupt", why)
    assistant = thread and thread.record["metadata"].get("assistant_id")
    if not isinstance(assistant, str):
        raise CommandError("no_such_run", _NO_INTERRUPTED_RUN)
    changes = {n: params[n] for n in ("update", "goto") if params.get(n) is not None}
    body = {
        **_run_body(assistant, params),
        "command": {"resume": answers, **changes},
        "multitask_strategy": "enqueue",
    }
    thread_runs.add_run(call, body)
    return {}


def error_envelope(number: Json, code: str, message: str) -> Json:
    """Return the envelope of an error of the command with the id *number*."""
    return {"type": "error", "id": number, "error": code, "message": message}


def _run_body(assistant: str, params: Body) -> dict[str, Json]:
    """Return the body of a request for a run, without its input."""
    config = params.get("config")
    config = config if isinstance(config, dict) else {}
    configurable = {**_object(config.get("configurable")), STREAMS_KEY: True}
    return {
        "assistant_id": assistant,
        "config": {**config, "configurable": configurable},
        "metadata": _object(params.get("metadata")),
        "stream_mode": list(STREAM_MODES),
        "stream_subgraphs": True,
        "stream_resumable": True,
        "if_not_exists": "create",
    }


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _checkpoint_id(params: Body) -> str | None:
    """Return the checkpoint from which the run is to fork, or None."""
    configurable = _object(_object(params.get("config")).get("configurable"))
    identity = configurable.get("checkpoint_id")
    if identity is None:
        return None
    if not isinstance(identity, str) or not identity.strip():
        why = "config.configurable.checkpoint_id must be a non-empty string."
        raise CommandError("invalid_argument", why)
    if parse_uuid(identity) is None:
        why = f"Invalid config.configurable.checkpoint_id: {identity!r}."
        raise CommandError("invalid_argument", why)
    return identity


def _tracer(params: Body) -> Json:
    tracer = params.get("langsmith_tracer")
    if tracer is None:
        return None
    why = None
    if not isinstance(tracer, dict):
        why = "langsmith_tracer must be an object."
    elif unknown := tracer.keys() - _TRACER_KEYS:
        why = f"langsmith_tracer has unsupported fields: {sorted(unknown)!r}."
    else:
        wrong = [key for key, value in tracer.items() if not isinstance(value, str)]
        why = f"langsmith_tracer.{wrong[0]} must be a string." if wrong else None
    if why is not None:
        raise CommandError("invalid_argument", why)
    return tracer


def _interrupt_ids(thread: Thread) -> set[str]:
    """Return the ids of the interrupts at which *thread* waits."""
    pending = thread.record.get("interrupts") or {}
    return {one["id"] for interrupts in pending.values() for one in interrupts}


def _answers(params: Body) -> dict[str, Json]:
    """Return the answers in the parameters of `input.respond`, by interrupt."""
    several = params.get("responses")
    if not isinstance(several, list):
        return dict([_answer(params, "input.respond")])
    if not several:
        raise CommandError("invalid_argument", "input.respond requires at least one response.")
    answers = {}
    for entry in several:
        if not isinstance(entry, dict):
            why = "input.respond responses entries must be objects."
            raise CommandError("invalid_argument", why)
        identity, answer = _answer(entry, "input.respond responses entries")
        answers[identity] = answer
    return answers


def _answer(entry: Body, where: str) -> tuple[str, Json]:
    """Return the interrupt and the answer in *entry*; *where* says what it is."""
    identity, namespace = entry.get("interrupt_id"), entry.get("namespace", [])
    if not isinstance(identity, str):
        verb = "requires" if where == "input.respond" else "require"
        raise CommandError("invalid_argument", f"{where} {verb} an interrupt_id.")
    if not isinstance(namespace, list) or not all(isinstance(one, str) for one in namespace):
        why = "input.respond requires namespace to be a list of strings."
        raise CommandError("invalid_argument", why)
    return identity, entry.get("response")


def _without_run(call: ApiCall, params: Body) -> Json:
    raise CommandError("no_such_run", _NO_RUN)


def _subscribe(call: ApiCall, params: Body) -> Json:
    channels = params.get("channels")
    if not isinstance(channels, list) or not channels:
        why = "subscription.subscribe requires a non-empty channels array."
        raise CommandError("invalid_argument", why)
    if not all(map(is_channel, channels)):
        why = "subscription.subscribe received an unsupported channel."
        raise CommandError("invalid_argument", why)
    return {"subscription_id": call.ids.uuid4("subscription"), "replayed_events": 0}


def _unsubscribe(call: ApiCall, params: Body) -> Json:
    identity = params.get("subscription_id")
    if not isinstance(identity, str):
        why = "subscription.unsubscribe requires a subscription_id."
        raise CommandError("invalid_argument", why)
    raise CommandError("no_such_subscription", f"Unknown subscription: {identity}")


_METHODS = {
    "run.start": _start,
    "input.respond": _respond,
    "agent.getTree": _without_run,
    "subscription.subscribe": _subscribe,
    "subscription.unsubscribe": _unsubscribe,
    "subscription.reconnect": _without_run,
}
