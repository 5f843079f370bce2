"""The state of a graph as event streams show it: messages without empty parts. No I/O.

Source: langgraph-api 0.16.7, `event_streaming/state_normalizers`.
"""

from mockserver.formats.json_text import Json

_TYPES = {
    **{kind: kind for kind in ("human", "ai", "system", "tool", "function", "remove")},
    "user": "human",
    "assistant": "ai",
}
_BLOCKS = frozenset(
    (
        *("text", "reasoning", "tool_call", "tool_call_chunk", "invalid_tool_call", "non_standard"),
        *("server_tool_call", "server_tool_call_chunk", "server_tool_call_result"),
        *("image", "audio", "video", "file"),
    )
)
"""The types of the protocol's content blocks."""


def to_protocol_state(value: Json) -> Json:
    """Return the state *value* with its messages in the protocol's form."""
    if isinstance(value, list):
        return [_message(one) if _is_message(one) else to_protocol_state(one) for one in value]
    if isinstance(value, dict):
        return {
            name: to_protocol_state(part) for name, part in value.items() if name != "__interrupt__"
        }
    return value


def _is_message(value: Json) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("type"), str) and value["type"] in _TYPES
    )


def _message(value: dict[str, Json]) -> dict[str, Json]:
    kind = _TYPES[value["type"]]
    message = {"type": kind, "content": _content(value.get("content", ""))}
    message |= {name: value[name] for name in ("id", "name") if isinstance(value.get(name), str)}
    if kind in ("ai", "human") and isinstance(value.get("example"), bool):
        message["example"] = value["example"]
    if value.get("response_metadata"):
        message["response_metadata"] = value["response_metadata"]
    if kind == "tool":
        message |= {n: value[n] for n in ("tool_call_id", "status", "artifact") if n in value}
    if kind == "ai":
        message |= _calls(value)
    return message


def _calls(value: dict[str, Json]) -> dict[str, Json]:
    """Return the tool calls of the assistant's message *value*, if it has any."""
    calls = [
        {"type": "tool_call", "name": call["name"], "args": call["args"], **_id_of(call)}
        for call in value.get("tool_calls") or ()
    ]
    invalid = [
        {
            "type": "invalid_tool_call",
            **_id_of(call),
            **{name: call[name] for name in ("name", "args") if call.get(name) is not None},
            "error": call.get("error") or "Malformed args.",
        }
        for call in value.get("invalid_tool_calls") or ()
    ]
    both = {"tool_calls": calls, "invalid_tool_calls": invalid}
    return {name: part for name, part in both.items() if part}


def _id_of(call: dict[str, Json]) -> dict[str, Json]:
    return {"id": call["id"]} if call.get("id") is not None else {}


def _content(content: Json) -> Json:
    if not isinstance(content, list):
        return content
    blocks = [block for part in content if (block := to_protocol_block(part)) is not None]
    return blocks or content


def to_protocol_block(part: Json) -> Json:
    """Return a *part* of a message as a content block; None if it is none."""
    match part:
        case str():
            return {"type": "text", "text": part}
        case {"type": str(kind)} if kind in _BLOCKS:
            return part
        case {"type": "image_url", "image_url": str(url) | {"url": str(url)}}:
            return {"type": "image", "url": url}
        case {"type": "input_audio", "input_audio": dict(audio)}:
            return {"type": "audio", **{n: audio[n] for n in ("data", "mime_type") if n in audio}}
        case {"type": "image_url" | "input_audio"}:
            return None
        case {"type": str()}:
            return {"type": "non_standard", "value": part}
        case _:
            return None
