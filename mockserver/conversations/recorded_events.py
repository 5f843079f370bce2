"""The events of a recorded thread: those of all its streams, cut into the stretches that its turns caused. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from math import inf

from mockserver.cassette.model import Exchange
from mockserver.conversations.ids import UUID, FoundId, find_event_ids, find_run_of_event, list_once
from mockserver.conversations.joined_streams import (
    RecordedEvent,
    cut_runs,
    mark_hidden,
    merge_events,
    read_streams,
)
from mockserver.thread_log.filter import Filter


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
class Stretch:
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
        return self.events[last].at + (waited if self.waits_at is not None else 0.0)

    @cached_property
    def ids(self) -> tuple[FoundId, ...]:
        """The ids in the events, each once, in the order in which they come."""
        return list_once(one for event in self.events for one in find_event_ids(event.event))

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
    """The *stretches* of a thread by the number of their turn, 0 before the first; *filters* are those of its streams."""

    stretches: Mapping[int, Stretch]
    filters: tuple[Filter, ...] = ()

    def get_ids(self, progress: int) -> tuple[FoundId, ...]:
        """Return the ids in the events that turn *progress* caused, each once, in the order in which they come."""
        stretch = self.stretches.get(progress)
        return stretch.ids if stretch else ()


def build_events(
    streams: Iterable[Exchange], commands: Sequence[Command], cancels: Mapping[int, float | None]
) -> RecordedEvents:
    """Return the events in *streams*, which *commands* caused; *cancels* are the times of the cancellations by the turn before them."""
    recorded = read_streams(streams)
    pieces = [mark_hidden(run, recorded) for run in cut_runs(merge_events(recorded))]
    owners = _find_owners(pieces, commands)
    by_turn: dict[int, list[RecordedEvent]] = {}
    for owner, piece in zip(owners, pieces, strict=True):
        by_turn.setdefault(owner, []).extend(piece)
    by_progress = {command.progress: command for command in commands}
    stretches: dict[int, Stretch] = {}
    for progress, events in by_turn.items():
        command, following = by_progress.get(progress), by_progress.get(progress + 1)
        start = command.answered_at if command else None
        gate: int | None = None
        restart: float | None = None
        if progress in cancels:
            restart = cancels[progress]
            gate = _find_gate(events, restart)
        elif following is not None:
            gate = _find_gate(events, following.at)
        stretches[progress] = _build_stretch(events, start, gate, restart)
    return RecordedEvents(stretches, tuple(stream.selected for stream in recorded))


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


def _build_stretch(
    events: Sequence[RecordedEvent], start: float | None, gate: int | None, restart: float | None
) -> Stretch:
    """Return the stretch of *events*, with times counted from *start*, and from *restart* after the *gate*."""
    start = events[0].at if start is None else start
    timed: list[RecordedEvent] = []
    latest = 0.0
    for number, event in enumerate(events):
        if number == gate:
            start, latest = event.at if restart is None else restart, 0.0
        latest = max(latest, event.at - start)
        timed.append(replace(event, at=round(latest, 6)))
    return Stretch(tuple(timed), gate)


def _find_gate(events: Sequence[RecordedEvent], ended_at: float | None) -> int | None:
    """Return the number of the event that says that a request, sent *ended_at* that time, has ended the run, or None."""
    for number, recorded in enumerate(events):
        if recorded.event.channel == "input":
            return None
        if recorded.event.status == "interrupted":
            return number if ended_at is None or ended_at <= recorded.at else None
    return None
