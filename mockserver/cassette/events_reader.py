"""Read exchanges whose `events:` block has mockserver's own layout; only the rest is parsed as YAML. No I/O.

The functions return what the YAML loader returns, or None for any deviation from that layout, and for errors; then use
the YAML loader.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeVar

from mockserver.cassette import yaml_codec
from mockserver.cassette.model import Exchange, Response, TimedEvent
from mockserver.errors import ReadError
from mockserver.formats import strict_yaml
from mockserver.formats.sse import Event
from mockserver.formats.strict_yaml import Mapping, is_clean

T = TypeVar("T")

_BLOCK = "\n  events:\n"
_AFTER_BLOCK = "  end: {"
_EVENT = re.compile(
    r"  - (?:after: (?P<after>(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?)\n    )?"
    r"(?:comment: (?P<comment>.+)"
    r"|event: (?P<event>.+)\n    data: \|-\n      (?P<data>[^ \n].*)(?:\n    id: (?P<id>.+))?)\n"
)
_QUOTED = re.compile(r"'([^']*)'")
_PLAIN = re.compile(r"[^\W\d](?:[\w|./-]|[: ](?=[\w|]))*+|[0-9]+-[0-9]+")
"""A plain scalar without a character that could end it; it is no number, but may be `null`, `true` or `false`."""


class _Split(NamedTuple):
    """The *events* of a text, and the *rest* with an empty list in their place, on that *line* (from 1)."""

    events: tuple[TimedEvent, ...]
    rest: str
    line: int


def read_exchange(raw: bytes) -> Exchange | None:
    """Return the exchange in the document *raw*, or None."""
    return _read(raw, yaml_codec.exchange_from)


def read_response(raw: bytes) -> Response | None:
    """Return the response in *raw*, a document or its end from `response:` on, or None."""
    return _read(raw, yaml_codec.response_from)


def _read(raw: bytes, build: Callable[[Mapping], T]) -> T | None:
    split = _split(raw) if _BLOCK.encode() in raw and is_clean(raw) else None
    if split is None:
        return None
    try:
        match strict_yaml.parse(split.rest):
            # Elsewhere, the same lines may be a part of some text.
            case {"response": Mapping(lines=lines) as response} as document if (
                lines.get("events") == split.line
            ):
                response["events"] = split.events
                return build(document)
    except ReadError:
        pass
    return None


def _split(raw: bytes) -> _Split | None:
    text = raw.decode()
    start = text.index(_BLOCK)
    at = start + len(_BLOCK)
    events: list[TimedEvent] = []
    while found := _EVENT.match(text, at):
        event = _event(found)
        if event is None:
            return None
        events.append(TimedEvent(float(found["after"] or 0), event))
        at = found.end()
    if not events or not text.startswith(_AFTER_BLOCK, at):
        return None
    head = text[:start]
    return _Split(tuple(events), f"{head}\n  events: []\n{text[at:]}", head.count("\n") + 2)


def _event(found: re.Match[str]) -> Event | None:
    """Return the event that _EVENT has *found*, or None if a text in it needs the YAML loader."""
    _, comment, event, data, identity = found.groups()
    named = {"comment": comment, "event": event, "data": data, "id": identity}
    fields: list[tuple[str, str]] = []
    for name, written in named.items():
        if written is None:
            continue
        text = written if name == "data" else _text(written)
        if text is None:
            return None
        fields.append((name, text))
    return Event(tuple(fields))


@lru_cache(maxsize=1024)
def _text(scalar: str) -> str | None:
    """Return the text of a *scalar* on one line, or None if it is no text or needs the YAML loader."""
    if quoted := _QUOTED.fullmatch(scalar):
        return quoted[1]
    is_text = _PLAIN.fullmatch(scalar) and scalar not in ("null", "true", "false")
    return scalar if is_text else None
