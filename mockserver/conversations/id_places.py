"""The places of ids in requests and responses, and other ids in these places. No I/O.

An id is found by its place: a path segment, a query parameter, a JSON key, or the `id` of a message. Where a query names items of the store,
each UUID is one. Texts of responses are not searched.
"""

import re
from collections.abc import Callable, Iterator

from mockserver.cassette.assistant_ids import UUID_PATTERN
from mockserver.http.messages import Request

IN_PATH = re.compile(
    r"(?<=/)(threads|runs|state|assistants)/([^/?#]+)|(?<=[?&])([a-z]+_id)=([^&#]+)"
)
RAW_UUID = re.compile(UUID_PATTERN.encode(), re.IGNORECASE)
_IN_JSON = re.compile(
    rb'"(?:[a-z_]+_id|(?:langgraph_)?checkpoint_ns|id)"\s*:\s*"([^"\\]+)"'
    rb'|"(?:[a-z_]*ids|checkpoint_map)"\s*:\s*(\[[^\]\[{}]*\]|\{[^{}\[\]]*\})'
    rb'|"(?!content"|text")[^"\\]*"\s*:\s*"(' + RAW_UUID.pattern + rb')"'
    rb'|[\[,]\s*"(' + RAW_UUID.pattern + rb')"(?!\s*:)'
    rb'|"([^"\\]+)"\s*:\s*\{"metadata":'  # the event `messages/metadata` has message ids as keys
    rb'|"([0-9a-f]{32})"\s*:',  # answers to interrupts, by the id of the interrupt
    re.IGNORECASE,
)
_JSON_STRING = re.compile(rb'"([^"\\]+)"')
UUID = re.compile(UUID_PATTERN, re.IGNORECASE)
_OF_STORE = "/store/"
_UUID_LENGTH = 36
Names = Callable[[str], str | None]
"""Returns what an id is called instead, or None."""


def rename_path(path: str, names: Names) -> str:
    """Return *path*, a request target, with its ids replaced according to *names*."""

    def renamed(found: re.Match[str]) -> str:
        identity = found[2] or found[4]
        other = names(identity) or names(identity.lower())
        return found[0] if other is None else found[0].removesuffix(identity) + other

    def renamed_uuid(found: re.Match[str]) -> str:
        return names(found[0]) or names(found[0].lower()) or found[0]

    if path.startswith(_OF_STORE):
        return UUID.sub(renamed_uuid, path)
    return IN_PATH.sub(renamed, path)


def rename_json(raw: bytes, names: Names) -> bytes:
    """Return *raw*, JSON or server-sent events with JSON, with its ids replaced according to *names*."""

    def renamed(found: re.Match[bytes]) -> bytes:
        group = found.lastindex or 0
        if group == 2:
            whole: bytes = _JSON_STRING.sub(renamed_string, found[2])
            return found[0].removesuffix(found[2]) + whole
        other = _rename(found[group], names)
        if other is None:
            return found[0]
        start, end = found.start(group) - found.start(), found.end(group) - found.start()
        return found[0][:start] + other + found[0][end:]

    def renamed_string(found: re.Match[bytes]) -> bytes:
        other = _rename(found[1], names)
        return found[0] if other is None else b'"' + other + b'"'

    return _IN_JSON.sub(renamed, raw)


def _rename(identity: bytes, names: Names) -> bytes | None:
    text = identity.decode("utf-8", "replace")
    other = names(text)
    if other is None and len(text) == _UUID_LENGTH:
        other = names(text.lower())
    return None if other is None else other.encode()


def find_request_ids(request: Request) -> Iterator[str]:
    """Yield the ids at the places of ids in *request*."""
    if request.path.startswith(_OF_STORE):
        yield from UUID.findall(request.path)
    for found in IN_PATH.finditer(request.path):
        yield found[2] or found[4]
    for match in _IN_JSON.finditer(request.body):
        group = match.lastindex or 0
        texts = _JSON_STRING.findall(match[2]) if group == 2 else [match[group]]
        yield from (text.decode("utf-8", "replace") for text in texts)
