"""The speed of responses. No I/O, no clock."""

from dataclasses import dataclass

from mockserver.errors import UsageError

INSTANT = "instant"
RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Pace:
    """*factor* times the recorded speed, without delays if it is None; no pause is longer than *max_gap* seconds."""

    factor: float | None = 1.0
    max_gap: float | None = None

    def scale(self, seconds: float) -> float:
        """Return the length of a recorded pause of *seconds* at this pace."""
        if self.factor is None:
            return 0.0
        gap = max(seconds, 0.0) / self.factor
        return gap if self.max_gap is None else min(gap, self.max_gap)


def parse_pace(speed: str, max_gap: float | None) -> Pace:
    """Return the pace for *speed*: `recorded`, `instant` or a factor; UsageError if it is none of these."""
    if max_gap is not None and not (isinstance(max_gap, int | float) and max_gap >= 0):
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
