"""The ids of threads, runs, checkpoints and messages in a recorded exchange. No I/O."""

import re
from collections.abc import Iterator
from enum import Enum

from mockserver.cassette.assistant_ids import UUID_PATTERN
from mockserver.cassette.model import Exchange
from mockserver.conversations.id_places import IN_PATH, UUID
from mockserver.conversations.json_parts import parse_or_none, read_json_parts
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.thread_log.event import Event


class IdKind(Enum):
    """What an id names. KEPT ids, those of interrupts, tool calls, tasks and namespaces, are the same in each play."""

    THREAD = "thread"
    RUN = "run"
    CHECKPOINT = "checkpoint"
    MESSAGE = "message"
    KEPT = "kept"


_KINDS = {
    "thread_id": IdKind.THREAD,
    "run_id": IdKind.RUN,
    "parent_run_id": IdKind.RUN,
    "checkpoint_id": IdKind.CHECKPOINT,
    "parent_checkpoint_id": IdKind.CHECKPOINT,
    "langgraph_request_id": IdKind.RUN,
    "interrupt_id": IdKind.KEPT,
    "checkpoint_ns": IdKind.KEPT,
    "langgraph_checkpoint_ns": IdKind.KEPT,
}
_LISTS = {"thread_ids": IdKind.THREAD, "run_ids": IdKind.RUN, "parent_ids": IdKind.RUN}
_MESSAGE_TYPES = frozenset(
    ("human", "ai", "tool", "system", "function", "chat", "remove")
) | frozenset(
    f"{name}MessageChunk" for name in ("Human", "AI", "Tool", "System", "Function", "Chat")
)
_OF_TASKS_AND_CALLS = ("args", "interrupts", "triggers")
"""Keys of tool calls, and of tasks in states and in streams."""

_OF_RUN = re.compile(rf"synth:({UUID_PATTERN}):", re.IGNORECASE)
"""The id of an event that the server made of the status of a run."""

_INTERRUPT_LISTS = ("__interrupt__", "interrupts")


def find_response_ids(exchange: Exchange) -> tuple[tuple[IdKind, str], ...]:
    """Return the ids in the response of *exchange*, each once, in the order in which they come."""
    response = exchange.response
    found: dict[str, IdKind] = {}
    for name, value in response.headers:
        if name in ("location", "content-location"):
            for identity, kind in _find_path_ids(value):
                found.setdefault(identity, kind)
    for _, raw in read_json_parts(response.content):
        for identity, kind in _find_json_ids(parse_or_none(raw)):
            found.setdefault(identity, kind)
    return tuple((kind, identity) for identity, kind in found.items())


def find_event_ids(event: Event) -> Iterator[tuple[IdKind, str]]:
    """Yield the ids in *event*, one of a thread."""
    if (run := find_run_of_event(event.identity)) is not None:
        yield IdKind.RUN, run
    match event.method, event.params.get("data"):
        case "messages", {"event": "message-start", "id": str(identity)}:
            yield IdKind.MESSAGE, identity
        case "checkpoints", {"id": str(identity)}:
            yield IdKind.CHECKPOINT, identity
        case _, payload:
            yield from ((kind, one) for one, kind in _find_json_ids(payload))


def find_run_of_event(identity: str) -> str | None:
    """Return the run that the id of an event names, or None."""
    found = _OF_RUN.match(identity)
    return found[1] if found else None


def find_message_ids(request: Request) -> tuple[str | None, ...]:
    """Return the id of each message in *request*, a run, a state update or a command; None for a message without one."""
    body = parse_or_none(request.body) if b'"messages"' in request.body else None
    if isinstance(body, dict) and isinstance(body.get("params"), dict):
        body = body["params"]
    given = body.get("input") or body.get("values") if isinstance(body, dict) else None
    messages = given.get("messages") if isinstance(given, dict) else None
    if isinstance(messages, dict):
        messages = [messages]
    if not isinstance(messages, list):
        return ()
    ids = (message.get("id") if isinstance(message, dict) else None for message in messages)
    return tuple(one if isinstance(one, str) and one else None for one in ids)


def _find_path_ids(path: str) -> Iterator[tuple[str, IdKind]]:
    kinds = {"threads": IdKind.THREAD, "runs": IdKind.RUN, "state": IdKind.CHECKPOINT}
    for found in IN_PATH.finditer(path):
        if found[2] and found[1] in kinds and UUID.fullmatch(found[2]):
            yield found[2], kinds[found[1]]


def _find_json_ids(value: Json) -> Iterator[tuple[str, IdKind]]:
    if isinstance(value, list):
        for part in value:
            yield from _find_json_ids(part)
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        if isinstance(part, str):
            if part and (kind := _get_kind(name, value)):
                yield part, kind
        elif name in _LISTS and isinstance(part, list):
            yield from ((one, _LISTS[name]) for one in part if isinstance(one, str))
        elif name == "checkpoint_map" and isinstance(part, dict):
            yield from ((one, IdKind.CHECKPOINT) for one in part.values() if isinstance(one, str))
        elif name in _INTERRUPT_LISTS and isinstance(part, list):
            asked = (one.get("id") for one in part if isinstance(one, dict))
            yield from ((one, IdKind.KEPT) for one in asked if isinstance(one, str))
            yield from _find_json_ids(part)
        elif isinstance(part, dict | list):
            yield from _find_json_ids(part)


def _get_kind(name: str, owner: dict[str, Json]) -> IdKind | None:
    """Return what the text under *name* in *owner* is the id of; None if it is no id, or one of another kind."""
    if name == "id":
        if owner.get("type") in _MESSAGE_TYPES and "content" in owner:
            return IdKind.MESSAGE
        is_kept = any(key in owner for key in _OF_TASKS_AND_CALLS)
        return IdKind.KEPT if is_kept else None
    return _KINDS.get(name)
