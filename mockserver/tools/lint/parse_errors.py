"""Find all errors of a document that cannot be read, not only the first. No I/O."""

from collections.abc import Callable, Iterator
from typing import Any

from mockserver.cassette import yaml_codec
from mockserver.errors import ReadError
from mockserver.formats.strict_yaml import Mapping, Sequence
from mockserver.tools.source import Part

MAX_ERRORS = 50
"""The highest number of errors reported for one document."""

_FIXES = {
    "not-yaml": "fix the YAML, or restore these lines from git",
    "duplicate-key": "delete one of them",
    "unknown-key": "correct the name, or delete the key",
    "malformed": "correct the value, or restore it from git",
}
_ADD_SEPARATOR = "add a line `---` above: another document begins here"
_TOP_KEYS = ("request", "response", "mockserver")
_REQUIRED_KEYS = ("request", "response", "path", "mockserver")


def find_errors(part: Part) -> Iterator[ReadError]:
    """Yield the errors in *part*, with their lines in its file.

    The loader stops at the first error. So the cause of each error is removed from a copy of the document, which is then loaded again.
    """
    if part.error is None:
        return
    yield part.error
    if part.document is None:
        return
    document = _reduce(part.document)
    build = yaml_codec.exchange_from if part.number else yaml_codec.header_from
    error, seen = part.error, {(part.error.line, part.error.message)}
    is_repeated = False
    # Bytes that are not UTF-8 may be in a part that `_reduce` leaves out.
    is_left_out = _locate(part.document, error, part.line, whole_item=False) is not None
    while len(seen) < MAX_ERRORS and (
        _remove(document, error, part.line, whole_item=is_repeated) or is_left_out
    ):
        is_left_out = False
        document = _reduce(document)
        try:
            build(document)
        except ReadError as next_error:
            error = next_error.at(file=part.file, first_line=part.line)
            is_repeated = (error.line, error.message) in seen
            if not is_repeated:
                seen.add((error.line, error.message))
                yield error
        else:
            return


def explain(error: ReadError, *, is_header: bool) -> tuple[str, str]:
    """Return what is wrong and how to fix it, for an *error* in the header or in an exchange."""
    is_in_wrong_document = error.key in _TOP_KEYS and (
        error.code == "duplicate-key"
        or (error.code == "unknown-key" and (is_header or error.key == "mockserver"))
    )
    if is_in_wrong_document:
        return error.message, _ADD_SEPARATOR
    if error.suggestion is not None:
        return error.problem, f"write `{error.suggestion}`, or delete the key"
    return error.problem, error.fix or _FIXES.get(error.code, _FIXES["malformed"])


def _reduce(document: Mapping) -> Mapping:
    """Return a copy of *document* without bodies, the data of events, and valid events.

    None of these can be wrong. The rest is small, so that it can be loaded again after each error.
    """

    def copy_part(key: str, part: Any) -> Any:
        is_message = key in ("request", "response") and isinstance(part, Mapping)
        return _copy_mapping(part, _reduce_message) if is_message else _copy(part)

    return _copy_mapping(document, copy_part)


def _reduce_message(key: str, value: Any) -> Any:
    if key == "events" and isinstance(value, Sequence):
        return _invalid_events(value)
    return "" if key == "body" and isinstance(value, Mapping | Sequence) else _copy(value)


def _invalid_events(events: Sequence) -> Sequence:
    """Return a copy of the first MAX_ERRORS of *events* that cannot be loaded."""
    copy = Sequence(events.line)
    for event, line in zip(events, events.lines, strict=True):
        try:
            yaml_codec.event_from(event, line)
        except ReadError:
            copy.append(
                _copy_mapping(event, _reduce_event) if isinstance(event, Mapping) else event
            )
            copy.lines.append(line)
            if len(copy) == MAX_ERRORS:
                break
    return copy


def _reduce_event(key: str, value: Any) -> Any:
    return "" if key == "data" and isinstance(value, Mapping | Sequence) else _copy(value)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _copy_mapping(value, lambda _, part: _copy(part))
    if isinstance(value, Sequence):
        copy = Sequence(value.line)
        copy.lines = list(value.lines)
        copy.extend(map(_copy, value))
        return copy
    return value


def _copy_mapping(mapping: Mapping, copy_value: Callable[[str, Any], Any]) -> Mapping:
    copy = Mapping(mapping.line)
    copy.lines = dict(mapping.lines)
    for key, value in mapping.items():
        copy[key] = copy_value(key, value)
    return copy


def _remove(document: Mapping, error: ReadError, first_line: int, *, whole_item: bool) -> bool:
    """Remove the cause of *error* from *document*, or the *whole_item* of the list that holds it; rename a misspelled key instead.

    Return whether the cause was found.
    """
    found = _locate(document, error, first_line, whole_item=whole_item)
    if found is None:
        return False
    node, key = found
    if error.key is not None and error.suggestion is not None and error.suggestion not in node:
        node[error.suggestion] = node.pop(error.key)
        node.lines[error.suggestion] = node.lines.pop(error.key)
    else:
        del node[key]
        del node.lines[key]
    return True


def _locate(
    document: Mapping, error: ReadError, first_line: int, *, whole_item: bool
) -> tuple[Any, str | int] | None:
    """Return the mapping or list in *document* that holds the cause of *error*, and its key or number there."""
    line = (error.line or first_line) - first_line + 1
    unknown = error.key if error.code == "unknown-key" else None
    for node, key in reversed(list(_nodes_on(document, line))):
        if isinstance(key, str) and (
            whole_item or key in _REQUIRED_KEYS or (unknown is not None and key != unknown)
        ):
            continue
        if isinstance(key, int) and unknown is not None and not whole_item:
            continue
        return node, key
    return None


def _nodes_on(node: object, line: int) -> Iterator[tuple[Mapping | Sequence, str | int]]:
    """Yield the mappings and lists in *node* with a key or item on *line*, and that key or number; outer ones first."""
    if isinstance(node, Mapping):
        for key, part in node.items():
            if node.lines[key] == line:
                yield node, key
            yield from _nodes_on(part, line)
    elif isinstance(node, Sequence):
        for number, part in enumerate(node):
            if node.lines[number] == line:
                yield node, number
            yield from _nodes_on(part, line)
