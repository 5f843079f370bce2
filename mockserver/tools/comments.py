"""The comments of a document: found in its text, and put back where it is written anew. No I/O."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from mockserver.formats import strict_yaml
from mockserver.formats.strict_yaml import Mapping, Sequence
from mockserver.tools.source import Place

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAYBE = re.compile(r"(?:^|[ \t])#", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on *line* of its document (from 1); *alone*: nothing else stands there."""

    line: int
    text: str
    alone: bool
    indent: str = ""


def comments(text: str) -> list[Comment]:
    """Return the comments of the document *text*, which is strict YAML."""
    if not _MAYBE.search(text):
        return []
    found: list[Comment] = []
    line, counted = 1, 0  # the line at that character
    for start, part in _between(text):
        for match in _COMMENT.finditer(part):
            at = start + match.start()
            begins = text.rfind("\n", 0, at) + 1
            before = text[begins:at]
            line += text.count("\n", counted, at)
            counted = at
            alone = not before.strip()
            indent = before if alone else ""
            found.append(Comment(line, match.group().rstrip(), alone, indent))
    return found


def with_comments(text: str, old: str) -> str:
    """Return the document *text* with the comments of *old*, whose value was the same, each beside what it stood beside."""
    kept = comments(old)
    if not kept:
        return text
    before, now = _anchors(old), {place: line for line, place in reversed(_anchors(text))}
    starts = [line for line, _ in before]
    lines = text.split("\n")
    above: dict[int, list[str]] = {}
    behind: dict[int, list[str]] = {}
    last: list[str] = []
    for comment in kept:
        number = bisect_right(starts, comment.line)  # of the first anchor below it
        if comment.alone:
            place = before[number][1] if number < len(before) else None
        else:
            place = before[bisect_left(starts, starts[number - 1])][1] if number else ()
        if place is None:
            last.append(comment.indent + comment.text)
            continue
        there = place
        while there and there not in now:
            there = there[:-1]
        at = now.get(there, 1) - 1
        beside = above if comment.alone or there != place else behind
        beside.setdefault(at, []).append(comment.text)
    told: list[str] = []
    for number, line in enumerate(lines):
        indent = line[: len(line) - len(line.lstrip(" "))]
        told += [f"{indent}{one}" for one in above.get(number, ())]
        told.append("  ".join((line, *behind.get(number, ()))))
    return "\n".join((*told[:-1], *last, told[-1]))


def with_comments_above(text: str, old: str) -> str:
    """Return the document *text* with the comments of *old* above all that stands in it."""
    separator, rest = ("---\n", text[4:]) if text.startswith("---\n") else ("", text)
    return separator + "".join(f"{comment.text}\n" for comment in comments(old)) + rest


def _between(text: str) -> Iterator[tuple[int, str]]:
    """Yield what of *text* stands in no scalar, each part with where it begins."""
    at = 0
    for token in yaml.scan(text, Loader=_LOADER):
        if not isinstance(token, yaml.ScalarToken):
            continue
        start, end = token.start_mark.index, token.end_mark.index
        if token.style in ("|", ">"):
            start = text.find("\n", start) if "\n" in text[start:end] else end
        yield at, text[at:start]
        at = end
    yield at, text[at:]


def _anchors(text: str) -> list[tuple[int, Place]]:
    """Return the lines on which something begins in the document *text*, with its place, in the order of the lines."""
    found = [(1, ())] if text.startswith("---") else []
    return sorted([*found, *_below(strict_yaml.read(text), ())], key=lambda anchor: anchor[0])


def _below(value: object, place: Place) -> Iterator[tuple[int, Place]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield value.lines[key], (*place, key)
            yield from _below(part, (*place, key))
    elif isinstance(value, Sequence):
        for number, part in enumerate(value):
            yield value.lines[number], (*place, number)
            yield from _below(part, (*place, number))
