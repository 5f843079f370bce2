"""Scalars whose type is not that of their place, as a hand edit leaves them. No I/O."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set
from typing import Any

from mockserver.cassette.model import Body, Stream
from mockserver.cassette.yaml_codec import scalars as style
from mockserver.formats import strict_yaml
from mockserver.formats.json_text import Json, dumps
from mockserver.formats.strict_yaml import Mapping
from mockserver.matching import json_path
from mockserver.tools.lint.findings import Finding
from mockserver.tools.plain_scalars import Plain, plain
from mockserver.tools.source import Part, Place

TEXTS = frozenset(
    (
        *("assistant_id", "thread_id", "run_id", "checkpoint_id", "graph_id"),
        *("stream_mode", "on_disconnect"),
    )
)
"""Fields at the top of a body that hold text, or a list or mapping; a number or a truth value there was text once."""

SAID = frozenset(("content", "role", "type", "id", "name", "tool_call_id"))
"""The same of messages."""

FLAGS = frozenset(("stream_subgraphs", "stream_resumable", "checkpoint_during"))
COUNTS = frozenset(("limit", "offset", "recursion_limit", "after_seconds"))

_NAMES = TEXTS | SAID | FLAGS | COUNTS
_CONTAINERS = (dict, list)
_EVENT_TEXTS = ("event", "id", "comment", "raw")
_OTHERS = 2
"""How many other exchanges must hold a text at a place for a value there to be taken for one that has lost its quotes."""

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|true|false|null")


def findings(part: Part) -> Iterator[Finding]:
    """Yield what has changed its type in *part*; where its text is the canonical one, all texts are quoted that have to be."""
    misfits = _misfits(part)
    scanned = bool(misfits) or (_may_lack_quotes(part) and not part.is_canonical)
    scalars = [one for one in plain(part.text) if one.text] if scanned else []
    places = {place for place, _, _ in misfits}
    for one in scalars:
        if one.place not in places and (found := _loaded(part, one)):
            yield found
    unquoted = {one.place for one in scalars}
    for place, message, is_text in misfits:
        yield Finding(
            part.file,
            part.line_of(place),
            "type-changed",
            part.number,
            message,
            "put it in quotes" if is_text else "write it as the API has it",
            fixable=is_text and place in unquoted,
        )


def to_quote(part: Part, skipped: Set[str] = frozenset()) -> list[Plain]:
    """Return the scalars of *part* that are text by their place, or are taken for something else elsewhere, and have no quotes.

    Those that one of the codes *skipped* finds are left.
    """
    if part.document is None:
        return []
    misfits = {place: is_text for place, _, is_text in _misfits(part)}
    found: list[Plain] = []
    for one in plain(part.text):
        if one.place in misfits:
            code = "type-changed" if misfits[one.place] else None
        else:
            told = _loaded(part, one) if one.text else None
            code = told.code if told else None
        if code and code not in skipped:
            found.append(one)
    return found


def _may_lack_quotes(part: Part) -> bool:
    """Return whether `_loaded` can find something in *part*, if none of its scalars had quotes."""
    if not part.laid_out:
        document = part.document
        return document is not None and (
            any(map(_reads_otherwise, _texts(document))) or _has_odd_type(document)
        )
    assert part.exchange is not None
    request, response = part.exchange.request, part.exchange.response
    texts = _texts(part.bodies) | {request.path, *(value for _, value in response.headers)}
    if isinstance(response.content, Stream):
        rows = response.content.rows or ()
        texts.update(*({event, identity, comment} for event, _, identity, comment in rows))
    return any(map(_reads_otherwise, texts))


def _texts(value: Json) -> set[str]:
    """Return the texts in *value*; keys are none."""
    values = [value]
    texts: set[str] = set()
    while values:
        one = values.pop()
        if isinstance(one, str):
            texts.add(one)
        elif isinstance(one, dict):
            values += one.values()
        elif isinstance(one, list | tuple):
            values += one
    return texts


def _has_odd_type(document: Mapping) -> bool:
    """Return whether there may be anything but a text in a place of *document* of which `_wants_text` says so."""
    parts: list[tuple[Any, Iterable[str] | None]] = [
        (document, ("upstream",)),
        (document.get("server", Mapping(1)), None),
    ]
    for name in ("request", "response"):
        message = document.get(name)
        if isinstance(message, Mapping):
            parts += ((message, ("reason", "tail")), (message.get("headers", Mapping(1)), None))
            events = message.get("events")
            if isinstance(events, list):
                parts += ((event, _EVENT_TEXTS) for event in events)
    return any(
        not isinstance(part, Mapping)
        or not all(isinstance(part.get(name, ""), str) for name in names or part)
        for part, names in parts
    )


def odd_ones(parts: Iterable[Part]) -> Iterator[Finding]:
    """Yield the numbers, truth values and nulls that stand where other exchanges of the file hold a text that reads the same way."""
    texts: dict[tuple[str, Place], Counter[int]] = defaultdict(Counter)
    others: list[tuple[Part, tuple[str, Place], Json]] = []
    for part in parts:
        assert part.exchange is not None
        request = part.exchange.request
        for place, value in _leaves(part.bodies[0], ()):
            if place and place[-1] in _NAMES:
                continue
            there = (request.path.partition("?")[0].rpartition("/")[2], place)
            if isinstance(value, str) and _NUMBER.fullmatch(value):
                texts[there][part.number] += 1
            elif isinstance(value, bool | int | float):
                others.append((part, there, value))
    for part, there, value in others:
        if len(texts[there]) >= _OTHERS:
            place = ("request", "body", *there[1])
            yield Finding(
                part.file,
                part.line_of(place),
                "type-changed",
                part.number,
                f"{json_path.text(place[1:])} is {dumps(value)} here, and text in {len(texts[there])} other exchanges",
                "put it in quotes, if it is text here too",
            )


def _loaded(part: Part, one: Plain) -> Finding | None:
    """Return what is to be said of a plain scalar by its place in the cassette, and by its spelling."""
    value = strict_yaml.scalar(one.text)
    is_text = isinstance(value, str)
    where = json_path.text(one.place)
    said = (part.file, part.line + one.line - 1)
    if not is_text and _wants_text(one.place):
        kind = (
            "true or false" if isinstance(value, bool) else "null" if value is None else "a number"
        )
        message = f"{where} is {kind}, {one.text}, where text belongs"
        return Finding(
            *said, "type-changed", part.number, message, "put it in quotes", fixable=True
        )
    if is_text and one.place != ("recorded",) and _reads_otherwise(one.text):
        message = f"{where}: {one.text} is text here, and something else to other YAML readers"
        return Finding(*said, "unquoted", part.number, message, "put it in quotes", fixable=True)
    return None


def _wants_text(place: Place) -> bool:
    match place:
        case ("request" | "response", "headers", *_) | ("response", "reason" | "tail"):
            return True
        case ("response", "events", int(), str(name)):
            return name in _EVENT_TEXTS
        case ("upstream",) | ("server", _):
            return True
        case _:
            return False


def _reads_otherwise(text: str) -> bool:
    """Tell whether a plain *text* that is text here may be a number, a date or a truth value elsewhere."""
    if style.must_be_quoted(text) or "\n" in text:
        return False
    return style.scalar(text) != text


def _misfits(part: Part) -> list[tuple[Place, str, bool]]:
    """Return the places of API fields with a value of another type, what is to be said of each, and whether text belongs there."""
    exchange = part.exchange
    if exchange is None:
        return []
    found: list[tuple[Place, str, bool]] = []
    content = exchange.response.content
    if exchange.response.status < 400:  # else the server has said so itself
        found += _typed(part.bodies[0], ("request", "body"), asked=True)
    if isinstance(content, Body):
        found += _typed(part.bodies[1], ("response", "body"), asked=False)
    document = part.document if isinstance(content, Stream) and content.rows is None else None
    events = document["response"].get("events", ()) if document else ()
    for number, event in enumerate(events or ()):
        if isinstance(event, dict) and isinstance(event.get("data"), dict | list):
            found += _typed(event["data"], ("response", "events", number, "data"), asked=False)
    return found


def _typed(value: Json, place: Place, *, asked: bool) -> Iterator[tuple[Place, str, bool]]:
    for below, leaf in _leaves(value, ()):
        if not below or below[-1] not in _NAMES:
            continue
        name, top = below[-1], len(below) == 1
        is_number = isinstance(leaf, int | float) and not isinstance(leaf, bool)
        if isinstance(leaf, str):
            wanted = top and asked and (name in FLAGS or name in COUNTS)
        elif leaf is None:
            wanted = name == "content" and _is_empty_message(
                json_path.get(value, below[:-1], {}), below
            )
        else:
            wanted = (top and name in TEXTS) or (name in SAID and _is_in_messages(below))
        odd_flag = top and asked and name in FLAGS and is_number
        if not (wanted or odd_flag):
            continue
        shown = f"{json_path.text((*place[1:], *below))} is {dumps(leaf)[:60]}"
        if wanted and isinstance(leaf, str):
            kind = "true or false" if name in FLAGS else "a number"
            yield (*place, *below), f"{shown}, where {kind} belongs", False
        else:
            yield (*place, *below), f"{shown}, where text belongs", wanted and leaf is not None


def _is_in_messages(below: Place) -> bool:
    """Tell whether the field at *below* is one of a message: `messages[0].content`."""
    return len(below) > 2 and isinstance(below[-2], int) and below[-3] == "messages"


def _is_empty_message(message: Json, below: Place) -> bool:
    """Tell whether *message*, in a list of them, says nothing at all, not even by calling a tool."""
    return (
        _is_in_messages(below)
        and not {"tool_calls", "additional_kwargs", "function_call"} & message.keys()
    )


def _leaves(value: Json, place: Place) -> Iterator[tuple[Place, Json]]:
    parts: Iterable[tuple[str | int, Json]]
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        yield place, value
        return
    for step, part in parts:
        if isinstance(part, _CONTAINERS):
            yield from _leaves(part, (*place, step))
        else:
            yield (*place, step), part
