"""A request as the value that decides what it means: same meaning, same value. No I/O.

What is a default, what has no effect and which spellings are one is only known of the bodies of runs; any other body is
compared as the JSON value it is. Sources: the `RunCreateStateless` schema of the Agent Server's `/openapi.json`, and its
answers.
"""

import json
import re
from base64 import b64encode
from urllib.parse import parse_qsl, unquote
from uuid import UUID, uuid5

from mockserver.jsontext import Json, loads
from mockserver.messages import Request

ASSISTANT_NAMESPACE = UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
"""A graph's own assistant has the uuid5 of the graph's name in this namespace."""

_RUN = re.compile(r"/(?P<thread>threads/[^/]+/)?runs(?:/stream|/wait|/batch)?/?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_THREADS = re.compile(r"/threads/?")

_NO_EFFECT = frozenset(("on_disconnect", "webhook", "after_seconds", "langsmith_tracer"))
_NO_EFFECT_STATELESS = _NO_EFFECT | {"if_not_exists", "multitask_strategy", "checkpoint_during"}
_NO_EFFECT_ON_THREAD = _NO_EFFECT | {"on_completion"}
# The server refuses null for these; for any other key null is as good as nothing.
_NULL_REFUSED = frozenset(
    (
        *("stream_mode", "stream_subgraphs", "stream_resumable", "config", "context", "metadata"),
        *("durability", "feedback_keys", "tags", "configurable", "recursion_limit"),
    )
)
_DEFAULTS: dict[str, tuple[Json, ...]] = {
    "stream_mode": (["values"],),
    "stream_subgraphs": (False,),
    "stream_resumable": (False,),
    "metadata": ({},),
    "context": ({},),
    "config": ({},),
    "command": ({},),
    "checkpoint": ({},),
    "interrupt_before": ([],),
    "interrupt_after": ([],),
    "feedback_keys": ([],),
}
_DEFAULTS_STATELESS = _DEFAULTS | {"durability": ("async", "exit"), "on_completion": ("delete",)}
_DEFAULTS_ON_THREAD = _DEFAULTS | {
    "durability": ("async", "sync"),
    "if_not_exists": ("reject",),
    "multitask_strategy": ("enqueue",),
}
# The server's own recursion limit is another one, but RemoteGraph for JS sends 25 with every run.
_CONFIG_DEFAULTS: dict[str, tuple[Json, ...]] = {
    "tags": ([],),
    "metadata": ({},),
    "configurable": ({},),
    "recursion_limit": (25,),
}
_THREAD_DEFAULTS: dict[str, tuple[Json, ...]] = {"metadata": ({},), "if_exists": ("raise",)}
_MESSAGE_DEFAULTS: dict[str, tuple[Json, ...]] = {
    "additional_kwargs": ({},),
    "response_metadata": ({},),
    "tool_calls": ([],),
    "invalid_tool_calls": ([],),
    "example": (False,),
}
_TOOL_DEFAULTS = _MESSAGE_DEFAULTS | {"status": ("success",)}
_MESSAGE_TYPES = {"user": "human", "assistant": "ai"}


def canonical(request: Request) -> dict[str, Json]:
    """Return method, path, query and body of *request* in their one form.

    A body that is JSON stands under `body`; another one under `text`, or `base64` where it is not UTF-8.
    """
    target, _, query = request.path.partition("?")
    path = unquote(target)
    form: dict[str, Json] = {"method": request.method, "path": path}
    if query:
        pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
        form["query"] = {name: [v for n, v in pairs if n == name] for name, _ in pairs}
    if request.body:
        form |= _body(request.body)
    if request.method == "POST" and "body" in form:
        form["body"] = _meaning(path, form["body"])
    return form


def parsed(body: bytes) -> Json:
    """Return the JSON value of *body*; ValueError where it is none."""
    text = body.decode()
    if "." in text or "e" in text or "E" in text:
        try:
            return json.loads(text, parse_float=_number, parse_constant=_refuse)
        except RecursionError:
            raise ValueError("nested too deep") from None
    return loads(text)


def _body(raw: bytes) -> dict[str, Json]:
    try:
        return {"body": parsed(raw)}
    except UnicodeDecodeError:
        return {"base64": b64encode(raw).decode()}
    except ValueError:
        return {"text": raw.decode()}


def _refuse(word: str) -> Json:
    raise ValueError(f"{word} is not JSON")


def _number(text: str) -> Json:
    value = float(text)
    return int(value) if value.is_integer() else value


def _meaning(path: str, body: Json) -> Json:
    if run := _RUN.fullmatch(path):
        threaded = bool(run["thread"])
        return (
            [_run(one, threaded) for one in body]
            if isinstance(body, list)
            else _run(body, threaded)
        )
    if _THREADS.fullmatch(path) and isinstance(body, dict):
        return _without(body, _THREAD_DEFAULTS)
    return body


def _run(body: Json, threaded: bool) -> Json:
    if not isinstance(body, dict):
        return body
    no_effect = _NO_EFFECT_ON_THREAD if threaded else _NO_EFFECT_STATELESS
    form = {name: value for name, value in body.items() if name not in no_effect}
    if "assistant_id" in form:
        form["assistant_id"] = _assistant(form["assistant_id"])
    if "stream_mode" in form:
        form["stream_mode"] = _modes(form["stream_mode"])
    if form.get("checkpoint_during") is not None:
        form["durability"] = "async" if form.pop("checkpoint_during") else "exit"
    if isinstance(form.get("config"), dict):
        form["config"] = _without(form["config"], _CONFIG_DEFAULTS)
    if isinstance(form.get("input"), dict):
        form["input"] = _with_messages(form["input"])
    command = form.get("command")
    if isinstance(command, dict) and isinstance(command.get("update"), dict):
        form["command"] = {**command, "update": _with_messages(command["update"])}
    return _without(form, _DEFAULTS_ON_THREAD if threaded else _DEFAULTS_STATELESS)


def _without(value: dict[str, Json], defaults: dict[str, tuple[Json, ...]]) -> dict[str, Json]:
    return {
        name: part
        for name, part in value.items()
        if not (part is None and name not in _NULL_REFUSED)
        and not any(_same(part, default) for default in defaults.get(name, ()))
    }


def _same(left: Json, right: Json) -> bool:
    return type(left) is type(right) and bool(left == right)


def _assistant(name: Json) -> Json:
    if not isinstance(name, str):
        return name
    return name.lower() if _UUID.fullmatch(name) else str(uuid5(ASSISTANT_NAMESPACE, name))


def _modes(modes: Json) -> Json:
    if isinstance(modes, str):
        return [modes]
    if isinstance(modes, list) and all(isinstance(mode, str) for mode in modes):
        return sorted(set(modes)) or ["values"]
    return modes


def _with_messages(state: dict[str, Json]) -> dict[str, Json]:
    messages = state.get("messages")
    if isinstance(messages, str) or (isinstance(messages, dict) and _kind(messages) is not None):
        messages = [messages]
    if not isinstance(messages, list):
        return state
    return {**state, "messages": [_message(message) for message in messages]}


def _message(message: Json) -> Json:
    match message:
        case str(text):
            message = {"type": "human", "content": text}
        case [str(role), str(text)]:
            message = {"type": role, "content": text}
        case _:
            pass
    if not isinstance(message, dict) or (kind := _kind(message)) is None:
        return message
    form: dict[str, Json] = {"type": kind} | _without(
        message, _TOOL_DEFAULTS if kind == "tool" else _MESSAGE_DEFAULTS
    )
    form["type"] = kind
    form.pop("role", None)
    if kind != "remove":
        form.pop("id", None)
    form["content"] = _content(message.get("content"))
    if isinstance(calls := form.get("tool_calls"), list):
        form["tool_calls"] = [_tool_call(call) for call in calls]
    return form


def _kind(message: dict[str, Json]) -> str | None:
    kind: Json = message.get("role", message.get("type"))
    return _MESSAGE_TYPES.get(kind, kind) if isinstance(kind, str) else None


def _content(content: Json) -> Json:
    match content:
        case None | []:
            return ""
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
        case _:
            return content


def _tool_call(call: Json) -> Json:
    if isinstance(call, dict) and call.get("type") == "tool_call":
        return {name: part for name, part in call.items() if name != "type"}
    return call
