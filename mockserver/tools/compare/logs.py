"""Compare the events of a thread in two recordings, however many streams showed them. No I/O."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mockserver.cassette.event_streams import find_thread
from mockserver.cassette.model import Body, Exchange, Response
from mockserver.conversations.recorded_events import RecordedEvent, cut_runs, join_streams
from mockserver.formats.json_text import Json, dumps
from mockserver.matching.keys import ABSENT
from mockserver.tools.compare.alignment import align_events
from mockserver.tools.compare.volatile import Change, Comparator, mask_json
from mockserver.tools.event_logs import LogEvent, join_texts
from mockserver.tools.json_bodies import parse_body

_PROGRESS = ("id", "meta")
"""The keys in the response to a command that say its number, and how far the log was: they count what else the client did."""

NamedEvent = tuple[str, LogEvent]
"""An event with a name that says what happened in which graph."""


def compare_logs(
    before: Iterable[Exchange], after: Iterable[Exchange], comparator: Comparator
) -> Iterator[Change]:
    """Yield the differences of the events of a thread in the streams *before* and *after*, apart from ids and times.

    The pieces of a text are compared as one text. Events of different namespaces may come in another order.
    """
    old_log, new_log = (
        [one for run in cut_runs(join_streams(streams)) for one in order_events(run)]
        for streams in (before, after)
    )
    return compare_events(old_log, new_log, comparator)


def compare_events(
    before: Sequence[NamedEvent], after: Sequence[NamedEvent], comparator: Comparator
) -> Iterator[Change]:
    """Yield the differences of two logs."""
    signatures = [
        [(name, mask_json(_content(one))) for name, one in log] for log in (before, after)
    ]
    for old_index, new_index in align_events(*signatures):
        old_name, old = ("", None) if old_index is None else before[old_index]
        new_name, new = ("", None) if new_index is None else after[new_index]
        number = next(one.number for one in (old, new) if one is not None)
        path = ("events", number, old_name or new_name)
        if old and new:
            yield from comparator.compare(_content(old), _content(new), path)
        else:
            yield Change(path, *(ABSENT if one is None else one.data for one in (old, new)))


def order_events(run: Iterable[RecordedEvent]) -> Iterator[NamedEvent]:
    """Yield the events of a *run* with their names, those of each namespace together; the pieces of a text are one event."""
    by_namespace: dict[tuple[str, ...], list[LogEvent]] = {}
    for one in join_texts(run):
        by_namespace.setdefault(one.event.namespace, []).append(one)
    for namespace, log in by_namespace.items():
        graphs = "/".join(segment.partition(":")[0] for segment in namespace)
        for one in log:
            yield f"{one.name} in {graphs}" if graphs else one.name, one


def _content(one: LogEvent) -> Json:
    """Return what counts of an event: all but its time and its id."""
    return {name: value for name, value in one.event.params.items() if name != "timestamp"}


def without_progress(exchange: Exchange) -> Response:
    """Return the response of *exchange*; if that is a command, without what depends on the other requests of the client."""
    response = exchange.response
    if find_thread(exchange.request.path, "commands") is None or not isinstance(
        response.content, Body
    ):
        return response
    answer = parse_body(response.content.raw)
    if not isinstance(answer, dict):
        return response
    kept = {name: value for name, value in answer.items() if name not in _PROGRESS}
    return replace(response, content=replace(response.content, raw=dumps(kept).encode()))
