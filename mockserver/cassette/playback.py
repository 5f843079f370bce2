"""A recorded response as it is replayed: its headers, and the bytes to send with their times. No I/O, no clock."""

import re
from itertools import accumulate, groupby
from operator import itemgetter

from mockserver.cassette.model import Body, End, Ending, Response, Stream
from mockserver.formats import sse
from mockserver.http.content_coding import is_always_decoded
from mockserver.http.messages import (
    OWN_PREFIX,
    Headers,
    Reply,
    TimedBody,
    standard_reason,
    strip_hop_by_hop,
)
from mockserver.http.pacing import Pace

TimedChunk = tuple[float, bytes]
"""Seconds since the request, and the bytes to send then."""

_UNRECORDED_RESPONSE_HEADERS = frozenset(("content-length", "date", "server", "set-cookie", "vary"))
LONE_SURROGATES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Characters that stand for no byte; U+DC80 to U+DCFF stand for the bytes of a header that is not UTF-8."""

_UNRECORDED_PREFIXES = ("access-control-", OWN_PREFIX)


def encode_body(content: Stream | Body) -> bytes:
    """Return the whole body of *content*."""
    return b"".join(chunk for _, chunk in timed_chunks(content))


def timed_chunks(content: Stream | Body) -> list[TimedChunk]:
    """Return the chunks of *content* with their times in seconds since the request; chunks at the same time are merged."""
    chunks: list[TimedChunk] = []
    match content:
        case Stream(events, ending, tail):
            at = 0.0
            for timed in events:
                at += timed.after
                chunks.append((at, sse.encode(timed.event, ending)))
            chunks.append((at, tail))
        case Body(chunks=(_, *_) as parts):
            at = 0.0
            for part in parts:
                at += part.after
                chunks.append((at, part.raw))
        case Body(raw, after, keepalives):
            chunks += [(at, b"\n") for at in keepalives]
            chunks.append((after, raw))
    by_time = groupby(filter(itemgetter(1), chunks), itemgetter(0))
    return [(at, b"".join(map(itemgetter(1), group))) for at, group in by_time]


def last_time(content: Stream | Body) -> float:
    """Return the time of the last part of *content*, in seconds since the request."""
    match content:
        case Stream(events):
            *_, at = accumulate([timed.after for timed in events], initial=0.0)
            return at
        case Body(_, after, keepalives):
            return max((after, *keepalives))


def create_reply(response: Response, method: str, pace: Pace) -> Reply:
    """Return the reply that sends the recorded *response* to a request of *method* at that *pace*."""
    return Reply(
        response.status,
        strip_response_headers(response.headers, method),
        encode_at_pace(response, pace),
        standard_reason(response.status) if response.reason is None else response.reason,
    )


def encode_at_pace(response: Response, pace: Pace) -> bytes | TimedBody:
    """Return the body of *response* at that *pace*; plain bytes if it is sent without delay."""
    chunks, end = timed_chunks(response.content), response.end or End()
    is_cut = end.how is Ending.CUT
    if pace.factor is None:
        whole = b"".join([chunk for _, chunk in chunks])
        return TimedBody(((0.0, whole),), 0.0, cut=True) if is_cut else whole
    at, before = 0.0, 0.0
    steps: list[TimedChunk] = []
    for recorded, chunk in chunks:
        at += pace.scale(recorded - before)
        before = recorded
        steps.append((at, chunk))
    if not is_cut and not at and not end.after:
        return b"".join(chunk for _, chunk in steps)
    if steps and not is_cut and isinstance(response.content, Body) and not response.content.chunks:
        return TimedBody(tuple(steps), at)  # complete with its last byte
    last = last_time(response.content)
    return TimedBody(tuple(steps), at + pace.scale(last - before + end.after), is_cut)


def strip_response_headers(headers: Headers, method: str) -> Headers:
    """Return the *headers* of a response to *method* that a cassette holds and a replay sends."""
    return tuple(
        (name, LONE_SURROGATES.sub("?", value))
        for name, value in strip_hop_by_hop(headers)
        if is_recorded_response_header(name, value, method)
    )


def is_recorded_response_header(name: str, value: str, method: str) -> bool:
    """Return whether a cassette holds the header *name* with *value* of a response to *method*; a replay generates or omits the others."""
    if name == "content-length" and method == "HEAD":
        return True  # it describes a body that does not come
    if name == "content-encoding":
        return not is_always_decoded(value)
    return name not in _UNRECORDED_RESPONSE_HEADERS and not name.startswith(_UNRECORDED_PREFIXES)
