"""Redaction of secrets that a stream spreads over several events, token by token. No I/O."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

from mockserver.cassette.model import TimedEvent
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.formats.sse import Event

DataPath = tuple[str | int, ...]
Find = Callable[[str], Iterable[tuple[int, int]]]


class _Plain(str):
    """Data that is not JSON."""

    __slots__ = ()


def redact_events(
    events: list[TimedEvent], find: Find, placeholder: str
) -> tuple[list[TimedEvent], int]:
    """Return *events* without the secrets in texts that continue over several events, and the number of secrets.

    Strings at the same path in the data of events with one name are joined to a text. *find* yields (start, end) of each
    secret in it. The first part of a secret becomes *placeholder*, its other parts are removed.
    """
    parsed = [_data(timed.event) for timed in events]
    edits: dict[int, dict[DataPath, str]] = {}
    count = 0
    for pieces in _continued_texts(events, parsed):
        whole = "".join(text for _, _, text in pieces)
        spans = _spanning_events(pieces, _merge_spans(find(whole))) if len(pieces) > 1 else []
        count += len(spans)
        for number, path, text in _edit_pieces(pieces, spans, placeholder):
            edits.setdefault(number, {})[path] = text
    changed = list(events)
    for number, texts in edits.items():
        value = _replace_strings(parsed[number], texts)
        text = value if isinstance(parsed[number], _Plain) else dumps(value)
        changed[number] = events[number]._replace(event=_with_data(events[number].event, text))
    return changed, count


def _continued_texts(
    events: list[TimedEvent], parsed: list[Json]
) -> Iterable[list[tuple[int, DataPath, str]]]:
    texts: dict[tuple[str, DataPath], list[tuple[int, DataPath, str]]] = {}
    for number, (timed, value) in enumerate(zip(events, parsed, strict=True)):
        name = dict(timed.event.fields).get("event", "") + _message_id(value)
        for path, text in _strings(value, ()):
            texts.setdefault((name, path), []).append((number, path, text))
    return texts.values()


def _message_id(value: Json) -> str:
    """Return the id of the message, because several messages may be streamed at the same time."""
    match value:
        case [{"id": str(identity)}, *_]:
            return identity
        case _:
            return ""


def _edit_pieces(
    pieces: list[tuple[int, DataPath, str]], spans: list[tuple[int, int]], placeholder: str
) -> Iterator[tuple[int, DataPath, str]]:
    if not spans:
        return
    offset = first = 0
    for number, path, text in pieces:
        end = offset + len(text)
        parts: list[str] = []
        position = offset
        while first < len(spans) and spans[first][1] <= offset:
            first += 1
        for at in range(first, len(spans)):
            start, stop = spans[at]
            if start >= end:
                break
            parts.append(text[position - offset : max(start, offset) - offset])
            if start >= offset:
                parts.append(placeholder)
            position = min(stop, end)
        if position > offset or parts:
            yield number, path, "".join(parts) + text[position - offset :]
        offset = end


def _spanning_events(
    pieces: list[tuple[int, DataPath, str]], spans: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return the *spans* that cover several pieces; the others are found in each event alone."""
    ends = list(accumulate(len(text) for _, _, text in pieces))
    return [
        (start, stop)
        for start, stop in spans
        if bisect_right(ends, start) != bisect_right(ends, stop - 1)
    ]


def _merge_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _data(event: Event) -> Json:
    text = dict(event.fields).get("data", "")
    try:
        return loads(text) if text[:1] in ("{", "[", '"') else _Plain(text)
    except ValueError:
        return _Plain(text)


def _strings(value: Json, path: DataPath) -> Iterator[tuple[DataPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _strings(part, (*path, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _strings(part, (*path, number))


def _replace_strings(value: Json, texts: Mapping[DataPath, str], path: DataPath = ()) -> Json:
    """Return *value*, which is at *path*, with the strings at the paths of *texts* replaced."""
    if isinstance(value, str):
        return texts.get(path, value)
    if isinstance(value, dict):
        return {name: _replace_strings(part, texts, (*path, name)) for name, part in value.items()}
    if isinstance(value, list):
        return [_replace_strings(part, texts, (*path, number)) for number, part in enumerate(value)]
    return value


def _with_data(event: Event, text: str) -> Event:
    return Event(tuple((name, text if name == "data" else old) for name, old in event.fields))
