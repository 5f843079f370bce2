"""Messages from all the forms in which clients write them. No I/O.

Source: what a langgraph-api 0.16.7 with langchain-core 1.7.2 makes of each form, and what it says to the others.
"""

from mockserver.fake.errors import RejectedError
from mockserver.fake.messages import message_errors, model, tool_calls
from mockserver.fake.messages.model import Message
from mockserver.formats.json_text import Json

REMOVE = "remove"

_KINDS = {"human": "human", "user": "human", "ai": "ai", "assistant": "ai"} | {
    "developer": "system",
    **{kind: kind for kind in ("function", "tool", "system", REMOVE)},
}
_MORE = "\nFor troubleshooting, visit: https://docs.langchain.com/oss/python/langchain/errors/MESSAGE_COERCION_FAILURE "
_CLASSES = {
    "human": "HumanMessage",
    "ai": "AIMessage",
    "tool": "ToolMessage",
    "system": "SystemMessage",
    "function": "FunctionMessage",
    REMOVE: "RemoveMessage",
}
_SERIALIZED = {name + end: kind for kind, name in _CLASSES.items() for end in ("", "Chunk")}

_OWN = ("tool_call_id", "tool_calls", "name", "id")
"""The parts of any message that never count as additional ones; where they are null, they are not there."""


def coerced(value: Json) -> list[Message]:
    """Return the messages that *value* stands for: a list of them, or one alone.

    Each may be text, [role, text], or an object with `role` or `type`. RejectedError where it is none of them.
    """
    if value is None:
        raise RejectedError(
            "ValueError",
            "Must specify non-null arguments for both 'left' and 'right'. Only received: 'right'.",
        )
    return [_message(item) for item in (value if isinstance(value, list) else [value])]


def _message(item: Json) -> Message:
    match item:
        case str():
            return model.base("human", item, None)
        case [role, content]:
            return _made(role, content, {})
        case list():
            raise RejectedError(
                "NotImplementedError", "Message as a sequence must be (role string, template)"
            )
        case {"lc": 1, "type": "constructor", "id": [*_, str(name)], "kwargs": dict(parts)} if (
            name in _SERIALIZED
        ):
            return _from_mapping({"type": _SERIALIZED[name], **parts})
        case dict():
            return _from_mapping(item)
        case _:
            kind = type(item).__name__
            raise RejectedError(
                "NotImplementedError", f"Unsupported message type: <class '{kind}'>{_MORE}"
            )


def _from_mapping(item: dict[str, Json]) -> Message:
    named_by = "role" if "role" in item else "type"
    if named_by not in item or "content" not in item:
        raise RejectedError(
            "ValueError", f"Message dict must contain 'role' and 'content' keys, got {item}{_MORE}"
        )
    return _made(item[named_by], item["content"] or "", _rest(item, named_by, "content"))


def _made(role: Json, content: Json, parts: dict[str, Json]) -> Message:
    """Return the message of *role* that says *content*; *parts* are all others that it was given."""
    extra = _extra(parts)
    own = {name: parts[name] for name in _OWN if parts.get(name) is not None}
    if "tool_calls" in own:
        own["tool_calls"] = tool_calls.renamed(own["tool_calls"])
    kind = _kind(role)
    if role == "developer":
        extra["__openai_role__"] = "developer"
    example = extra.pop("example", None) if kind in ("human", "ai") else None
    message = model.base(kind, content, _identity(own.pop("id", None)), own.pop("name", None))
    message["additional_kwargs"] = extra
    message["response_metadata"] = parts.get("response_metadata") or {}
    if kind == "ai":
        _add_calls(message, own.pop("tool_calls", None))
    if kind == "tool":
        _add_result(message, own)
    _check(message, bare=not _rest(parts, *_OWN))
    return message | own | ({"example": example} if example else {})


def _extra(parts: dict[str, Json]) -> dict[str, Json]:
    given = parts.get("additional_kwargs", {})
    if given == []:
        given = {}
    if not isinstance(given, dict):
        raise RejectedError("TypeError", f"'{type(given).__name__}' object is not iterable")
    return _rest(parts, *_OWN, "response_metadata", "additional_kwargs") | given


def _kind(role: Json) -> str:
    if isinstance(role, list | dict):
        raise RejectedError("TypeError", f"unhashable type: '{type(role).__name__}'")
    if role not in _KINDS:
        raise RejectedError(
            "ValueError",
            f"Unexpected message type: '{role}'. Use one of 'human', 'user', 'ai', 'assistant', "
            f"'function', 'tool', 'system', or 'developer'.{_MORE}",
        )
    return _KINDS[role]


def _identity(value: Json) -> Json:
    """Return *value*, a number as text."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number else value


def _add_calls(message: Message, given: list[Json] | None) -> None:
    """Give the assistant's *message* its tool calls, those *given* or else those in its additional parts."""
    good, bad = (
        (given, []) if given else tool_calls.raw(message["additional_kwargs"].get("tool_calls"))
    )
    message["tool_calls"] = [tool_calls.checked(call) for call in good]
    message["invalid_tool_calls"] = bad
    message["usage_metadata"] = None


def _add_result(message: Message, own: dict[str, Json]) -> None:
    """Give the tool's *message* what only such a one has, out of its *own* parts and its additional ones."""
    content, extra = message["content"], message["additional_kwargs"]
    artifact, status = extra.pop("artifact", None), extra.pop("status", None)
    if "tool_call_id" not in own:
        raise RejectedError("KeyError", "'tool_call_id'")
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


def _check(message: Message, *, bare: bool) -> None:
    """Raise RejectedError where parts of *message* are not what they must be; it came *bare* of additional ones."""
    kind, name, identity = message["type"], message["name"], message["id"]
    if kind == REMOVE and identity is None:
        missing = "RemoveMessage.__init__() missing 1 required positional argument: 'id'"
        raise RejectedError("TypeError", missing)
    wrong = message_errors.content_faults(message["content"])
    wrong += message_errors.mapping_faults("response_metadata", message["response_metadata"])
    if name is not None:
        wrong += message_errors.text_faults("name", name)
    elif kind == "function":
        given = {"content": message["content"]}
        given |= {} if bare else {"additional_kwargs": message["additional_kwargs"]}
        given |= {} if identity is None else {"id": identity}
        wrong.append(message_errors.fault("name", "Field required", "missing", given))
    if identity is not None:
        wrong += message_errors.text_faults("id", identity)
    if kind == "ai":
        wrong += tool_calls.faults(message["tool_calls"])
    if kind == "tool":
        wrong += message_errors.text_faults("tool_call_id", message["tool_call_id"])
        if message["status"] not in ("success", "error"):
            words = "Input should be 'success' or 'error'"
            wrong.append(message_errors.fault("status", words, "literal_error", message["status"]))
    if wrong:
        raise message_errors.rejected(_CLASSES[kind], wrong)


def _rest(parts: dict[str, Json], *names: str) -> dict[str, Json]:
    return {name: part for name, part in parts.items() if name not in names}
