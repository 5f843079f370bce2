"""Find the secrets that a cassette still holds, and redact them. No I/O."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import urlsplit, urlunsplit

from mockserver.cassette.model import Body, Exchange, Header, Response, Stream
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.formats.wording import printable
from mockserver.http.messages import Headers
from mockserver.matching.keys import ABSENT, differences
from mockserver.redaction.patterns import find_credentials, unescape_json
from mockserver.redaction.prefilter import Prefilter
from mockserver.redaction.redactor import PLACEHOLDER, RedactionRules, Redactor
from mockserver.tools.comments import find_comments
from mockserver.tools.fmt import rewrite_part
from mockserver.tools.source import KeyPath, Part

_PAIR = re.compile(
    r"""(?P<key>(?<![\w.-])[\w.-]++)["']?\s*[:=]\s*["']?(?P<value>[^\s"'{}\[\],|>]+)"""
)
_NOT_A_WORD = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z]).{6,}|.{16,}")
"""A value in prose that is not an ordinary word."""

_URL_CREDENTIALS = re.compile(r"(?<=://)[^\s/:@\"'\\]+:[^\s/@\"'\\]+(?=@)")
"""User and password in a URL."""

_BATCH = 256
"""How many texts are checked together."""

UNREADABLE = "a document that cannot be read"
"""The *where* of a secret that cannot be redacted."""


@dataclass(frozen=True, slots=True)
class SecretLocation:
    """The location of a secret, without the secret; *where* is its path, such as `request.body.config.api_key`."""

    file: str
    line: int
    exchange: int
    where: str


def find_secrets(part: Part, rules: RedactionRules) -> Iterator[SecretLocation]:
    """Yield the locations in *part* of values that look like secrets, or that *rules* define as secret."""
    value = part.header if part.header is not None else part.exchange
    if value is None:
        yield from _find_in_lines(part, rules)
        return
    redacted = _redact(value, _rules_for(part, rules))
    for path in dict.fromkeys(_changed_paths(value, redacted)):
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        shown = printable(mask(where.removeprefix("."), rules))
        yield SecretLocation(part.file, part.line_of(path), part.number, shown)
    if b"#" not in part.raw or part.is_canonical:
        return
    if _is_harmless("\n".join(line for line in part.text.split("\n") if "#" in line), rules):
        return  # this check is much faster than to find the comments
    for comment in find_comments(part.text):
        if mask(comment.text, rules) != comment.text:
            yield SecretLocation(part.file, part.line + comment.line - 1, part.number, "a comment")


def scrub_part(part: Part, rules: RedactionRules) -> bytes:
    """Return the text of *part* without secrets; unchanged if it cannot be read."""
    if part.header is not None:
        raw = _scrub_value(part, part.header, rules)
    elif part.exchange is not None:
        raw = _scrub_value(part, part.exchange, rules)
    else:
        return part.raw
    return _scrub_comments(raw.decode(), rules).encode() if b"#" in raw else raw


def _scrub_value(part: Part, value: Header | Exchange, rules: RedactionRules) -> bytes:
    redacted = _redact(value, _rules_for(part, rules))
    return part.raw if redacted is value else rewrite_part(part, redacted)


def _rules_for(part: Part, rules: RedactionRules) -> RedactionRules:
    """Return *rules*, and the one for passwords in URLs if *part* may have any: this rule makes a search ten times slower."""
    return (
        rules.combine(RedactionRules(extra_patterns=(_URL_CREDENTIALS,)))
        if b"@" in part.raw and b"://" in part.raw
        else rules
    )


def _redact(value: Header | Exchange, rules: RedactionRules) -> Header | Exchange:
    """Return *value* without secrets; the same object if it has none."""
    if isinstance(value, Exchange):
        known = find_credentials(value.request.headers, value.request.path)
        return Redactor(known, rules).exchange(value)
    redactor = Redactor((), rules)
    redacted = replace(
        value,
        upstream=value.upstream and redactor.text(_without_user(value.upstream)),
        recorded=value.recorded and redactor.text(value.recorded),
        server=_redact_server(value.server, redactor),
        ignore=tuple(map(redactor.text, value.ignore)),
    )
    return value if redacted == value else redacted


def _redact_server(server: dict[str, Json], redactor: Redactor) -> dict[str, Json]:
    """Return *server* without secrets; empty if the redacted text is not JSON."""
    try:
        redacted: dict[str, Json] = loads(redactor.text(dumps(server)))
    except ValueError:
        return {}
    return redacted


def _scrub_comments(text: str, rules: RedactionRules) -> str:
    """Return the document *text* without the secrets in its comments."""
    lines = text.split("\n")
    for comment in find_comments(text):
        masked = mask(comment.text, rules)
        line = lines[comment.line - 1]
        if masked != comment.text and (start := line.rfind(comment.text)) >= 0:
            lines[comment.line - 1] = line[:start] + masked + line[start + len(comment.text) :]
    return "\n".join(lines)


def mask(text: str, rules: RedactionRules) -> str:
    """Return *text*, such as a comment or a line of a message, without secrets."""
    if _is_harmless(text, rules):
        return text
    redactor = Redactor((), rules)

    def mask_pair(found: re.Match[str]) -> str:
        key, value = found["key"], found["value"]
        pair = f'"{key}":"{value}"'
        if not _NOT_A_WORD.fullmatch(value) or redactor.text(pair) == pair:
            return found[0]
        return found[0][: found.start("value") - found.start()] + PLACEHOLDER

    with_urls = Redactor((), rules.combine(RedactionRules(extra_patterns=(_URL_CREDENTIALS,))))
    return with_urls.text(_PAIR.sub(mask_pair, text))


def mask_each(texts: Iterable[str], rules: RedactionRules) -> Iterator[str]:
    """Yield each of *texts* as `mask` returns it; many are checked together, which is faster."""
    remaining = iter(texts)
    while batch := list(islice(remaining, _BATCH)):
        if _is_harmless("\n".join(batch), rules):
            yield from batch
        else:
            yield from (mask(text, rules) for text in batch)


def _is_harmless(text: str, rules: RedactionRules) -> bool:
    """Return whether no line of *text* can hold a secret. If the project has patterns of its own, only the redactor can decide."""
    plain = unescape_json(text)
    if rules.patterns or ("@" in plain and "://" in plain):
        return False
    return not Prefilter((), (), rules.fields).may_match(text)


def _find_in_lines(part: Part, rules: RedactionRules) -> Iterator[SecretLocation]:
    lines = part.text.split("\n")
    for number, (line, masked) in enumerate(zip(lines, mask_each(lines, rules), strict=True)):
        if line != masked:
            yield SecretLocation(part.file, part.line + number, part.number, UNREADABLE)


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
