"""What of a document cannot be read: all of it, not the first fault alone. No I/O."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from mockserver.cassette import yaml_codec
from mockserver.errors import ReadError
from mockserver.formats.strict_yaml import Mapping, Sequence
from mockserver.tools.source import Part

MOST = 50
"""How many faults of one document are told."""

_MENDS = {
    "not-a-cassette": "begin it with `mockserver: 1`",
    "not-yaml": "mend the YAML, or take these lines from git again",
    "conflict": "delete the other side and the lines with the marks",
    "duplicate-key": "delete one of them",
    "unknown-key": "correct its name, or delete it",
    "malformed": "correct the value, or take it from git again",
}
_LOST = "put a line `---` above, where another document begins"
"""What is missing where the keys of one document stand in another."""

_MEANT = re.compile(r"(.*): did you mean `([^`]*)`\?")
"""A message that knows what was meant."""

_SAID = re.compile(r"(.*): ((?:write|leave|save|update|choose) .*)", re.DOTALL)
"""A message that says how to mend it."""

_NEEDED = ("request", "response", "path", "mockserver")
_NAMED = re.compile(r"has no key `(?P<key>.+?)`(?:: did you mean `(?P<meant>.+?)`)?")


def faults(part: Part) -> Iterator[ReadError]:
    """Yield what of *part* cannot be read, with the lines in its file: the fault it has, and those behind that."""
    if part.fault is None:
        return
    yield part.fault
    if part.document is None:
        return
    document = _reduced(part.document)
    build = yaml_codec.exchange_of if part.number else yaml_codec.header_of
    fault, told = part.fault, {(part.fault.line, part.fault.message)}
    again = False
    # What is not UTF-8 may be in what is left out of *document*.
    left_out = _faulty(part.document, fault, part.line, whole=False) is not None
    while len(told) < MOST and (_dropped(document, fault, part.line, whole=again) or left_out):
        left_out = False
        document = _reduced(document)
        try:
            build(document)
        except ReadError as error:
            fault = error.at(file=part.file, first_line=part.line)
            again = (fault.line, fault.message) in told
            if not again:
                told.add((fault.line, fault.message))
                yield fault
        else:
            return


def _reduced(document: Mapping) -> Mapping:
    """Return a copy of *document* without what cannot be wrong in it: bodies, the data of events, and events that can be read.

    What remains is small, so that it can be read again after each fault.
    """

    def value(key: str, part: Any) -> Any:
        is_message = key in ("request", "response") and isinstance(part, Mapping)
        return _mapping(part, _of_message) if is_message else _copy(part)

    return _mapping(document, value)


def _of_message(key: str, value: Any) -> Any:
    if key == "events" and isinstance(value, Sequence):
        return _unreadable(value)
    return "" if key == "body" and isinstance(value, Mapping | Sequence) else _copy(value)


def _unreadable(events: Sequence) -> Sequence:
    """Return a copy of the first of those *events* that cannot be read."""
    copy = Sequence(events.line)
    for event, line in zip(events, events.lines, strict=True):
        try:
            yaml_codec.event_of(event, line)
        except ReadError:
            copy.append(_mapping(event, _of_event) if isinstance(event, Mapping) else event)
            copy.lines.append(line)
            if len(copy) == MOST:
                break
    return copy


def _of_event(key: str, value: Any) -> Any:
    return "" if key == "data" and isinstance(value, Mapping | Sequence) else _copy(value)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _mapping(value, lambda _, part: _copy(part))
    if isinstance(value, Sequence):
        copy = Sequence(value.line)
        copy.lines = list(value.lines)
        copy.extend(map(_copy, value))
        return copy
    return value


def _mapping(mapping: Mapping, value: Callable[[str, Any], Any]) -> Mapping:
    """Return a copy of *mapping* that holds what *value* returns for each key and value of it."""
    copy = Mapping(mapping.line)
    copy.lines = dict(mapping.lines)
    for key, part in mapping.items():
        copy[key] = value(key, part)
    return copy


def told(fault: ReadError, *, header: bool) -> tuple[str, str]:
    """Return what *fault*, maybe of the *header*, is, and how to mend it."""
    twice = fault.code == "duplicate-key" and re.match(
        "key '(request|response|mockserver)'", fault.message
    )
    alien = fault.code == "unknown-key" and re.search(
        "no key `(request|response|mockserver)`", fault.message
    )
    if twice or (alien and (header or "`mockserver`" in fault.message)):
        return fault.message, _LOST
    if like := _MEANT.fullmatch(fault.message):
        return like[1], f"write `{like[2]}`, or delete it"
    if said := _SAID.fullmatch(fault.message):
        return said[1], said[2]
    return fault.message, _MENDS.get(fault.code, _MENDS["malformed"])


def _dropped(document: Mapping, fault: ReadError, first_line: int, *, whole: bool) -> bool:
    """Take what *fault* is about out of *document*, or the *whole* item of a list that it is in, or give a key the name that was meant.

    Tell whether that could be done.
    """
    found = _faulty(document, fault, first_line, whole=whole)
    if found is None:
        return False
    node, key = found
    named = _NAMED.search(fault.message)
    if named and named["meant"] and named["meant"] not in node:
        _rename(node, named["key"], named["meant"])
    else:
        _delete(node, key)
    return True


def _faulty(
    document: Mapping, fault: ReadError, first_line: int, *, whole: bool
) -> tuple[Any, str | int] | None:
    """Return the mapping or list in *document* that holds what *fault* is about, and under which key or number it does."""
    line = (fault.line or first_line) - first_line + 1
    named = _NAMED.search(fault.message)
    for node, key in reversed(list(_on(document, line))):
        if isinstance(key, str) and (whole or key in _NEEDED or (named and key != named["key"])):
            continue
        if isinstance(key, int) and named and not whole:
            continue
        return node, key
    return None


def _delete(node: Any, key: str | int) -> None:
    del node[key]
    del node.lines[key]


def _rename(node: Any, key: str, meant: str) -> None:
    node[meant] = node.pop(key)
    node.lines[meant] = node.lines.pop(key)


def _on(node: object, line: int) -> Iterator[tuple[Mapping | Sequence, str | int]]:
    """Yield what stands on *line* in *node*, outer parts first."""
    if isinstance(node, Mapping):
        for key, part in node.items():
            if node.lines[key] == line:
                yield node, key
            yield from _on(part, line)
    elif isinstance(node, Sequence):
        for number, part in enumerate(node):
            if node.lines[number] == line:
                yield node, number
            yield from _on(part, line)
