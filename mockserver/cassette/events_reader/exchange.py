"""Read request and response of a document in our own layout. No I/O."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from mockserver.cassette.events_reader.scalars import DeclinedError, scalar, text_of
from mockserver.cassette.events_reader.structure import structure
from mockserver.cassette.model import Body, End, Exchange, Response, Stream, TimedEvent
from mockserver.cassette.playback import Playback, merge_chunks
from mockserver.formats.json_text import Json, dumps
from mockserver.formats.sse import CR, CRLF, LF, Event
from mockserver.formats.yaml_chars import is_clean
from mockserver.http.messages import CONTROL, Headers, Request

_BEGINS = b"---\nrequest:\n  method: "
_METHOD = re.compile(r"  method: ([A-Z]{1,20})")
_PATH = "  path: "
_REDACTED = re.compile(r"redacted: ([0-9]{1,9})")
_SECONDS = rb"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?"
_RESPONSE = re.compile(
    rb"\nresponse:\n  status: ([2-9][0-9]{2})\n  headers:(?: \{\})?\n((?:    [a-z0-9-]+: .+\n)*)"
    rb"(?:  after: (%b)\n)?(?:  line_ending: (lf|cr)\n)?  (events|body):\n" % _SECONDS
)
_RESPONSE_START = b"\nresponse:\n"
_END = re.compile(rb"\n  end: \{after: (%b), how: (closed|cut)\}\n\Z" % _SECONDS)
_LONGEST_END = 60
_EVENT = re.compile(
    rb"  - (?:after: (%b)\n    )?"
    rb"(?:event: (.+)\n    data: \|-\n      ([^ \t\n].*)\n(?:    id: (.+)\n)?|comment: (.+)\n)"
    rb"|([\s\S])" % _SECONDS
)
_ENDINGS = {b"": CRLF, b"lf": LF, b"cr": CR}


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A recorded request: *body* is its JSON value in a 1-tuple, or (); *redacted* counts secrets of the whole exchange."""

    method: str
    path: str
    body: tuple[Json] | tuple[()]
    redacted: int = 0


def read_head(raw: bytes) -> RequestHead | None:
    """Return the request of a document; *raw* is all before `response:`. None for another layout."""
    if not raw.startswith(_BEGINS) or not is_clean(raw):
        return None
    lines = raw.decode().split("\n")[2:-1]
    redacted = 0
    if found := _REDACTED.fullmatch(lines[-1]):
        redacted = int(found[1])
        del lines[-1]
    method = _METHOD.fullmatch(lines[0])
    try:
        if method is None or len(lines) < 2 or not lines[1].startswith(f"{_PATH}/"):
            return None
        path = text_of(lines[1][len(_PATH) :])
        return RequestHead(method[1], path, _body(lines[2:]), redacted)
    except DeclinedError:
        return None


@dataclass(frozen=True, slots=True)
class Outline:
    """A summary of a response: status, number of *events* or else *size* in bytes, and duration in seconds."""

    status: int
    events: int | None
    size: int
    seconds: float


def read_exchange(raw: bytes) -> Exchange | None:
    """Return the exchange in the document *raw*; None for another layout."""
    at = raw.find(_RESPONSE_START)
    request_head = read_head(raw[: at + 1])
    if request_head is None or not _RESPONSE.match(raw, at):
        return None
    try:
        answer = _parse_response(raw)
        content = Body(answer.body, answer.after) if answer.events is None else _stream(answer)
        headers = _headers(answer.headers)
    except DeclinedError:
        return None
    body = dumps(request_head.body[0]).encode() if request_head.body else b""
    request = Request(request_head.method, request_head.path, (), body)
    response = Response(answer.status, None, headers, content, End(answer.end, answer.cut))
    return Exchange(request, response, redacted=request_head.redacted)


def read_playback(raw: bytes) -> Playback | None:
    """Return the playback of the response in the document *raw*; None for another layout."""
    try:
        answer = _parse_response(raw)
        if answer.events is None:
            steps = [(answer.after, answer.body)] if answer.body else []
        else:
            steps = list(zip(answer.times, _chunks(answer.events, answer.ending), strict=True))
        return Playback(
            answer.status,
            None,
            _headers(answer.headers),
            tuple(merge_chunks(steps)),
            answer.times[-1] if answer.times else answer.after,
            answer.end,
            cut=answer.cut,
            streamed=answer.events is not None,
        )
    except DeclinedError:
        return None


def read_outline(raw: bytes) -> Outline | None:
    """Return the outline of the response in the document *raw*; None for another layout."""
    try:
        answer = _parse_response(raw)
        if answer.events is None:
            return Outline(answer.status, None, len(answer.body), answer.after + answer.end)
        for texts in ({row[1] for row in answer.events}, {row[4] for row in answer.events}):
            for text in texts - {b""}:
                _cached_scalar(text)
        for row in answer.events:
            if row[3]:
                _cached_scalar(row[3])
        return Outline(answer.status, len(answer.events), 0, answer.times[-1] + answer.end)
    except DeclinedError:
        return None


_RawEvent = tuple[bytes, bytes, bytes, bytes, bytes, bytes]
"""An event in a cassette: after, event, data, id, comment, and unexpected text."""


@dataclass(frozen=True, slots=True)
class _RawResponse:
    """A response in a cassette: *events* with their *times*, or a *body* that arrived *after* that time."""

    status: int
    headers: bytes
    after: float
    end: float
    cut: bool
    ending: str
    events: list[_RawEvent] | None
    times: list[float]
    body: bytes


def _parse_response(raw: bytes) -> _RawResponse:
    start = _RESPONSE.search(raw)
    end = _END.search(raw, max(len(raw) - _LONGEST_END, 0))
    if start is None or end is None or not is_clean(raw):
        raise DeclinedError
    status, headers, after, ending, kind = start.groups(b"")
    part = raw[start.end() : end.start() + 1]
    events: list[_RawEvent] | None = None
    times: list[float] = []
    body = b""
    if kind == b"events":
        events = _EVENT.findall(part)
        if after or not events or any(event[5] for event in events):
            raise DeclinedError
        times = list(accumulate([float(event[0] or 0) for event in events]))
    elif ending:
        raise DeclinedError
    else:
        body = dumps(_structure(part.decode().split("\n")[:-1])).encode()
    return _RawResponse(
        int(status),
        headers,
        float(after or 0),
        float(end[1]),
        end[2] == b"cut",
        _ENDINGS[ending],
        events,
        times,
        body,
    )


def _body(lines: list[str]) -> tuple[Json] | tuple[()]:
    """Return the body in *lines*, those after the path of a request."""
    if not lines:
        return ()
    if lines[0] == "  body:":
        return (_structure(lines[1:]),)
    name, _, value = lines[0].partition(": ")
    if name != "  body" or len(lines) > 1 or not value or value in ("{}", "[]", "|-"):
        raise DeclinedError
    return (scalar(value),)


def _structure(lines: list[str]) -> Json:
    """Return the value of the key `body` in *lines*."""
    if not lines:
        raise DeclinedError
    return structure(lines, 2 if lines[0].startswith("  - ") else 4)


def _headers(raw: bytes) -> Headers:
    pairs = [line.strip().partition(": ") for line in raw.decode().split("\n")[:-1]]
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise DeclinedError
    headers = tuple((name, text_of(value)) for name, _, value in pairs)
    if any(CONTROL.search(value) for _, value in headers):
        raise DeclinedError
    return headers


def _stream(answer: _RawResponse) -> Stream:
    events: list[TimedEvent] = []
    for after, event, data, identity, comment, _ in answer.events or ():
        fields: list[tuple[str, str]] = []
        if comment:
            fields.append(("comment", _decode_scalar(comment).decode()))
        else:
            fields += (("event", _cached_scalar(event).decode()), ("data", data.decode()))
        if identity:
            fields.append(("id", _decode_scalar(identity).decode()))
        events.append(TimedEvent(float(after or 0), Event(tuple(fields))))
    return Stream(tuple(events), answer.ending)


def _chunks(events: list[_RawEvent], ending: str) -> list[bytes]:
    """Return the bytes of *events*."""
    end = ending.encode()
    chunks: list[bytes] = []
    for _, event, data, identity, comment, _ in events:
        if comment:
            chunks.append(b": %b%b%b" % (_cached_scalar(comment), end, end))
        elif identity:
            fields = (_cached_scalar(event), end, data, end, _decode_scalar(identity), end, end)
            chunks.append(b"event: %b%bdata: %b%bid: %b%b%b" % fields)
        else:
            chunks.append(b"event: %b%bdata: %b%b%b" % (_cached_scalar(event), end, data, end, end))
    return chunks


@lru_cache(maxsize=1024)
def _cached_scalar(raw: bytes) -> bytes:
    return _decode_scalar(raw)


def _decode_scalar(raw: bytes) -> bytes:
    """Return the text of the scalar *raw*, which must be one line; for values that rarely repeat."""
    text = text_of(raw.decode())
    if "\n" in text or "\r" in text:
        raise DeclinedError
    return text.encode()
