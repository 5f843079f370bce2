"""Deterministic ids and times that look random. No I/O, no clock."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The default time at which all runs of the fake graph start. The times within ids always count from it."""

_MILLISECONDS = int(EPOCH.timestamp() * 1000)

_EPOCH_TICKS = 0x01B21DD213814000 + _MILLISECONDS * 10_000
"""EPOCH in the unit of a version 6 UUID: 100 ns since 1582-10-15."""


@dataclass(frozen=True, slots=True)
class IdGenerator:
    """Makes the ids of one request, the *count*-th (from 0) with the same *seed* in its session.

    The same seed, count and names give the same id; other names give another id. *moment* is the time of the request in
    seconds since *epoch*; None means *count* seconds. *epoch* affects the times, but no id.
    """

    seed: str
    count: int = 0
    moment: int | None = None
    epoch: datetime = EPOCH

    def at(self, moment: int) -> "IdGenerator":
        """Return the same ids for another *moment*."""
        return replace(self, moment=moment)

    @property
    def milliseconds(self) -> int:
        """The time of the request in milliseconds since 1970, as ids hold it."""
        return _MILLISECONDS + 1000 * self.count

    def stream_milliseconds(self, seconds: float) -> int:
        """Return the time *seconds* after the request in milliseconds, as ids of stream events hold it."""
        return _MILLISECONDS + round(1000 * (self._seconds + seconds))

    def timestamp(self, seconds: float = 0.0) -> int:
        """Return the time *seconds* after the request in milliseconds since 1970."""
        return round(1000 * (self.epoch.timestamp() + self._seconds + seconds))

    def hex(self, *names: str | int) -> str:
        text = "\0".join(map(str, (self.seed, self.count, *names)))
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def uuid4(self, *names: str | int) -> str:
        """Return a version 4 UUID, used for messages."""
        return _format_uuid(self.hex(*names), 4)

    def uuid5(self, *names: str | int) -> str:
        """Return a version 5 UUID, used for tasks."""
        return _format_uuid(self.hex(*names), 5)

    def uuid6(self, number: int, step: int, *names: str | int) -> str:
        """Return a version 6 UUID for the checkpoint of a *step*; a greater *number* gives a later UUID."""
        ticks = f"{_EPOCH_TICKS + 10_000_000 * self._seconds + number:015x}"
        sequence = f"{0x8000 | step & 0x3FFF:04x}"
        digits = f"{ticks[:12]}6{ticks[12:]}{sequence}{self.hex(*names)[20:]}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def uuid7(self, *names: str | int) -> str:
        """Return a version 7 UUID, used for runs and threads; its first digits hold the time."""
        return _format_uuid(f"{self.milliseconds:012x}{self.hex(*names)[12:]}", 7)

    def time_after(self, moment: str) -> str:
        """Return the time of the request, or *moment* plus one millisecond if that is later."""
        later = datetime.fromisoformat(moment) + timedelta(milliseconds=1)
        return max(self.time(), later.isoformat(timespec="microseconds"))

    def time(self, seconds: float = 0.0) -> str:
        """Return the time *seconds* after the request, in ISO 8601."""
        moment = self.epoch + timedelta(seconds=self._seconds + seconds)
        return moment.isoformat(timespec="microseconds")

    @property
    def _seconds(self) -> int:
        return self.count if self.moment is None else self.moment


def create_interrupt_id(path: tuple[str, ...]) -> str:
    """Return the id of the interrupt of the task at *path*; it stays the same if the task asks again."""
    return sha256("\0".join(("interrupt", *path)).encode()).hexdigest()[:32]


def _format_uuid(digits: str, version: int) -> str:
    """Return 32 hexadecimal *digits* as a UUID of *version* (RFC 9562, section 4)."""
    variant = "89ab"[int(digits[16], 16) % 4]
    parts = (digits[:8], digits[8:12], f"{version}{digits[13:16]}", f"{variant}{digits[17:20]}")
    return "-".join((*parts, digits[20:]))
