"""What is left of a budget and how long it lasts."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.budget import Count, GroupCounts
from model.objective import Gate
from slo.budget import balance, rate_window
from slo.burn import tiers_for
from slo.reading import Rules, Threshold, read

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAY = timedelta(days=1)
PERIOD = 28 * DAY


def rules(target: str = "0.99") -> Rules:
    wanted = Fraction(target)
    thresholds = tuple(Threshold(tier, tier.burn * (1 - wanted), tier.share, tier.share) for tier in tiers_for(PERIOD))
    return Rules(wanted, 1 - wanted, Gate(), 1e-4, PERIOD, thresholds)


def reading(bad: int, total: int, *, recent: int = 0, window: timedelta = DAY, lived: timedelta = PERIOD):
    windows = {window: Count(good=100, bad=recent)}
    counts = GroupCounts((), windows, Count(good=total - bad, bad=bad), first_unit_at=NOW - lived)
    return read(rules(), counts, NOW)


@pytest.mark.parametrize(
    ("bad", "total", "left"),
    [
        pytest.param(0, 10_000, Fraction(1), id="untouched"),
        pytest.param(62, 10_000, Fraction(38, 100), id="part of it spent"),
        pytest.param(100, 10_000, Fraction(0), id="spent to the last"),
        pytest.param(142, 10_000, Fraction(-42, 100), id="overspent"),
        pytest.param(0, 0, None, id="nothing was counted"),
    ],
)
def test_what_is_left_is_exact(bad, total, left):
    assert balance(reading(bad, total), DAY).left == left


def test_a_young_budget_is_that_of_a_whole_period():
    """After two days one failure of a hundred is no reason to call the month's budget spent."""
    assert balance(reading(1, 100, lived=2 * DAY), DAY).left == 1 - Fraction(1, 14)


def test_it_lasts_as_long_as_the_present_rate_leaves_it():
    spent_a_tenth_in_a_day = balance(reading(50, 10_000, recent=10), DAY)
    assert spent_a_tenth_in_a_day.left == Fraction(1, 2)
    assert spent_a_tenth_in_a_day.lasts == 5 * DAY


@pytest.mark.parametrize(("bad", "recent"), [(50, 0), (50, 3), (100, 10), (150, 10)])
def test_no_end_is_told_where_it_is_kept_or_gone(bad, recent):
    assert balance(reading(bad, 10_000, recent=recent), DAY).lasts is None


@given(bad=st.integers(0, 500), more=st.integers(0, 500), recent=st.integers(0, 500), total=st.integers(1, 10**7))
def test_more_failures_never_leave_more_and_never_last_longer(bad, more, recent, total):
    few, many = (balance(reading(min(one, total), total, recent=recent), DAY) for one in (bad, bad + more))
    assert few.left >= many.left
    assert all(one.lasts is None or timedelta() < one.lasts < PERIOD for one in (few, many))
    if few.lasts and many.lasts:
        assert many.lasts <= few.lasts


def test_the_present_rate_is_that_of_the_tier_that_fires():
    one = reading(1, 100)
    assert rate_window(one, "page 1h/5m") == timedelta(hours=1)
    assert rate_window(one, "") == 3 * DAY
