"""Converts the body of a request into a run request and into the Run record of the API. No I/O."""

from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType
from urllib.parse import urlsplit

from mockserver.fake.api.api_call import ApiCall
from mockserver.fake.api.database import Record
from mockserver.fake.api.validation import HTTPError, parse_uuid
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json

CONFIGURABLE_AND_CONTEXT = "Cannot specify both configurable and context: use context alone."

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


def create_run_request(
    call: ApiCall,
    body: Body,
    assistant: Record,
    run_id: str,
    thread_id: str,
    thread_metadata: Body = MappingProxyType({}),
    *,
    on_existing_thread: bool = False,
) -> RunRequest:
    """Return the run that the validated *body* requests, on a thread with *thread_metadata*."""
    metadata = {
        **assistant["metadata"],
        **thread_metadata,
        **get_own_metadata(body),
        "assistant_id": assistant["assistant_id"],
    }
    tracer = body.get("langsmith_tracer") or {}
    tracing = {
        "__langsmith_project__": tracer.get("project_name"),
        "__langsmith_example_id__": tracer.get("example_id"),
    }
    config = _config(body, assistant) | {"metadata": metadata}
    config["configurable"] |= {
        "langgraph_auth_user": None,
        "langgraph_auth_user_id": "",
        "langgraph_auth_permissions": [],
        "langgraph_request_id": call.request.header("x-request-id") or call.ids.uuid4("request"),
        **(tracing if tracer else {}),
        "__request_start_time_ms__": call.ids.timestamp(),
        "__after_seconds__": body.get("after_seconds", 0),
        "run_id": run_id,
        "thread_id": thread_id,
        "graph_id": assistant["graph_id"],
        "assistant_id": assistant["assistant_id"],
        "user_id": config["configurable"].get("user_id", ""),
    }
    modes = body.get("stream_mode") or ["values"]
    is_exit = not body.get("checkpoint_during", True)
    return RunRequest(
        run_id=run_id,
        thread_id=thread_id,
        assistant_id=assistant["assistant_id"],
        graph=assistant["graph_id"],
        input=body.get("input"),
        modes=(modes,) if isinstance(modes, str) else tuple(modes),
        subgraphs=body.get("stream_subgraphs", False),
        resumable=body.get("stream_resumable", False),
        config=config,
        context={**assistant["context"], **(body.get("context") or _configurable(body))},
        metadata=metadata,
        interrupt_before=body.get("interrupt_before"),
        interrupt_after=body.get("interrupt_after"),
        on_completion=body.get("on_completion", "delete"),
        command=body.get("command") or None,
        durability=body.get("durability") or ("exit" if is_exit else None),
        delay=max(0.0, min(float(body.get("after_seconds", 0)), 1e9)),
        for_event_streams=STREAMS_KEY in config["configurable"],
        on_existing_thread=on_existing_thread,
    )


def create_run_record(run: RunRequest, body: Body, ids: IdGenerator) -> dict[str, Json]:
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


def drop_reserved(metadata: Body) -> dict[str, Json]:
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
    config = body.get("config", {})
    if config.get("configurable") and body.get("context"):
        raise HTTPError(400, CONFIGURABLE_AND_CONTEXT)
    if config.get("metadata") and not isinstance(config["metadata"], dict):
        raise HTTPError(422, "Invalid metadata in config: must be an object")
    if "webhook" in body:
        _check_webhook(body["webhook"])


def _check_webhook(webhook: str) -> None:
    """Raise HTTPError if the real server would reject *webhook*; host names are assumed to resolve."""
    try:
        address = urlsplit(webhook)
        host, _ = address.hostname or "", address.port
    except ValueError as error:
        raise HTTPError(400, str(error)) from None
    if address.scheme not in ("http", "https") or not host or _is_loopback(host):
        raise HTTPError(422, f"Webhook blocked: {webhook} must be http or https, on another host")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def get_own_metadata(body: Body) -> dict[str, Json]:
    """Return the metadata that the *body* of a run sets, in its config or beside it."""
    config_metadata = body.get("config", {}).get("metadata") or {}
    return drop_reserved({**config_metadata, **body.get("metadata", {})})


def _config(body: Body, assistant: Record) -> dict[str, Json]:
    own = assistant["config"]
    configurable = {**own.get("configurable", {}), **_configurable(body)}
    if context := body.get("context"):
        configurable |= {**context, "__context_provided__": True}
    if checkpoint := body.get("checkpoint_id"):
        configurable["checkpoint_id"] = parse_uuid(checkpoint)
    configurable |= body.get("checkpoint") or {}
    return {**own, **body.get("config", {}), "configurable": configurable}


def _configurable(body: Body) -> dict[str, Json]:
    configurable = body.get("config", {}).get("configurable", {})
    return {
        name: value for name, value in configurable.items() if name not in _RESERVED_CONFIGURABLE
    }
