"""How often the shipped engine cries wolf, over made-up months; LEADTRACE_TORTURE=long makes as many as
`python -m benchmarks alarms`. The months are the same each time, so the counts are exact.
"""

import os

import pytest

from benchmarks.alarms import HEALTHY, KNOWN, TARGETS, alarms, median_to_page, poisson_interval, walk_of
from benchmarks.made_up_months import BEFORE, SLOTS_AN_HOUR, Run, by_minute, month
from model.budget import Count

LONG = os.environ.get("LEADTRACE_TORTURE") == "long"
MONTHS, OUTAGES = (600, 201) if LONG else (6, 15)
BY_NAME = {healthy.name: healthy for healthy in HEALTHY}
WORKERS = (os.cpu_count() or 1) if LONG else 1
AIMED = [healthy.name for healthy in HEALTHY if healthy.aim is not None]


@pytest.mark.torture
@pytest.mark.timeout(3_600 if LONG else 120)
@pytest.mark.parametrize("name", AIMED)
def test_healthy_months_page_as_seldom_as_was_aimed_at_and_the_workbooks_rule_far_more_often(name):
    healthy = BY_NAME[name]
    found = alarms(healthy, MONTHS, WORKERS)
    assert found.pages <= healthy.aim * MONTHS
    assert found.workbook_pages > MONTHS


@pytest.mark.torture
@pytest.mark.timeout(3_600 if LONG else 120)
@pytest.mark.parametrize("rate", KNOWN)
def test_a_total_outage_by_day_is_paged_in_minutes(rate):
    """Half as long again as was measured when the gate was designed, and two minutes, are not exceeded."""
    medians = [median_to_page(target, rate, OUTAGES, WORKERS) for target in TARGETS]
    assert all(median <= 1.5 * known + 2 for median, known in zip(medians, KNOWN[rate], strict=True)), medians


def test_what_the_walk_leaves_out_would_have_told_nothing():
    """Over two days of a month at the budget, asked at every half minute."""
    walk = walk_of(BY_NAME["at the budget, single failures"], number=4, months=6)
    days = range(BEFORE, BEFORE + 48 * SLOTS_AN_HOUR)
    might = set(walk.might_fire())
    assert [slot for slot in days if slot not in might and walk.evaluated(slot, {}).transitions] == []


def test_made_up_failures_are_counted_as_the_shipped_counting_does():
    """Slots are half minutes. What the clock cut in two is one failure unit, unless both were single ones."""
    cut, row, hour = [61, 61, 119, 121], [300, 301, 361, 362, 421], [3_599, 3_599, 3_600, 3_600]
    made = month([0] * 240, by_minute([*cut, *row, *hour]))
    assert made.count(240, 240) == Count(0, 13, 1 + 3 + 2, 16 + 4 + 4 + 1 + 4 + 4)
    assert made.count(240, 236) == Count(0, 10, 1 + 3 + 2 - 0, 1 + 4 + 4 + 1 + 4 + 4)
    assert made.count(13, 13) == Count(0, 8, 2, 16 + 16)


def test_a_named_batch_is_one_failure_unit_however_many_it_took():
    made = month([1] * 20, [Run({3: 8}, named=True), Run({4: 2}, named=True)])
    assert made.count(20, 20) == Count(20, 10, 2, 64 + 4)


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.025, 5.572), (10, 4.795, 18.39)])
def test_the_interval_around_a_count_is_garwoods(count, low, high):
    assert poisson_interval(count) == pytest.approx((low, high), abs=0.005)
