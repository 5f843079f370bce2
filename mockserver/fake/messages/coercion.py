"""Messages and tool calls from all the forms in which clients write them. No I/O.

The accepted forms and the kinds of errors are those of langgraph-api 0.16.7 with langchain-core 1.7.2; the error messages are our own.
"""

from mockserver.fake.messages import message_json
from mockserver.fake.messages.message_json import Message
from mockserver.fake.run_errors import RunFailed
from mockserver.formats.json_text import Json, loads

REMOVE = "remove"

_CLASSES = {
    "human": "HumanMessage",
    "ai": "AIMessage",
    "tool": "ToolMessage",
    "system": "SystemMessage",
    "function": "FunctionMessage",
    REMOVE: "RemoveMessage",
}
_KINDS = {kind: kind for kind in _CLASSES} | {
    "user": "human",
    "assistant": "ai",
    "developer": "system",
}
_SERIALIZED = {name + end: kind for kind, name in _CLASSES.items() for end in ("", "Chunk")}

_NAMED_PARTS = ("tool_call_id", "tool_calls", "name", "id")
"""Parts that never become additional ones; null means missing."""

_CALL_KEYS = {"name", "args", "id"}


def coerce_messages(value: Json) -> list[Message]:
    """Return the messages in *value*: a list, or a single message.

    Each may be text, [role, text], or an object with `role` or `type`. Raise RunFailed for other forms.
    """
    if value is None:
        raise RunFailed("ValueError", "messages must not be null")
    return [_coerce_message(item) for item in (value if isinstance(value, list) else [value])]


def _coerce_message(item: Json) -> Message:
    match item:
        case str():
            return message_json.create_message("human", item, None)
        case [role, content]:
            return _build(role, content, {})
        case {"lc": 1, "type": "constructor", "id": [*_, str(name)], "kwargs": dict(parts)} if (
            name in _SERIALIZED
        ):
            return _coerce_mapping({"type": _SERIALIZED[name], **parts})
        case dict():
            return _coerce_mapping(item)
        case _:
            why = "a message must be a string, an object or [role, content]"
            raise RunFailed("NotImplementedError", why)


def _coerce_mapping(item: dict[str, Json]) -> Message:
    named_by = "role" if "role" in item else "type"
    if named_by not in item or "content" not in item:
        raise RunFailed("ValueError", "a message needs `role` (or `type`) and `content`")
    return _build(item[named_by], item["content"] or "", _omit(item, named_by, "content"))


def _build(role: Json, content: Json, parts: dict[str, Json]) -> Message:
    """Return the message of *role* with *content*; *parts* are its other parts."""
    extra = _get_additional(parts)
    own = {name: parts[name] for name in _NAMED_PARTS if parts.get(name) is not None}
    if "tool_calls" in own:
        own["tool_calls"] = convert_openai_calls(own["tool_calls"])
    kind = _get_kind(role)
    if role == "developer":
        extra["__openai_role__"] = "developer"
    example = extra.pop("example", None) if kind in ("human", "ai") else None
    identity = own.pop("id", None)
    if isinstance(identity, int | float) and not isinstance(identity, bool):
        identity = str(identity)
    message = message_json.create_message(kind, content, identity, own.pop("name", None))
    message["additional_kwargs"] = extra
    message["response_metadata"] = parts.get("response_metadata") or {}
    if kind == "ai":
        _add_calls(message, own.pop("tool_calls", None))
    if kind == "tool":
        _add_result(message, own)
    _check(message)
    return message | own | ({"example": example} if example else {})


def _get_additional(parts: dict[str, Json]) -> dict[str, Json]:
    extra = parts.get("additional_kwargs", {})
    if not isinstance(extra, dict) and extra != []:
        raise RunFailed("TypeError", "additional_kwargs must be an object")
    return _omit(parts, *_NAMED_PARTS, "response_metadata", "additional_kwargs") | dict(extra)


def _get_kind(role: Json) -> str:
    if isinstance(role, list | dict):
        raise RunFailed("TypeError", "the role of a message must be a string")
    if role not in _KINDS:
        known = ", ".join(kind for kind in _KINDS if kind != REMOVE)
        raise RunFailed("ValueError", f"Unknown message type {role!r}. Use one of {known}")
    return _KINDS[role]


def _add_calls(message: Message, calls: list[Json] | None) -> None:
    """Add tool calls to the assistant's *message*: *calls*, or else those in its additional parts."""
    raw = None if calls else message["additional_kwargs"].get("tool_calls")
    good, bad = parse_raw_calls(raw)
    message["tool_calls"] = [check_call(call) for call in calls or good]
    message["invalid_tool_calls"] = bad
    message["usage_metadata"] = None


def _add_result(message: Message, own: dict[str, Json]) -> None:
    """Add the parts that only a tool's *message* has, from its *own* and its additional parts."""
    content, extra = message["content"], message["additional_kwargs"]
    artifact, status = extra.pop("artifact", None), extra.pop("status", None)
    if "tool_call_id" not in own:
        raise RunFailed("KeyError", "'tool_call_id'")
    call = own.pop("tool_call_id")
    if isinstance(content, list):
        message["content"] = [
            part if isinstance(part, str | dict) else str(part) for part in content
        ]
    elif not isinstance(content, str):
        message["content"] = str(content)
    message["tool_call_id"] = str(call) if isinstance(call, int | float) else call
    message["artifact"] = artifact
    message["status"] = "success" if status is None else status


def _check(message: Message) -> None:
    """Raise RunFailed if parts of *message* have wrong types."""
    kind = message["type"]
    if kind == REMOVE and message["id"] is None:
        raise RunFailed("TypeError", "a message of type `remove` needs an `id`")
    is_valid = {
        "content": _is_content(message["content"]),
        "response_metadata": isinstance(message["response_metadata"], dict),
        "name": isinstance(message["name"], str if kind == "function" else str | None),
        "id": isinstance(message["id"], str | None),
        "tool_calls": all(map(has_valid_types, message.get("tool_calls", ()))),
        "tool_call_id": isinstance(message.get("tool_call_id", ""), str),
        "status": message.get("status", "success") in ("success", "error"),
    }
    if wrong := [part for part, valid in is_valid.items() if not valid]:
        raise RunFailed("ValidationError", f"{_CLASSES[kind]}: wrong {', '.join(wrong)}")


def _is_content(value: Json) -> bool:
    if isinstance(value, list):
        return all(isinstance(part, str | dict) for part in value)
    return isinstance(value, str)


def _omit(parts: dict[str, Json], *names: str) -> dict[str, Json]:
    return {name: part for name, part in parts.items() if name not in names}


def convert_openai_calls(calls: Json) -> list[Json]:
    """Return *calls* with those in OpenAI's form converted to LangChain's; others are unchanged and unchecked."""
    if not isinstance(calls, list):
        raise RunFailed("TypeError", "tool_calls must be a list")
    return [_convert_openai_call(call) for call in calls]


def check_call(call: Json) -> Json:
    """Return *call* with exactly the keys of a tool call; raise RunFailed if it is invalid."""
    if not isinstance(call, dict):
        raise RunFailed("AttributeError", "a tool call must be an object")
    if not _CALL_KEYS <= call.keys() <= _CALL_KEYS | {"type", "extras"}:
        raise RunFailed("TypeError", "a tool call has the keys `name`, `args` and `id`")
    return message_json.create_tool_call(call["name"], call["args"], call["id"])


def has_valid_types(call: Json) -> bool:
    """Return whether the parts of the checked *call* have the right types."""
    is_named = isinstance(call["name"], str) and isinstance(call["id"], str | None)
    return is_named and isinstance(call["args"], dict)


def parse_raw_calls(calls: Json) -> tuple[list[Json], list[Json]]:
    """Return OpenAI's *calls* from a message's additional parts: valid ones, and those whose arguments are not JSON. Return none if one has another form."""
    good: list[Json] = []
    bad: list[Json] = []
    for call in calls if isinstance(calls, list) else ():
        match call:
            case {"function": {"name": str(name), "arguments": str(arguments)}}:
                identity = call.get("id")
            case _:
                return [], []
        try:
            good.append(message_json.create_tool_call(name, loads(arguments) or {}, identity))
        except ValueError:
            bad.append(message_json.create_invalid_call(name, arguments, identity))
    return good, bad


def _convert_openai_call(call: Json) -> Json:
    match call:
        case {"id": identity, "function": {"name": name, "arguments": args}}:
            try:
                args = loads(args) if isinstance(args, str) else args
            except ValueError as error:
                raise RunFailed("JSONDecodeError", str(error)) from None
            return message_json.create_tool_call(name, args, identity)
        case {"function": _}:
            raise RunFailed("KeyError", "a tool call needs an id, a name and arguments")
        case _:
            return call
