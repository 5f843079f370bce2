"""What is wrong with a cassette, and what of it can be mended without a doubt. No I/O."""

from collections.abc import Iterator
from dataclasses import replace

from mockserver.cassette import text
from mockserver.cassette.model import Policy
from mockserver.cassette.redaction import Rules
from mockserver.errors import ReadError
from mockserver.upkeep import answers, exposed, reach, scalars, structure, types
from mockserver.upkeep.findings import Finding
from mockserver.upkeep.formatting import assembled, written
from mockserver.upkeep.source import Part, Source

_CUT_OFF = "delete it, or write its end; `mockserver record --extend` cuts it off too"


def lint(source: Source, policy: Policy, rules: Rules) -> list[Finding]:
    """Return what is wrong with *source*, in the order of its lines.

    *policy* is what the project's settings say, *rules* are its own of what is secret.
    """
    found = list(_whole(source))
    for part in source.parts:
        found += _part(part, rules)
    if source.is_cassette:
        found += reach.findings(source, policy)
        found += types.odd_ones(source.exchanges)
    return sorted(dict.fromkeys(found), key=lambda one: (one.line, one.code))


def fixed(source: Source, policy: Policy) -> bytes:
    """Return *source* with all mended that has but one meaning: quotes, headers of one delivery, duplicates, a torn end that nothing can read."""
    if not source.is_cassette:
        return source.raw
    gone = set(reach.useless_ones(source, policy))
    kept = [part for part in source.parts if part.number not in gone and not _is_waste(part)]
    return assembled(source.header, [_mended(part) for part in kept])


def _mended(part: Part) -> Part:
    part = _quoted(part)
    if part.exchange is None or part.torn:
        return part
    exchange = replace(part.exchange, response=answers.mended(part.exchange))
    if exchange == part.exchange:
        return part
    return replace(part, raw=written(part, exchange), exchange=exchange)


def _quoted(part: Part) -> Part:
    """Return *part* with those scalars in quotes that lack them."""
    raw = scalars.quoted(part.text, types.to_quote(part)).encode()
    return part if raw == part.text.encode() else _again(part, raw)


def _again(part: Part, raw: bytes) -> Part:
    """Return *part* as it is with the text *raw*."""
    try:
        told = raw.decode()
        if part.number:
            return replace(part, raw=raw, exchange=text.load_exchange(told), fault=None)
        return replace(part, raw=raw, header=text.load_header(told), fault=None)
    except ReadError:
        return replace(part, raw=raw)


def _whole(source: Source) -> Iterator[Finding]:
    name = source.name
    if not source.is_cassette:
        mend = "begin it with `mockserver: 1`, or move it elsewhere"
        yield Finding(name, 1, "not-a-cassette", 0, "it does not say `mockserver: 1`", mend)
        return
    if len(source.parts) < 2:
        yield Finding(
            name, 1, "empty", 0, "it holds no exchange", "record into it, or delete the file"
        )
    for line in source.blank:
        mend = "delete the line `---`"
        yield Finding(name, line, "empty", 0, "a document that holds nothing", mend, fixable=True)


def _part(part: Part, rules: Rules) -> Iterator[Finding]:
    if part.torn:
        message = "the last exchange breaks off: a recording was killed, or its `end` line is gone"
        yield Finding(
            part.file, part.line, "torn", part.number, message, _CUT_OFF, fixable=_is_waste(part)
        )
    elif part.number or b"mockserver" in part.raw:
        for fault in structure.faults(part):
            line = fault.line or part.line
            yield Finding(
                part.file, line, fault.code, part.number, fault.message, structure.mend(fault)
            )
    for one in exposed.exposures(part, rules):
        first = "" if part.fault is None else "mend the document, "
        mend = f"{first}run `mockserver scrub`, and have a new one made if it was real"
        message = f"what looks like a secret, in {one.where}"
        yield Finding(one.file, one.line, "secret", one.exchange, message, mend)
    if part.torn:
        return
    canonical = part.exchange is not None and text.dump_exchange(part.exchange) == part.text
    yield from types.findings(part, canonical=canonical)
    if part.exchange is not None:
        yield from answers.findings(part)


def _is_waste(part: Part) -> bool:
    """Tell whether *part* is torn so that there is no whole exchange in it."""
    return part.torn and part.exchange is None
