"""Messages as the Agent Server sends them: JSON objects with its order of keys. No I/O."""

from collections.abc import Sequence

from mockserver.formats.json_text import Json

Message = dict[str, Json]


def create_message(
    kind: str, content: Json, identity: str | None, name: str | None = None
) -> Message:
    """Return a message of *kind* with the common keys; human and system messages have no others."""
    return {
        "content": content,
        "additional_kwargs": {},
        "response_metadata": {},
        "type": kind,
        "name": name,
        "id": identity,
    }


def create_ai_message(content: Json, identity: str | None, calls: Sequence[Json] = ()) -> Message:
    return create_message("ai", content, identity) | {
        "tool_calls": list(calls),
        "invalid_tool_calls": [],
        "usage_metadata": None,
    }


def create_tool_message(
    content: Json, name: str, call: str, *, failed: bool = False, artifact: Json = None
) -> Message:
    """Return the result of the tool *name* for the *call* with that id; the state adds the message id."""
    return create_message("tool", content, None, name) | {
        "tool_call_id": call,
        "artifact": artifact,
        "status": "error" if failed else "success",
    }


def create_chunk(content: Json, identity: str, *, last: bool = False) -> Message:
    return create_ai_message(content, identity) | {
        "type": "AIMessageChunk",
        "tool_call_chunks": [],
        "chunk_position": "last" if last else None,
    }


def create_tool_call(name: str, args: Json, identity: str | None) -> Json:
    return {"name": name, "args": args, "id": identity, "type": "tool_call"}


def create_invalid_call(name: str | None, args: str, identity: str | None) -> Json:
    """Return a tool call whose *args* are not a JSON object."""
    kind = "invalid_tool_call"
    return {"type": kind, "id": identity, "name": name, "args": args, "error": None}


def get_text(message: Message) -> str:
    """Return the text of *message*; for a list, that of its text parts."""
    content = message["content"]
    return content if isinstance(content, str) else "".join(map(_get_part_text, content))


def _get_part_text(part: Json) -> str:
    match part:
        case str(text) | {"type": "text", "text": str(text)}:
            return text
        case _:
            return ""
