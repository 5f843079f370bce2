"""Secrets that a cassette still holds: where, and the cassette without them. No I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

from mockserver.cassette.matching import differences
from mockserver.cassette.model import Body, Exchange, Header, Stream
from mockserver.cassette.redaction import PLACEHOLDER, Redactor, Rules
from mockserver.cassette.secrets import credentials
from mockserver.jsontext import Json, loads
from mockserver.messages import Headers
from mockserver.upkeep.comments import comments
from mockserver.upkeep.formatting import written
from mockserver.upkeep.source import Part, Place

_PAIR = re.compile(
    r"""^\s*(?:#\s*)?(?:-\s+)?["']?(?P<key>[\w.-]+)["']?\s*[:=]\s*["']?(?P<value>[^\s"'{}\[\]|>][^"']*)"""
)


UNREAD = "what cannot be read"
"""Where an exposure is that cannot be taken out."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """A secret at *line* of *file*, in what *where* says: `request.body.config.api_key`; the secret itself is not told."""

    file: str
    line: int
    exchange: int
    where: str


def exposures(part: Part, rules: Rules) -> Iterator[Exposure]:
    """Yield where *part* holds what looks like a secret, or what *rules* name."""
    value = part.header if part.header is not None else part.exchange
    if value is None:
        yield from _unread(part, rules)
        return
    without = redacted(value, rules)
    for place in dict.fromkeys(_places(value, without)):
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
        yield Exposure(part.file, part.line_of(place), part.number, where.removeprefix("."))
    for comment in comments(part.text) if b"#" in part.raw else ():
        if _hidden(comment.text, rules) != comment.text:
            yield Exposure(part.file, part.line + comment.line - 1, part.number, "a comment")


def scrubbed(part: Part, rules: Rules) -> bytes:
    """Return the text of *part* without secrets; as it is where it cannot be read."""
    value = part.header if part.header is not None else part.exchange
    if value is None:
        return part.raw
    without = redacted(value, rules)
    raw = part.raw if without is value else written(part, without)
    return _without_in_comments(raw.decode(), rules).encode() if b"#" in raw else raw


def redacted(value: Header | Exchange, rules: Rules) -> Header | Exchange:
    """Return *value* without secrets; the same object where it has none."""
    if isinstance(value, Exchange):
        known = credentials(value.request.headers, value.request.path)
        return Redactor(known, rules).exchange(value)
    redactor = Redactor((), rules)
    upstream = value.upstream and redactor.text(_without_user(value.upstream))
    server = {key: _redacted(key, part, redactor) for key, part in value.server.items()}
    ignore = tuple(map(redactor.text, value.ignore))
    made = replace(value, upstream=upstream, server=server, ignore=ignore)
    return value if made == value else made


def _without_in_comments(text: str, rules: Rules) -> str:
    """Return the document *text* without the secrets that stand in its comments."""
    lines = text.split("\n")
    for comment in comments(text):
        told = _hidden(comment.text, rules)
        line = lines[comment.line - 1]
        if told != comment.text and (at := line.rfind(comment.text)) >= 0:
            lines[comment.line - 1] = line[:at] + told + line[at + len(comment.text) :]
    return "\n".join(lines)


def _hidden(text: str, rules: Rules) -> str:
    """Return *text*, a line or a comment that nobody parses, without secrets."""
    found = _PAIR.match(text)
    if found:
        key, value = found.group("key"), found.group("value").rstrip()
        pair = f'"{key}":"{value}"'
        if Redactor((), rules).text(pair) != pair and value not in (PLACEHOLDER, "null"):
            return text.replace(value, PLACEHOLDER)
    return Redactor((), rules).text(text)


def _unread(part: Part, rules: Rules) -> Iterator[Exposure]:
    for number, line in enumerate(part.text.split("\n")):
        if _hidden(line, rules) != line:
            yield Exposure(part.file, part.line + number, part.number, UNREAD)


def _redacted(key: str, value: Json, redactor: Redactor) -> Json:
    if not isinstance(value, str):
        return value
    pair = f'"{key}":"{value}"'
    return PLACEHOLDER if redactor.text(pair) != pair else value


def _without_user(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return (
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        if "@" in parts.netloc
        else url
    )


def _places(before: Header | Exchange, after: Header | Exchange) -> Iterator[Place]:
    """Yield where *before* and *after*, the same without secrets, differ."""
    if isinstance(before, Header) and isinstance(after, Header):
        if before.upstream != after.upstream:
            yield ("upstream",)
        yield from (
            ("server", key) for key, part in before.server.items() if after.server[key] != part
        )
        pairs = zip(before.ignore, after.ignore, strict=True)
        yield from (("ignore", number) for number, (old, new) in enumerate(pairs) if old != new)
    if not (isinstance(before, Exchange) and isinstance(after, Exchange)) or before is after:
        return
    if before.request.path != after.request.path:
        yield "request", "path"
    yield from _in_headers("request", before.request.headers, after.request.headers)
    yield from _in_body("request", before.request.body, after.request.body)
    old, new = before.response, after.response
    if old.reason != new.reason:
        yield "response", "reason"
    yield from _in_headers("response", old.headers, new.headers)
    match old.content, new.content:
        case Stream() as one, Stream() as other:
            for number, (was, now) in enumerate(zip(one.events, other.events, strict=True)):
                fields = zip(was.event.fields, now.event.fields, strict=True)
                yield from (
                    ("response", "events", number, name)
                    for (name, text), (_, other_text) in fields
                    if text != other_text
                )
            if one.tail != other.tail:
                yield "response", "tail"
        case Body(raw), Body(other_raw):
            yield from _in_body("response", raw, other_raw)
        case _:
            pass


def _in_headers(part: str, before: Headers, after: Headers) -> Iterator[Place]:
    pairs = zip(before, after, strict=True)
    yield from ((part, "headers", name) for (name, old), (_, new) in pairs if old != new)


def _in_body(part: str, before: bytes, after: bytes) -> Iterator[Place]:
    if before == after:
        return
    try:
        found = differences(loads(before.decode()), loads(after.decode()))
        yield from ((part, "body", *_steps(one.path)) for one in found)
    except UnicodeDecodeError:
        yield part, "base64"
    except ValueError:
        yield part, "text"


def _steps(path: tuple[object, ...]) -> Place:
    return tuple(step for step in path if isinstance(step, str | int))
