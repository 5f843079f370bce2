"""Rewrite the values of a cassette, wherever they stand, and say where. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mockserver.cassette.model import Body, Exchange, Header, Response, Stream
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.formats.wording import printable
from mockserver.http.messages import Headers
from mockserver.matching.keys import ABSENT, differences
from mockserver.redaction.rewriter import Rewriter
from mockserver.tools.comments import find_comments
from mockserver.tools.fmt import rewrite_part
from mockserver.tools.source import KeyPath, Part

UNREADABLE = "a document that cannot be read"
"""The *where* of a value in a part that cannot be rewritten."""


_Changed = tuple[KeyPath, Json, Json]
"""A path, and the values there before and after."""


@dataclass(frozen=True, slots=True)
class Change:
    """A value that is replaced, *before* by *after*; *where* is its path, such as `request.body.config.api_key`."""

    file: str
    line: int
    exchange: int
    where: str
    before: str = field(repr=False)
    after: str

    def location(self) -> dict[str, str | int]:
        """Return where the value stands, without the value."""
        return {
            "file": self.file,
            "line": self.line,
            "exchange": self.exchange,
            "where": self.where,
        }


def find_changes(part: Part, rewriter: Rewriter) -> Iterator[Change]:
    """Yield the values of *part* that *rewriter* replaces."""
    value = part.header if part.header is not None else part.exchange
    if value is None:
        for line, old in enumerate(part.text.split("\n"), part.line):
            if (new := rewriter.text(old)) != old:
                yield Change(part.file, line, part.number, UNREADABLE, old, new)
        return
    seen: set[KeyPath] = set()
    for path, before, after in _changes(value, _rewrite(value, rewriter)):
        if path not in seen:
            seen.add(path)
            steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
            where = printable(rewriter.text("".join(steps).removeprefix(".")))
            line = part.line_of(path)
            yield Change(part.file, line, part.number, where, _text(before), _text(after))
    if _may_change_comments(part.text, rewriter):
        for comment in find_comments(part.text):
            if (text := rewriter.text(comment.text)) != comment.text:
                line = part.line + comment.line - 1
                yield Change(part.file, line, part.number, "a comment", comment.text, text)


def rewrite_values(part: Part, rewriter: Rewriter) -> bytes:
    """Return the text of *part* rewritten by *rewriter*; unchanged if it cannot be read."""
    value = part.header if part.header is not None else part.exchange
    if value is None:
        return part.raw
    rewritten = _rewrite(value, rewriter)
    raw = part.raw if rewritten is value else rewrite_part(part, rewritten)
    text = raw.decode()
    return (
        _rewrite_comments(text, rewriter).encode() if _may_change_comments(text, rewriter) else raw
    )


def _rewrite(value: Header | Exchange, rewriter: Rewriter) -> Header | Exchange:
    """Return *value* rewritten; the same object if nothing was replaced."""
    if isinstance(value, Exchange):
        return rewriter.exchange(value)
    rewritten = replace(
        value,
        upstream=value.upstream and rewriter.text(value.upstream),
        recorded=value.recorded and rewriter.text(value.recorded),
        server=loads(rewriter.text(dumps(value.server))),
        ignore=tuple(map(rewriter.text, value.ignore)),
        volatile=tuple(map(rewriter.text, value.volatile)),
    )
    return value if rewritten == value else rewritten


def _may_change_comments(text: str, rewriter: Rewriter) -> bool:
    """Return whether *rewriter* changes a line with a `#`; finding the comments takes much longer."""
    lines = "\n".join(line for line in text.split("\n") if "#" in line) if "#" in text else ""
    return rewriter.text(lines) != lines


def _rewrite_comments(text: str, rewriter: Rewriter) -> str:
    lines = text.split("\n")
    for comment in find_comments(text):
        rewritten = rewriter.text(comment.text)
        line = lines[comment.line - 1]
        if rewritten != comment.text and (start := line.rfind(comment.text)) >= 0:
            lines[comment.line - 1] = line[:start] + rewritten + line[start + len(comment.text) :]
    return "\n".join(lines)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value)


def _changes(before: Header | Exchange, after: Header | Exchange) -> Iterator[_Changed]:
    """Yield where *before* and *after*, its rewritten copy, differ."""
    if isinstance(before, Header) and isinstance(after, Header):
        yield from _in_header(before, after)
    if isinstance(before, Exchange) and isinstance(after, Exchange) and before is not after:
        old, new = before.request, after.request
        yield from _in_text(("request", "path"), old.path, new.path)
        yield from _in_headers("request", old.headers, new.headers)
        yield from _in_body("request", old.body, new.body)
        yield from _in_response(before.response, after.response)


def _in_header(before: Header, after: Header) -> Iterator[_Changed]:
    yield from _in_text(("upstream",), before.upstream, after.upstream)
    yield from _in_text(("recorded",), before.recorded, after.recorded)
    for key, part in before.server.items():
        yield from _in_text(("server", key), part, after.server.get(key))
    for key in ("ignore", "volatile"):
        pairs = zip(getattr(before, key), getattr(after, key), strict=True)
        for number, (old, new) in enumerate(pairs):
            yield from _in_text((key, number), old, new)


def _in_response(before: Response, after: Response) -> Iterator[_Changed]:
    yield from _in_text(("response", "reason"), before.reason, after.reason)
    yield from _in_headers("response", before.headers, after.headers)
    match before.content, after.content:
        case Stream() as old, Stream() as new:
            for number, (event, changed) in enumerate(zip(old.events, new.events, strict=True)):
                fields = zip(event.event.fields, changed.event.fields, strict=True)
                for (name, text), (_, changed_text) in fields:
                    yield from _in_text(("response", "events", number, name), text, changed_text)
            yield from _in_text(
                ("response", "tail"),
                old.tail.decode("utf-8", "replace"),
                new.tail.decode("utf-8", "replace"),
            )
        case Body(raw), Body(changed_raw):
            yield from _in_body("response", raw, changed_raw)
        case _:
            pass


def _in_headers(message: str, before: Headers, after: Headers) -> Iterator[_Changed]:
    for (name, old), (_, new) in zip(before, after, strict=True):
        yield from _in_text((message, "headers", name), old, new)


def _in_text(path: KeyPath, before: Json, after: Json) -> Iterator[_Changed]:
    if before != after:
        yield path, before, after


def _in_body(message: str, before: bytes, after: bytes) -> Iterator[_Changed]:
    if before == after:
        return
    try:
        old, new = before.decode(), after.decode()
    except UnicodeDecodeError:
        yield (message, "base64"), before.decode("latin-1"), after.decode("latin-1")
        return
    try:
        found = list(differences(loads(old), loads(new)))
    except ValueError:
        found = []
    changed = [each for each in found if each.recorded is not ABSENT]
    for each in changed:
        steps = (step for step in each.path if isinstance(step, str | int))
        yield (message, "body", *steps), each.recorded, "" if each.got is ABSENT else each.got
    if not changed:  # not JSON, or in a duplicate key, of which JSON keeps the last
        yield (message, "text"), old, new
