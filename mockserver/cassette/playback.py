"""A recorded response as the bytes to send and their times. No I/O, no clock."""

from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import itemgetter

from mockserver.cassette.model import Body, Response, Stream
from mockserver.formats import sse
from mockserver.http.messages import Headers, TimedBody
from mockserver.http.pacing import Pace

TimedChunk = tuple[float, bytes]
"""Seconds since the request, and the bytes to send then."""


@dataclass(frozen=True, slots=True)
class Playback:
    """A recorded response, ready to be played: *steps* in order, none empty and no two at the same time.

    *last* is the time of the last part, in seconds since the request; the response ended *end* seconds later. *cut*: the
    upstream broke off. A response that was not *streamed* is complete with its last byte.
    """

    status: int
    reason: str | None
    headers: Headers
    steps: tuple[TimedChunk, ...]
    last: float = 0.0
    end: float = 0.0
    cut: bool = False
    streamed: bool = True


def build_playback(response: Response) -> Playback:
    """Return the playback of *response*."""
    end = response.end
    return Playback(
        response.status,
        response.reason,
        response.headers,
        tuple(timed_chunks(response.content)),
        last_time(response.content),
        end.after if end else 0.0,
        cut=bool(end and end.cut),
        streamed=isinstance(response.content, Stream) or bool(response.content.chunks),
    )


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


def apply_pace(playback: Playback, pace: Pace) -> bytes | TimedBody:
    """Return the body of *playback* at that *pace*; plain bytes if it is sent without delay."""
    if pace.factor is None:
        whole = b"".join([chunk for _, chunk in playback.steps])
        return TimedBody(((0.0, whole),), 0.0, cut=True) if playback.cut else whole
    at, before = 0.0, 0.0
    steps: list[tuple[float, bytes]] = []
    for recorded, chunk in playback.steps:
        at += pace.scale(recorded - before)
        before = recorded
        steps.append((at, chunk))
    if not playback.cut and not at and not playback.end:
        return b"".join(chunk for _, chunk in steps)
    if steps and not playback.streamed and not playback.cut:
        return TimedBody(tuple(steps), at)  # complete with its last byte
    return TimedBody(
        tuple(steps), at + pace.scale(playback.last - before + playback.end), playback.cut
    )
