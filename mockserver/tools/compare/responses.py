"""Compare two responses to the same request: status, headers, body or events. No I/O."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from mockserver.cassette.model import Body, End, Exchange, Response, Stream
from mockserver.cassette.thread_streams import match_thread_call
from mockserver.formats.json_text import Json, dumps
from mockserver.http.messages import Headers
from mockserver.matching.differences import ABSENT
from mockserver.tools.cassette_source import KeyPath
from mockserver.tools.compare.alignment import align_events
from mockserver.tools.compare.comparator import Change, Comparator, mask_json
from mockserver.tools.json_bodies import parse_body

_PROGRESS = ("id", "meta")
"""The keys in the response to a command that say its number, and how far the log was: they count what else the client did."""


def compare_responses(
    exchange: Exchange, other: Exchange, comparator: Comparator
) -> Iterator[Change]:
    """Yield the differences of the responses of two exchanges. Times are compared only if *comparator* is exact."""
    before, after = (
        one.response if comparator.exact else _without_progress(one) for one in (exchange, other)
    )
    if before.status != after.status:
        yield Change(("status",), before.status, after.status)
    if before.reason != after.reason:
        yield Change(("reason",), _or_absent(before.reason), _or_absent(after.reason))
    headers = _join_by_name(before.headers), _join_by_name(after.headers)
    yield from comparator.compare(*headers, ("headers",))
    match before.content, after.content:
        case Stream() as old_stream, Stream() as new_stream:
            yield from _compare_streams(old_stream, new_stream, comparator)
        case Body() as old_body, Body() as new_body:
            yield from _compare_bodies(old_body.raw, new_body.raw, comparator, ("body",))
            if comparator.exact and old_body.after != new_body.after:
                yield Change(("after",), old_body.after, new_body.after)
        case old, new:
            yield Change(("body",), _kind(old), _kind(new))
    old_end, new_end = before.end or End(), after.end or End()
    if old_end.how is not new_end.how:
        yield Change(("end",), str(old_end.how), str(new_end.how))
    if comparator.exact and old_end.after != new_end.after:
        yield Change(("end", "after"), old_end.after, new_end.after)


def list_named_events(stream: Stream) -> list[tuple[str, Json]]:
    """Return name and data of the events of *stream*, without comments."""
    return [(event.name, parse_body(event.raw)) for event in _events(stream, comments=False)]


class _Event(NamedTuple):
    """Event *number* of a stream; *raw* is its data, or the text of a comment or of a raw event."""

    number: int
    name: str
    raw: bytes
    fields: dict[str, str]
    after: float


def _events(stream: Stream, *, comments: bool) -> list[_Event]:
    """Return the events of *stream*, with or without *comments*, which are heartbeats and depend on time."""
    found: list[_Event] = []
    for number, timed in enumerate(stream.events):
        fields = dict(timed.event.fields)
        if comments or "comment" not in fields:
            name = fields.get("event", "comment" if "comment" in fields else "message")
            texts = (fields[key] for key in ("data", "comment", "raw", "base64") if key in fields)
            raw = next(texts, "").encode("utf-8", "surrogatepass")
            found.append(_Event(number, name, raw, fields, timed.after))
    return found


def _compare_bodies(
    before: bytes, after: bytes, comparator: Comparator, path: KeyPath
) -> Iterator[Change]:
    """Yield the differences of two bodies; if only their spelling differs, this is a change if *comparator* is exact."""
    found = list(comparator.compare(parse_body(before), parse_body(after), path))
    if comparator.exact and not found and before != after:
        yield Change(path, *(raw.decode("utf-8", "replace") for raw in (before, after)))
    yield from found


def _join_by_name(headers: Headers) -> dict[str, Json]:
    joined: dict[str, Json] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _compare_streams(before: Stream, after: Stream, comparator: Comparator) -> Iterator[Change]:
    old_events, new_events = (
        _events(stream, comments=comparator.exact) for stream in (before, after)
    )
    for old, new in align_events(old_events, new_events, _sign):
        if old and new:
            path: KeyPath = ("events", old.number, old.name)
            yield from _compare_bodies(old.raw, new.raw, comparator, path)
            yield from _compare_fields(old, new, comparator, path)
        elif old:
            yield Change(("events", old.number, old.name), parse_body(old.raw), ABSENT)
        elif new:
            yield Change(("events", new.number, new.name), ABSENT, parse_body(new.raw))
    if before.tail != after.tail:
        tails = (stream.tail.decode("utf-8", "replace") for stream in (before, after))
        yield Change(("tail",), *tails)


def _sign(event: _Event) -> tuple[str, str]:
    return event.name, mask_json(parse_body(event.raw))


def _compare_fields(
    before: _Event, after: _Event, comparator: Comparator, path: KeyPath
) -> Iterator[Change]:
    """Yield the differences of id, retry and time. An event id changes in each run, so it counts only if one of the events has none."""
    for name in ("id", "retry"):
        old, new = _or_absent(before.fields.get(name)), _or_absent(after.fields.get(name))
        is_compared = comparator.exact or name == "retry" or ABSENT in (old, new)
        if is_compared and old != new:
            is_masked = name == "id" and not comparator.exact
            shown = ("…" if is_masked and value is not ABSENT else value for value in (old, new))
            yield Change((*path, name), *shown)
    if comparator.exact and before.after != after.after:
        yield Change((*path, "after"), before.after, after.after)


def _without_progress(exchange: Exchange) -> Response:
    """Return the response of *exchange*; if that is a command, without what depends on the other requests of the client."""
    response = exchange.response
    if match_thread_call(exchange.request.path, "commands") is None or not isinstance(
        response.content, Body
    ):
        return response
    answer = parse_body(response.content.raw)
    if not isinstance(answer, dict):
        return response
    kept = {name: value for name, value in answer.items() if name not in _PROGRESS}
    return replace(response, content=replace(response.content, raw=dumps(kept).encode()))


def _or_absent(value: str | None) -> Json:
    return ABSENT if value is None else value


def _kind(content: Stream | Body) -> str:
    return "events" if isinstance(content, Stream) else "a body"
