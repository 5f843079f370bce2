"""Exchanges that were never played, and a cassette without them. No I/O."""

from dataclasses import dataclass, field

from mockserver.matching.usage import Plays, kind, marks
from mockserver.tools.fmt import assembled
from mockserver.tools.source import Part, Source


@dataclass(frozen=True, slots=True)
class Pruning:
    """What of a cassette was never *unplayed*, and what is kept for want of knowledge: *unknown* exchanges, or all, for the reason *kept*."""

    unplayed: list[Part] = field(default_factory=list)
    unknown: list[Part] = field(default_factory=list)
    kept: str | None = None


def pruning(source: Source, plays: Plays | None) -> Pruning:
    """Return what may go of *source*, by what its *plays* tell; None, where they tell nothing of it."""
    parts = list(source.exchanges)
    if plays is None:
        return Pruning(unknown=parts, kept="the usage does not know it")
    if plays.unfinished:
        return Pruning(unknown=parts, kept="a test that plays it has failed, or did not run")
    unplayed: list[Part] = []
    unknown: list[Part] = []
    asked = [part.exchange.request for part in parts if part.exchange is not None]
    told = marks(asked)
    # Where there are more of one meaning by now, it is not known which of them was which.
    moved = {kind(mark) for mark in told if mark not in plays.exchanges}
    for part, mark in zip(parts, told, strict=True):
        if kind(mark) in moved:
            unknown.append(part)
        elif plays.exchanges[mark] == 0:
            unplayed.append(part)
    return Pruning(unplayed, unknown)


def pruned(source: Source, gone: list[Part]) -> bytes | None:
    """Return *source* without the exchanges that are *gone*; None where none is left."""
    numbers = {part.number for part in gone}
    left = [part for part in source.parts if part.number not in numbers]
    return assembled(source.header, left) if len(left) > 1 else None
