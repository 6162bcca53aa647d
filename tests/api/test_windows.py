"""The stretch of time that people ask for, as they write it."""

from datetime import UTC, datetime, timedelta

import pytest

from lineage.window import WindowError, window

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def test_without_a_word_it_is_the_last_seven_days():
    asked = window(None, "", now=NOW)
    assert (asked.since, asked.until) == (NOW - timedelta(days=7), NOW)


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("90 min", NOW - timedelta(minutes=90)),
        (" 2W ", NOW - timedelta(weeks=2)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-24T09:00:00Z", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("2026-11-24T09:00:00+02:00", datetime(2026, 11, 24, 7, tzinfo=UTC)),
        pytest.param("2026-11-24T09:00:00 02:00", datetime(2026, 11, 24, 7, tzinfo=UTC), id="a plus lost in a URL"),
    ],
)
def test_it_begins_where_the_text_says(text, since):
    assert window(text, None, now=NOW).since == since


def test_a_date_as_its_end_includes_that_day():
    asked = window("2026-11-20", "2026-11-20", now=NOW)
    assert asked.until - asked.since == timedelta(days=1)


def test_an_end_in_the_past_moves_the_default_beginning_too():
    assert window(None, "2026-10-01T00:00:00Z", now=NOW).since == datetime(2026, 9, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "parameter", "says"),
    [
        ("soon", None, "since", "“soon” is not a time"),
        (None, "2026-13-01", "until", "is not a time"),
        ("2026-11-24T09:00:00", None, "since", "has no zone"),
        ("now", "now", "since", "is not before"),
        ("2026-11-24", "2026-11-20", "since", "is not before"),
        ("0001-01-01", None, "since", "out of range"),
        ("9999-12-31", None, "since", "out of range"),
        (None, "9999-12-31", "until", "out of range"),
        ("0001-01-01T00:00:00+14:00", None, "since", "out of range"),
        ("9999w", None, "since", "out of range"),
    ],
)
def test_a_time_that_cannot_be_read_is_named_with_its_mend(since, until, parameter, says):
    with pytest.raises(WindowError, match=says) as refused:
        window(since, until, now=NOW)
    assert refused.value.parameter == parameter
    assert refused.value.mend
