"""Rewrite the values of a cassette, wherever they stand, and say where. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mockserver.cassette.model import Body, Exchange, Header, Response, Stream
from mockserver.formats.json_text import dumps, loads
from mockserver.formats.wording import printable
from mockserver.http.messages import Headers
from mockserver.matching.keys import ABSENT, differences
from mockserver.redaction.rewriter import Rewriter
from mockserver.tools.comments import find_comments
from mockserver.tools.fmt import rewrite_part
from mockserver.tools.source import KeyPath, Part

UNREADABLE = "a document that cannot be read"
"""The *where* of a value in a part that cannot be rewritten."""


@dataclass(frozen=True, slots=True)
class Change:
    """A value that is replaced; *where* is its path, such as `request.body.config.api_key`."""

    file: str
    line: int
    exchange: int
    where: str


def find_changes(part: Part, rewriter: Rewriter) -> Iterator[Change]:
    """Yield the values of *part* that *rewriter* replaces."""
    value = part.header if part.header is not None else part.exchange
    if value is None:
        for number, line in enumerate(part.text.split("\n"), part.line):
            if rewriter.text(line) != line:
                yield Change(part.file, number, part.number, UNREADABLE)
        return
    rewritten = _rewrite(value, rewriter)
    for path in dict.fromkeys(_changed_paths(value, rewritten)):
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        shown = printable(rewriter.text(where.removeprefix(".")))
        yield Change(part.file, part.line_of(path), part.number, shown)
    if _may_change_comments(part.text, rewriter):
        for comment in find_comments(part.text):
            if rewriter.text(comment.text) != comment.text:
                yield Change(part.file, part.line + comment.line - 1, part.number, "a comment")


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


def _changed_paths(before: Header | Exchange, after: Header | Exchange) -> Iterator[KeyPath]:
    """Yield the paths at which *before* and *after*, its redacted copy, differ."""
    if isinstance(before, Header) and isinstance(after, Header):
        yield from _in_header(before, after)
    if isinstance(before, Exchange) and isinstance(after, Exchange) and before is not after:
        if before.request.path != after.request.path:
            yield "request", "path"
        yield from _in_headers("request", before.request.headers, after.request.headers)
        yield from _in_body("request", before.request.body, after.request.body)
        yield from _in_response(before.response, after.response)


def _in_header(before: Header, after: Header) -> Iterator[KeyPath]:
    if before.upstream != after.upstream:
        yield ("upstream",)
    if before.recorded != after.recorded:
        yield ("recorded",)
    yield from (
        ("server", key) for key, part in before.server.items() if after.server.get(key) != part
    )
    pairs = zip(before.ignore, after.ignore, strict=True)
    yield from (("ignore", number) for number, (old, new) in enumerate(pairs) if old != new)


def _in_response(before: Response, after: Response) -> Iterator[KeyPath]:
    if before.reason != after.reason:
        yield "response", "reason"
    yield from _in_headers("response", before.headers, after.headers)
    match before.content, after.content:
        case Stream() as old, Stream() as new:
            for number, (event, redacted) in enumerate(zip(old.events, new.events, strict=True)):
                fields = zip(event.event.fields, redacted.event.fields, strict=True)
                yield from (
                    ("response", "events", number, name)
                    for (name, text), (_, redacted_text) in fields
                    if text != redacted_text
                )
            if old.tail != new.tail:
                yield "response", "tail"
        case Body(raw), Body(redacted_raw):
            yield from _in_body("response", raw, redacted_raw)
        case _:
            pass


def _in_headers(message: str, before: Headers, after: Headers) -> Iterator[KeyPath]:
    pairs = zip(before, after, strict=True)
    yield from ((message, "headers", name) for (name, old), (_, new) in pairs if old != new)


def _in_body(message: str, before: bytes, after: bytes) -> Iterator[KeyPath]:
    if before == after:
        return
    try:
        found = list(differences(loads(before.decode()), loads(after.decode())))
        changed = [difference for difference in found if difference.recorded is not ABSENT]
        for difference in changed:
            steps = (step for step in difference.path if isinstance(step, str | int))
            yield message, "body", *steps
        if not changed:  # the change is in a duplicate key, of which JSON keeps the last
            yield message, "text"
    except UnicodeDecodeError:
        yield message, "base64"
    except ValueError:
        yield message, "text"
