"""Ids and times that look random and are not. No I/O, no clock."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When all that the fake graph does has happened."""

_MILLISECONDS = int(EPOCH.timestamp() * 1000)

_TICKS = 0x01B21DD213814000 + _MILLISECONDS * 10_000
"""The same moment as a UUID of version 6 counts: in 100 ns since 1582-10-15."""


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids of one request, the *count*-th (from 0) of its kind in its session; *seed* says what was asked.

    The same seed, count and names always give the same id; any other name gives another. *moment* is when it happened,
    in seconds since EPOCH, where that is not as many as the count.
    """

    seed: str
    count: int = 0
    moment: int | None = None

    def at(self, moment: int) -> "Ids":
        """Return the same ids, of what happened at *moment*."""
        return replace(self, moment=moment)

    @property
    def milliseconds(self) -> int:
        """When the request came, in milliseconds since 1970."""
        return _MILLISECONDS + 1000 * self.count

    def hex(self, *names: str | int) -> str:
        """Return 32 hexadecimal digits."""
        text = "\0".join(map(str, (self.seed, self.count, *names)))
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def uuid4(self, *names: str | int) -> str:
        """Return a UUID of version 4, as of messages."""
        return _formed(self.hex(*names), 4)

    def uuid5(self, *names: str | int) -> str:
        """Return a UUID of version 5, as of tasks."""
        return _formed(self.hex(*names), 5)

    def uuid6(self, number: int, step: int, *names: str | int) -> str:
        """Return a UUID of version 6, as of the checkpoint of a *step*; a greater *number* makes a later one."""
        ticks = f"{_TICKS + 10_000_000 * self._seconds + number:015x}"
        sequence = f"{0x8000 | step & 0x3FFF:04x}"
        digits = f"{ticks[:12]}6{ticks[12:]}{sequence}{self.hex(*names)[20:]}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def uuid7(self, *names: str | int) -> str:
        """Return a UUID of version 7, as of runs and threads, which tells the time in its first digits."""
        return _formed(f"{self.milliseconds:012x}{self.hex(*names)[12:]}", 7)

    def time_after(self, moment: str) -> str:
        """Return when it happened, but a millisecond behind *moment* at the earliest."""
        later = datetime.fromisoformat(moment) + timedelta(milliseconds=1)
        return max(self.time(), later.isoformat(timespec="microseconds"))

    def time(self, seconds: float = 0.0) -> str:
        """Return when it happened, *seconds* after the request, in ISO 8601."""
        moment = EPOCH + timedelta(seconds=self._seconds + seconds)
        return moment.isoformat(timespec="microseconds")

    @property
    def _seconds(self) -> int:
        return self.count if self.moment is None else self.moment


def interrupt_id(path: tuple[str, ...]) -> str:
    """Return the id of what the task at *path* asks a human: it is the same whenever that task asks."""
    return sha256("\0".join(("interrupt", *path)).encode()).hexdigest()[:32]


def _formed(digits: str, version: int) -> str:
    """Return the UUID of *version* that 32 hexadecimal *digits* make (RFC 9562, section 4)."""
    variant = "89ab"[int(digits[16], 16) % 4]
    parts = (digits[:8], digits[8:12], f"{version}{digits[13:16]}", f"{variant}{digits[17:20]}")
    return "-".join((*parts, digits[20:]))
