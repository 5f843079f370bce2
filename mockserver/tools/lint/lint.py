"""What is wrong with a cassette, and what of it can be mended without a doubt. No I/O."""

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import replace
from operator import is_

from mockserver.cassette import yaml_codec
from mockserver.cassette.model import Policy
from mockserver.errors import ReadError
from mockserver.redaction.redactor import Rules
from mockserver.tools import plain_scalars, scrub
from mockserver.tools.fmt import assembled, written
from mockserver.tools.lint import parse_errors, responses, scalar_types, unreachable
from mockserver.tools.lint.findings import CODES, Finding
from mockserver.tools.source import Part, Source

_CUT_OFF = (
    "delete it, or end it with a line `end: {after: 0, how: closed}` below `response`; "
    "`mockserver record --extend` cuts it off too"
)
_OF_TYPES = ("type-changed", "unquoted")
_SAYING_ALL = ("malformed", "unknown-key", "duplicate-key", "header")
"""Beside these nothing need be said of the type of a value."""


def lint(
    source: Source,
    policy: Policy,
    rules: Rules,
    advance: Callable[[int], None] = lambda done: None,
) -> list[Finding]:
    """Return what is wrong with *source*, in the order of its lines.

    *policy* is what the project's settings say, *rules* are its own of what is secret. No finding repeats a secret.
    *advance* is called with the number of bytes of each part that is looked at.
    """
    found = list(_whole(source))
    for part in source.parts:
        found += _part(part, rules)
        advance(len(part.raw))
    if source.is_cassette:
        found += unreachable.findings(source, policy)
        found += scalar_types.odd_ones(source.exchanges)
    last = source.raw.rstrip().count(b"\n") + 1  # what ends too soon is told where it ends
    found = [one if one.line <= last else replace(one, line=last) for one in found]
    found = sorted(dict.fromkeys(found), key=lambda one: (one.line, one.code))
    return list(_discreet(_without_echoes(found), rules))


def fixed(source: Source, skipped: Set[str] = frozenset()) -> bytes:
    """Return *source* with all mended that has but one meaning: quotes that are missing, headers of one delivery, documents that hold nothing.

    What the codes *skipped* find is left, and so is a file with a conflict of git in it.
    """
    if not source.is_cassette or any(fault.code == "conflict" for fault in source.faults):
        return source.raw
    parts = [_mended(part, skipped) for part in source.parts]
    if all(map(is_, parts, source.parts)) and (not source.blank or "empty" in skipped):
        return source.raw
    return assembled(source.header, parts)


def _without_echoes(found: list[Finding]) -> Iterator[Finding]:
    """Leave out what is said of types where the value makes no sense anyway, or has to go."""
    gone = {one.line for one in found if one.code in _SAYING_ALL}
    return (one for one in found if one.code not in _OF_TYPES or one.line not in gone)


def _discreet(found: Iterable[Finding], rules: Rules) -> Iterator[Finding]:
    """Yield *found* without secrets: what stands on a line with one is said in general."""
    told = list(found)
    lines = {one.line for one in told if one.code == "secret"}
    messages = scrub.hidden_each([one.message for one in told], rules)
    mends = scrub.hidden_each([one.mend for one in told], rules)
    for one, message, mend in zip(told, messages, mends, strict=True):
        if one.code != "secret" and one.line in lines:
            yield replace(one, message=CODES[one.code], mend="see this line")
        elif message == one.message and mend == one.mend:
            yield one
        else:
            yield replace(one, message=message, mend=mend)


def _mended(part: Part, skipped: Set[str]) -> Part:
    part = _quoted(part, skipped)
    if part.exchange is None or part.torn:
        return part
    exchange = replace(part.exchange, response=responses.mended(part.exchange, skipped))
    if exchange == part.exchange:
        return part
    return replace(part, raw=written(part, exchange), exchange=exchange)


def _quoted(part: Part, skipped: Set[str]) -> Part:
    """Return *part* with those scalars in quotes that lack them."""
    raw = plain_scalars.quoted(part.text, scalar_types.to_quote(part, skipped)).encode()
    return part if raw == part.text.encode() else _again(part, raw)


def _again(part: Part, raw: bytes) -> Part:
    """Return *part* as it is with the text *raw*."""
    try:
        told = raw.decode()
        if part.number:
            return replace(part, raw=raw, exchange=yaml_codec.load_exchange(told), fault=None)
        return replace(part, raw=raw, header=yaml_codec.load_header(told), fault=None)
    except ReadError:
        return replace(part, raw=raw)


def _whole(source: Source) -> Iterator[Finding]:
    name = source.name
    if not source.raw.strip():
        yield Finding(name, 1, "empty", 0, "it holds nothing", "record into it, or delete the file")
        return
    if not source.is_cassette:
        mend = "begin it with `mockserver: 1`, or move it elsewhere"
        yield Finding(name, 1, "not-a-cassette", 0, "it does not say `mockserver: 1`", mend)
        return
    if len(source.parts) < 2 and not source.faults:
        yield Finding(
            name, 1, "empty", 0, "it holds no exchange", "record into it, or delete the file"
        )
    for line in source.blank:
        mend = "delete the line `---`"
        yield Finding(name, line, "empty", 0, "a document that holds nothing", mend, fixable=True)


def _part(part: Part, rules: Rules) -> Iterator[Finding]:
    if part.torn:
        message = "the last exchange breaks off: a recording was killed, or its `end` line is gone"
        yield Finding(part.file, part.line, "torn", part.number, message, _CUT_OFF)
    if part.number or b"mockserver" in part.raw:
        last = part.line + part.raw.rstrip().count(b"\n")
        for fault in parse_errors.faults(part):
            line = fault.line or part.line
            if not part.torn or line < last:  # else it is where it breaks off
                message, mend = parse_errors.told(fault, header=not part.number)
                yield Finding(part.file, line, fault.code, part.number, message, mend)
    for one in scrub.exposures(part, rules):
        first = "" if part.fault is None else "mend the document, "
        mend = f"{first}run `mockserver scrub`, and have a new one made if it was real"
        message = f"what looks like a secret, in {one.where}"
        yield Finding(one.file, one.line, "secret", one.exchange, message, mend)
    if part.torn:
        return
    yield from scalar_types.findings(part)
    if part.exchange is not None:
        yield from responses.findings(part)
