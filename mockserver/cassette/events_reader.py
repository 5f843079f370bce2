"""Read exchanges in mockserver's own layout; if only their `events:` block has it, the rest is parsed as YAML. No I/O.

The functions return what the YAML loader returns, or None for another layout, and for errors; then use the YAML loader.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from mockserver.cassette import layout_reader, yaml_codec
from mockserver.cassette.model import Exchange, Response, TimedEvent
from mockserver.errors import ReadError
from mockserver.formats import strict_yaml
from mockserver.formats.sse import Event
from mockserver.formats.strict_yaml import Mapping, is_clean

T = TypeVar("T")

_BLOCK = "\n  events:\n"
_AFTER_BLOCK = "  end: {"
_EVENT = re.compile(
    r"  - (?:after: ((?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?)\n    )?"
    r"(?:comment: (.+)|event: (.+)\n    data: \|-\n      ([^ \n].*)(?:\n    id: (.+))?)\n"
)
"""An event: the texts of its keys `after`, `comment`, `event`, `data` and `id`."""

_QUOTED = re.compile(r"'([^']*)'")
_PLAIN = re.compile(r"[^\W\d](?:[\w|./-]|[: ](?=[\w|]))*+|[0-9]+-[0-9]+")
"""A plain scalar without a character that could end it; it is no number, but may be `null`, `true` or `false`."""


def read_exchange(raw: bytes) -> Exchange | None:
    """Return the exchange in the document *raw*, or None."""
    return _read(raw, yaml_codec.exchange_from)


def read_response(raw: bytes) -> Response | None:
    """Return the response in *raw*, a document or its end from `response:` on, or None."""
    return _read(raw, yaml_codec.response_from)


def _read(raw: bytes, build: Callable[[Mapping], T]) -> T | None:
    try:
        document = _read_document(raw)
        return build(document) if document else None
    except ReadError:
        return None


def _read_document(raw: bytes) -> Mapping | None:
    if _BLOCK.encode() not in raw or not is_clean(raw):
        return layout_reader.read_mapping(raw)
    text = raw.decode()
    start = text.index(_BLOCK)
    events, end = _read_events(text, start + len(_BLOCK))
    if not events or not text.startswith(_AFTER_BLOCK, end):
        return layout_reader.read_mapping(raw)
    rest = f"{text[:start]}\n  events: []\n{text[end:]}"
    document = layout_reader.read_mapping(rest.encode()) or strict_yaml.parse(rest)
    match document:
        case {"response": Mapping(lines={"events": line}) as response}:
            # Elsewhere, the same lines may be a part of some text.
            if line == text.count("\n", 0, start) + 2:
                response["events"] = events
                return document
        case _:
            pass
    return None


def _read_events(text: str, at: int) -> tuple[tuple[TimedEvent, ...], int]:
    """Return the events from the position *at* of *text* on, and the position after them."""
    events: list[TimedEvent] = []
    while found := _EVENT.match(text, at):
        after, *fields = found.groups()
        events.append(TimedEvent(float(after or 0), _event(*fields)))
        at = found.end()
    return tuple(events), at


def _event(comment: Any, event: Any, data: Any, identity: Any) -> Event:
    """Return the event whose fields are written so; ReadError if one needs the YAML loader."""
    if comment is not None:
        return Event((("comment", _text(comment)),))
    if identity is not None:
        return Event((("event", _text(event)), ("data", data), ("id", _text(identity))))
    return Event((("event", _text(event)), ("data", data)))


@lru_cache(maxsize=1024)
def _text(scalar: str) -> str:
    """Return the text of a *scalar* on one line; ReadError if it is no text or needs the YAML loader."""
    if quoted := _QUOTED.fullmatch(scalar):
        return quoted[1]
    if _PLAIN.fullmatch(scalar) and scalar not in ("null", "true", "false"):
        return scalar
    raise ReadError("needs the YAML loader")
