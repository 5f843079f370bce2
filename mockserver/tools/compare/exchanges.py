"""Two answers to one request beside each other: what changed, and where. No I/O."""

from collections.abc import Iterator

from mockserver.cassette.model import Body, End, Response, Stream, TimedEvent
from mockserver.formats.json_text import Json
from mockserver.http.messages import Headers
from mockserver.matching.keys import ABSENT
from mockserver.tools.compare.alignment import aligned_events
from mockserver.tools.compare.volatile import Aside, Change, signature
from mockserver.tools.json_bodies import parsed
from mockserver.tools.source import Place


def response_changes(before: Response, after: Response, aside: Aside) -> Iterator[Change]:
    """Yield what changed from one answer to the other: status, headers, body or events; with the exact *aside*, times too."""
    if before.status != after.status:
        yield Change(("status",), before.status, after.status)
    if before.reason != after.reason:
        yield Change(("reason",), _there(before.reason), _there(after.reason))
    yield from _headers(before.headers, after.headers, aside)
    match before.content, after.content:
        case Stream() as old, Stream() as new:
            yield from _events(old, new, aside)
        case Body() as one, Body() as other:
            yield from _texts(one.raw, other.raw, aside, ("body",))
            if aside.exact and one.after != other.after:
                yield Change(("after",), one.after, other.after)
        case old_content, new_content:
            yield Change(("body",), _kind(old_content), _kind(new_content))
    ends = [one.end or End() for one in (before, after)]
    if ends[0].cut != ends[1].cut:
        yield Change(("end",), *("cut" if end.cut else "closed" for end in ends))
    if aside.exact and ends[0].after != ends[1].after:
        yield Change(("end", "after"), ends[0].after, ends[1].after)


def named_events(stream: Stream) -> list[tuple[str, Json]]:
    """Return the events of *stream* that are no comments, by name and data."""
    return [(_name(timed), _data(timed)) for timed in stream.events if not _is_comment(timed)]


def _texts(before: bytes, after: bytes, aside: Aside, place: Place) -> Iterator[Change]:
    """Yield what changed from one body to the other; where nothing has but its spelling, that counts when all is to be exact."""
    found = list(aside.changes(parsed(before), parsed(after), place))
    if aside.exact and not found and before != after:
        yield Change(place, *(one.decode("utf-8", "replace") for one in (before, after)))
    yield from found


def _headers(before: Headers, after: Headers, aside: Aside) -> Iterator[Change]:
    old, new = _joined(before), _joined(after)
    yield from aside.changes(old, new, ("headers",))


def _joined(headers: Headers) -> dict[str, Json]:
    joined: dict[str, Json] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _events(before: Stream, after: Stream, aside: Aside) -> Iterator[Change]:
    ours, theirs = _compared(before, aside), _compared(after, aside)
    marks = [[(_name(one), signature(_data(one))) for _, one in side] for side in (ours, theirs)]
    for old, new in aligned_events(*marks):
        if old is not None and new is not None:
            (number, one), (_, other) = ours[old], theirs[new]
            place: Place = ("events", number, _name(one))
            yield from _texts(_text(one), _text(other), aside, place)
            yield from _rests(one, other, aside, place)
        elif old is not None:
            number, one = ours[old]
            yield Change(("events", number, _name(one)), _data(one), ABSENT)
        elif new is not None:
            number, other = theirs[new]
            yield Change(("events", number, _name(other)), ABSENT, _data(other))
    if before.tail != after.tail:
        yield Change(("tail",), *(one.tail.decode("utf-8", "replace") for one in (before, after)))


def _compared(stream: Stream, aside: Aside) -> list[tuple[int, TimedEvent]]:
    """Return the events that count, with their numbers: heartbeats come when a server has nothing to say, which is a matter of time."""
    numbered = enumerate(stream.events)
    return [(number, one) for number, one in numbered if aside.exact or not _is_comment(one)]


def _is_comment(timed: TimedEvent) -> bool:
    return timed.event.fields[:1] != () and timed.event.fields[0][0] == "comment"


def _name(timed: TimedEvent) -> str:
    fields = dict(timed.event.fields)
    return fields.get("event", "comment" if "comment" in fields else "message")


def _data(timed: TimedEvent) -> Json:
    return parsed(_text(timed))


def _text(timed: TimedEvent) -> bytes:
    """Return the data of an event; of one without any, what else it is."""
    fields = dict(timed.event.fields)
    alone = next(
        (fields[name] for name in ("data", "comment", "raw", "base64") if name in fields), ""
    )
    return alone.encode("utf-8", "surrogatepass")


def _rests(before: TimedEvent, after: TimedEvent, aside: Aside, place: Place) -> Iterator[Change]:
    """Yield what changed of id and retry; the id of an event is a time, but whether there is one is none."""
    old, new = (dict(one.event.fields) for one in (before, after))
    for name in ("id", "retry"):
        values = _there(old.get(name)), _there(new.get(name))
        counts = aside.exact or name == "retry" or ABSENT in values
        if counts and values[0] != values[1]:
            told = (one if aside.exact or one is ABSENT or name != "id" else "…" for one in values)
            yield Change((*place, name), *told)
    if aside.exact and before.after != after.after:
        yield Change((*place, "after"), before.after, after.after)


def _there(value: str | None) -> Json:
    return ABSENT if value is None else value


def _kind(content: Stream | Body) -> str:
    return "events" if isinstance(content, Stream) else "a body"
