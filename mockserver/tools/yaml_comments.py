"""Find the comments of a YAML document, and insert them into a new text of it. No I/O."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

import yaml

from mockserver.formats import strict_yaml
from mockserver.tools.cassette_source import KeyPath, iter_items

_POSSIBLE_COMMENT = re.compile(r"(?:^|[ \t])#", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on *line* of its document (from 1)."""

    line: int
    text: str
    is_alone: bool
    """Whether the line holds nothing else."""
    indent: str = ""


def find_comments(text: str) -> list[Comment]:
    """Return the comments of the document *text*, which is strict YAML."""
    if not _POSSIBLE_COMMENT.search(text):
        return []
    found: list[Comment] = []
    for start, part in _iter_outside_scalars(text):
        for match in _COMMENT.finditer(part):
            offset = start + match.start()
            line = text.count("\n", 0, offset) + 1
            before = text[text.rfind("\n", 0, offset) + 1 : offset]
            is_alone = not before.strip()
            indent = before if is_alone else ""
            found.append(Comment(line, match.group().rstrip(), is_alone, indent))
    return found


def insert_comments(text: str, old: str) -> str:
    """Return the document *text* with the comments of *old*, an earlier text of it, each next to the value it belonged to."""
    comments = find_comments(old)
    if not comments:
        return text
    old_anchors = _find_anchors(old)
    new_lines = {path: line for line, path in reversed(_find_anchors(text))}
    starts = [line for line, _ in old_anchors]
    lines = text.split("\n")
    above: dict[int, list[str]] = {}
    at_end: dict[int, list[str]] = {}
    bottom: list[str] = []
    for comment in comments:
        number = bisect_right(starts, comment.line)  # of the first anchor below the comment
        if comment.is_alone:
            path = old_anchors[number][1] if number < len(old_anchors) else None
        else:
            path = old_anchors[bisect_left(starts, starts[number - 1])][1] if number else ()
        if path is None:
            bottom.append(comment.indent + comment.text)
            continue
        parent = path
        while parent and parent not in new_lines:
            parent = parent[:-1]
        line = new_lines.get(parent, 1) - 1
        target = above if comment.is_alone or parent != path else at_end
        target.setdefault(line, []).append(comment.text)
    result: list[str] = []
    for number, line_text in enumerate(lines):
        indent = line_text[: len(line_text) - len(line_text.lstrip(" "))]
        result += [f"{indent}{comment_text}" for comment_text in above.get(number, ())]
        result.append("  ".join((line_text, *at_end.get(number, ()))))
    return "\n".join((*result[:-1], *bottom, result[-1]))


def insert_comments_on_top(text: str, old: str) -> str:
    """Return the document *text* with all comments of *old* at its beginning."""
    separator, rest = ("---\n", text[4:]) if text.startswith("---\n") else ("", text)
    return separator + "".join(f"{comment.text}\n" for comment in find_comments(old)) + rest


def _iter_outside_scalars(text: str) -> Iterator[tuple[int, str]]:
    """Yield the stretches of *text* outside scalars, with their offsets."""
    offset = 0
    for token in yaml.scan(text, Loader=strict_yaml.LOADER):
        if not isinstance(token, yaml.ScalarToken):
            continue
        start, end = token.start_mark.index, token.end_mark.index
        if token.style in ("|", ">"):
            start = text.find("\n", start) if "\n" in text[start:end] else end
        yield offset, text[offset:start]
        offset = end
    yield offset, text[offset:]


def _find_anchors(text: str) -> list[tuple[int, KeyPath]]:
    """Return the lines of the document *text* on which a value begins, with its path, ordered by line."""
    items = iter_items(strict_yaml.parse(text))
    found = [(node.lines[path[-1]], path) for node, path in items]
    return sorted([(1, ()), *found] if text.startswith("---") else found, key=itemgetter(0))
