"""Check that scalars have the type of their field; a manual edit easily loses quotes. No I/O."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

import yaml

from mockserver.cassette.model import Stream
from mockserver.cassette.yaml_codec import scalars
from mockserver.formats import strict_yaml
from mockserver.formats.json_text import Json, dumps
from mockserver.matching import json_path
from mockserver.tools.cassette_source import KeyPath, Part, iter_items
from mockserver.tools.lint.findings import Finding, create_finding

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
_EVENT_TEXT_FIELDS = ("event", "id", "comment", "raw")
_MIN_OTHERS = 2
"""How many other exchanges must hold text in a field before a number there is reported."""

_WORDS = re.compile(r"(?![yYnNtTfFoO])[A-Za-z][A-Za-z0-9_ ]*")
"""Text for every YAML reader: it begins like no boolean, null, number or date. This check is quick, and most texts pass it."""

_JSON_SCALAR = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|true|false|null")


class _PlainScalar(NamedTuple):
    """A scalar without quotes at *path*, from *start* to *end* in the document."""

    text: str
    path: KeyPath
    start: int
    end: int


class _Problem(NamedTuple):
    """A value at *path* with the wrong type; if it *needs_quotes* and is a plain *scalar*, `--fix` adds them."""

    path: KeyPath
    code: str
    message: str
    needs_quotes: bool
    scalar: _PlainScalar | None = None


def check_part(part: Part) -> Iterator[Finding]:
    """Yield the findings about scalars in *part* whose type does not fit, or that need quotes."""
    for path, code, message, needs_quotes, scalar in _find_problems(part):
        fix = "put it in quotes" if needs_quotes else "write the type that the API expects"
        fixable = needs_quotes and scalar is not None
        yield create_finding(part, path, code, message, fix, fixable=fixable)


def add_quotes(part: Part, skipped: Set[str]) -> str:
    """Return the text of *part* with its plain scalars in quotes if they need them, except those found by one of the codes *skipped*."""
    scalars = [
        problem.scalar
        for problem in _find_problems(part)
        if problem.scalar and problem.needs_quotes and problem.code not in skipped
    ]
    pieces: list[str] = []
    end = 0
    for scalar in sorted(scalars, key=lambda scalar: scalar.start):
        pieces += (part.text[end : scalar.start], "'", scalar.text.replace("'", "''"), "'")
        end = scalar.end
    return "".join((*pieces, part.text[end:]))


def find_other_types(parts: Iterable[Part]) -> Iterator[Finding]:
    """Yield a finding for each number, boolean or null in a field that holds text in other exchanges of the file."""
    texts: dict[tuple[str, KeyPath], set[int]] = defaultdict(set)
    others: list[tuple[Part, tuple[str, KeyPath], Json]] = []
    for part in parts:
        assert part.exchange is not None
        request = part.exchange.request
        for path, value in _iter_leaves(part.bodies[0]):
            if path and path[-1] in _API_FIELDS:
                continue
            field = (request.path.partition("?")[0].rpartition("/")[2], path)
            if isinstance(value, str) and _JSON_SCALAR.fullmatch(value):
                texts[field].add(part.number)
            elif isinstance(value, bool | int | float):
                others.append((part, field, value))
    for part, field, value in others:
        path, count = field[1], len(texts[field])
        if count >= _MIN_OTHERS:
            shown = f"{json_path.format_path(('body', *path))} is {dumps(value)}"
            message = f"{shown}, but text in {count} other exchanges"
            fix = "put it in quotes, if it is text here too"
            yield create_finding(part, ("request", "body", *path), "type-changed", message, fix)


def _find_problems(part: Part) -> Iterator[_Problem]:
    mismatches = {mismatch.path: mismatch for mismatch in _find_mismatches(part)}
    suspects = set(mismatches)
    if not part.is_canonical:
        items = iter_items(part.document)
        suspects |= {path for node, path in items if _is_suspect(path, node[path[-1]])}
    root = yaml.compose(part.text, strict_yaml.LOADER) if suspects and part.document else None
    plain = _find_plain_scalars(root)
    scalars = {scalar.path: scalar for scalar in plain if scalar.path in suspects and scalar.text}
    for path, mismatch in mismatches.items():
        yield mismatch._replace(scalar=scalars.pop(path, None))
    yield from map(_describe, scalars.values())


def _find_plain_scalars(node: yaml.Node | None, path: KeyPath = ()) -> Iterator[_PlainScalar]:
    """Yield the scalars without quotes at and below *node*, which is at *path*; keys are left out."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _find_plain_scalars(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _find_plain_scalars(item, (*path, number))
    elif isinstance(node, yaml.ScalarNode) and not node.style:
        yield _PlainScalar(node.value, path, node.start_mark.index, node.end_mark.index)


def _is_suspect(path: KeyPath, value: Json) -> bool:
    """Return whether the *value* at *path* needs quotes, unless it has them."""
    if isinstance(value, str):
        return path != ("recorded",) and _is_ambiguous(value)
    return not isinstance(value, dict | list) and _must_be_text(path)


def _describe(scalar: _PlainScalar) -> _Problem:
    """Return the problem with a plain *scalar* that is suspect."""
    value = strict_yaml.parse_scalar(scalar.text)
    path = json_path.format_path(scalar.path)
    if isinstance(value, str):
        message = f"{path}: {scalar.text} is text here, but another type for other YAML readers"
        return _Problem(scalar.path, "unquoted", message, True, scalar)
    kind = "a boolean" if isinstance(value, bool) else "null" if value is None else "a number"
    message = f"{path} is {kind}, {scalar.text}, but must be text"
    return _Problem(scalar.path, "type-changed", message, True, scalar)


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


def _find_mismatches(part: Part) -> Iterator[_Problem]:
    exchange = part.exchange
    if exchange is None:
        return
    if exchange.response.status < 400:  # otherwise the server has rejected the request itself
        yield from _compare_with_api(part.bodies[0], ("request", "body"))
    yield from _compare_with_api(part.bodies[1], ("response", "body"))
    if part.is_canonical or not isinstance(exchange.response.content, Stream):
        return  # the data of events is text in the canonical form
    events = part.document["response"].get("events") if part.document else None
    for number, event in enumerate(events or ()):
        if isinstance(event, dict) and isinstance(event.get("data"), dict | list):
            yield from _compare_with_api(event["data"], ("response", "events", number, "data"))


def _compare_with_api(value: Json, path: KeyPath) -> Iterator[_Problem]:
    """Yield the API fields in *value*, which is at *path*, that have another type in the API."""
    for below, leaf in _iter_leaves(value):
        is_option = path[0] == "request" and len(below) == 1
        expected = _find_expected_type(value, below, leaf, is_option=is_option)
        if expected is not None:
            shown = f"{json_path.format_path((*path[1:], *below))} is {dumps(leaf)[:60]}"
            message = f"{shown}, but must be {expected}"
            needs_quotes = expected == "text" and leaf is not None
            yield _Problem((*path, *below), "type-changed", message, needs_quotes)


def _find_expected_type(value: Json, path: KeyPath, leaf: Json, *, is_option: bool) -> str | None:
    """Return the type that the API has for the *leaf* at *path* of *value*; None if that is its type, or it is no API field."""
    name = path[-1] if path else None
    if is_option and name in BOOLEAN_FIELDS and not isinstance(leaf, bool | None):
        return "a boolean"
    if isinstance(leaf, str):
        return "a number" if is_option and name in NUMBER_FIELDS else None
    is_in_message = len(path) > 2 and isinstance(path[-2], int) and path[-3] == "messages"
    if leaf is None:
        is_empty = name == "content" and is_in_message and not _has_calls(value, path[:-1])
        return "text" if is_empty else None
    must_be_text = len(path) == 1 and name in TEXT_FIELDS
    return "text" if must_be_text or (is_in_message and name in MESSAGE_TEXT_FIELDS) else None


def _has_calls(value: Json, path: KeyPath) -> bool:
    """Return whether the message at *path* calls a tool."""
    message = json_path.get(value, path, {})
    return bool({"tool_calls", "additional_kwargs", "function_call"} & message.keys())


def _iter_leaves(value: Json, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Json]]:
    """Yield what is neither an object nor a list in *value*, with its path."""
    if isinstance(value, dict | list):
        for step, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _iter_leaves(part, (*path, step))
    else:
        yield path, value
