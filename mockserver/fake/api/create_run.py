"""Converts the body of a request into a run request and into the Run record of the API. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from mockserver.fake.api import webhooks
from mockserver.fake.api.database import Database, Record
from mockserver.fake.api.validation import HTTPError, parse_uuid
from mockserver.fake.ids import Ids
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json

CONFIGURABLE_AND_CONTEXT = (
    "Cannot specify both configurable and context. Prefer setting context alone. Context was introduced in "
    "LangGraph 0.6.0 and is the long term planned replacement for configurable."
)
NOT_FOUND = "Thread or assistant not found."

_RESERVED = ("run_id", "thread_id", "assistant_id")
"""Metadata keys that only the server sets."""

_RESERVED_CONFIGURABLE = (
    *("langgraph_auth_user", "langgraph_auth_user_id", "langgraph_auth_permissions"),
    *("langgraph_request_id", "__request_start_time_ms__", "__after_seconds__"),
    *("__context_provided__", "__langsmith_project__", "__langsmith_example_id__"),
)
"""Configurable keys that only the server sets."""

STREAMS_KEY = "__event_streaming_v2"
"""The configurable key of runs that event streams show."""

Body = Mapping[str, Json]


def stateless_run_request(
    body: Body,
    database: Database,
    resolve: Callable[[str], str],
    ids: Ids,
    *names: str | int,
    request_id: str | None = None,
) -> RunRequest:
    """Return the stateless run that the validated *body* requests; raise HTTPError if it is invalid.

    *resolve* returns the id of an assistant by its name. *names* distinguish the runs of one batch.
    """
    identity = resolve(body["assistant_id"])
    check_run(body)
    assistant = database.assistants.get(identity)
    if assistant is None:
        raise HTTPError(404, NOT_FOUND)
    of = assistant.record
    metadata = {**without_reserved(_merged_metadata(body, of, {})), "assistant_id": identity}
    run_id, thread_id = ids.uuid7("run", *names), ids.uuid7("thread", *names)
    return _build_request(body, of, metadata, ids, run_id, thread_id, request_id)


def thread_run_request(
    body: Body, assistant: Record, thread: Record, ids: Ids, *, request_id: str | None = None
) -> RunRequest:
    """Return the run on *thread* that the validated *body* requests."""
    identity = assistant["assistant_id"]
    metadata = {**_merged_metadata(body, assistant, thread["metadata"]), "assistant_id": identity}
    run_id, thread_id = ids.uuid7("run"), thread["thread_id"]
    request = _build_request(body, assistant, metadata, ids, run_id, thread_id, request_id)
    return replace(request, on_existing_thread=True)


def _build_request(
    body: Body,
    assistant: Record,
    metadata: dict[str, Json],
    ids: Ids,
    run_id: str,
    thread_id: str,
    request_id: str | None,
) -> RunRequest:
    config = _config(body, assistant) | {"metadata": metadata}
    config["configurable"] |= {
        "langgraph_auth_user": None,
        "langgraph_auth_user_id": "",
        "langgraph_auth_permissions": [],
        "langgraph_request_id": request_id or ids.uuid4("request"),
        **_tracer(body),
        "__request_start_time_ms__": ids.request_milliseconds,
        "__after_seconds__": body.get("after_seconds", 0),
        "run_id": run_id,
        "thread_id": thread_id,
        "graph_id": assistant["graph_id"],
        "assistant_id": assistant["assistant_id"],
        "user_id": config["configurable"].get("user_id", ""),
    }
    return RunRequest(
        run_id=run_id,
        thread_id=thread_id,
        assistant_id=assistant["assistant_id"],
        graph=assistant["graph_id"],
        input=body.get("input"),
        modes=_modes(body),
        subgraphs=body.get("stream_subgraphs", False),
        resumable=body.get("stream_resumable", False),
        config=config,
        context=_context(body, assistant),
        metadata=metadata,
        interrupt_before=body.get("interrupt_before"),
        interrupt_after=body.get("interrupt_after"),
        on_completion=body.get("on_completion", "delete"),
        command=body.get("command") or None,
        durability=body.get("durability") or _durability(body),
        delay=_delay(body),
        for_event_streams=STREAMS_KEY in config["configurable"],
    )


def run_record(run: RunRequest, body: Body, ids: Ids) -> dict[str, Json]:
    """Return the Run record of the new *run*, which *body* requested."""
    return {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "assistant_id": run.assistant_id,
        "metadata": run.metadata,
        "status": "pending",
        "kwargs": {
            "input": run.input,
            "command": body.get("command"),
            "config": run.config,
            "context": run.context,
            "stream_mode": list(run.modes),
            "interrupt_before": run.interrupt_before,
            "interrupt_after": run.interrupt_after,
            "webhook": body.get("webhook"),
            "feedback_keys": body.get("feedback_keys"),
            "temporary": not run.keeps_thread,
            "subgraphs": run.subgraphs,
            "resumable": run.resumable,
            "checkpoint_during": body.get("checkpoint_during", True),
            "durability": run.durability or "async",
        },
        "multitask_strategy": body.get("multitask_strategy") or "enqueue",
        "created_at": ids.time(run.delay),
        "updated_at": ids.time(),
        "langsmith_session_name": None,
    }


def _durability(body: Body) -> str | None:
    return None if body.get("checkpoint_during", True) else "exit"


def _delay(body: Body) -> float:
    return max(0.0, min(float(body.get("after_seconds", 0)), 1e9))


def without_reserved(metadata: Body) -> dict[str, Json]:
    """Return *metadata* without reserved keys."""
    return {name: value for name, value in metadata.items() if name not in _RESERVED}


def check_run(body: Body, *, on_existing_thread: bool = False) -> None:
    """Raise HTTPError for mistakes that no schema covers, in the order in which the real server checks them."""
    checkpoint = body.get("checkpoint_id")
    if checkpoint and not (isinstance(checkpoint, str) and parse_uuid(checkpoint)):
        raise HTTPError(422, "Invalid checkpoint ID")
    for name in ("checkpoint", "langsmith_tracer"):
        if body.get(name) and not isinstance(body[name], dict):
            raise HTTPError(422, f"Invalid {name}: must be an object")
    if not on_existing_thread and (body.get("command") or {}).get("resume"):
        raise HTTPError(400, "You must provide a thread_id when resuming.")
    config = body.get("config") or {}
    if config.get("configurable") and body.get("context"):
        raise HTTPError(400, CONFIGURABLE_AND_CONTEXT)
    if config.get("metadata") and not isinstance(config["metadata"], dict):
        raise HTTPError(422, "Invalid metadata in config: must be an object")
    if "webhook" in body:
        webhooks.check(body["webhook"])


def _modes(body: Body) -> tuple[str, ...]:
    modes = body.get("stream_mode") or ["values"]
    return (modes,) if isinstance(modes, str) else tuple(modes)


def _merged_metadata(body: Body, assistant: Record, thread_metadata: Body) -> dict[str, Json]:
    config_metadata = (body.get("config") or {}).get("metadata") or {}
    body_metadata = body.get("metadata") or {}
    return {
        **assistant["metadata"],
        **thread_metadata,
        **without_reserved(config_metadata),
        **without_reserved(body_metadata),
    }


def _config(body: Body, assistant: Record) -> dict[str, Json]:
    own, body_metadata = assistant["config"], body.get("config") or {}
    configurable = {**own.get("configurable", {}), **_configurable(body)}
    if context := body.get("context"):
        configurable |= {**context, "__context_provided__": True}
    if checkpoint := body.get("checkpoint_id"):
        configurable["checkpoint_id"] = parse_uuid(checkpoint)
    configurable |= body.get("checkpoint") or {}
    return {**own, **body_metadata, "configurable": configurable}


def _context(body: Body, assistant: Record) -> dict[str, Json]:
    return {**assistant["context"], **(body.get("context") or _configurable(body))}


def _configurable(body: Body) -> dict[str, Json]:
    configurable = body.get("config", {}).get("configurable", {})
    return {
        name: value for name, value in configurable.items() if name not in _RESERVED_CONFIGURABLE
    }


def _tracer(body: Body) -> dict[str, Json]:
    tracer = cast(Body, body.get("langsmith_tracer"))
    if not tracer:
        return {}
    return {
        "__langsmith_project__": tracer.get("project_name"),
        "__langsmith_example_id__": tracer.get("example_id"),
    }
