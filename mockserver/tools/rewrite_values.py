"""Rewrite the values of a cassette, wherever they stand, and say where. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mockserver.cassette.model import Exchange, Header
from mockserver.formats import strict_yaml
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.formats.wording import printable
from mockserver.matching import json_path
from mockserver.matching.differences import ABSENT, Difference, differences
from mockserver.redaction.credentials import find_credentials
from mockserver.redaction.redactor import RedactionRules, Redactor
from mockserver.redaction.rewriter import Rewriter
from mockserver.tools.cassette_source import Part
from mockserver.tools.fmt import dump, rewrite_part
from mockserver.tools.yaml_comments import find_comments

UNREADABLE = "a document that cannot be read"
"""The *where* of a value in a part that cannot be rewritten."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A value that is replaced, *before* by *after*; *where* is its path, such as `request.body.config.api_key`."""

    file: str
    line: int
    exchange: int
    where: str
    before: str = field(repr=False)
    after: str

    def location(self) -> dict[str, str | int]:
        """Return where the value stands, without the value."""
        names = ("file", "line", "exchange", "where")
        return {name: getattr(self, name) for name in names}


def find_secrets(part: Part, rules: RedactionRules) -> Iterator[Replacement]:
    """Yield the values in *part* that look like secrets, or that *rules* define as secret."""
    return find_changes(part, create_redactor(part, rules))


def create_redactor(part: Part, rules: RedactionRules) -> Redactor:
    """Return what redacts *part*, also the credentials of its own request."""
    if part.exchange is None:
        return Redactor((), rules)
    request = part.exchange.request
    return Redactor(find_credentials(request.headers, request.path), rules)


def find_changes(part: Part, rewriter: Rewriter) -> Iterator[Replacement]:
    """Yield the values of *part* that *rewriter* replaces."""
    if part.value is None:
        for line, old in enumerate(part.text.split("\n"), part.line):
            if (new := rewriter.rewrite_text(old)) != old:
                yield Replacement(part.file, line, part.number, UNREADABLE, old, new)
        return
    for each in _differences(part.value, _rewrite(part.value, rewriter)):
        where = printable(rewriter.rewrite_text(json_path.format_path(each.path)))
        line = part.line_of(each.path)
        after = "" if each.got is ABSENT else _text(each.got)
        yield Replacement(part.file, line, part.number, where, _text(each.recorded), after)
    if _may_change_comments(part.text, rewriter):
        for comment in find_comments(part.text):
            if (text := rewriter.rewrite_text(comment.text)) != comment.text:
                line = part.line + comment.line - 1
                yield Replacement(part.file, line, part.number, "a comment", comment.text, text)


def rewrite_values(part: Part, rewriter: Rewriter) -> bytes:
    """Return the text of *part* rewritten by *rewriter*; unchanged if it cannot be read."""
    if part.value is None:
        return part.raw
    rewritten = _rewrite(part.value, rewriter)
    raw = part.raw if rewritten is part.value else rewrite_part(part, rewritten)
    text = raw.decode()
    return (
        _rewrite_comments(text, rewriter).encode() if _may_change_comments(text, rewriter) else raw
    )


def _rewrite(value: Header | Exchange, rewriter: Rewriter) -> Header | Exchange:
    """Return *value* rewritten; the same object if nothing was replaced."""
    if isinstance(value, Exchange):
        return rewriter.rewrite_exchange(value)
    rewritten = replace(
        value,
        upstream=value.upstream and rewriter.rewrite_text(value.upstream),
        recorded=value.recorded and rewriter.rewrite_text(value.recorded),
        server=loads(rewriter.rewrite_text(dumps(value.server))),
        ignore=tuple(map(rewriter.rewrite_text, value.ignore)),
        volatile=tuple(map(rewriter.rewrite_text, value.volatile)),
    )
    return value if rewritten == value else rewritten


def _may_change_comments(text: str, rewriter: Rewriter) -> bool:
    """Return whether *rewriter* changes a line with a `#`; finding the comments takes much longer."""
    lines = "\n".join(line for line in text.split("\n") if "#" in line) if "#" in text else ""
    return rewriter.rewrite_text(lines) != lines


def _rewrite_comments(text: str, rewriter: Rewriter) -> str:
    lines = text.split("\n")
    for comment in find_comments(text):
        rewritten = rewriter.rewrite_text(comment.text)
        line = lines[comment.line - 1]
        if rewritten != comment.text and (start := line.rfind(comment.text)) >= 0:
            lines[comment.line - 1] = line[:start] + rewritten + line[start + len(comment.text) :]
    return "\n".join(lines)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value)


def _differences(before: Header | Exchange, after: Header | Exchange) -> Iterator[Difference]:
    """Yield where the documents of *before* and *after*, its rewritten copy, have another value."""
    if after is not before:
        for each in differences(*(strict_yaml.parse(dump(value)) for value in (before, after))):
            if each.recorded is not ABSENT and each.path != ("redacted",):
                yield each
