"""Event streams of a live server beside recorded ones: what to ask for, how far they are, and how they differ. No I/O."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from mockserver.cassette.event_streams import find_run_marks, is_event_stream_request
from mockserver.cassette.model import Exchange, Stream, TimedEvent
from mockserver.conversations.recorded_events import (
    RecordedEvent,
    cut_runs,
    join_streams,
    read_event,
)
from mockserver.formats.json_text import Json, dumps
from mockserver.thread_log.event import Event
from mockserver.thread_log.filter import parse_filter
from mockserver.tools.compare.json_types import compare_shapes, infer_shape
from mockserver.tools.compare.logs import compare_events, order_events
from mockserver.tools.compare.report import format_changes
from mockserver.tools.compare.volatile import Comparator
from mockserver.tools.event_logs import name_event
from mockserver.tools.json_bodies import parse_body

_Named = list[tuple[str, Json]]
"""Events with their names, and what they say."""


@dataclass(slots=True)
class Progress:
    """How far the events of a stream are: how many runs began or ended, and how many steps came after that.

    The pieces of a text are one step: their number changes in each run.
    """

    marks: int = 0
    steps: int = 0
    is_over: bool = False
    """Whether the last run has ended."""
    _latest: dict[tuple[str, ...], str] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Add the next event."""
        name = name_event(event)
        if event.status is not None:
            self.marks, self.steps, self._latest = self.marks + 1, 0, {}
            self.is_over = event.ends_run
        elif self._latest.get(event.namespace) != name:
            self.steps += 1
        self._latest[event.namespace] = name

    @property
    def last_mark(self) -> "Progress":
        """The progress when the last run began or ended."""
        return Progress(self.marks)

    def has_reached(self, other: "Progress") -> bool:
        """Return whether as much happened as in *other*."""
        return (self.marks, self.steps) >= (other.marks, other.steps)


def measure(events: Iterable[RecordedEvent]) -> Progress:
    """Return the progress at the end of *events*."""
    progress = Progress()
    for recorded in events:
        progress.add(recorded.event)
    return progress


def select_seen(stream: Exchange, at: float | None, runs: int) -> list[RecordedEvent]:
    """Return the events of the recorded *stream* that came before a request.

    That was sent *at* this time, in seconds since the recording started; if it is unknown, when *runs* runs had ended.
    """
    events = join_streams([stream])
    if at is not None and stream.at is not None:
        return [one for one in events if one.at <= at]
    return [one for run in cut_runs(events)[:runs] for one in run]


def starts_run(exchange: Exchange) -> bool:
    """Return whether *exchange* is a command that started a run."""
    marks = find_run_marks(exchange)
    return marks is not None and marks.commands > 0


def is_endless(exchange: Exchange) -> bool:
    """Return whether the response of *exchange* shows the events of a thread, and does not end by itself."""
    response = exchange.response
    return (
        is_event_stream_request(exchange.request)
        and response.status == 200
        and isinstance(response.content, Stream)
    )


def split_subscriptions(stream: Exchange) -> list[Exchange]:
    """Return the recorded *stream*; if it was a WebSocket, one stream for each of its subscriptions."""
    body = parse_body(stream.request.body)
    parts = body.get("subscriptions") if isinstance(body, dict) else None
    if not isinstance(parts, list) or not parts:
        return [stream]
    return [_select(stream, part) for part in parts]


def pair_ids(
    before: Sequence[RecordedEvent], after: Sequence[RecordedEvent], comparator: Comparator
) -> None:
    """Pair the ids in the events *before* with those *after*: the first event of a name with the first one, and so on."""
    groups: dict[str, list[Json]] = {}
    for name, value in _name_envelopes(after):
        groups.setdefault(name, []).append(value)
    remaining = {name: iter(values) for name, values in groups.items()}
    for name, value in _name_envelopes(before):
        comparator.observe(value, next(remaining.get(name, iter(())), None))


def compare_live_logs(
    before: Iterable[Exchange],
    after: Iterable[Exchange],
    comparator: Comparator,
    *,
    values: bool,
) -> Iterator[str]:
    """Yield the differences of the events of a thread on the live server (*after*) from the recorded ones.

    Compares the events and their order in each graph, and their fields and types; with *values*, everything.
    """
    old_runs, new_runs = (cut_runs(join_streams(streams)) for streams in (before, after))
    count = max(len(old_runs), len(new_runs))
    old_runs += [[]] * (count - len(old_runs))
    new_runs += [[]] * (count - len(new_runs))
    for number, run in enumerate(old_runs):
        if not any(one.event.ends_run for one in run):
            # The client left while the run was going on.
            new_runs[number] = new_runs[number][: len(run)]
    if values:
        old_log, new_log = (
            [one for run in runs for one in order_events(run)] for runs in (old_runs, new_runs)
        )
        changes = compare_events(old_log, new_log, comparator)
        yield from (" ".join(lines) for lines in format_changes(changes))
        return
    for number, (old, new) in enumerate(zip(old_runs, new_runs, strict=True), 1):
        yield from _compare_run(number, _name_events(old), _name_events(new))


def _select(stream: Exchange, subscription: Json) -> Exchange:
    """Return *stream* as it would be with that *subscription* alone."""
    content = stream.response.content
    assert isinstance(content, Stream)
    selected = parse_filter(subscription)
    events: list[TimedEvent] = []
    skipped = 0.0
    for after, message in content.events:
        skipped += after
        read = read_event(message)
        if read is not None and selected.fits(read.event):
            events.append(TimedEvent(skipped, message))
            skipped = 0.0
    return replace(
        stream,
        request=replace(stream.request, body=dumps(subscription).encode()),
        response=replace(stream.response, content=replace(content, events=tuple(events))),
    )


def _compare_run(number: int, before: _Named, after: _Named) -> Iterator[str]:
    old, new = (_collapse(name for name, _ in each) for each in (before, after))
    if old != new:
        pairs = enumerate(zip_longest(old, new))
        start = next(place for place, (old_name, new_name) in pairs if old_name != new_name)
        was, now = (format_names(names, start) for names in (old, new))
        yield f"events of run {number} were {was}, now {now}"
    for name in dict.fromkeys(old):
        shape, live_shape = (
            infer_shape(value for one, value in each if one == name) for each in (before, after)
        )
        if live_shape.types:
            sentences = compare_shapes(shape, live_shape)
            yield from (f"{name}: {sentence}" for sentence in sentences)


def format_names(names: Sequence[str], start: int) -> str:
    """Return some of *names* as text, from the one before number *start*."""
    shown = names[max(start - 1, 0) : start + 4]
    lead, end = "… " if start > 1 else "", " …" if len(names) > start + 4 else ""
    return f"{lead}{', '.join(shown) or 'none'}{end}"


def _collapse(names: Iterable[str]) -> list[str]:
    """Return *names* without those that repeat the one before: their number changes in each run."""
    order: list[str] = []
    for name in names:
        if order[-1:] != [name]:
            order.append(name)
    return order


def _name_events(run: Sequence[RecordedEvent]) -> _Named:
    return [(name, one.data) for name, one in order_events(run)]


def _name_envelopes(events: Sequence[RecordedEvent]) -> Iterator[tuple[str, Json]]:
    for recorded in events:
        event = recorded.event
        yield name_event(event), [event.identity, dict(event.params)]
