"""Compare the events of a thread in two recordings, or in a recording and on a live server, however many streams showed them. No I/O."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest

from mockserver.cassette.model import Exchange
from mockserver.conversations.recorded_events import RecordedEvent, cut_runs, join_streams
from mockserver.formats.json_text import Json
from mockserver.matching.differences import ABSENT
from mockserver.tools.cassette_source import KeyPath
from mockserver.tools.compare.alignment import align_events
from mockserver.tools.compare.change_report import format_changes
from mockserver.tools.compare.comparator import Change, Comparator, NamedValue, mask_json
from mockserver.tools.compare.structure import compare_events
from mockserver.tools.readable_events import LogEvent, join_texts, name_event

Run = Sequence[RecordedEvent]


def compare_logs(
    before: Iterable[Exchange], after: Iterable[Exchange], comparator: Comparator
) -> Iterator[Change]:
    """Yield the differences of the events of a thread in the streams *before* and *after*, apart from ids and times.

    The pieces of a text are compared as one text. Events of different namespaces may come in another order.
    """
    old_runs, new_runs = (cut_runs(join_streams(streams)) for streams in (before, after))
    return _compare_runs(old_runs, new_runs, comparator)


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
    pairs = [
        # If the run has no end, the client left while it was going on.
        (old, new if any(one.event.ends_run for one in old) else new[: len(old)])
        for old, new in zip_longest(old_runs, new_runs, fillvalue=())
    ]
    if values:
        changes = _compare_runs((old for old, _ in pairs), (new for _, new in pairs), comparator)
        yield from (" ".join(lines) for lines in format_changes(changes))
        return
    for number, (old, new) in enumerate(pairs, 1):
        named, new_named = ([(_name(one), one.data) for one in _order(run)] for run in (old, new))
        yield from compare_events(named, new_named, f"events of run {number}", lambda _: True)


def pair_ids_in_streams(
    before: Iterable[Exchange], after: Iterable[Exchange], comparator: Comparator
) -> None:
    """Pair the ids in the events of the streams *before* with those *after*."""
    logs = (join_streams(streams) for streams in (before, after))
    comparator.pair_ids_in_events(*(map(_name_envelope, log) for log in logs))


def _name_envelope(recorded: RecordedEvent) -> NamedValue:
    event = recorded.event
    return name_event(event), [event.identity, dict(event.params)]


def _compare_runs(
    old_runs: Iterable[Run], new_runs: Iterable[Run], comparator: Comparator
) -> Iterator[Change]:
    before, after = ([one for run in runs for one in _order(run)] for runs in (old_runs, new_runs))
    for old, new in align_events(before, after, _sign):
        if old and new:
            yield from comparator.compare(_content(old), _content(new), _path(old))
        elif old:
            yield Change(_path(old), old.data, ABSENT)
        elif new:
            yield Change(_path(new), ABSENT, new.data)


def _order(run: Run) -> Iterator[LogEvent]:
    """Return the events of a *run*, those of each namespace together; the pieces of a text are one event."""
    by_namespace: dict[tuple[str, ...], list[LogEvent]] = {}
    for one in join_texts(run):
        by_namespace.setdefault(one.event.namespace, []).append(one)
    return chain.from_iterable(by_namespace.values())


def _name(one: LogEvent) -> str:
    """Return what happened in which graph."""
    graphs = "/".join(segment.partition(":")[0] for segment in one.event.namespace)
    return f"{one.name} in {graphs}" if graphs else one.name


def _path(one: LogEvent) -> KeyPath:
    return "events", one.number, _name(one)


def _sign(one: LogEvent) -> tuple[str, str]:
    return _name(one), mask_json(_content(one))


def _content(one: LogEvent) -> Json:
    """Return what counts of an event: all but its time and its id."""
    return {name: value for name, value in one.event.params.items() if name != "timestamp"}
