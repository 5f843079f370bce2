"""Secrets that a stream spreads over several events, token by token. No I/O."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import accumulate

from mockserver.cassette.model import TimedEvent
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.formats.sse import Event

DataPath = tuple[str | int, ...]
Find = Callable[[str], Iterable[tuple[int, int]]]


class _Plain(str):
    """Data that is no JSON."""

    __slots__ = ()


def redact_events(
    events: list[TimedEvent], find: Find, placeholder: str
) -> tuple[list[TimedEvent], int]:
    """Return *events* without what *find* finds in the texts that go on from event to event, and how often it did.

    A text goes on where events of one name hold a string at the same place of their data. *find* yields (start, end)
    of each secret in such a text; its first part becomes *placeholder*, its other parts nothing.
    """
    parsed = [_data(timed.event) for timed in events]
    edits: dict[int, dict[DataPath, str]] = {}
    count = 0
    for pieces in _continued_texts(events, parsed):
        whole = "".join(text for _, _, text in pieces)
        spans = _spanning_events(pieces, _merge_spans(find(whole))) if len(pieces) > 1 else []
        count += len(spans)
        for number, place, text in _edit_pieces(pieces, spans, placeholder):
            edits.setdefault(number, {})[place] = text
    changed = list(events)
    for number, texts in edits.items():
        value = _replace_strings(parsed[number], texts)
        text = value if isinstance(parsed[number], _Plain) else dumps(value)
        changed[number] = replace(events[number], event=_with_data(events[number].event, text))
    return changed, count


def _continued_texts(
    events: list[TimedEvent], parsed: list[Json]
) -> Iterable[list[tuple[int, DataPath, str]]]:
    texts: dict[tuple[str, DataPath], list[tuple[int, DataPath, str]]] = {}
    for number, (timed, value) in enumerate(zip(events, parsed, strict=True)):
        name = dict(timed.event.fields).get("event", "") + _message_id(value)
        for place, text in _strings(value, ()):
            texts.setdefault((name, place), []).append((number, place, text))
    return texts.values()


def _message_id(value: Json) -> str:
    """Tell apart messages that are streamed at the same time."""
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
    for number, place, text in pieces:
        end = offset + len(text)
        kept: list[str] = []
        position = offset
        while first < len(spans) and spans[first][1] <= offset:
            first += 1
        for at in range(first, len(spans)):
            start, stop = spans[at]
            if start >= end:
                break
            kept.append(text[position - offset : max(start, offset) - offset])
            if start >= offset:
                kept.append(placeholder)
            position = min(stop, end)
        if position > offset or kept:
            yield number, place, "".join(kept) + text[position - offset :]
        offset = end


def _spanning_events(
    pieces: list[tuple[int, DataPath, str]], spans: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Leave out the spans that lie within one piece: those are found without putting texts together."""
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


def _strings(value: Json, place: DataPath) -> Iterator[tuple[DataPath, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _strings(part, (*place, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _strings(part, (*place, number))


def _replace_strings(value: Json, texts: Mapping[DataPath, str], place: DataPath = ()) -> Json:
    """Return *value*, which stands at *place*, with the new *texts* in their places."""
    if isinstance(value, str):
        return texts.get(place, value)
    if isinstance(value, dict):
        return {name: _replace_strings(part, texts, (*place, name)) for name, part in value.items()}
    if isinstance(value, list):
        return [
            _replace_strings(part, texts, (*place, number)) for number, part in enumerate(value)
        ]
    return value


def _with_data(event: Event, text: str) -> Event:
    return Event(tuple((name, text if name == "data" else old) for name, old in event.fields))
