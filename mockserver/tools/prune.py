"""Find the exchanges that were never played, and remove them from a cassette. No I/O."""

from dataclasses import dataclass, field

from mockserver.cassette.summary import find_human_text
from mockserver.matching.canonical import canonicalize
from mockserver.matching.usage import Plays, compute_marks, strip_ordinal
from mockserver.tools.cassette_source import CassetteSource, Part
from mockserver.tools.fmt import join_parts


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """Which exchanges of a cassette to remove, and which to keep because it is not known whether they were played."""

    unplayed: list[Part] = field(default_factory=list)
    unknown: list[Part] = field(default_factory=list)
    reason: str | None = None
    """Why all exchanges are kept; None if each was looked up."""


def plan_prune(source: CassetteSource, plays: Plays | None) -> PrunePlan:
    """Return which exchanges of *source* were never played; *plays* is None if the usage has no entry for the file."""
    parts = list(source.exchanges)
    if plays is None:
        return PrunePlan(unknown=parts, reason="the usage has no entry for it")
    if plays.unfinished:
        return PrunePlan(unknown=parts, reason="a test that plays it failed or did not run")
    unplayed: list[Part] = []
    unknown: list[Part] = []
    part_marks = compute_marks([part.require_exchange().request for part in parts])
    # After equal requests were added, it is not known which of them the usage counted.
    changed_kinds = {strip_ordinal(mark) for mark in part_marks if mark not in plays.exchanges}
    for part, mark in zip(parts, part_marks, strict=True):
        if strip_ordinal(mark) in changed_kinds:
            unknown.append(part)
        elif plays.exchanges[mark] == 0:
            unplayed.append(part)
    return PrunePlan(unplayed, unknown)


def remove_parts(source: CassetteSource, removed: list[Part]) -> bytes | None:
    """Return *source* without the exchanges *removed*; None if no exchange remains."""
    numbers = {part.number for part in removed}
    remaining = [part for part in source.parts if part.number not in numbers]
    return join_parts(source.header, remaining) if len(remaining) > 1 else None


def describe_part(part: Part) -> dict[str, str]:
    """Return what is listed of the exchange of *part*."""
    request = part.require_exchange().request
    facts = {"exchange": part.label, "method": request.method, "path": request.path}
    return facts | {"human": find_human_text(canonicalize(request))}
