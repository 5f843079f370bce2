"""Find all errors of a document that cannot be read, not only the first. No I/O."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from mockserver.cassette import yaml_codec
from mockserver.errors import ReadError
from mockserver.formats.strict_yaml import Mapping, Sequence
from mockserver.tools.cassette_source import Part, iter_items

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
    document = _without_valid_events(part.document)
    build = yaml_codec.build_exchange if part.number else yaml_codec.build_header
    error, seen = part.error, {(part.error.line, part.error.message)}
    is_repeated = False
    while document is not None and len(seen) < MAX_ERRORS:
        is_removed = _remove(document, error, part.line, whole_item=is_repeated)
        if not is_removed and error.code != "not-utf8":
            return
        try:
            build(document)
            return
        except ReadError as next_error:
            error = next_error.at(file=part.file, first_line=part.line)
        is_repeated = (error.line, error.message) in seen
        if not is_repeated:
            seen.add((error.line, error.message))
            yield error


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


def _without_valid_events(document: Mapping | None) -> Mapping | None:
    """Return a copy of *document* without the events that are valid, so that it can be loaded quickly."""
    copy = deepcopy(document)
    response = copy.get("response") if copy else None
    events = response.get("events") if isinstance(response, Mapping) else None
    if isinstance(events, Sequence):
        pairs = zip(list(events), list(events.lines), strict=True)
        events.clear()
        events.lines.clear()
        for event, line in pairs:
            try:
                yaml_codec.build_event(event, line)
            except ReadError:
                events.append(event)
                events.lines.append(line)
    return copy


def _remove(document: Mapping, error: ReadError, first_line: int, *, whole_item: bool) -> bool:
    """Remove the cause of *error* from *document*, or the *whole_item* of the list that holds it; rename a misspelled key instead.

    Return whether the cause was found.
    """
    line = (error.line or first_line) - first_line + 1
    for node, key in reversed(list(_find_nodes(document, line))):
        if not _may_be_cause(key, error, whole_item=whole_item):
            continue
        if error.suggestion is not None and key == error.key and error.suggestion not in node:
            node[error.suggestion] = node.pop(key)
            node.lines[error.suggestion] = node.lines.pop(key)
        else:
            del node[key]
            del node.lines[key]
        return True
    return False


def _may_be_cause(key: str | int, error: ReadError, *, whole_item: bool) -> bool:
    """Return whether *key*, on the line of *error*, may be its cause; only an item of a list can be a *whole_item*."""
    is_unknown = error.code == "unknown-key" and error.key is not None
    if isinstance(key, int):
        return whole_item or not is_unknown
    return not whole_item and key not in _REQUIRED_KEYS and (not is_unknown or key == error.key)


def _find_nodes(document: Mapping, line: int) -> Iterator[tuple[Any, str | int]]:
    """Yield the mappings and lists in *document* with a key or item on *line*, and that key or number; outer ones first."""
    for node, path in iter_items(document):
        if node.lines[path[-1]] == line and not {"body", "data"} & set(path[:-1]):
            yield node, path[-1]
