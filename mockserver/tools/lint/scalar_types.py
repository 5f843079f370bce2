"""Check that scalars have the type of their field; a manual edit easily loses quotes. No I/O."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set
from typing import Any, NamedTuple

from mockserver.cassette.model import Body, Stream
from mockserver.cassette.yaml_codec import scalars
from mockserver.formats import strict_yaml
from mockserver.formats.json_text import Json, dumps
from mockserver.formats.strict_yaml import Mapping
from mockserver.matching import json_path
from mockserver.tools.lint.findings import Finding
from mockserver.tools.plain_scalars import PlainScalar, find_plain_scalars
from mockserver.tools.source import KeyPath, Part

TEXT_FIELDS = frozenset(
    (
        *("assistant_id", "thread_id", "run_id", "checkpoint_id", "graph_id"),
        *("stream_mode", "on_disconnect"),
    )
)
"""Fields at the top of a body that hold text, a list or a mapping. A number or a boolean there has lost its quotes."""

MESSAGE_TEXT_FIELDS = frozenset(("content", "role", "type", "id", "name", "tool_call_id"))
"""The same for the fields of a message."""

BOOLEAN_FIELDS = frozenset(("stream_subgraphs", "stream_resumable", "checkpoint_during"))
NUMBER_FIELDS = frozenset(("limit", "offset", "recursion_limit", "after_seconds"))

_API_FIELDS = TEXT_FIELDS | MESSAGE_TEXT_FIELDS | BOOLEAN_FIELDS | NUMBER_FIELDS
_CONTAINERS = (dict, list)
_EVENT_TEXT_FIELDS = ("event", "id", "comment", "raw")
_MIN_OTHERS = 2
"""How many other exchanges must hold text in a field before a number there is reported."""

_WORDS = re.compile(r"(?![yYnNtTfFoO])[A-Za-z][A-Za-z0-9_ ]*")
"""Text for every YAML reader: it begins like no boolean, null, number or date. This check is quick, and most texts pass it."""

_JSON_SCALAR = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|true|false|null")
_QUOTE_IT = "put it in quotes"


class _Mismatch(NamedTuple):
    """An API field with a value of another type; *is_text*: quotes would fix it."""

    path: KeyPath
    message: str
    is_text: bool


def check_part(part: Part) -> Iterator[Finding]:
    """Yield the findings about scalars in *part* whose type does not fit, or that need quotes."""
    mismatches = _find_mismatches(part)
    is_scanned = bool(mismatches) or (not part.is_canonical and _may_lack_quotes(part.document))
    plain = (
        [scalar for scalar in find_plain_scalars(part.text) if scalar.text] if is_scanned else []
    )
    reported = {mismatch.path for mismatch in mismatches}
    for scalar in plain:
        if scalar.path not in reported and (finding := _check_plain(part, scalar)):
            yield finding
    unquoted = {scalar.path for scalar in plain}
    for path, message, is_text in mismatches:
        yield Finding(
            part.file,
            part.line_of(path),
            "type-changed",
            part.number,
            message,
            _QUOTE_IT if is_text else "write the type that the API expects",
            fixable=is_text and path in unquoted,
        )


def scalars_to_quote(part: Part, skipped: Set[str] = frozenset()) -> list[PlainScalar]:
    """Return the plain scalars of *part* that need quotes, except those found by one of the codes *skipped*."""
    if part.document is None:
        return []
    mismatches = {path: is_text for path, _, is_text in _find_mismatches(part)}
    found: list[PlainScalar] = []
    for scalar in find_plain_scalars(part.text):
        if scalar.path in mismatches:
            code = "type-changed" if mismatches[scalar.path] else None
        else:
            finding = _check_plain(part, scalar) if scalar.text else None
            code = finding.code if finding else None
        if code and code not in skipped:
            found.append(scalar)
    return found


def compare_types(parts: Iterable[Part]) -> Iterator[Finding]:
    """Yield a finding for each number, boolean or null in a field that holds text in other exchanges of the file."""
    texts: dict[tuple[str, KeyPath], Counter[int]] = defaultdict(Counter)
    others: list[tuple[Part, tuple[str, KeyPath], Json]] = []
    for part in parts:
        assert part.exchange is not None
        request = part.exchange.request
        for path, value in _leaves(part.bodies[0], ()):
            if path and path[-1] in _API_FIELDS:
                continue
            field = (request.path.partition("?")[0].rpartition("/")[2], path)
            if isinstance(value, str) and _JSON_SCALAR.fullmatch(value):
                texts[field][part.number] += 1
            elif isinstance(value, bool | int | float):
                others.append((part, field, value))
    for part, field, value in others:
        if len(texts[field]) >= _MIN_OTHERS:
            path = ("request", "body", *field[1])
            yield Finding(
                part.file,
                part.line_of(path),
                "type-changed",
                part.number,
                f"{json_path.format_path(path[1:])} is {dumps(value)}, but text in {len(texts[field])} other exchanges",
                "put it in quotes, if it is text here too",
            )


def _may_lack_quotes(document: Mapping | None) -> bool:
    """Return whether `_check_plain` could find something in *document* if none of its scalars had quotes."""
    return document is not None and (
        any(map(_is_ambiguous, _texts(document))) or _has_odd_type(document)
    )


def _texts(value: Json) -> set[str]:
    """Return the texts in *value*, without keys."""
    values = [value]
    texts: set[str] = set()
    while values:
        item = values.pop()
        if isinstance(item, str):
            texts.add(item)
        elif isinstance(item, dict):
            values += item.values()
        elif isinstance(item, list | tuple):
            values += item
    return texts


def _has_odd_type(document: Mapping) -> bool:
    """Return whether a field of *document* for which `_must_be_text` holds may have another type."""
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
                parts += ((event, _EVENT_TEXT_FIELDS) for event in events)
    return any(
        not isinstance(part, Mapping)
        or not all(isinstance(part.get(name, ""), str) for name in names or part)
        for part, names in parts
    )


def _check_plain(part: Part, scalar: PlainScalar) -> Finding | None:
    """Return the finding about the type or the spelling of a plain *scalar*, or None."""
    value = strict_yaml.parse_scalar(scalar.text)
    is_text = isinstance(value, str)
    path = json_path.format_path(scalar.path)
    line = part.line + scalar.line - 1
    if not is_text and _must_be_text(scalar.path):
        kind = "a boolean" if isinstance(value, bool) else "null" if value is None else "a number"
        code, message = "type-changed", f"{path} is {kind}, {scalar.text}, but must be text"
    elif is_text and scalar.path != ("recorded",) and _is_ambiguous(scalar.text):
        code = "unquoted"
        message = f"{path}: {scalar.text} is text here, but another type for other YAML readers"
    else:
        return None
    return Finding(part.file, line, code, part.number, message, _QUOTE_IT, fixable=True)


def _must_be_text(path: KeyPath) -> bool:
    match path:
        case ("request" | "response", "headers", *_) | ("response", "reason" | "tail"):
            return True
        case ("response", "events", int(), str(name)):
            return name in _EVENT_TEXT_FIELDS
        case ("upstream",) | ("server", _):
            return True
        case _:
            return False


def _is_ambiguous(text: str) -> bool:
    """Return whether a plain *text* may be a number, a date or a boolean for other YAML readers."""
    if _WORDS.fullmatch(text) or scalars.must_be_quoted(text) or "\n" in text:
        return False
    return scalars.scalar(text) != text


def _find_mismatches(part: Part) -> list[_Mismatch]:
    exchange = part.exchange
    if exchange is None:
        return []
    found: list[_Mismatch] = []
    content = exchange.response.content
    if exchange.response.status < 400:  # otherwise the server has rejected the request itself
        found += _compare_with_api(part.bodies[0], ("request", "body"), is_request=True)
    if isinstance(content, Body):
        found += _compare_with_api(part.bodies[1], ("response", "body"), is_request=False)
    document = part.document if isinstance(content, Stream) and not part.is_canonical else None
    events = document["response"].get("events", ()) if document else ()
    for number, event in enumerate(events or ()):
        if isinstance(event, dict) and isinstance(event.get("data"), dict | list):
            path = ("response", "events", number, "data")
            found += _compare_with_api(event["data"], path, is_request=False)
    return found


def _compare_with_api(value: Json, path: KeyPath, *, is_request: bool) -> Iterator[_Mismatch]:
    """Yield the API fields in *value*, which is at *path*, that have another type in the API."""
    for below, leaf in _leaves(value, ()):
        if not below or below[-1] not in _API_FIELDS:
            continue
        name, is_top = below[-1], len(below) == 1
        is_option = is_top and is_request
        is_number = isinstance(leaf, int | float) and not isinstance(leaf, bool)
        if isinstance(leaf, str):
            is_mismatch = is_option and (name in BOOLEAN_FIELDS or name in NUMBER_FIELDS)
        elif leaf is None:
            is_mismatch = name == "content" and _is_empty_message(
                json_path.get(value, below[:-1], {}), below
            )
        else:
            is_mismatch = (is_top and name in TEXT_FIELDS) or (
                name in MESSAGE_TEXT_FIELDS and _is_in_messages(below)
            )
        is_odd_boolean = is_option and name in BOOLEAN_FIELDS and is_number
        if not (is_mismatch or is_odd_boolean):
            continue
        shown = f"{json_path.format_path((*path[1:], *below))} is {dumps(leaf)[:60]}"
        if is_odd_boolean or (isinstance(leaf, str) and name in BOOLEAN_FIELDS):
            kind, is_text = "a boolean", False
        elif isinstance(leaf, str):
            kind, is_text = "a number", False
        else:
            kind, is_text = "text", leaf is not None
        yield _Mismatch((*path, *below), f"{shown}, but must be {kind}", is_text)


def _is_in_messages(path: KeyPath) -> bool:
    """Return whether *path* is that of a field of a message, such as `messages[0].content`."""
    return len(path) > 2 and isinstance(path[-2], int) and path[-3] == "messages"


def _is_empty_message(message: Json, path: KeyPath) -> bool:
    """Return whether *message*, in a list of messages, has no content and calls no tool."""
    return (
        _is_in_messages(path)
        and not {"tool_calls", "additional_kwargs", "function_call"} & message.keys()
    )


def _leaves(value: Json, path: KeyPath) -> Iterator[tuple[KeyPath, Json]]:
    parts: Iterable[tuple[str | int, Json]]
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        yield path, value
        return
    for step, part in parts:
        if isinstance(part, _CONTAINERS):
            yield from _leaves(part, (*path, step))
        else:
            yield (*path, step), part
