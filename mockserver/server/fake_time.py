"""The date of what the fake graph makes, as users give it."""

from datetime import UTC, date, datetime, time
from typing import Any

from mockserver.errors import UsageError

TODAY = "today"

_YEARS = range(1970, 9000)


def parse_fake_now(value: object, name: str = "--fake-now") -> datetime | None:
    """Return the time in *value*: an ISO date or date-time, or `today`, which is read from the clock. None stays None.

    A date means its midnight. Times are in UTC unless they name another zone; `today` is the local day. UsageError, which begins with *name*,
    if *value* is something else.
    """
    if value is None:
        return None
    try:
        utc = _read(value).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        utc = None
    if utc is None or utc.year not in _YEARS:
        raise UsageError(
            f"{name} {str(value)!r}: write a date such as 2026-11-27, a time such as 2026-11-27T09:30Z, or {TODAY}; "
            f"years are {_YEARS[0]} to {_YEARS[-1]}"
        )
    return utc


def _read(value: Any) -> datetime:
    if value == TODAY:
        return datetime.combine(date.today(), time()).astimezone()
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
