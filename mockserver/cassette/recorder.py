"""Record one exchange: chunks with their times in, an Exchange out. No I/O, no clock."""

from array import array
from bisect import bisect_left
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import accumulate, chain, groupby
from operator import itemgetter

from mockserver.cassette.model import (
    Body,
    End,
    Ending,
    Exchange,
    Response,
    Stream,
    TimedChunk,
    TimedEvent,
    join_chunks,
)
from mockserver.cassette.playback import LONE_SURROGATES, last_time, strip_response_headers
from mockserver.formats import sse
from mockserver.http.messages import (
    Headers,
    Request,
    first_value,
    has_event_stream_type,
    standard_reason,
)

RECORDED_REQUEST_HEADERS = frozenset(("content-encoding", "last-event-id"))
"""The request headers that a cassette holds, in addition to the `content-type` of a body that is not JSON."""

MAX_SIZE = 128 << 20
"""The maximum number of body bytes of a recorded exchange."""

_NOTICEABLE = 0.02
"""The seconds from which on a client notices that a body comes bit by bit: a few short lines, one right after the other."""


class Recorder:
    """Collects one exchange. Times are seconds of any clock; *started* is the time of the request, *at* its time since the recording started.

    Beyond MAX_SIZE only `size` grows. A recorder can be pickled quickly.
    """

    def __init__(self, request: Request, started: float, at: float | None = None) -> None:
        self.request = request
        """The request; it may change until the end."""
        self._at = None if at is None else round(at, 3)
        self._started = started
        self._status = 200
        self._reason: str | None = None
        self._headers: Headers = ()
        self._raw = bytearray()
        self._ends = array("q")
        self._times = array("d")
        self.size = len(request.body)
        """The number of bytes of both bodies so far."""

    def start_response(self, status: int, reason: str | None, headers: Headers) -> None:
        """Add the head of the response."""
        self._status, self._headers = status, headers
        self._reason = None if reason == standard_reason(status) else reason

    def feed(self, chunk: bytes, at: float) -> None:
        """Add the next *chunk* of the body, received *at* that time."""
        self.size += len(chunk)
        if self.size > MAX_SIZE:
            self._raw = bytearray()
        elif chunk:
            self._raw += chunk
            self._ends.append(len(self._raw))
            self._times.append(round(at - self._started, 3))

    def finish(self, at: float, how: Ending = Ending.CLOSED) -> Exchange:
        """Return the exchange, which ended *at* that time.

        Of a stream that is still open, only whole events are kept, without heartbeats: how many came depends on the client.
        """
        content = self._stream() if has_event_stream_type(self._headers) else self._body()
        last = self._times[-1] if self._times else 0.0
        if how is Ending.OPEN and isinstance(content, Stream):
            content = _without_heartbeats(content)
            last = last_time(content)
        end = End(_gap(at - self._started, last), how)
        headers = strip_response_headers(self._headers, self.request.method)
        response = Response(self._status, self._reason, headers, content, end)
        return Exchange(strip_request_headers(self.request), response, at=self._at)

    def _stream(self) -> Stream:
        events, sizes, ending, tail = sse.decode_stream(bytes(self._raw))
        return Stream(tuple(map(TimedEvent, self._afters(sizes), events)), ending, tail)

    def _afters(self, sizes: Iterable[int]) -> list[float]:
        """Return the seconds between consecutive parts of the body, which have these *sizes* in bytes."""
        afters: list[float] = []
        before, number = 0.0, 0
        for end in accumulate(sizes):
            while self._ends[number] < end:
                number += 1
            at = self._times[number]
            afters.append(_gap(at, before))
            before = max(at, before)
        return afters

    def _body(self) -> Body:
        if self._is_streamed():
            return join_chunks(self._chunks())
        raw = bytes(self._raw)
        rest = raw.lstrip(b"\n") if _is_json(self._headers) else raw
        keepalives = tuple(
            self._times[bisect_left(self._ends, position)]
            for position in range(1, len(raw) - len(rest) + 1)
        )
        return Body(rest, self._times[-1] if self._times else 0.0, keepalives)

    def _is_streamed(self) -> bool:
        """Return whether the body came bit by bit: its length was unknown, it took a while, and it is not one JSON value."""
        kind = (first_value(self._headers, "content-type") or "").lower().partition(";")[0].strip()
        if kind == "application/json" or kind.endswith("+json"):
            return False
        has_length = first_value(self._headers, "content-length") is not None
        is_slow = len(self._times) > 1 and self._times[-1] - self._times[0] >= _NOTICEABLE
        return is_slow and not has_length

    def _chunks(self) -> Iterator[TimedChunk]:
        """Yield the parts of the body, cut between characters if it is text; those that came at the same time are one."""
        starts = chain((0,), self._ends)
        pieces = [
            bytes(self._raw[start:end]) for start, end in zip(starts, self._ends, strict=False)
        ]
        with suppress(UnicodeDecodeError):
            decoder = getincrementaldecoder("utf-8")()
            texts = [decoder.decode(piece) for piece in pieces]
            decoder.decode(b"", final=True)
            pieces = [text.encode() for text in texts]
        before = 0.0
        for at, parts in groupby(zip(self._times, pieces, strict=True), itemgetter(0)):
            if raw := b"".join([piece for _, piece in parts]):
                yield TimedChunk(_gap(at, before), raw)
                before = at


def _without_heartbeats(stream: Stream) -> Stream:
    """Return *stream* without comments and its tail; the other events keep their times."""
    events: list[TimedEvent] = []
    skipped = 0.0
    for after, event in stream.events:
        if event.fields[0][0] == "comment":
            skipped += after
        else:
            events.append(TimedEvent(round(skipped + after, 3), event))
            skipped = 0.0
    return Stream(tuple(events), stream.line_ending)


def _gap(at: float, before: float) -> float:
    return round(at - before, 3) if at > before else 0.0


def strip_request_headers(request: Request) -> Request:
    """Return *request* with only the headers that a cassette holds."""
    headers = tuple(
        (name, LONE_SURROGATES.sub("?", value))
        for name, value in request.headers
        if name in RECORDED_REQUEST_HEADERS or (name == "content-type" and not _is_json_like(value))
    )
    return Request(request.method, request.path, headers, request.body)


def _is_json(headers: Iterable[tuple[str, str]]) -> bool:
    return "json" in (first_value(headers, "content-type") or "").lower()


def _is_json_like(content_type: str) -> bool:
    """Return whether a body of this type may be JSON: clients send JSON as `text/plain` and as form data too."""
    return content_type.lower().partition(";")[0].strip() in (
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
    )
