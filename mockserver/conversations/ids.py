"""The ids of threads, runs, checkpoints and messages: where they stand, and how one stands for another. No I/O.

An id is found by its place: a path segment, a query parameter, a JSON key, or the `id` of a message. Texts of responses are not searched.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum
from hashlib import sha256
from itertools import chain

from mockserver.cassette.assistant_ids import UUID_PATTERN
from mockserver.cassette.model import Body, Exchange, Stream
from mockserver.formats.json_text import Json
from mockserver.http.messages import Headers, PrebuiltBody, Reply, Request, TimedBody
from mockserver.matching.canonical import parse_json


class Kind(Enum):
    """What an id names. KEPT ids, those of interrupts, tool calls and namespaces, are the same in each play."""

    THREAD = "thread"
    RUN = "run"
    CHECKPOINT = "checkpoint"
    MESSAGE = "message"
    KEPT = "kept"


_KINDS = {
    "thread_id": Kind.THREAD,
    "run_id": Kind.RUN,
    "parent_run_id": Kind.RUN,
    "checkpoint_id": Kind.CHECKPOINT,
    "parent_checkpoint_id": Kind.CHECKPOINT,
    "checkpoint_ns": Kind.KEPT,
}
_LISTS = {"thread_ids": Kind.THREAD, "run_ids": Kind.RUN, "parent_ids": Kind.RUN}
_MESSAGE_TYPES = frozenset(
    ("human", "ai", "tool", "system", "function", "chat", "remove")
) | frozenset(
    f"{name}MessageChunk" for name in ("Human", "AI", "Tool", "System", "Function", "Chat")
)
_INTERRUPT_LISTS = ("__interrupt__", "interrupts")

_IN_PATH = re.compile(
    r"(?<=/)(threads|runs|state|assistants)/([^/?#]+)|(?<=[?&])([a-z]+_id)=([^&#]+)"
)
_RAW_UUID = re.compile(UUID_PATTERN.encode(), re.IGNORECASE)
_IN_JSON = re.compile(
    rb'"(?:[a-z_]+_id|checkpoint_ns|id)"\s*:\s*"([^"\\]+)"'
    rb'|"(?:[a-z_]*ids|checkpoint_map)"\s*:\s*(\[[^\]\[{}]*\]|\{[^{}\[\]]*\})'
    rb'|"(?!content"|text")[^"\\]*"\s*:\s*"(' + _RAW_UUID.pattern + rb')"'
    rb'|[\[,]\s*"(' + _RAW_UUID.pattern + rb')"(?!\s*:)'
    rb'|"([^"\\]+)"\s*:\s*\{"metadata":'  # the event `messages/metadata` has message ids as keys
    rb'|"([0-9a-f]{32})"\s*:',  # answers to interrupts, by the id of the interrupt
    re.IGNORECASE,
)
_JSON_STRING = re.compile(rb'"([^"\\]+)"')
_UUID = re.compile(UUID_PATTERN, re.IGNORECASE)
_UUID_LENGTH = 36
_TIME_BASED = "167"
"""The versions of UUIDs whose first three groups hold a time (RFC 9562, section 5)."""


class IdMap:
    """The ids of a live thread, and the recorded ids that they stand for. An id that is not in it stands for itself."""

    def __init__(self) -> None:
        self._live: dict[str, str] = {}
        self._recorded: dict[str, str] = {}
        self.renames = False
        """Whether an id stands for another one."""

    def __contains__(self, recorded: str) -> bool:
        return recorded in self._live

    def bind(self, recorded: str, live: str) -> None:
        """Have *live* stand for *recorded*."""
        self._live[recorded] = live
        self._recorded[live] = recorded
        self.renames = self.renames or recorded != live

    def update(self, other: "IdMap") -> None:
        """Add the ids of *other*."""
        self._live |= other._live
        self._recorded |= other._recorded
        self.renames = self.renames or other.renames

    def live(self, recorded: str) -> str:
        """Return the id that stands for *recorded*."""
        return self._live.get(recorded, recorded)

    def recorded(self, live: str) -> str:
        """Return the recorded id that *live* stands for."""
        return self._recorded.get(live, live)

    def recorded_request(self, request: Request) -> Request:
        """Return *request* with the recorded ids in place of the live ones, wherever the client put them."""

        def recorded(found: re.Match[bytes]) -> bytes:
            live = found[0].decode()
            return self._recorded.get(live, self._recorded.get(live.lower(), live)).encode()

        path = rename_path(request.path, self._recorded.get)
        body = rename_json(request.body, self._recorded.get)
        return replace(request, path=path, body=_RAW_UUID.sub(recorded, body))

    def live_reply(self, reply: Reply) -> Reply:
        """Return *reply* with the live ids in place of the recorded ones; *reply* itself if it holds none."""
        return rename_reply(reply, self._live.get) if self.renames else reply

    def pairs(self, request: Request) -> tuple[tuple[str, str], ...]:
        """Return the ids in *request* that stand for others, with those: (live, recorded)."""
        if not self.renames:
            return ()
        live = dict.fromkeys(identity.lower() for identity in request_ids(request))
        return tuple(
            (one, self._recorded[one]) for one in live if self._recorded.get(one, one) != one
        )


Names = Callable[[str], str | None]
"""Returns what an id is called instead, or None."""


def rename_reply(reply: Reply, names: Names) -> Reply:
    """Return *reply* with its ids replaced according to *names*; *reply* itself if it holds none of them."""
    headers = _rename_headers(reply.headers, names)
    body = reply.body.body if isinstance(reply.body, PrebuiltBody) else reply.body
    renamed = body
    if isinstance(body, bytes):
        renamed = rename_json(body, names)
    elif isinstance(body, TimedBody):
        renamed = replace(
            body, steps=tuple((at, rename_json(chunk, names)) for at, chunk in body.steps)
        )
    if renamed == body and headers == reply.headers:
        return reply
    return replace(reply, headers=headers, body=renamed)


def _rename_headers(headers: Headers, names: Names) -> Headers:
    return tuple(
        (name, rename_path(value, names) if name in ("location", "content-location") else value)
        for name, value in headers
    )


def rename_path(path: str, names: Names) -> str:
    """Return *path*, a request target, with its ids replaced according to *names*."""

    def renamed(found: re.Match[str]) -> str:
        identity = found[2] or found[4]
        other = names(identity) or names(identity.lower())
        return found[0] if other is None else found[0].removesuffix(identity) + other

    return _IN_PATH.sub(renamed, path)


def rename_json(raw: bytes, names: Names) -> bytes:
    """Return *raw*, JSON or server-sent events with JSON, with its ids replaced according to *names*."""

    def renamed(found: re.Match[bytes]) -> bytes:
        group = found.lastindex or 0
        if group == 2:
            whole: bytes = _JSON_STRING.sub(renamed_string, found[2])
            return found[0].removesuffix(found[2]) + whole
        other = _other(found[group], names)
        if other is None:
            return found[0]
        start, end = found.start(group) - found.start(), found.end(group) - found.start()
        return found[0][:start] + other + found[0][end:]

    def renamed_string(found: re.Match[bytes]) -> bytes:
        other = _other(found[1], names)
        return found[0] if other is None else b'"' + other + b'"'

    return _IN_JSON.sub(renamed, raw)


def _other(identity: bytes, names: Names) -> bytes | None:
    text = identity.decode("utf-8", "replace")
    other = names(text)
    if other is None and len(text) == _UUID_LENGTH:
        other = names(text.lower())
    return None if other is None else other.encode()


def fresh_id(recorded: str, play: int) -> str:
    """Return the id that stands for *recorded* in the *play*-th play (from 0, which keeps it); the same on every machine.

    A UUID keeps its version, and its time if it has one.
    """
    if play == 0:
        return recorded
    digits = sha256(f"{recorded}\0{play}".encode("utf-8", "surrogatepass")).hexdigest()
    found = _UUID.search(recorded)
    if found is None:
        return f"{recorded}-{digits[:8]}"
    old = found[0].lower()
    if old[14] in _TIME_BASED:
        # Version 6 has a counter in the fourth group, by which the server sorts checkpoints.
        new = old[:23] if old[14] == "6" else f"{old[:18]}-{old[19]}{digits[:3]}"
    else:
        new = f"{digits[3:11]}-{digits[11:15]}-{old[14]}{digits[15:18]}-{old[19]}{digits[:3]}"
    return recorded[: found.start()] + f"{new}-{digits[20:32]}" + recorded[found.end() :]


def response_ids(exchange: Exchange) -> tuple[tuple[Kind, str], ...]:
    """Return the ids in the response of *exchange*, each once, in the order in which they come."""
    response = exchange.response
    found: dict[str, Kind] = {}
    for name, value in response.headers:
        if name in ("location", "content-location"):
            for identity, kind in _path_ids(value):
                found.setdefault(identity, kind)
    for document in _documents(response.content):
        for identity, kind in _json_ids(document):
            found.setdefault(identity, kind)
    return tuple((kind, identity) for identity, kind in found.items())


def request_ids(request: Request) -> Iterator[str]:
    """Yield the ids at the places of ids in *request*."""
    for found in _IN_PATH.finditer(request.path):
        yield found[2] or found[4]
    for match in _IN_JSON.finditer(request.body):
        group = match.lastindex or 0
        texts = _JSON_STRING.findall(match[2]) if group == 2 else [match[group]]
        yield from (text.decode("utf-8", "replace") for text in texts)


def message_ids(body: Json) -> tuple[str | None, ...]:
    """Return the id of each message in *body*, the body of a run or of a state update; None for a message without one."""
    given = body.get("input") or body.get("values") if isinstance(body, dict) else None
    messages = given.get("messages") if isinstance(given, dict) else None
    if isinstance(messages, dict):
        messages = [messages]
    if not isinstance(messages, list):
        return ()
    ids = (message.get("id") if isinstance(message, dict) else None for message in messages)
    return tuple(one if isinstance(one, str) and one else None for one in ids)


def request_message_ids(request: Request) -> tuple[str | None, ...]:
    """Return the `message_ids` of the body of *request*; an empty tuple if it is not JSON."""
    if b'"messages"' not in request.body:
        return ()
    try:
        return message_ids(parse_json(request.body))
    except ValueError:
        return ()


def _documents(content: Stream | Body) -> Iterator[Json]:
    if isinstance(content, Body):
        texts = [content.raw]
    else:
        fields = chain.from_iterable(timed.event.fields for timed in content.events)
        texts = [text.encode("utf-8", "replace") for name, text in fields if name == "data"]
    for text in texts:
        try:
            yield parse_json(text)
        except ValueError:
            continue


def _path_ids(path: str) -> Iterator[tuple[str, Kind]]:
    kinds = {"threads": Kind.THREAD, "runs": Kind.RUN, "state": Kind.CHECKPOINT}
    for found in _IN_PATH.finditer(path):
        if found[2] and found[1] in kinds and _UUID.fullmatch(found[2]):
            yield found[2], kinds[found[1]]


def _json_ids(value: Json) -> Iterator[tuple[str, Kind]]:
    if isinstance(value, list):
        for part in value:
            yield from _json_ids(part)
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        if isinstance(part, str):
            if part and (kind := _kind(name, value)):
                yield part, kind
        elif name in _LISTS and isinstance(part, list):
            yield from ((one, _LISTS[name]) for one in part if isinstance(one, str))
        elif name == "checkpoint_map" and isinstance(part, dict):
            yield from ((one, Kind.CHECKPOINT) for one in part.values() if isinstance(one, str))
        elif name in _INTERRUPT_LISTS and isinstance(part, list):
            asked = (one.get("id") for one in part if isinstance(one, dict))
            yield from ((one, Kind.KEPT) for one in asked if isinstance(one, str))
            yield from _json_ids(part)
        elif isinstance(part, dict | list):
            yield from _json_ids(part)


def _kind(name: str, owner: dict[str, Json]) -> Kind | None:
    """Return what the text under *name* in *owner* is the id of; None if it is no id, or one of another kind."""
    if name == "id":
        if owner.get("type") in _MESSAGE_TYPES and "content" in owner:
            return Kind.MESSAGE
        return Kind.KEPT if "args" in owner else None
    return _KINDS.get(name)
