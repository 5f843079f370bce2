"""Several cassettes as one: in their order, each exchange once. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mockserver.cassette import playback, yaml_codec
from mockserver.cassette.model import Header, Policy, Repeat
from mockserver.matching.canonical import canonical
from mockserver.matching.keys import Key, key
from mockserver.tools.comments import with_comments
from mockserver.tools.fmt import assembled, written
from mockserver.tools.source import Part, Source


@dataclass(slots=True)
class Merged:
    """The text of the one cassette, how many exchanges it has, which were *dropped* for being there already, and *notes* on its header."""

    raw: bytes = b""
    count: int = 0
    dropped: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of `FILE#N`: the one that is left out, and the one that says the same."""
    notes: list[str] = field(default_factory=list)


def merged(sources: Sequence[Source], policy: Policy) -> Merged:
    """Return *sources* as one cassette.

    What a cassette answers to one request is left out where the answers before it end with the very same, whenever their parts came. Where
    `repeat` differs, that of the last of identical requests holds.
    """
    made = Merged()
    header = _header(sources, made)
    answers: dict[Key, list[_Held]] = {}
    for source in sources:
        own: dict[Key, list[_Held]] = {}
        for part in source.exchanges:
            assert part.exchange is not None
            held = _Held(part, part.exchange.repeat or policy.repeating(source.header))
            own.setdefault(key(canonical(part.exchange.request)), []).append(held)
        for asked, group in own.items():
            before = answers.setdefault(asked, [])
            tail = before[len(before) - len(group) :] if len(group) <= len(before) else []
            if [one.answer for one in tail] == [one.answer for one in group]:
                pairs = zip(group, tail, strict=True)
                made.dropped += [(one.part.label, first.part.label) for one, first in pairs]
                before[-1].repeat = group[-1].repeat
            else:
                before += group
    kept = {id(one.part): one for group in answers.values() for one in group}
    last = {id(group[-1]) for group in answers.values()}
    parts: list[Part] = []
    for part in (part for source in sources for part in source.exchanges):
        if found := kept.get(id(part)):
            repeat = found.repeat if id(found) in last else None
            told = repeat if repeat is not policy.repeating(header) else None
            parts.append(_with_repeat(part, told))
    made.raw = assembled(header, [_head(header, sources), *_numbered(parts)])
    made.count = len(parts)
    return made


@dataclass(slots=True)
class _Held:
    """An exchange, and the *repeat* that holds for it."""

    part: Part
    repeat: Repeat

    @property
    def answer(self) -> tuple[object, ...]:
        """What a client gets, whenever it does."""
        assert self.part.exchange is not None
        response = self.part.exchange.response
        cut = response.end is not None and response.end.cut
        body = playback.encoded(response.content)
        return response.status, response.reason, response.headers, body, cut


def _head(header: Header, sources: Sequence[Source]) -> Part:
    """Return the first document, with the comments of those of all *sources*."""
    told = yaml_codec.dump_header(header)
    for source in sources:
        told = with_comments(told, source.parts[0].text)
    return Part("", 0, 1, told.encode(), header=header)


def _numbered(parts: Sequence[Part]) -> list[Part]:
    return [replace(part, number=number) for number, part in enumerate(parts, 1)]


def _with_repeat(part: Part, repeat: Repeat | None) -> Part:
    """Return *part* with *repeat* in the place of its own; its text is left as it is where that is the same."""
    assert part.exchange is not None
    if part.exchange.repeat is repeat and b"\r\n" not in part.raw:
        return part
    exchange = replace(part.exchange, repeat=repeat)
    return replace(part, raw=written(part, exchange).replace(b"\r\n", b"\n"), exchange=exchange)


def _header(sources: Sequence[Source], made: Merged) -> Header:
    """Return the one header: what all say that say it, all the paths that any of them ignores, and the oldest date."""
    headers = [source.header for source in sources]
    upstreams = list(dict.fromkeys(one.upstream for one in headers if one.upstream))
    servers = [one.server for one in headers if one.server]
    ignored = tuple(dict.fromkeys(path for one in headers for path in one.ignore))
    if any(set(one.ignore) != set(ignored) for one in headers):
        made.notes.append(f"`ignore: [{', '.join(ignored)}]` now holds for all exchanges")
    if len(upstreams) > 1:
        made.notes.append("they are of different upstreams: the header names none")
    if any(one != servers[0] for one in servers):
        made.notes.append("they are of different servers: the header names none")
    dates = sorted(one.recorded for one in headers if one.recorded)
    repeats = {one.repeat for one in headers}
    return Header(
        upstreams[0] if len(upstreams) == 1 else None,
        dates[0] if dates else None,
        servers[0] if servers and all(one == servers[0] for one in servers) else {},
        ignored,
        repeats.pop() if len(repeats) == 1 else None,
    )
