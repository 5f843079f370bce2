"""Event streams of a live server beside recorded ones: what to ask for, and how far they are. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mockserver.cassette.model import Exchange, Stream, TimedEvent
from mockserver.cassette.thread_streams import asks_for_thread_events
from mockserver.conversations.recorded_events import (
    RecordedEvent,
    cut_runs,
    join_streams,
    read_event,
)
from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.fake.thread_log.filter import parse_filter
from mockserver.formats import sse
from mockserver.formats.json_text import Json, dumps
from mockserver.tools.json_bodies import parse_body
from mockserver.tools.readable_events import name_event


@dataclass(slots=True)
class StreamProgress:
    """How far the events of a stream are: how many runs began or ended, and how many steps came after that.

    The pieces of a text are one step: their number changes in each run.
    """

    marks: int = 0
    steps: int = 0
    is_over: bool = False
    """Whether the last run has ended."""
    _latest: dict[tuple[str, ...], str] = field(default_factory=dict)

    def add_received(self, messages: Iterable[sse.Event]) -> None:
        """Add those of *messages* that are events of a thread."""
        for message in messages:
            if read := read_event(message):
                self.add(read.event)

    def add(self, event: ThreadEvent) -> None:
        name = name_event(event)
        if event.status is not None:
            self.marks, self.steps, self._latest = self.marks + 1, 0, {}
            self.is_over = event.ends_run
        elif self._latest.get(event.namespace) != name:
            self.steps += 1
        self._latest[event.namespace] = name

    @property
    def last_mark(self) -> "StreamProgress":
        """The progress when the last run began or ended."""
        return StreamProgress(self.marks)

    def has_reached(self, other: "StreamProgress") -> bool:
        """Return whether as much happened as in *other*."""
        return (self.marks, self.steps) >= (other.marks, other.steps)


def measure(events: Iterable[RecordedEvent]) -> StreamProgress:
    """Return the progress at the end of *events*."""
    progress = StreamProgress()
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


def is_endless(exchange: Exchange) -> bool:
    """Return whether the response of *exchange* shows the events of a thread, and does not end by itself."""
    response = exchange.response
    return (
        asks_for_thread_events(exchange.request)
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
        if read is not None and selected.selects(read.event):
            events.append(TimedEvent(skipped, message))
            skipped = 0.0
    return replace(
        stream,
        request=replace(stream.request, body=dumps(subscription).encode()),
        response=replace(stream.response, content=replace(content, events=tuple(events))),
    )
