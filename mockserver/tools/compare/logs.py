"""Compare the events of a thread in two recordings, however many streams showed them. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mockserver.cassette.event_streams import find_thread
from mockserver.cassette.model import Body, Exchange, Response
from mockserver.conversations.joined_streams import RecordedEvent, cut_runs, join_streams
from mockserver.formats.json_text import Json, dumps
from mockserver.matching.keys import ABSENT
from mockserver.tools.compare.alignment import align_events
from mockserver.tools.compare.volatile import Change, Comparator, mask_json
from mockserver.tools.event_logs import LogEvent, join_texts
from mockserver.tools.json_bodies import parse_body

_PROGRESS = ("id", "meta")
"""The keys in the response to a command that say its number, and how far the log was: they count what else the client did."""


def compare_logs(
    before: Iterable[Exchange], after: Iterable[Exchange], comparator: Comparator
) -> Iterator[Change]:
    """Yield the differences of the events of a thread in the streams *before* and *after*, apart from ids and times.

    The pieces of a text are compared as one text. Events of different namespaces may come in another order.
    """
    old_log, new_log = (list(order_log(join_streams(streams))) for streams in (before, after))
    signatures = [
        [(name, mask_json(content(one))) for name, one in log] for log in (old_log, new_log)
    ]
    for old_index, new_index in align_events(*signatures):
        old_name, old = ("", None) if old_index is None else old_log[old_index]
        new_name, new = ("", None) if new_index is None else new_log[new_index]
        number = next(one.number for one in (old, new) if one is not None)
        path = ("events", number, old_name or new_name)
        if old and new:
            yield from comparator.compare(content(old), content(new), path)
        else:
            yield Change(path, *(ABSENT if one is None else one.data for one in (old, new)))


def order_log(events: Iterable[RecordedEvent]) -> Iterator[tuple[str, LogEvent]]:
    """Yield *events* with their names: run after run, and those of each namespace together."""
    for run in cut_runs(events):
        by_namespace: dict[tuple[str, ...], list[LogEvent]] = {}
        for one in join_texts(run):
            by_namespace.setdefault(one.event.namespace, []).append(one)
        for namespace, log in by_namespace.items():
            graphs = "/".join(segment.partition(":")[0] for segment in namespace)
            for one in log:
                yield f"{one.name} in {graphs}" if graphs else one.name, one


def content(one: LogEvent) -> Json:
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
