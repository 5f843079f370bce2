"""The events of a recorded thread: those of all its streams in order, cut by the turns that caused them. No I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from itertools import accumulate
from math import inf

from mockserver.cassette.model import Exchange, Stream
from mockserver.conversations.ids import (
    UUID,
    FoundId,
    find_event_ids,
    find_run_of_event,
    list_unique_ids,
)
from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.fake.thread_log.filter import Filter, FilterError, parse_filter
from mockserver.formats import sse
from mockserver.formats.json_text import loads_or_none


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with the number *seq* of its thread, which arrived at *at*; *raw* is its envelope as JSON.

    One that is not *lasting* came only on the streams that were open when it happened.
    """

    at: float
    seq: int
    raw: bytes
    event: ThreadEvent
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


@dataclass(frozen=True, slots=True)
class Command:
    """A command or another request that started a run, and with it turn *progress*: *run* if the response names it.

    It was sent *at* that time, in seconds since the recording started. The times of its events count from *answered_at*: for a
    command, when the response was complete; for another request, when it was sent.
    """

    progress: int
    run: str | None
    at: float | None = None
    answered_at: float | None = None


@dataclass(frozen=True)
class TurnEvents:
    """The events that a turn caused; their times count from the response to the turn.

    Those from number *waits_at* on wait for a cancellation or for the next turn, and count from there.
    """

    events: tuple[RecordedEvent, ...]
    waits_at: int | None = None

    @cached_property
    def seconds(self) -> float:
        """When the run ended, counted from the response to the turn."""
        ends = [number for number, event in enumerate(self.events) if event.event.ends_run]
        last = ends[-1] if ends else len(self.events) - 1
        waited = self.events[self.waits_at - 1].at if self.waits_at else 0.0
        return self.events[last].at + waited

    @cached_property
    def ids(self) -> tuple[FoundId, ...]:
        """The ids in the events, each once, in the order in which they come."""
        return list_unique_ids(one for event in self.events for one in find_event_ids(event.event))

    @cached_property
    def digest(self) -> bytes:
        """A digest of what the events say, without ids and times."""
        said = [
            (one.event.method, one.event.namespace, one.event.params.get("data"))
            for one in self.events
        ]
        return sha256(UUID.sub("", repr(said)).encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class RecordedEvents:
    """The events of a thread *by_turn*: by the number of the turn that caused them, 0 before the first; *filters* are those of its streams."""

    by_turn: Mapping[int, TurnEvents]
    filters: tuple[Filter, ...] = ()

    def get_ids(self, progress: int) -> tuple[FoundId, ...]:
        """Return the ids in the events that turn *progress* caused, each once, in the order in which they come."""
        turn_events = self.by_turn.get(progress)
        return turn_events.ids if turn_events else ()


def build_events(
    streams: Iterable[Exchange], commands: Sequence[Command], cancels: Mapping[int, float | None]
) -> RecordedEvents:
    """Return the events in *streams*, which *commands* caused; *cancels* are the times of the cancellations by the turn before them."""
    recorded = read_streams(streams)
    pieces = [mark_hidden(run, recorded) for run in cut_runs(merge_events(recorded))]
    owners = _find_owners(pieces, commands)
    caused: dict[int, list[RecordedEvent]] = {}
    for owner, piece in zip(owners, pieces, strict=True):
        caused.setdefault(owner, []).extend(piece)
    by_progress = {command.progress: command for command in commands}
    by_turn: dict[int, TurnEvents] = {}
    for progress, events in caused.items():
        command, following = by_progress.get(progress), by_progress.get(progress + 1)
        start = command.answered_at if command else None
        gate: int | None = None
        restart: float | None = None
        if progress in cancels:
            restart = cancels[progress]
            gate = _find_gate(events, restart)
        elif following is not None:
            gate = _find_gate(events, following.at)
        by_turn[progress] = _build_turn_events(events, start, gate, restart)
    return RecordedEvents(by_turn, tuple(stream.selected for stream in recorded))


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
            event = ThreadEvent(envelope["event_id"], envelope["method"], envelope["params"])
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
        and stream.selected.selects(first.event)
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


def _find_owners(
    pieces: Sequence[Sequence[RecordedEvent]], commands: Sequence[Command]
) -> list[int]:
    """Return for each of *pieces* the turn that caused it, 0 if it was before the first turn.

    The response to `input.respond` names no run, and the JavaScript server names none in its events: there the order decides.
    """
    runs = [find_run_of_event(piece[0].event.identity) for piece in pieces]
    has_runs = any(run is not None for run in runs)
    named: dict[str | None, Command] = {
        one.run: one for one in commands if has_runs and one.run is not None
    }
    unnamed = [one.progress for one in commands if one.run is None or not has_runs]
    first = next((number for number, run in enumerate(runs) if run in named), len(pieces))
    anchor = named[runs[first]].progress if first < len(pieces) else inf
    before = [progress for progress in unnamed if progress < anchor]
    owners: list[int] = []
    owner = 0
    for number, run in enumerate(runs):
        following = next((progress for progress in unnamed if progress > owner), None)
        if run in named:
            owner = named[run].progress
        elif number >= first - len(before) and following is not None:
            owner = following
        owners.append(owner)
    return owners


def _build_turn_events(
    events: Sequence[RecordedEvent], start: float | None, gate: int | None, restart: float | None
) -> TurnEvents:
    """Return *events* as those of one turn, with times counted from *start*, and from *restart* after the *gate*."""
    start = events[0].at if start is None else start
    timed: list[RecordedEvent] = []
    latest = 0.0
    for number, event in enumerate(events):
        if number == gate:
            start, latest = event.at if restart is None else restart, 0.0
        latest = max(latest, event.at - start)
        timed.append(replace(event, at=round(latest, 6)))
    return TurnEvents(tuple(timed), gate)


def _find_gate(events: Sequence[RecordedEvent], ended_at: float | None) -> int | None:
    """Return the number of the event that says that a request, sent *ended_at* that time, has ended the run, or None."""
    for number, recorded in enumerate(events):
        if recorded.event.channel == "input":
            return None
        if recorded.event.status == "interrupted":
            return number if ended_at is None or ended_at <= recorded.at else None
    return None
