"""The events of a thread as people read them: named by what they say, and with the pieces of a text joined. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mockserver.cassette.model import Exchange, Stream
from mockserver.cassette.thread_streams import find_shown_runs, match_thread_call
from mockserver.conversations.recorded_events import RecordedEvent
from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.formats.json_text import Json

_DELTA = "messages content-block-delta"


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event, or *count* consecutive pieces of one text, as of the first piece.

    *number* is its place in the thread, *at* when it arrived, in seconds since the recording started.
    """

    number: int
    at: float
    event: ThreadEvent
    count: int = 1

    @property
    def name(self) -> str:
        return name_event(self.event)

    @property
    def data(self) -> Json:
        return self.event.params.get("data")


def name_event(event: ThreadEvent) -> str:
    """Return the method of *event*, and what happened: `lifecycle running`, `messages message-start`."""
    match event.params.get("data"):
        case {"event": str(happened)}:
            return f"{event.method} {happened}"
        case _:
            return event.method


def find_event_thread(exchange: Exchange) -> str | None:
    """Return the path of the thread whose events the response of *exchange* shows, or None."""
    request, response = exchange.request, exchange.response
    if request.method != "POST" or response.status != 200:
        return None
    shows_events = isinstance(response.content, Stream)
    return match_thread_call(request.path, "stream/events") if shows_events else None


def starts_run(exchange: Exchange) -> bool:
    """Return whether *exchange* is a command that started a run."""
    marks = find_shown_runs(exchange)
    return marks is not None and marks.commands > 0


def join_texts(events: Iterable[RecordedEvent]) -> list[LogEvent]:
    """Return *events* with the pieces of each text as one event. Texts of different namespaces may come at the same time."""
    joined: list[LogEvent] = []
    latest: dict[tuple[str, ...], int] = {}
    """The index of the last event of each namespace in *joined*."""
    for recorded in events:
        current = LogEvent(recorded.seq, recorded.at, recorded.event)
        index = latest.get(recorded.event.namespace)
        whole = None if index is None else _join(joined[index], current)
        if index is None or whole is None:
            latest[recorded.event.namespace] = len(joined)
            joined.append(current)
        else:
            joined[index] = whole
    return joined


def _join(first: LogEvent, second: LogEvent) -> LogEvent | None:
    """Return both as one event if *second* continues the text of *first*, else None."""
    if first.name != _DELTA or second.name != _DELTA:
        return None
    old, new = ({**one.event.params, "timestamp": None} for one in (first, second))
    delta = _join_deltas(old["data"].get("delta"), new["data"].get("delta"))
    joined = {**old, "data": {**old["data"], "delta": delta}}
    if delta is None or joined != {**new, "data": {**new["data"], "delta": delta}}:
        return None
    joined["timestamp"] = first.event.params.get("timestamp")
    event = replace(first.event, params=joined)
    return replace(first, event=event, count=first.count + second.count)


def _join_deltas(first: Json, second: Json) -> Json | None:
    """Return the delta of both texts, or None if they are not of one kind."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return None
    texts = [name for name, value in first.items() if name != "type" and isinstance(value, str)]
    if not all(isinstance(second.get(name), str) for name in texts):
        return None
    joined = {name: first[name] + second[name] for name in texts}
    return {**first, **joined} if {**first, **joined} == {**second, **joined} else None
