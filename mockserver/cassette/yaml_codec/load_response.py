"""Read responses from YAML: in mockserver's own layout, or at least their events, without a YAML parser. No I/O.

Errors carry their line. `read` and `read_response` return None for another layout, and for errors; then use the YAML loader.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from mockserver.cassette.model import (
    Body,
    End,
    Ending,
    Response,
    Stream,
    TimedChunk,
    TimedEvent,
    join_chunks,
)
from mockserver.cassette.yaml_codec import fast_yaml
from mockserver.cassette.yaml_codec.dump import LINE_ENDINGS
from mockserver.errors import ReadError
from mockserver.formats import sse, strict_yaml
from mockserver.formats.json_text import dumps
from mockserver.formats.strict_yaml import (
    Mapping,
    Sequence,
    check_keys,
    get_base64,
    get_mapping,
    get_only_key,
    get_seconds,
    get_typed,
    is_clean,
    map_items,
)
from mockserver.http.messages import CONTROL, EVENT_STREAM, HEADER_NAME, Headers

T = TypeVar("T")

BODY_KEYS = ("body", "text", "base64")
_RESPONSE_KEYS = (
    *("status", "reason", "headers", "after", "keepalives", *BODY_KEYS),
    *("line_ending", "events", "tail", "chunks", "end"),
)
_CHUNK_KEYS = ("after", "text", "base64")
_EVENT_KEYS = ("after", *sse.FIELDS, "comment", "raw", "base64")
_ALONE = frozenset(("comment", "raw", "base64"))
_DEFAULT_TYPES = {
    "events": f"{EVENT_STREAM}; charset=utf-8",
    "chunks": "text/plain; charset=utf-8",
    "body": "application/json",
    "text": "text/plain; charset=utf-8",
    "base64": "application/octet-stream",
}

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


def read_response(raw: bytes) -> Response | None:
    """Return the response in *raw*, a document or its end from `response:` on, or None."""
    return read(raw, build_response)


def read(raw: bytes, build: Callable[[Mapping], T]) -> T | None:
    """Return what *build* makes of the document *raw*, or None."""
    try:
        document = _read_document(raw)
        return build(document) if document else None
    except ReadError:
        return None


def _read_document(raw: bytes) -> Mapping | None:
    if _BLOCK.encode() not in raw or not is_clean(raw):
        return fast_yaml.read_mapping(raw)
    text = raw.decode()
    start = text.index(_BLOCK)
    events, end = _read_events(text, start + len(_BLOCK))
    if not events or not text.startswith(_AFTER_BLOCK, end):
        return fast_yaml.read_mapping(raw)
    rest = f"{text[:start]}\n  events: []\n{text[end:]}"
    document = fast_yaml.read_mapping(rest.encode()) or strict_yaml.parse(rest)
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


def _event(comment: Any, event: Any, data: Any, identity: Any) -> sse.Event:
    """Return the event whose fields are written so; ReadError if one needs the YAML loader."""
    if comment is not None:
        return sse.Event((("comment", _text(comment)),))
    if identity is not None:
        return sse.Event((("event", _text(event)), ("data", data), ("id", _text(identity))))
    return sse.Event((("event", _text(event)), ("data", data)))


@lru_cache(maxsize=1024)
def _text(scalar: str) -> str:
    """Return the text of a *scalar* on one line; ReadError if it is no text or needs the YAML loader."""
    if quoted := _QUOTED.fullmatch(scalar):
        return quoted[1]
    if _PLAIN.fullmatch(scalar) and scalar not in ("null", "true", "false"):
        return scalar
    raise ReadError("needs the YAML loader")


def build_response(document: Mapping) -> Response:
    """Return the response in the parsed *document*; ReadError if it is not a response."""
    part = get_mapping(document, "response")
    check_keys(part, _RESPONSE_KEYS, "response")
    kind = get_only_key(part, ("events", "chunks", *BODY_KEYS), "response")
    status = get_typed(part, "status", int)
    if status is not None and not 200 <= status <= 999:
        raise ReadError(
            f"response.status {status} is not a valid status", line=part.lines["status"]
        )
    end = _end(part)
    headers = read_headers(part)
    # A recording has `events` only if the upstream called them so.
    is_default = end is None or kind == "events"
    if kind and is_default and not any(name == "content-type" for name, _ in headers):
        headers = (("content-type", _DEFAULT_TYPES[kind]), *headers)
    return Response(status or 200, _reason(part), headers, _content(part, kind), end)


def _reason(part: Mapping) -> str | None:
    reason = get_typed(part, "reason", str)
    if reason is not None and CONTROL.search(reason):
        raise ReadError("reason must be text on one line", line=part.lines["reason"])
    return reason


def _content(part: Mapping, kind: str | None) -> Stream | Body:
    if kind == "events":
        return _stream(part)
    if kind == "chunks":
        chunks = get_typed(part, "chunks", Sequence) or Sequence(part.line)
        return join_chunks(map_items(chunks, _chunk))
    return _whole(part)


def _chunk(part: Any, line: int) -> TimedChunk:
    if not isinstance(part, Mapping):
        raise ReadError("a chunk must be a mapping such as `text: hello`", line=line)
    check_keys(part, _CHUNK_KEYS, "a chunk")
    if get_only_key(part, _CHUNK_KEYS[1:], "a chunk") is None:
        raise ReadError("a chunk needs a `text` or `base64`", line=line)
    return TimedChunk(get_seconds(part, "after"), read_body(part, "a chunk"))


def _stream(part: Mapping) -> Stream:
    name = get_typed(part, "line_ending", str)
    if name is None:
        name = "crlf"
    if name not in LINE_ENDINGS:
        raise ReadError(
            f"line_ending {name!r} is not one of {', '.join(LINE_ENDINGS)}",
            line=part.lines["line_ending"],
        )
    return Stream(_events(part), LINE_ENDINGS[name], _tail(part))


def _events(part: Mapping) -> tuple[TimedEvent, ...]:
    events = part["events"]
    if isinstance(events, tuple):
        return events  # `read` has read them
    return map_items(get_typed(part, "events", Sequence) or Sequence(part.line), build_event)


def build_event(part: Any, line: int) -> TimedEvent:
    """Return the event in the parsed *part*, which is on *line*; ReadError if it is not an event."""
    if not isinstance(part, Mapping):
        raise ReadError("an event must be a mapping such as `event: values`", line=line)
    check_keys(part, _EVENT_KEYS, "an event")
    names = [name for name in part if name != "after"]
    if not names or (len(names) > 1 and not _ALONE.isdisjoint(names)):
        raise ReadError(
            "an event has event, data, id, retry, or only one of comment, raw, base64", line=line
        )
    fields = tuple((name, _field(part, name)) for name in names)
    return TimedEvent(get_seconds(part, "after"), sse.Event(fields))


def _field(part: Mapping, name: str) -> str:
    value = part[name]
    if name == "base64":
        get_base64(part, name)
    if isinstance(value, dict | list) and name != "data":
        raise ReadError(f"{name} must be text", line=part.lines[name])
    text = value if isinstance(value, str) else "" if value is None else dumps(value)
    if name != "raw" and ("\r" in text or ("\n" in text and name != "data")):
        raise ReadError(f"{name} must not contain a line break", line=part.lines[name])
    return text


def _tail(part: Mapping) -> bytes:
    tail = part.get("tail")
    if tail is None:
        return b""
    if isinstance(tail, Mapping) and list(tail) == ["base64"]:
        return get_base64(tail, "base64")
    if not isinstance(tail, str):
        raise ReadError("tail must be text", line=part.lines["tail"])
    return tail.encode()


def _whole(part: Mapping) -> Body:
    keepalives = get_typed(part, "keepalives", Sequence) or Sequence(part.line)
    if not all(type(at) in (int, float) and at >= 0 for at in keepalives):
        raise ReadError("keepalives must be times in seconds", line=part.lines["keepalives"])
    return Body(
        read_body(part, "response"), get_seconds(part, "after"), tuple(map(float, keepalives))
    )


def _end(part: Mapping) -> End | None:
    end = get_typed(part, "end", Mapping)
    if end is None:
        return None
    check_keys(end, ("after", "how"), "end")
    how = end.get("how", Ending.CLOSED)
    if how not in list(Ending):
        raise ReadError("end.how is `closed`, `cut` or `open`", line=end.line)
    return End(get_seconds(end, "after"), Ending(how))


def read_body(part: Mapping, where: str) -> bytes:
    match get_only_key(part, BODY_KEYS, where):
        case "body":
            return dumps(part["body"]).encode()
        case "text":
            return (get_typed(part, "text", str) or "").encode()
        case "base64":
            return get_base64(part, "base64")
        case _:
            return b""


def read_headers(part: Mapping) -> Headers:
    headers = get_typed(part, "headers", Mapping) or Mapping(part.line)
    pairs: list[tuple[str, str]] = []
    for name, value in headers.items():
        for single in value if isinstance(value, list) else [value]:
            if isinstance(single, Mapping) and list(single) == ["base64"]:
                single = get_base64(single, "base64").decode("utf-8", "surrogateescape")
            text = single if isinstance(single, str) else dumps(single)
            if not HEADER_NAME.fullmatch(name):
                raise ReadError(f"{name!r} is not a header name", line=headers.lines[name])
            if isinstance(single, dict | list) or single is None or CONTROL.search(text):
                raise ReadError(f"header {name} must be text on one line", line=headers.lines[name])
            pairs.append((name.lower(), text))
    return tuple(pairs)
