"""The period of a budget, rolling and by the calendar."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.objective import Window
from slo.period import period_of

DAY = timedelta(days=1)


def calendar(unit, start="2026-01-01 00:00:00", zone="UTC", count=1):
    return Window(28 * DAY, rolling=False, unit=unit, count=count, start=start, timezone=zone)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_rolling_period_ends_now():
    now = utc("2026-11-24 09:00")
    assert period_of(Window(28 * DAY), now) == (utc("2026-10-27 09:00"), now)


@pytest.mark.parametrize(
    ("window", "now", "since", "until"),
    [
        pytest.param(calendar("month"), "2026-02-28 23:59", "2026-02-01", "2026-03-01", id="a short month"),
        pytest.param(calendar("month"), "2028-02-29 12:00", "2028-02-01", "2028-03-01", id="a leap year"),
        pytest.param(calendar("month"), "2026-03-01 00:00", "2026-03-01", "2026-04-01", id="its first moment"),
        pytest.param(calendar("quarter"), "2026-11-24 09:00", "2026-10-01", "2027-01-01", id="a quarter"),
        pytest.param(calendar("year"), "2026-11-24 09:00", "2026-01-01", "2027-01-01", id="a year"),
        pytest.param(calendar("week", "2026-01-05 00:00:00"), "2026-11-24 09:00", "2026-11-23", "2026-11-30", id="a week"),
        pytest.param(calendar("week", "2026-01-05 00:00:00", count=2), "2026-01-19 00:00", "2026-01-19", "2026-02-02", id="two weeks"),
        pytest.param(calendar("month", "2026-01-31 00:00:00"), "2026-03-30 00:00", "2026-02-28", "2026-03-31", id="from the last day of a month"),
        pytest.param(calendar("month", "2026-06-15 06:00:00"), "2026-11-15 05:59", "2026-10-15 06:00", "2026-11-15 06:00", id="from the middle of a month"),
        pytest.param(calendar("month"), "2025-11-24 09:00", "2025-11-01", "2025-12-01", id="before its start"),
    ],
)  # fmt: skip
def test_a_calendar_period_holds_its_moment(window, now, since, until):
    assert period_of(window, utc(now)) == (utc(since), utc(until))


def test_a_day_with_a_change_of_the_clock_has_23_or_25_hours():
    window = calendar("day", zone="Europe/Berlin")
    lengths = [
        until - since
        for since, until in (period_of(window, utc(at)) for at in ("2026-03-29 12:00", "2026-10-25 12:00"))
    ]
    assert lengths == [timedelta(hours=23), timedelta(hours=25)]


def test_midnight_is_that_of_the_zone():
    since, _ = period_of(calendar("month", zone="America/New_York"), utc("2026-11-01 03:00"))
    assert since == utc("2026-10-01 04:00")


@pytest.mark.parametrize("now", ["2026-10-25 00:10", "2026-10-25 01:10", "2026-03-29 01:15", "2026-03-29 01:45"])
def test_an_hour_that_comes_twice_or_never_lies_in_one_period(now):
    since, until = period_of(calendar("day", "2026-01-01 02:30:00", "Europe/Berlin"), utc(now))
    assert since <= utc(now) < until


YEAR_2023, YEAR_2030 = datetime(2023, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001  hypothesis adds the zone


@given(
    unit=st.sampled_from(["day", "week", "month", "quarter", "year"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    start=st.datetimes(YEAR_2023, YEAR_2030),
    count=st.integers(1, 3),
    now=st.datetimes(YEAR_2023, YEAR_2030, timezones=st.just(UTC)),
)
def test_periods_follow_each_other_without_a_gap(unit, zone, start, count, now):
    window = calendar(unit, f"{start:%Y-%m-%d %H:%M:%S}", zone, count)
    since, until = period_of(window, now)
    assert since <= now < until
    assert period_of(window, until)[0] == until
