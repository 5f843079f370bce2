"""Secrets that a cassette still holds: where, and the cassette without them. No I/O."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import urlsplit, urlunsplit

from mockserver.cassette.model import Body, Exchange, Header, Stream
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.formats.wording import printable
from mockserver.http.messages import Headers
from mockserver.matching.keys import ABSENT, differences
from mockserver.redaction.patterns import credentials, spelled_out
from mockserver.redaction.prefilter import Suspicion
from mockserver.redaction.redactor import PLACEHOLDER, Redactor, Rules
from mockserver.tools.comments import comments
from mockserver.tools.fmt import written
from mockserver.tools.source import Part, Place

_PAIR = re.compile(
    r"""(?P<key>(?<![\w.-])[\w.-]++)["']?\s*[:=]\s*["']?(?P<value>[^\s"'{}\[\],|>]+)"""
)
_ODD = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z]).{6,}|.{16,}")
"""A value in prose that is no ordinary word."""

_IN_URL = re.compile(r"(?<=://)[^\s/:@\"'\\]+:[^\s/@\"'\\]+(?=@)")
"""User and password in an address."""

_BATCH = 256
"""How many texts are looked at together."""

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
    without = _redacted(value, _for(part, rules))
    for place in dict.fromkeys(_places(value, without)):
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
        shown = printable(hidden(where.removeprefix("."), rules))
        yield Exposure(part.file, part.line_of(place), part.number, shown)
    if part.laid_out or b"#" not in part.raw:
        return
    if _is_harmless("\n".join(line for line in part.text.split("\n") if "#" in line), rules):
        return  # which takes far less time than to find the comments
    for comment in comments(part.text):
        if hidden(comment.text, rules) != comment.text:
            yield Exposure(part.file, part.line + comment.line - 1, part.number, "a comment")


def scrubbed(part: Part, rules: Rules) -> bytes:
    """Return the text of *part* without secrets; as it is where it cannot be read."""
    if part.header is not None:
        raw = _rewritten(part, part.header, rules)
    elif part.exchange is not None:
        raw = _rewritten(part, part.exchange, rules)
    else:
        return part.raw
    return _without_in_comments(raw.decode(), rules).encode() if b"#" in raw else raw


def _rewritten(part: Part, value: Header | Exchange, rules: Rules) -> bytes:
    without = _redacted(value, _for(part, rules))
    return part.raw if without is value else written(part, without)


def _for(part: Part, rules: Rules) -> Rules:
    """Return *rules*, and that of passwords in addresses where *part* may have such: to look for it everywhere takes ten times as long."""
    return (
        rules.joined(Rules(general=(_IN_URL,)))
        if b"@" in part.raw and b"://" in part.raw
        else rules
    )


def _redacted(value: Header | Exchange, rules: Rules) -> Header | Exchange:
    """Return *value* without secrets; the same object where it has none."""
    if isinstance(value, Exchange):
        known = credentials(value.request.headers, value.request.path)
        return Redactor(known, rules).exchange(value)
    redactor = Redactor((), rules)
    made = replace(
        value,
        upstream=value.upstream and redactor.text(_without_user(value.upstream)),
        recorded=value.recorded and redactor.text(value.recorded),
        server=_server(value.server, redactor),
        ignore=tuple(map(redactor.text, value.ignore)),
    )
    return value if made == value else made


def _server(told: dict[str, Json], redactor: Redactor) -> dict[str, Json]:
    """Return what a server *told* of itself without secrets; nothing of it where what is left would be no JSON."""
    try:
        clean: dict[str, Json] = loads(redactor.text(dumps(told)))
    except ValueError:
        return {}
    return clean


def _without_in_comments(text: str, rules: Rules) -> str:
    """Return the document *text* without the secrets that stand in its comments."""
    lines = text.split("\n")
    for comment in comments(text):
        told = hidden(comment.text, rules)
        line = lines[comment.line - 1]
        if told != comment.text and (at := line.rfind(comment.text)) >= 0:
            lines[comment.line - 1] = line[:at] + told + line[at + len(comment.text) :]
    return "\n".join(lines)


def hidden(text: str, rules: Rules) -> str:
    """Return *text*, a line or a comment that nobody parses, without secrets."""

    if _is_harmless(text, rules):
        return text
    redactor = Redactor((), rules)

    def put(found: re.Match[str]) -> str:
        key, value = found["key"], found["value"]
        pair = f'"{key}":"{value}"'
        if not _ODD.fullmatch(value) or redactor.text(pair) == pair:
            return found[0]
        return found[0][: found.start("value") - found.start()] + PLACEHOLDER

    return Redactor((), rules.joined(Rules(general=(_IN_URL,)))).text(_PAIR.sub(put, text))


def hidden_each(texts: Iterable[str], rules: Rules) -> Iterator[str]:
    """Yield each of *texts* as `hidden` returns it; many at a time are looked at once."""
    remaining = iter(texts)
    while batch := list(islice(remaining, _BATCH)):
        if _is_harmless("\n".join(batch), rules):
            yield from batch
        else:
            yield from (hidden(text, rules) for text in batch)


def _is_harmless(text: str, rules: Rules) -> bool:
    """Return whether no line of *text* can hold a secret; *patterns* of the project may be anything, so that these need a closer look."""
    plain = spelled_out(text)
    if rules.patterns or ("@" in plain and "://" in plain):
        return False
    return not Suspicion((), (), rules.fields).of(text)


def _unread(part: Part, rules: Rules) -> Iterator[Exposure]:
    lines = part.text.split("\n")
    for number, (line, shown) in enumerate(zip(lines, hidden_each(lines, rules), strict=True)):
        if line != shown:
            yield Exposure(part.file, part.line + number, part.number, UNREAD)


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
        if before.recorded != after.recorded:
            yield ("recorded",)
        yield from (
            ("server", key) for key, part in before.server.items() if after.server.get(key) != part
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
        found = list(differences(loads(before.decode()), loads(after.decode())))
        there = [one for one in found if one.recorded is not ABSENT]
        yield from ((part, "body", *_steps(one.path)) for one in there)
        if not there:  # a key that stands there twice
            yield part, "text"
    except UnicodeDecodeError:
        yield part, "base64"
    except ValueError:
        yield part, "text"


def _steps(path: tuple[object, ...]) -> Place:
    return tuple(step for step in path if isinstance(step, str | int))
