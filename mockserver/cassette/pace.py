"""How fast a recorded answer goes out. No I/O, no clock."""

from dataclasses import dataclass

from mockserver.cassette.model import Body, Response, Stream
from mockserver.cassette.player import steps
from mockserver.errors import UsageError
from mockserver.messages import Paced

INSTANT = "instant"
RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Pace:
    """*factor* times as fast as recorded, at once if it is None; no pause longer than *max_gap* seconds."""

    factor: float | None = 1.0
    max_gap: float | None = None

    def body(self, response: Response) -> bytes | Paced:
        """Return the body of *response* at this pace: bytes where it goes out at once."""
        chunks = steps(response.content)
        end, cut = response.end, bool(response.end and response.end.cut)
        if self.factor is None:
            whole = b"".join(chunk for _, chunk in chunks)
            return Paced(((0.0, whole),), 0.0, cut=True) if cut else whole
        at, before = 0.0, 0.0
        paced: list[tuple[float, bytes]] = []
        for recorded, chunk in chunks:
            at += self._gap(recorded - before)
            before = recorded
            paced.append((at, chunk))
        if not cut and not at and not (end and end.after):
            return b"".join(chunk for _, chunk in paced)
        if isinstance(response.content, Body) and paced and not cut:
            return Paced(tuple(paced), at)  # complete with its last byte
        ends = last(response.content) - before + (end.after if end else 0.0)
        return Paced(tuple(paced), at + self._gap(ends), cut)

    def _gap(self, seconds: float) -> float:
        assert self.factor is not None
        gap = max(seconds, 0.0) / self.factor
        return gap if self.max_gap is None else min(gap, self.max_gap)


def last(content: Stream | Body) -> float:
    """Return when the last of *content* came, in seconds since the request."""
    match content:
        case Stream(events):
            return sum(timed.after for timed in events)
        case Body(_, after, keepalives):
            return max((after, *keepalives))


def pace(speed: str, max_gap: float | None) -> Pace:
    """Return the pace that *speed* names: `recorded`, `instant` or a factor; UsageError if it is none."""
    if max_gap is not None and not max_gap >= 0:
        raise UsageError(f"--max-gap {max_gap}: write a number of seconds")
    if speed == INSTANT:
        return Pace(None)
    if speed == RECORDED:
        return Pace(1.0, max_gap)
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor < 1e6:
        raise UsageError(f"--speed {speed}: write recorded, instant, or a factor such as 4")
    return Pace(factor, max_gap)
