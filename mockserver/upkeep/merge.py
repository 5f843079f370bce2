"""Several cassettes as one: in their order, each exchange once. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mockserver.cassette import player, text
from mockserver.cassette.canonical import canonical
from mockserver.cassette.matching import Key, key
from mockserver.cassette.model import Exchange, Header, Policy
from mockserver.upkeep.formatting import assembled, written
from mockserver.upkeep.source import Part, Source


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

    An exchange is left out that asks and answers the very same as one of another cassette before it, whenever its parts came. Where `repeat`
    differs, each exchange keeps the one that held for it.
    """
    made = Merged()
    header = _header(sources, made)
    first: dict[tuple[Key, tuple[object, ...]], tuple[Source, Part]] = {}
    kept: list[Part] = []
    for source in sources:
        repeat = policy.repeating(source.header)
        for part in source.exchanges:
            exchange = part.exchange
            assert exchange is not None
            same = (key(canonical(exchange.request)), _answer(exchange))
            there, other = first.setdefault(same, (source, part))
            if there is not source:
                made.dropped.append((part.label, other.label))
                continue
            if exchange.repeat is None and repeat is not policy.repeating(header):
                part = _again(part, replace(exchange, repeat=repeat))
            kept.append(replace(part, number=len(kept) + 1))
    head = Part("", 0, 1, text.dump_header(header).encode(), header=header)
    made.raw = assembled(header, [head, *kept])
    made.count = len(kept)
    return made


def _header(sources: Sequence[Source], made: Merged) -> Header:
    """Return the one header: what all say, of all the paths that any of them ignores, and the oldest date."""
    headers = [source.header for source in sources]
    upstreams, servers = {one.upstream for one in headers}, [one.server for one in headers]
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
        upstreams.pop() if len(upstreams) == 1 else None,
        dates[0] if dates else None,
        servers[0] if all(one == servers[0] for one in servers) else {},
        ignored,
        repeats.pop() if len(repeats) == 1 else None,
    )


def _again(part: Part, exchange: Exchange) -> Part:
    return replace(part, raw=written(part, exchange), exchange=exchange)


def _answer(exchange: Exchange) -> tuple[object, ...]:
    """Return what a client gets, whenever it does."""
    response = exchange.response
    cut = response.end is not None and response.end.cut
    return response.status, response.reason, response.headers, player.encoded(response.content), cut
