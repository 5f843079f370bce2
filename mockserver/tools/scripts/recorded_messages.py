"""Messages in recorded requests and responses, in one spelling. No I/O."""

from typing import Any

from mockserver.formats.json_text import Json

Message = dict[str, Any]

_TYPES = {"user": "human", "assistant": "ai", "AIMessageChunk": "ai"}


def read_messages(value: Json) -> list[Message]:
    """Return the messages in *value*, a list or one message; what is none is left out."""
    items = value if isinstance(value, list) else [value]
    messages = (_read_message(item) for item in items)
    return [message for message in messages if message is not None]


def _read_message(item: Json) -> Message | None:
    """Return *item* with `type`, `content` and `tool_calls`, or None if it is no message."""
    match item:
        case str():
            return {"type": "human", "content": item, "tool_calls": []}
        case {"type": str(kind)} | {"role": str(kind)}:
            calls = item.get("tool_calls")
            return {
                **item,
                "type": _TYPES.get(kind, kind),
                "content": _read_content(item.get("content")),
                "tool_calls": list(filter(_is_call, calls)) if isinstance(calls, list) else [],
            }
        case _:
            return None


def _read_content(content: Json) -> Json:
    if isinstance(content, list):
        return [part for part in content if isinstance(part, str | dict)]
    return content if isinstance(content, str) else ""


def _is_call(call: Json) -> bool:
    match call:
        case {"name": str(name), "args": dict()}:
            return bool(name)
        case _:
            return False
