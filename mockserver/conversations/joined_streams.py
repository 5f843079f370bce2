"""The events of a recorded thread, in order: those of all its streams, each once. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

from mockserver.cassette.model import Exchange, Stream
from mockserver.formats import sse
from mockserver.formats.json_text import loads_or_none
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


def join_streams(exchanges: Iterable[Exchange]) -> list[RecordedEvent]:
    """Return the events of the streams in *exchanges*, each once, in the order of the thread."""
    return merge_events(read_streams(exchanges))


def read_streams(exchanges: Iterable[Exchange]) -> list[RecordedStream]:
    """Return the streams in *exchanges* in the order in which they were opened; an event has the same number in all."""
    streams = [stream for exchange in exchanges if (stream := _read_stream(exchange)) is not None]
    numbers: dict[str, int] = {}
    aligned: list[RecordedStream] = []
    for stream in sorted(streams, key=lambda stream: stream.opened_at):
        aligned.append(_align(stream, numbers))
        for event in aligned[-1].events:
            numbers.setdefault(event.event.identity, event.seq)
    return aligned


def merge_events(streams: Iterable[RecordedStream]) -> list[RecordedEvent]:
    """Return the events of *streams*, each once, in the order of the thread."""
    found: dict[str, RecordedEvent] = {}
    for stream in streams:
        for event in stream.events:
            identity = event.event.identity
            known = found.get(identity, event)
            # A stream that is opened after a failed run shows its end without the error.
            better = event if event.has_error else known
            found[identity] = replace(better, at=min(event.at, known.at), seq=known.seq)
    return sorted(found.values(), key=lambda event: event.seq)


def read_event(message: sse.Event) -> RecordedEvent | None:
    """Return the event of a thread that *message* holds, or None if it is something else."""
    text = dict(message.fields).get("data", "")
    match envelope := loads_or_none(text):
        case {
            "event_id": str(),
            "seq": int(seq),
            "method": str(),
            "params": {"namespace": list()},
        }:
            event = Event(envelope["event_id"], envelope["method"], envelope["params"])
            return RecordedEvent(0.0, seq, text.encode("utf-8", "replace"), event)
        case _:
            return None


def cut_runs(events: Iterable[RecordedEvent]) -> list[list[RecordedEvent]]:
    """Return *events* cut where a run begins."""
    pieces: list[list[RecordedEvent]] = []
    for event in events:
        if not pieces or event.event.status == "running":
            pieces.append([])
        pieces[-1].append(event)
    return pieces


def mark_hidden(run: list[RecordedEvent], streams: Iterable[RecordedStream]) -> list[RecordedEvent]:
    """Return the events of a *run*, not lasting if one of *streams* that was opened later does not show its start."""
    first = run[0]
    is_hidden = first.event.status == "running" and any(
        first.at < stream.opened_at
        and stream.selected.fits(first.event)
        and stream.selected.since < first.seq
        and all(one.event.identity != first.event.identity for one in stream.events)
        and any(one.seq > first.seq for one in stream.events)
        for stream in streams
    )
    return [replace(one, lasting=False) for one in run] if is_hidden else run


def _read_stream(exchange: Exchange) -> RecordedStream | None:
    """Return the stream in *exchange*, or None if the server sent none."""
    content, opened_at = exchange.response.content, exchange.at or 0.0
    if exchange.response.status != 200 or not isinstance(content, Stream):
        return None
    try:
        selected = parse_filter(loads_or_none(exchange.request.body))
    except FilterError:
        return None
    return RecordedStream(opened_at, selected, tuple(_read_events(content, opened_at)))


def _read_events(content: Stream, start: float) -> Iterator[RecordedEvent]:
    moments = accumulate((timed.after for timed in content.events), initial=start)
    next(moments)
    for at, timed in zip(moments, content.events, strict=True):
        if read := read_event(timed.event):
            yield replace(read, at=at)


def _align(stream: RecordedStream, numbers: Mapping[str, int]) -> RecordedStream:
    """Return *stream* with the *numbers* that its events have on the streams before it.

    Its own are lower if events are hidden from it: the server numbers what it sends on each connection.
    """
    shifts = [
        numbers[one.event.identity] - one.seq
        for one in stream.events
        if one.event.identity in numbers
    ]
    shift = max(shifts, default=0)
    if shift <= 0:
        return stream
    return replace(stream, events=tuple(replace(one, seq=one.seq + shift) for one in stream.events))
