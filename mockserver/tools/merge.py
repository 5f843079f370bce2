"""Merge several cassettes into one, in their order; repeated exchanges are dropped. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mockserver.cassette import yaml_codec
from mockserver.cassette.model import Header, Policy, Repeat
from mockserver.matching.canonical import Key, canonicalize, request_key
from mockserver.tools.cassette_source import CassetteSource, Part
from mockserver.tools.fmt import join_parts, rewrite_part, strip_times
from mockserver.tools.yaml_comments import insert_comments


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The text of the merged cassette, with the *count* of its exchanges and *notes* about its header."""

    raw: bytes
    count: int
    dropped: list[tuple[str, str]]
    """Pairs of `FILE#N`: the dropped exchange, and the equal one that stays."""
    notes: list[str]


def merge_sources(sources: Sequence[CassetteSource], policy: Policy) -> MergeResult:
    """Return *sources* merged into one cassette.

    The exchanges of a cassette with the same request are dropped if the earlier cassettes end with the same responses to it; times are not
    compared. If `repeat` differs, the one of the last of identical requests applies.
    """
    notes: list[str] = []
    header = _merge_headers(sources, notes)
    entries: list[_Entry] = []
    merged: dict[Key, list[_Entry]] = {}
    for source in sources:
        groups: dict[Key, list[_Entry]] = {}
        for part in source.exchanges:
            exchange = part.require_exchange()
            entry = _Entry(part, exchange.repeat or policy.get_repeat(source.header))
            entries.append(entry)
            groups.setdefault(request_key(canonicalize(exchange.request)), []).append(entry)
        for key, group in groups.items():
            earlier = merged.setdefault(key, [])
            tail = earlier[-len(group) :]
            if [entry.response for entry in tail] == [entry.response for entry in group]:
                for entry, same in zip(group, tail, strict=True):
                    entry.same_as = same.part.label
                earlier[-1].repeat = group[-1].repeat
            else:
                earlier += group
    last = {group[-1] for group in merged.values()}
    parts = [_header_part(header, sources)]
    for entry in entries:
        if entry.same_as is None:
            is_explicit = entry in last and entry.repeat is not policy.get_repeat(header)
            part = _with_repeat(entry.part, entry.repeat if is_explicit else None)
            parts.append(replace(part, number=len(parts)))
    dropped = [(entry.part.label, entry.same_as) for entry in entries if entry.same_as]
    return MergeResult(join_parts(header, parts), len(parts) - 1, dropped, notes)


@dataclass(slots=True, eq=False)
class _Entry:
    """An exchange, and the *repeat* that applies to it; it is dropped if it is the *same_as* another one."""

    part: Part
    repeat: Repeat
    same_as: str | None = None

    @property
    def response(self) -> tuple[object, ...]:
        return strip_times(self.part.require_exchange().response)


def _header_part(header: Header, sources: Sequence[CassetteSource]) -> Part:
    """Return the first document, with the comments of the headers of all *sources*."""
    text = yaml_codec.dump_header(header)
    for source in sources:
        text = insert_comments(text, source.parts[0].text)
    return Part("", 0, 1, text.encode(), header=header)


def _with_repeat(part: Part, repeat: Repeat | None) -> Part:
    """Return *part* with another *repeat*; its text is unchanged if it has that already."""
    exchange = replace(part.require_exchange(), repeat=repeat)
    if exchange == part.exchange and b"\r\n" not in part.raw:
        return part
    raw = rewrite_part(part, exchange).replace(b"\r\n", b"\n")
    return replace(part, raw=raw, exchange=exchange)


def _merge_headers(sources: Sequence[CassetteSource], notes: list[str]) -> Header:
    """Return the merged header: values on which all agree, all rules for matching, and the oldest date. Add to *notes* what is lost."""
    headers = [source.header for source in sources]
    upstreams = list(dict.fromkeys(header.upstream for header in headers if header.upstream))
    servers = [header.server for header in headers if header.server]
    is_same_server = all(server == servers[0] for server in servers)
    ignored = _join_rules("ignore", [header.ignore for header in headers], notes)
    volatile = _join_rules("volatile", [header.volatile for header in headers], notes)
    if len(upstreams) > 1:
        notes.append("the cassettes have different upstreams: the header names none")
    if not is_same_server:
        notes.append("the cassettes have different servers: the header names none")
    dates = [header.recorded for header in headers if header.recorded]
    repeats = {header.repeat for header in headers}
    return Header(
        upstreams[0] if len(upstreams) == 1 else None,
        min(dates, default=None),
        servers[0] if servers and is_same_server else {},
        ignored,
        repeats.pop() if len(repeats) == 1 else None,
        volatile,
    )


def _join_rules(key: str, lists: list[tuple[str, ...]], notes: list[str]) -> tuple[str, ...]:
    """Return the rules under *key* of all headers, each once. Add to *notes* if they apply to more exchanges than before."""
    joined = tuple(dict.fromkeys(rule for rules in lists for rule in rules))
    if any(set(rules) != set(joined) for rules in lists):
        notes.append(f"`{key}: [{', '.join(joined)}]` now applies to all exchanges")
    return joined
