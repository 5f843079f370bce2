"""The event streams of a recorded thread, and which events they share. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

from mockserver.cassette.model import Exchange, Stream
from mockserver.conversations.json_parts import parse_or_none
from mockserver.formats.json_text import Json, loads
from mockserver.thread_log.event import Event
from mockserver.thread_log.filter import Filter, FilterError, parse_filter


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with the number *seq* of its thread, which arrived at *at*; *raw* is its envelope as JSON.

    One that is not *lasting* came only on the streams that were open when it happened.
    """

    at: float
    seq: int
    raw: bytes
    event: Event
    lasting: bool = True

    @property
    def has_error(self) -> bool:
        payload = self.event.params.get("data")
        return isinstance(payload, dict) and "error" in payload


@dataclass(frozen=True, slots=True)
class RecordedStream:
    """A stream with the filter *selected*, and its *events*."""

    opened_at: float
    selected: Filter
    events: tuple[RecordedEvent, ...]


def read_stream(exchange: Exchange) -> RecordedStream | None:
    """Return the stream in *exchange*, or None if there is none."""
    content, opened_at = exchange.response.content, exchange.at or 0.0
    if exchange.response.status != 200 or not isinstance(content, Stream):
        return None
    try:
        selected = parse_filter(parse_or_none(exchange.request.body))
    except FilterError:
        return None
    return RecordedStream(opened_at, selected, tuple(_read_events(content, opened_at)))


def _read_events(content: Stream, start: float) -> Iterator[RecordedEvent]:
    moments = accumulate((timed.after for timed in content.events), initial=start)
    next(moments)
    for at, timed in zip(moments, content.events, strict=True):
        text = dict(timed.event.fields).get("data", "")
        match envelope := _parse(text):
            case {
                "event_id": str(),
                "seq": int(seq),
                "method": str(),
                "params": {"namespace": list()},
            }:
                event = Event(envelope["event_id"], envelope["method"], envelope["params"])
                yield RecordedEvent(at, seq, text.encode("utf-8", "replace"), event)
            case _:
                pass


def align(stream: RecordedStream, found: Mapping[str, RecordedEvent]) -> RecordedStream:
    """Return *stream* with the numbers of the events *found* on the streams before it.

    Its own are lower if events are hidden from it: the server numbers what it sends on each connection.
    """
    shared = [
        (found[one.event.identity], one) for one in stream.events if one.event.identity in found
    ]
    shift = max((known.seq - one.seq for known, one in shared), default=0)
    if shift <= 0:
        return stream
    return replace(stream, events=tuple(replace(one, seq=one.seq + shift) for one in stream.events))


def mark_hidden(
    piece: list[RecordedEvent], streams: Iterable[RecordedStream]
) -> list[RecordedEvent]:
    """Return the events of a run, not lasting if one of *streams* that was opened later does not show its start."""
    first = piece[0]
    is_hidden = first.event.status == "running" and any(
        first.at < stream.opened_at
        and stream.selected.fits(first.event)
        and stream.selected.since < first.seq
        and all(one.event.identity != first.event.identity for one in stream.events)
        and any(one.seq > first.seq for one in stream.events)
        for stream in streams
    )
    return [replace(one, lasting=False) for one in piece] if is_hidden else piece


def _parse(text: str) -> Json:
    """Return the JSON value of *text* with its numbers as they are, or None."""
    try:
        return loads(text)
    except ValueError:
        return None
