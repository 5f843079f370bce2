"""The date of what the fake graph makes, as users give it."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mockserver.errors import UsageError
from mockserver.server.fake_time import parse_fake_now


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026-11-27", "2026-11-27T00:00:00+00:00", id="a date"),
        pytest.param("2026-11-27T09:30", "2026-11-27T09:30:00+00:00", id="a time"),
        pytest.param("2026-11-27T09:30:01.5Z", "2026-11-27T09:30:01.500000+00:00", id="in UTC"),
        pytest.param("2026-11-27T09:30+05:30", "2026-11-27T04:00:00+00:00", id="in another zone"),
        pytest.param(date(2026, 11, 27), "2026-11-27T00:00:00+00:00", id="a date value"),
        pytest.param(datetime(2026, 11, 27, 9), "2026-11-27T09:00:00+00:00", id="a time value"),
        pytest.param(
            datetime(2026, 11, 27, 0, tzinfo=timezone(timedelta(hours=2))),
            "2026-11-26T22:00:00+00:00",
            id="a time value with a zone",
        ),
    ],
)
def test_dates_and_times_are_read(value: object, expected: str) -> None:
    moment = parse_fake_now(value)

    assert moment is not None
    assert moment.isoformat() == expected


def test_without_a_value_there_is_no_date() -> None:
    assert parse_fake_now(None) is None


def test_today_is_the_local_midnight() -> None:
    before = date.today()
    moment = parse_fake_now("today")
    after = date.today()

    assert moment is not None
    local = moment.astimezone()
    assert moment.tzinfo is UTC
    assert before <= local.date() <= after
    assert (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "now",
        "27.11.2026",
        "2026-13-01",
        "1969-12-31",
        "9000-01-01",
        "9999-12-31T23:00-05:00",
        5,
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(UsageError) as caught:
        parse_fake_now(value)

    assert str(caught.value) == (
        f"--fake-now {str(value)!r}: write a date such as 2026-11-27, a time such as 2026-11-27T09:30Z, or today; "
        "years are 1970 to 8999"
    )
