"""The body of a run in canonical form, without defaults and keys that have no effect. No I/O.

Sources: the run schemas in the Agent Server's `/openapi.json`, and its responses to pairs of bodies that differ in one part.
Four rules are looser than the server, on purpose: a content of one text part equals its text, a recursion limit of 25
equals none, message ids are ignored, and so are keys with null in a message (`usage_metadata: null`).
"""

import re

from mockserver.formats.json_text import Json
from mockserver.formats.server_ids import UUID_PATTERN, default_assistant_id
from mockserver.matching import json_path

Defaults = dict[str, tuple[Json, ...]]
"""For each key the values that mean the same as an absent key."""

# The server rejects null for these keys; for any other key null means the same as an absent key.
_NULL_REJECTED = frozenset(
    (
        *("stream_mode", "stream_subgraphs", "stream_resumable", "config", "context", "metadata"),
        *("durability", "feedback_keys", "tags", "configurable", "recursion_limit"),
        *("on_disconnect", "on_completion", "after_seconds", "webhook", "checkpoint_during"),
        *("if_not_exists", "multitask_strategy", "additional_kwargs"),
        *("if_exists", "thread_id", "ttl", "supersteps"),
    )
)

_UUID = re.compile(UUID_PATTERN, re.IGNORECASE)
_STREAM_OR_WAIT = re.compile(r"(?P<runs>(?:/[^/]+)*/runs)/(?:stream|wait)")

# These have no effect if they have the type of the schema; the server rejects any other type.
_NO_EFFECT: dict[str, tuple[type, ...]] = {
    "webhook": (str,),
    "after_seconds": (int, float),
    "langsmith_tracer": (dict, type(None)),
}
_NO_EFFECT_STATELESS = frozenset(("if_not_exists", "multitask_strategy"))
_NO_EFFECT_ON_THREAD = frozenset(("on_completion",))
_DEFAULTS: Defaults = {
    "on_disconnect": ("cancel", "continue"),
    "stream_mode": (["values"],),
    **dict.fromkeys(("stream_subgraphs", "stream_resumable"), (False,)),
    **dict.fromkeys(("metadata", "context", "config", "command", "checkpoint"), ({},)),
    **dict.fromkeys(("interrupt_before", "interrupt_after", "feedback_keys"), ([],)),
}
_DEFAULTS_STATELESS = _DEFAULTS | {
    "durability": ("async", "exit"),
    "checkpoint_during": (True, False),
    "on_completion": ("delete",),
}
_DEFAULTS_ON_THREAD = _DEFAULTS | {
    "durability": ("async", "sync"),
    "if_not_exists": ("reject",),
    "multitask_strategy": ("enqueue",),
}
_COMMAND_DEFAULTS: Defaults = {"namespace": ([],), "multitaskStrategy": ("enqueue",)}
# The server's own default differs, but RemoteGraph for JS sends 25 with every run.
_CONFIG_DEFAULTS: Defaults = {
    "tags": ([],),
    "metadata": ({},),
    "configurable": ({},),
    "recursion_limit": (25,),
}
_MESSAGE_DEFAULTS: Defaults = {
    **dict.fromkeys(("additional_kwargs", "response_metadata"), ({},)),
    **dict.fromkeys(("tool_calls", "invalid_tool_calls"), ([],)),
    "example": (False,),
}
_TOOL_DEFAULTS = _MESSAGE_DEFAULTS | {"status": ("success",)}
_MESSAGE_TYPES = {"user": "human", "assistant": "ai"}


def drop_defaults(value: dict[str, Json], defaults: Defaults) -> dict[str, Json]:
    """Return *value* without the keys that hold one of their *defaults*, or a null that means absent."""
    return {
        name: part
        for name, part in value.items()
        if not (part is None and name not in _NULL_REJECTED)
        and not any(_is_same(part, default) for default in defaults.get(name, ()))
    }


def _is_same(left: Json, right: Json) -> bool:
    return type(left) is type(right) and bool(left == right)


def canonicalize_run(body: Json, threaded: bool) -> Json:
    """Return the run *body* in canonical form; *threaded* if the run is on a thread."""
    if not isinstance(body, dict):
        return body
    no_effect = _NO_EFFECT_ON_THREAD if threaded else _NO_EFFECT_STATELESS
    form = {
        name: value
        for name, value in body.items()
        if name not in no_effect and type(value) not in _NO_EFFECT.get(name, ())
    }
    if "assistant_id" in form:
        form["assistant_id"] = _canonicalize_assistant(form["assistant_id"])
    if "stream_mode" in form:
        form["stream_mode"] = _canonicalize_modes(form["stream_mode"])
    if threaded and isinstance(form.get("checkpoint_during"), bool):
        form["durability"] = "async" if form.pop("checkpoint_during") else "exit"
    if isinstance(form.get("config"), dict):
        form["config"] = drop_defaults(form["config"], _CONFIG_DEFAULTS)
    if isinstance(form.get("input"), dict):
        form["input"] = canonicalize_state(form["input"])
    command = form.get("command")
    if isinstance(command, dict) and isinstance(command.get("update"), dict):
        form["command"] = {**command, "update": canonicalize_state(command["update"])}
    return drop_defaults(form, _DEFAULTS_ON_THREAD if threaded else _DEFAULTS_STATELESS)


def canonicalize_command(body: dict[str, Json]) -> dict[str, Json]:
    """Return the *body* of a command of event streams in canonical form: its number does not count, nor does the thread in its config."""
    form = {name: part for name, part in body.items() if name != "id"}
    params = form.get("params")
    if not isinstance(params, dict):
        return form
    match params.get("config"):
        case {"configurable": {"thread_id": _, **others}, **rest}:
            params = {**params, "config": {**rest, "configurable": others}}
        case _:
            pass
    form["params"] = canonicalize_run(drop_defaults(params, _COMMAND_DEFAULTS), threaded=True)
    return form


def find_default(path: json_path.Path, *, threaded: bool) -> Json:
    """Return the default of the part of a run at *path*; None if it has none, or if the default is empty."""
    match path:
        case (str(name),):
            defaults = _DEFAULTS_ON_THREAD if threaded else _DEFAULTS_STATELESS
        case ("config", str(name)):
            defaults = _CONFIG_DEFAULTS
        case _:
            return None
    return first_default(defaults, name)


def first_default(defaults: Defaults, name: str) -> Json:
    """Return the value of *name* in *defaults*; None if it has none, or if it is empty."""
    value = defaults.get(name, (None,))[0]
    return None if value in ([], {}) else value


def find_run_modes(form: dict[str, Json]) -> list[str] | None:
    """Return the stream modes of the request with canonical *form*, or None if it is not a streamed or awaited run."""
    body = form.get("body")
    if form["method"] != "POST" or not _STREAM_OR_WAIT.fullmatch(form["path"]):
        return None
    modes = body.get("stream_mode", ["values"]) if isinstance(body, dict) else None
    is_valid = isinstance(modes, list) and all(isinstance(mode, str) for mode in modes)
    return modes if is_valid else None


def drop_stream_modes(form: dict[str, Json]) -> dict[str, Json] | None:
    """Return the canonical *form* of a streamed or awaited run without its stream modes, else None.

    `/runs/wait` counts as `/runs/stream`: of two requests with the same result, one response may be derived from the other's.
    """
    if find_run_modes(form) is None:
        return None
    path = _STREAM_OR_WAIT.sub(r"\g<runs>/stream", form["path"])
    body = {name: part for name, part in form["body"].items() if name != "stream_mode"}
    return {**form, "path": path, "body": body}


def _canonicalize_assistant(name: Json) -> Json:
    if not isinstance(name, str):
        return name
    if _UUID.fullmatch(name):
        return name.lower()
    try:
        return default_assistant_id(name)
    except UnicodeEncodeError:
        return name  # not a graph name: it contains a lone surrogate


def _canonicalize_modes(modes: Json) -> Json:
    if isinstance(modes, str):
        return [modes]
    if isinstance(modes, list) and all(isinstance(mode, str) for mode in modes):
        return sorted(set(modes)) or ["values"]
    return modes


def canonicalize_state(given: dict[str, Json]) -> dict[str, Json]:
    """Return *given*, a state, with its `messages` in canonical form."""
    messages = given.get("messages")
    if isinstance(messages, str) or (
        isinstance(messages, dict) and _find_kind(messages) is not None
    ):
        messages = [messages]
    if not isinstance(messages, list):
        return given
    return {**given, "messages": [_canonicalize_message(message) for message in messages]}


def _canonicalize_message(message: Json) -> Json:
    if isinstance(message, dict) and len(message) == 2:
        # Fast path for nearly all messages: a role and a text.
        content, kind = message.get("content"), _find_kind(message)
        if isinstance(content, str) and kind is not None:
            return {"type": kind, "content": content}
    match message:
        case str(text):
            message = {"type": "human", "content": text}
        case [str(role), str(text)]:
            message = {"type": role, "content": text}
        case _:
            pass
    if not isinstance(message, dict) or (kind := _find_kind(message)) is None:
        return message
    form: dict[str, Json] = {"type": kind} | drop_defaults(
        message, _TOOL_DEFAULTS if kind == "tool" else _MESSAGE_DEFAULTS
    )
    form["type"] = kind
    form.pop("role", None)
    if kind != "remove":
        form.pop("id", None)
    if "content" in message:
        form["content"] = canonicalize_content(message["content"])
    if isinstance(calls := form.get("tool_calls"), list):
        form["tool_calls"] = [_canonicalize_tool_call(call) for call in calls]
    return form


def _find_kind(message: dict[str, Json]) -> str | None:
    kind: Json = message.get("role", message.get("type"))
    return _MESSAGE_TYPES.get(kind, kind) if isinstance(kind, str) else None


def canonicalize_content(content: Json) -> Json:
    match content:
        case None | []:
            return ""
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
        case _:
            return content


def _canonicalize_tool_call(call: Json) -> Json:
    if isinstance(call, dict) and call.get("type") == "tool_call":
        return {name: part for name, part in call.items() if name != "type"}
    return call
