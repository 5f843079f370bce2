"""The events of a recorded thread, in order: those of all its streams, each once. No I/O."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import accumulate

from mockserver.cassette.model import Exchange, Stream
from mockserver.conversations.json_parts import parse_or_none
from mockserver.formats import sse
from mockserver.formats.json_text import Json, loads
from mockserver.thread_log.event import Event
from mockserver.thread_log.filter import Filter, FilterError, parse_filter


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with the number *seq* of its thread, which arrived at *at*; *raw* is its envelope as JSON."""

    at: float
    seq: int
    raw: bytes
    event: Event

    @property
    def has_error(self) -> bool:
        payload = self.event.params.get("data")
        return isinstance(payload, dict) and "error" in payload


def find_filters(streams: Iterable[Exchange]) -> Iterator[Filter]:
    """Yield the filter of each of *streams* that shows events."""
    for _, selected in _select(streams):
        yield selected


def join_streams(streams: Iterable[Exchange]) -> list[RecordedEvent]:
    """Return the events in *streams*, each once, in the order of the thread."""
    found: dict[str, RecordedEvent] = {}
    for exchange, _ in _select(streams):
        for event in _read_stream(exchange):
            identity = event.event.identity
            known = found.get(identity, event)
            # A stream that is opened after a failed run shows its end without the error.
            better = event if event.has_error else known
            found[identity] = replace(better, at=min(event.at, known.at))
    return sorted(found.values(), key=lambda event: event.seq)


def read_event(message: sse.Event) -> RecordedEvent | None:
    """Return the event of a thread that *message* holds, or None if it is something else."""
    text = dict(message.fields).get("data", "")
    match envelope := _parse(text):
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


def _select(streams: Iterable[Exchange]) -> Iterator[tuple[Exchange, Filter]]:
    """Yield each of *streams* that the server accepted, with its filter."""
    for exchange in streams:
        if exchange.response.status == 200 and isinstance(exchange.response.content, Stream):
            with suppress(FilterError):
                yield exchange, parse_filter(parse_or_none(exchange.request.body))


def _read_stream(exchange: Exchange) -> Iterator[RecordedEvent]:
    content, start = exchange.response.content, exchange.at or 0.0
    assert isinstance(content, Stream)
    moments = accumulate((timed.after for timed in content.events), initial=start)
    next(moments)
    for at, timed in zip(moments, content.events, strict=True):
        if read := read_event(timed.event):
            yield replace(read, at=at)


def _parse(text: str) -> Json:
    """Return the JSON value of *text* with its numbers as they are, or None."""
    try:
        return loads(text)
    except ValueError:
        return None
