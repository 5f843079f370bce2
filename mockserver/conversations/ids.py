"""The ids in requests, responses and events: where they are, what they name, and other ids in their places. No I/O.

An id is found by its place: a path segment, a query parameter, a JSON key, or the `id` of a message. Where a query names items of the store,
each UUID is one. Texts of responses are not searched.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum

from mockserver.cassette.model import Body, Exchange, Stream
from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.formats.json_text import Json, loads_or_none
from mockserver.formats.server_ids import UUID_PATTERN
from mockserver.http.messages import Request

UUID = re.compile(UUID_PATTERN, re.IGNORECASE)
RAW_UUID = re.compile(UUID_PATTERN.encode(), re.IGNORECASE)
_IN_PATH = re.compile(
    r"(?<=/)(threads|runs|state|assistants)/([^/?#]+)|(?<=[?&])([a-z]+_id)=([^&#]+)"
)
_IN_JSON = re.compile(
    rb'"(?:[a-z_]+_id|(?:langgraph_)?checkpoint_ns|id)"\s*:\s*"([^"\\]+)"'
    rb'|"(?:[a-z_]*ids|checkpoint_map)"\s*:\s*(\[[^\]\[{}]*\]|\{[^{}\[\]]*\})'
    rb'|"(?!content"|text")[^"\\]*"\s*:\s*"(' + RAW_UUID.pattern + rb')"'
    rb'|[\[,]\s*"(' + RAW_UUID.pattern + rb')"(?!\s*:)'
    rb'|"([^"\\]+)"\s*:\s*\{"metadata":'  # the event `messages/metadata` has message ids as keys
    rb'|"([0-9a-f]{32})"\s*:',  # answers to interrupts, by the id of the interrupt
    re.IGNORECASE,
)
_JSON_STRING = re.compile(rb'"([^"\\]*)"')
_OF_STORE = "/store/"
_OF_RUN = re.compile(rf"synth:({UUID_PATTERN}):", re.IGNORECASE)
"""The id of an event that the server made of the status of a run."""


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
_KINDS_IN_PATHS = {"threads": IdKind.THREAD, "runs": IdKind.RUN, "state": IdKind.CHECKPOINT}
_KINDS_OF_LISTS = {"thread_ids": IdKind.THREAD, "run_ids": IdKind.RUN, "parent_ids": IdKind.RUN}
_INTERRUPT_LISTS = ("__interrupt__", "interrupts")
_MESSAGE_TYPES = frozenset(
    ("human", "ai", "tool", "system", "function", "chat", "remove")
) | frozenset(
    f"{name}MessageChunk" for name in ("Human", "AI", "Tool", "System", "Function", "Chat")
)
_OF_TASKS_AND_CALLS = ("args", "interrupts", "triggers")
"""Keys of tool calls, and of tasks in states and in streams."""

FoundId = tuple[IdKind, str]
Names = Callable[[str], str | None]
"""Returns what an id is called instead, or None."""


def find_response_ids(exchange: Exchange) -> tuple[FoundId, ...]:
    """Return the ids in the response of *exchange*, each once, in the order in which they come."""
    found: list[FoundId] = []
    for name, value in exchange.response.headers:
        if name in ("location", "content-location"):
            found += _find_path_ids(value)
    for _, raw in read_json_parts(exchange.response.content):
        found += _find_json_ids(loads_or_none(raw))
    return list_unique_ids(found)


def find_event_ids(event: ThreadEvent) -> Iterator[FoundId]:
    """Yield the ids in *event*, one of a thread."""
    if (run := find_run_of_event(event.identity)) is not None:
        yield IdKind.RUN, run
    match event.method, event.params.get("data"):
        case "messages", {"event": "message-start", "id": str(identity)}:
            yield IdKind.MESSAGE, identity
        case "checkpoints", {"id": str(identity)}:
            yield IdKind.CHECKPOINT, identity
        case _, payload:
            yield from _find_json_ids(payload)


def find_run_of_event(identity: str) -> str | None:
    """Return the run that the id of an event names, or None."""
    found = _OF_RUN.match(identity)
    return found[1] if found else None


def find_message_ids(request: Request) -> tuple[str | None, ...]:
    """Return the id of each message in *request*, a run, a state update or a command; None for a message without one."""
    body = loads_or_none(request.body) if b'"messages"' in request.body else None
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


def find_request_ids(request: Request) -> Iterator[str]:
    """Yield the ids at the places of ids in *request*."""
    if request.path.startswith(_OF_STORE):
        yield from UUID.findall(request.path)
    for found in _IN_PATH.finditer(request.path):
        yield found[2] or found[4]
    for match in _IN_JSON.finditer(request.body):
        group = match.lastindex or 0
        texts = _JSON_STRING.findall(match[2]) if group == 2 else [match[group]]
        yield from (text.decode("utf-8", "replace") for text in texts)


def list_unique_ids(found: Iterable[FoundId]) -> tuple[FoundId, ...]:
    """Return the ids *found*, each once, as what it was found first."""
    kinds: dict[str, IdKind] = {}
    for kind, identity in found:
        kinds.setdefault(identity, kind)
    return tuple((kind, identity) for identity, kind in kinds.items())


def pair_ids(
    left: Iterable[FoundId], right: Iterable[FoundId]
) -> Iterator[tuple[IdKind, str, str]]:
    """Yield the pairs of ids at the same places of two responses, or of the events of two turns, with their kind."""
    for kind in IdKind:
        ours = (identity for known, identity in left if known is kind)
        others = (identity for known, identity in right if known is kind)
        yield from ((kind, *pair) for pair in zip(ours, others, strict=False))


def read_json_parts(content: Stream | Body) -> Iterator[tuple[str, bytes]]:
    """Yield the parts of *content* that may be JSON: the data of each event with the event's name, or a whole body with an empty name."""
    if isinstance(content, Body):
        yield "", content.raw
        return
    for timed in content.events:
        fields = dict(timed.event.fields)
        if "data" in fields:
            yield fields.get("event", "message"), fields["data"].encode("utf-8", "replace")


def rename_path(path: str, names: Names) -> str:
    """Return *path*, a request target, with its ids replaced according to *names*."""

    def rename(found: re.Match[str]) -> str:
        identity = found[2] or found[4]
        return found[0].removesuffix(identity) + _rename(identity, names)

    if path.startswith(_OF_STORE):
        return UUID.sub(lambda found: _rename(found[0], names), path)
    return _IN_PATH.sub(rename, path)


def rename_json(raw: bytes, names: Names) -> bytes:
    """Return *raw*, JSON or server-sent events with JSON, with its ids replaced according to *names*."""

    def rename(found: re.Match[bytes]) -> bytes:
        group = found.lastindex or 0
        if group == 2:
            other: bytes = _JSON_STRING.sub(rename_string, found[2])
        else:
            other = rename_text(found[group])
        start, end = found.start(group) - found.start(), found.end(group) - found.start()
        return found[0][:start] + other + found[0][end:]

    def rename_string(found: re.Match[bytes]) -> bytes:
        return b'"' + rename_text(found[1]) + b'"'

    def rename_text(raw: bytes) -> bytes:
        text = raw.decode("utf-8", "surrogateescape")
        return _rename(text, names).encode("utf-8", "surrogateescape")

    return _IN_JSON.sub(rename, raw)


def _rename(identity: str, names: Names) -> str:
    return names(identity) or names(identity.lower()) or identity


def _find_path_ids(path: str) -> Iterator[FoundId]:
    for found in _IN_PATH.finditer(path):
        if found[1] in _KINDS_IN_PATHS and UUID.fullmatch(found[2]):
            yield _KINDS_IN_PATHS[found[1]], found[2]


def _find_json_ids(value: Json) -> Iterator[FoundId]:
    if isinstance(value, list):
        for part in value:
            yield from _find_json_ids(part)
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        if isinstance(part, str):
            if part and (kind := _get_kind(name, value)):
                yield kind, part
        elif name in _KINDS_OF_LISTS and isinstance(part, list):
            yield from ((_KINDS_OF_LISTS[name], one) for one in part if isinstance(one, str))
        elif name == "checkpoint_map" and isinstance(part, dict):
            yield from ((IdKind.CHECKPOINT, one) for one in part.values() if isinstance(one, str))
        else:
            if name in _INTERRUPT_LISTS and isinstance(part, list):
                asked = (one.get("id") for one in part if isinstance(one, dict))
                yield from ((IdKind.KEPT, one) for one in asked if isinstance(one, str))
            yield from _find_json_ids(part)


def _get_kind(name: str, owner: dict[str, Json]) -> IdKind | None:
    """Return what the text under *name* in *owner* is the id of; None if it is no id, or one of another kind."""
    if name == "id":
        if owner.get("type") in _MESSAGE_TYPES and "content" in owner:
            return IdKind.MESSAGE
        is_kept = any(key in owner for key in _OF_TASKS_AND_CALLS)
        return IdKind.KEPT if is_kept else None
    return _KINDS.get(name)
