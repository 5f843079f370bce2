"""Two answers to one request beside each other: what changed, and where. No I/O."""

from collections.abc import Iterator

from mockserver.cassette.matching import ABSENT
from mockserver.cassette.model import Body, Response, Stream, TimedEvent
from mockserver.jsontext import Json, loads
from mockserver.messages import Headers
from mockserver.upkeep.aligned import aligned_events
from mockserver.upkeep.aside import Aside, Change, signature
from mockserver.upkeep.source import Place


def response_changes(before: Response, after: Response, aside: Aside) -> Iterator[Change]:
    """Yield what changed from one answer to the other: status, headers, body or events; with the exact *aside*, times too."""
    if before.status != after.status:
        yield Change(("status",), before.status, after.status)
    yield from _headers(before.headers, after.headers, aside)
    match before.content, after.content:
        case Stream() as old, Stream() as new:
            yield from _events(old, new, aside)
        case Body() as one, Body() as other:
            yield from aside.changes(parsed(one.raw), parsed(other.raw), ("body",))
            if aside.exact and one.after != other.after:
                yield Change(("after",), one.after, other.after)
        case old_content, new_content:
            yield Change(("body",), _kind(old_content), _kind(new_content))
    ends = [bool(one.end and one.end.cut) for one in (before, after)]
    if ends[0] != ends[1]:
        yield Change(("end",), *("cut" if end else "closed" for end in ends))


def named_events(stream: Stream) -> list[tuple[str, Json]]:
    """Return the events of *stream* that are no comments, by name and data."""
    return [(_name(timed), _data(timed)) for timed in stream.events if not _is_comment(timed)]


def parsed(raw: bytes) -> Json:
    """Return *raw* as JSON where it is some, else as text; ABSENT where it is empty."""
    if not raw:
        return ABSENT
    text = raw.decode("utf-8", "replace")
    try:
        return loads(text)
    except ValueError:
        return text


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
            yield from aside.changes(_data(one), _data(other), place)
            if aside.exact:
                yield from aside.changes(_rest(one), _rest(other), place)
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
    fields = dict(timed.event.fields)
    text = fields.get("data")
    if text is None:
        return next(iter(fields.values()), ABSENT) if "event" not in fields else ABSENT
    return parsed(text.encode("utf-8", "surrogatepass")) if text else ""


def _rest(timed: TimedEvent) -> dict[str, Json]:
    rest: dict[str, Json] = {
        name: text for name, text in timed.event.fields if name in ("id", "retry")
    }
    return rest | {"after": timed.after}


def _kind(content: Stream | Body) -> str:
    return "events" if isinstance(content, Stream) else "a body"
