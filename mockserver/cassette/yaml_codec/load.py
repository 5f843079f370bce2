"""Read exchanges and headers from YAML text; errors carry their line. No I/O."""

from typing import Any, NamedTuple

from mockserver.cassette.model import (
    FORMAT,
    Body,
    End,
    Ending,
    Exchange,
    Header,
    Repeat,
    Response,
    Stream,
    TimedChunk,
    TimedEvent,
    join_chunks,
)
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
    iter_texts,
    map_items,
)
from mockserver.http.messages import CONTROL, EVENT_STREAM, HEADER_NAME, Headers, Request

_HEADER_KEYS = ("mockserver", "upstream", "recorded", "server", "ignore", "volatile", "repeat")
_EXCHANGE_KEYS = ("request", "at", "repeat", "redacted", "response")
_BODY_KEYS = ("body", "text", "base64")
_REQUEST_KEYS = ("method", "path", "headers", *_BODY_KEYS)
_RESPONSE_KEYS = (
    *("status", "reason", "headers", "after", "keepalives", *_BODY_KEYS),
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


def load_header(text: str) -> Header:
    """Return the header in *text*, the first document of a file; ReadError if it is not a header."""
    return header_from(strict_yaml.parse(text))


def header_from(document: Any) -> Header:
    """Return the header in the parsed *document*; ReadError if it is not a header."""
    if not isinstance(document, Mapping) or "mockserver" not in document:
        raise ReadError("not a cassette: it must begin with `mockserver: 1`", line=1)
    version = document["mockserver"]
    line = document.lines["mockserver"]
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ReadError(f"mockserver: {version!r} is not a format version, write 1", line=line)
    if version > FORMAT:
        raise ReadError(
            f"cassette format {version} is newer than the supported format {FORMAT}",
            line=line,
            fix="update mockserver",
        )
    check_keys(document, _HEADER_KEYS, "the header")
    ignore, volatile = (
        tuple(iter_texts(get_typed(document, key, Sequence) or Sequence(1), key))
        for key in ("ignore", "volatile")
    )
    return Header(
        upstream=get_typed(document, "upstream", str),
        recorded=get_typed(document, "recorded", str),
        server=get_typed(document, "server", Mapping) or {},
        ignore=ignore,
        volatile=volatile,
        repeat=_repeat(document),
    )


def load_exchange(text: str) -> Exchange | None:
    """Return the exchange in the document *text*, or None if it is empty."""
    document = strict_yaml.parse(text)
    return None if document is None else exchange_from(document)


def exchange_from(document: Any) -> Exchange:
    """Return the exchange in the parsed *document*; ReadError if it is not an exchange."""
    head = head_from(document, whole=True)
    redacted = get_typed(document, "redacted", int) or 0
    return Exchange(head.request, response_from(document), head.repeat, redacted, head.at)


class Head(NamedTuple):
    """What a document holds beside its response."""

    request: Request
    repeat: Repeat | None = None
    at: float | None = None


def load_head(text: str, *, whole: bool = False) -> Head | None:
    """Return the head of the document *text*, or None if it is empty.

    The response is not read; with *whole* it must exist.
    """
    document = strict_yaml.parse(text)
    return None if document is None else head_from(document, whole=whole)


def head_from(document: Any, *, whole: bool = False) -> Head:
    """Return the head of the parsed *document*; with *whole* it must have a response. ReadError if it is not an exchange."""
    if not isinstance(document, Mapping):
        raise ReadError("an exchange must be a mapping with `request` and `response`", line=1)
    check_keys(document, _EXCHANGE_KEYS, "an exchange")
    for key in ("request", "response") if whole else ("request",):
        if key not in document:
            raise ReadError(f"an exchange needs a `{key}`", line=document.line)
    return Head(_request(get_mapping(document, "request")), _repeat(document), _at(document))


def _request(part: Mapping) -> Request:
    check_keys(part, _REQUEST_KEYS, "request")
    path = get_typed(part, "path", str)
    if path is None or not path.startswith("/"):
        line = part.lines.get("path", part.line)
        raise ReadError("request.path must be text that begins with /", line=line)
    method = (get_typed(part, "method", str) or "POST").upper()
    return Request(method, path, _headers(part), _body(part, "request"))


def response_from(document: Mapping) -> Response:
    """Return the response in the parsed *document*; ReadError if it is not a response."""
    part = get_mapping(document, "response")
    check_keys(part, _RESPONSE_KEYS, "response")
    kind = get_only_key(part, ("events", "chunks", *_BODY_KEYS), "response")
    status = get_typed(part, "status", int)
    if status is not None and not 200 <= status <= 999:
        raise ReadError(
            f"response.status {status} is not a valid status", line=part.lines["status"]
        )
    end = _end(part)
    headers = _headers(part)
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
    return TimedChunk(get_seconds(part, "after"), _body(part, "a chunk"))


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
        return events  # events_reader has read them
    return map_items(get_typed(part, "events", Sequence) or Sequence(part.line), event_from)


def event_from(part: Any, line: int) -> TimedEvent:
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
    return Body(_body(part, "response"), get_seconds(part, "after"), tuple(map(float, keepalives)))


def _end(part: Mapping) -> End | None:
    end = get_typed(part, "end", Mapping)
    if end is None:
        return None
    check_keys(end, ("after", "how"), "end")
    how = end.get("how", Ending.CLOSED)
    if how not in list(Ending):
        raise ReadError("end.how is `closed`, `cut` or `open`", line=end.line)
    return End(get_seconds(end, "after"), Ending(how))


def _body(part: Mapping, where: str) -> bytes:
    match get_only_key(part, _BODY_KEYS, where):
        case "body":
            return dumps(part["body"]).encode()
        case "text":
            return (get_typed(part, "text", str) or "").encode()
        case "base64":
            return get_base64(part, "base64")
        case _:
            return b""


def _headers(part: Mapping) -> Headers:
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


def _at(part: Mapping) -> float | None:
    return get_seconds(part, "at") if "at" in part else None


def _repeat(part: Mapping) -> Repeat | None:
    name = get_typed(part, "repeat", str)
    if name is None:
        return None
    if name not in list(Repeat):
        raise ReadError(
            f"repeat: {name!r} is none of {', '.join(Repeat)}", line=part.lines["repeat"]
        )
    return Repeat(name)
