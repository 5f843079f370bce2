"""Compare two responses to the same request: status, headers, body or events. No I/O."""

from collections.abc import Iterator

from mockserver.cassette.model import Body, End, Response, Stream, TimedEvent
from mockserver.formats.json_text import Json
from mockserver.http.messages import Headers
from mockserver.matching.keys import ABSENT
from mockserver.tools.compare.alignment import align_events
from mockserver.tools.compare.volatile import Change, Comparator, signature
from mockserver.tools.json_bodies import parse_body
from mockserver.tools.source import KeyPath


def response_changes(before: Response, after: Response, comparator: Comparator) -> Iterator[Change]:
    """Yield the differences of two responses. Times are compared only if *comparator* is exact."""
    if before.status != after.status:
        yield Change(("status",), before.status, after.status)
    if before.reason != after.reason:
        yield Change(("reason",), _or_absent(before.reason), _or_absent(after.reason))
    headers = _by_name(before.headers), _by_name(after.headers)
    yield from comparator.changes(*headers, ("headers",))
    match before.content, after.content:
        case Stream() as old_stream, Stream() as new_stream:
            yield from _stream_changes(old_stream, new_stream, comparator)
        case Body() as old_body, Body() as new_body:
            yield from _text_changes(old_body.raw, new_body.raw, comparator, ("body",))
            if comparator.exact and old_body.after != new_body.after:
                yield Change(("after",), old_body.after, new_body.after)
        case old, new:
            yield Change(("body",), _kind(old), _kind(new))
    old_end, new_end = before.end or End(), after.end or End()
    if old_end.cut != new_end.cut:
        yield Change(("end",), *("cut" if end.cut else "closed" for end in (old_end, new_end)))
    if comparator.exact and old_end.after != new_end.after:
        yield Change(("end", "after"), old_end.after, new_end.after)


def named_events(stream: Stream) -> list[tuple[str, Json]]:
    """Return name and data of the events of *stream*, without comments."""
    return [(_name(timed), _data(timed)) for timed in stream.events if not _is_comment(timed)]


def _text_changes(
    before: bytes, after: bytes, comparator: Comparator, path: KeyPath
) -> Iterator[Change]:
    """Yield the differences of two bodies; if only their spelling differs, this is a change if *comparator* is exact."""
    found = list(comparator.changes(parse_body(before), parse_body(after), path))
    if comparator.exact and not found and before != after:
        yield Change(path, *(raw.decode("utf-8", "replace") for raw in (before, after)))
    yield from found


def _by_name(headers: Headers) -> dict[str, Json]:
    joined: dict[str, Json] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _stream_changes(before: Stream, after: Stream, comparator: Comparator) -> Iterator[Change]:
    old_events = _compared_events(before, comparator)
    new_events = _compared_events(after, comparator)
    signatures = [
        [(_name(timed), signature(_data(timed))) for _, timed in events]
        for events in (old_events, new_events)
    ]
    for old_index, new_index in align_events(*signatures):
        if old_index is not None and new_index is not None:
            (number, old), (_, new) = old_events[old_index], new_events[new_index]
            path: KeyPath = ("events", number, _name(old))
            yield from _text_changes(_text(old), _text(new), comparator, path)
            yield from _field_changes(old, new, comparator, path)
        elif old_index is not None:
            number, old = old_events[old_index]
            yield Change(("events", number, _name(old)), _data(old), ABSENT)
        elif new_index is not None:
            number, new = new_events[new_index]
            yield Change(("events", number, _name(new)), ABSENT, _data(new))
    if before.tail != after.tail:
        tails = (stream.tail.decode("utf-8", "replace") for stream in (before, after))
        yield Change(("tail",), *tails)


def _compared_events(stream: Stream, comparator: Comparator) -> list[tuple[int, TimedEvent]]:
    """Return the events that are compared, with their numbers. Comments are heartbeats, which depend on time."""
    return [
        (number, timed)
        for number, timed in enumerate(stream.events)
        if comparator.exact or not _is_comment(timed)
    ]


def _is_comment(timed: TimedEvent) -> bool:
    return timed.event.fields[:1] != () and timed.event.fields[0][0] == "comment"


def _name(timed: TimedEvent) -> str:
    fields = dict(timed.event.fields)
    return fields.get("event", "comment" if "comment" in fields else "message")


def _data(timed: TimedEvent) -> Json:
    return parse_body(_text(timed))


def _text(timed: TimedEvent) -> bytes:
    """Return the data of an event, or the text of a comment or a raw event."""
    fields = dict(timed.event.fields)
    text = next(
        (fields[name] for name in ("data", "comment", "raw", "base64") if name in fields), ""
    )
    return text.encode("utf-8", "surrogatepass")


def _field_changes(
    before: TimedEvent, after: TimedEvent, comparator: Comparator, path: KeyPath
) -> Iterator[Change]:
    """Yield the differences of id, retry and time. An event id changes in each run, so it counts only if one of the events has none."""
    old_fields, new_fields = dict(before.event.fields), dict(after.event.fields)
    for name in ("id", "retry"):
        old, new = _or_absent(old_fields.get(name)), _or_absent(new_fields.get(name))
        is_compared = comparator.exact or name == "retry" or ABSENT in (old, new)
        if is_compared and old != new:
            is_masked = name == "id" and not comparator.exact
            shown = ("…" if is_masked and value is not ABSENT else value for value in (old, new))
            yield Change((*path, name), *shown)
    if comparator.exact and before.after != after.after:
        yield Change((*path, "after"), before.after, after.after)


def _or_absent(value: str | None) -> Json:
    return ABSENT if value is None else value


def _kind(content: Stream | Body) -> str:
    return "events" if isinstance(content, Stream) else "a body"
