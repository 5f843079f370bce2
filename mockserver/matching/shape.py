"""The shape of a request: what remains when its ids are numbered. Requests of one shape differ in ids only. No I/O.

An id is a UUID in a place where the Agent Server has its own ids: in a path after `threads`, `runs`, `state` or `assistants`, or under a key
such as `thread_id`; or in the key or the namespace of an item of the store. The ids of default assistants do not count: they are UUIDs of
version 5, the same on every server.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mockserver.formats.json_text import Json
from mockserver.formats.server_ids import UUID_PATTERN
from mockserver.matching.canonical import Key, digest, serialize

_UUIDS = re.compile(UUID_PATTERN, re.IGNORECASE)
_MADE = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-46-9a-f][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
"""The pattern of the id of an assistant that a client created."""

_IN_PATH = re.compile(
    rf"(?<=/)(?:(?:threads|runs|state)/({UUID_PATTERN})|assistants/({_MADE}))(?=/|$)", re.IGNORECASE
)
ID_KEYS = frozenset(
    (
        *("thread_id", "run_id", "checkpoint_id", "checkpoint_ns", "langgraph_checkpoint_ns"),
        *("thread_ids", "run_ids", "ids"),
    )
)
"""The keys under which a request has ids of the Agent Server."""

_OF_ITEMS = ("key", "namespace", "namespace_prefix", "prefix", "suffix")
"""The names of what says which items of the store a request means."""

_MADE_ID = re.compile(_MADE, re.IGNORECASE)

_PART_OF_UUID = re.compile(r"-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-")
"""A part of every UUID, which is found quickly if there is none."""

_DEFAULT_ASSISTANT = re.compile(r'\{"body":\{"assistant_id":"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-')
"""The start of a serialized run with a default assistant, whose id does not count."""


@dataclass(frozen=True, slots=True)
class RequestShape:
    """A request without its *ids*, which are in order of appearance. Requests with the same *key* differ in ids only."""

    key: Key
    ids: tuple[str, ...]


def find_shape(form: Json, text: str | None = None) -> RequestShape | None:
    """Return the shape of the canonical request *form*, whose serialized *text* may be given; None if it has no ids."""
    text = serialize(form) if text is None else text
    default = _DEFAULT_ASSISTANT.match(text)
    if not _PART_OF_UUID.search(text, default.end() if default else 0):
        return None
    ids = {found.lower() for found in _find_ids(form)}
    if not ids:
        return None
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        identity = found[0].lower()
        return f"\0{numbers.setdefault(identity, len(numbers))}" if identity in ids else found[0]

    return RequestShape(digest(_UUIDS.sub(numbered, text)), tuple(numbers))


def _find_ids(form: Json) -> Iterator[str]:
    path = form.get("path", "")
    for match in _IN_PATH.finditer(path):
        yield match[1] or match[2]
    for part in (form.get("body"), form.get("query")):
        yield from _find_ids_below(part)
        if path.startswith("/store/") and isinstance(part, dict):
            for name in _OF_ITEMS:
                yield from _find_ids_within(part.get(name))


def _find_ids_below(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name in ID_KEYS:
                yield from _find_ids_within(part)
            elif name == "assistant_id" and isinstance(part, str) and _MADE_ID.fullmatch(part):
                yield part
            else:
                yield from _find_ids_below(part)
    elif isinstance(value, list):
        for part in value:
            yield from _find_ids_below(part)


def _find_ids_within(value: Json) -> Iterator[str]:
    for part in value if isinstance(value, list) else (value,):
        if isinstance(part, str):
            yield from _UUIDS.findall(part)


def compute_shape_key(form: Json) -> Key:
    """Return the key of the canonical request *form* without its ids."""
    text = serialize(form)
    shape = find_shape(form, text)
    return shape.key if shape else digest(text)
