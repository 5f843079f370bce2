"""Format changes as text and as JSON. No I/O."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mockserver.formats.json_text import Json, dumps
from mockserver.formats.wording import pluralize, printable
from mockserver.matching import json_path
from mockserver.matching.differences import ABSENT
from mockserver.tools.cassette_source import KeyPath
from mockserver.tools.compare.comparator import Change

MAX_LENGTH = 120
"""The number of characters shown of a long value."""

CONTEXT = 40
"""How many of them come before the first difference."""

MAX_DIFFERENCES = 20
"""How many distinct differences a summary lists."""

MAX_LABELS = 3
"""How many exchanges it names for each of them."""

EVERY = "*"
"""In a path: the numbers of several items."""

_WHERE = re.compile(r"^events\[[\d*]+\] |  \(\d+ times\)")
"""The part of a sentence that says which events of an exchange have the difference."""


def group_changes(changes: Iterable[Change]) -> list[tuple[Change, int]]:
    """Return *changes* with the number of times that each occurs: equal ones in several items of a list become one, with EVERY in its path."""
    found: dict[str, tuple[Change, int]] = {}
    for change in changes:
        steps = [EVERY if isinstance(step, int) else [step] for step in change.path]
        values = [None if value is ABSENT else [value] for value in (change.before, change.after)]
        key = dumps([steps, values])
        known, count = found.get(key, (change, 0))
        pairs = zip(known.path, change.path, strict=True)
        path = tuple(step if step == other else EVERY for step, other in pairs)
        found[key] = replace(known, path=path), count + 1
    return list(found.values())


def format_changes(changes: Iterable[Change]) -> Iterator[list[str]]:
    """Yield the lines for each of *changes*: the path, then the old and the new value; a long value is cut around the first difference."""
    for change, count in group_changes(changes):
        times = f"  ({count} times)" if count > 1 else ""
        values = change.before, change.after
        texts = ["" if value is ABSENT else printable(dumps(value)) for value in values]
        pairs = enumerate(zip(*texts, strict=False))
        first = next((number for number, (old, new) in pairs if old != new), min(map(len, texts)))
        start = max(first - CONTEXT, 0)
        marked = zip("-+", texts, strict=True)
        excerpts = [f"{mark} {_shorten_text(text, start)}" for mark, text in marked if text]
        yield [f"{format_path(change.path)}{times}", *excerpts]


def summarize(differences: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the lines of a summary of *differences*, given as exchange and sentence: each sentence once, with the exchanges that have it, the most frequent first.

    There is none if each sentence occurs in one exchange.
    """
    labels: dict[str, dict[str, None]] = {}
    for label, sentence in differences:
        labels.setdefault(_WHERE.sub("", sentence), {})[label] = None
    if all(len(one) == 1 for one in labels.values()):
        return
    yield f"{pluralize(len(labels), 'distinct difference')}:"
    ordered = sorted(labels.items(), key=lambda item: -len(item[1]))
    for sentence, found in ordered[:MAX_DIFFERENCES]:
        times = f" ({len(found)} times)" if len(found) > 1 else ""
        more = ", …" if len(found) > MAX_LABELS else ""
        yield f"  {sentence}{times}: {', '.join(list(found)[:MAX_LABELS])}{more}"
    if len(ordered) > MAX_DIFFERENCES:
        yield f"  and {len(ordered) - MAX_DIFFERENCES} more"


def changes_to_json(changes: Iterable[Change]) -> list[Json]:
    """Return *changes* as JSON objects; a value that is absent has no key."""
    result: list[Json] = []
    for change, count in group_changes(changes):
        values = (("before", change.before), ("after", change.after))
        fields: dict[str, Json] = {"path": format_path(change.path)}
        fields |= {name: value for name, value in values if value is not ABSENT}
        result.append(fields | ({"times": count} if count > 1 else {}))
    return result


def format_path(path: KeyPath) -> str:
    """Return *path* for people: `events[2] updates agent.messages[0].content`."""
    event = ""
    if path[:1] == ("events",) and len(path) > 2:
        event, path = f"events[{path[1]}] {path[2]} ", path[3:]
    steps = tuple(json_path.ItemSelector() if step == EVERY else step for step in path)
    return printable(f"{event}{json_path.format_path(steps)}".rstrip())


def _shorten_text(text: str, start: int) -> str:
    if len(text) <= MAX_LENGTH:
        return text
    start = min(start, len(text) - MAX_LENGTH)
    before, after = "…" if start else "", "…" if start + MAX_LENGTH < len(text) else ""
    return f"{before}{text[start : start + MAX_LENGTH]}{after} ({len(text)} characters)"
