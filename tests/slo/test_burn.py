"""Every cell of both tables of shared/slo.md."""

from datetime import timedelta
from fractions import Fraction

import pytest

from model.objective import Tier
from slo.burn import WORKBOOK, burn_rate, detection, is_possible, reset, target_must_exceed, tiers_for

DAY = timedelta(days=1)
BURNS = {30: ("14.4", "6", "3", "1"), 28: ("13.44", "5.6", "2.8", "0.933"), 90: ("43.2", "18", "9", "3")}
WORKBOOK_SHARES_OVER_7_DAYS = ("3.36", "1.4", "0.7", "0.23")
MUST_EXCEED_30 = ("0.9306", "0.8333", "0.6667", "0")
MINUTES_30 = {
    ("0.999", "1"): ("0.9 / 4.9", "2.2 / 29.8", "4.3 / 119.6", "4.3 / 359.6"),
    ("0.99", "1"): ("8.6 / 4.3", "21.6 / 28.2", "43.2 / 116.4", "43.2 / 356.4"),
    ("0.99", "0.2"): ("43.2 / 1.4", "108 / 21", "216 / 102", "216 / 342"),
    ("0.99", "0.05"): ("never", "never", "864 / 48", "864 / 288"),
    ("0.95", "1"): ("43.2 / 1.4", "108 / 21", "216 / 102", "216 / 342"),
    ("0.95", "0.5"): ("never", "216 / 12", "432 / 84", "432 / 324"),
}
CELLS = [
    pytest.param(number, target, errors, cell, id=f"{target} {errors} {tiers_for(30 * DAY)[number].name}")
    for (target, errors), cells in MINUTES_30.items()
    for number, cell in enumerate(cells)
]


def _tier(number: int, days: int = 30) -> Tier:
    return tiers_for(days * DAY)[number]


@pytest.mark.parametrize("days", BURNS)
@pytest.mark.parametrize("number", range(4))
def test_the_burn_rates_are_those_of_the_table(days: int, number: int) -> None:
    written = BURNS[days][number]
    places = len(written.partition(".")[2])
    assert round(_tier(number, days).burn, places) == Fraction(written)


@pytest.mark.parametrize("number", range(4))
def test_the_workbooks_shares_over_seven_days_are_those_of_the_table(number: int) -> None:
    written = WORKBOOK_SHARES_OVER_7_DAYS[number]
    _, long, _, share = WORKBOOK[number]
    assert round(burn_rate(share, 7 * DAY, long), len(written.partition(".")[2])) == Fraction(written)


@pytest.mark.parametrize("days", [1, 2, 3, 7, 14, 27])
def test_a_short_period_keeps_the_burn_rates_of_thirty_days_with_other_shares(days: int) -> None:
    for tier in tiers_for(days * DAY):
        same = next(one for one in tiers_for(30 * DAY) if one.name == tier.name)
        assert tier.burn == same.burn >= 1
        assert same.share < tier.share <= 1
        assert tier.burn == burn_rate(tier.share, days * DAY, tier.long)


def test_seven_days_have_all_four_tiers_and_one_day_the_fastest_only() -> None:
    assert [tier.name for tier in tiers_for(7 * DAY)] == [tier.name for tier in tiers_for(30 * DAY)]
    assert [tier.name for tier in tiers_for(DAY)] == ["page 1h/5m"]


def test_tiers_are_named_as_people_call_them() -> None:
    names = ["page 1h/5m", "page 6h/30m", "ticket 1d/2h", "ticket 3d/6h"]
    assert [tier.name for tier in tiers_for(30 * DAY)] == names


@pytest.mark.parametrize("number", range(4))
def test_the_target_a_tier_needs_is_that_of_the_table(number: int) -> None:
    assert round(target_must_exceed(_tier(number)), 4) == Fraction(MUST_EXCEED_30[number])


@pytest.mark.parametrize("number", range(3))
def test_a_target_at_the_edge_is_impossible_and_one_above_it_is_not(number: int) -> None:
    edge = target_must_exceed(_tier(number))
    assert not is_possible(_tier(number), edge)
    assert is_possible(_tier(number), edge + Fraction(1, 10**9))


@pytest.mark.parametrize(("number", "target", "errors", "cell"), CELLS)
def test_detection_and_reset_are_those_of_the_table(number: int, target: str, errors: str, cell: str) -> None:
    found = detection(_tier(number), Fraction(target), Fraction(errors))
    cleared = reset(_tier(number), Fraction(target), Fraction(errors))
    if cell == "never":
        assert found is cleared is None
        return
    assert found is not None
    assert cleared is not None
    assert f"{_minutes(found)} / {_minutes(cleared)}" == cell


def _minutes(length: timedelta) -> str:
    return f"{round(length / timedelta(minutes=1), 1):g}"
