"""The walk over the past tells what the engine would have told, and skips only where nothing can change."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.budget import Count, Feed
from model.objective import Gate, Indicator, Objective, Window
from slo.burn import detection, tiers_for
from slo.evaluate import evaluate
from slo.ledger import Slices, Units, UnitTrack, slice_ledger, unit_ledger
from slo.walk import Silence, Walk, minute_of, moment

DAY = 1440
START = 29_000_000
MONTH = 28 * DAY
OBJECTIVE = Objective(
    name="mine",
    title="Mine",
    indicator=Indicator("enrolment", "demo-request"),
    target=Fraction(99, 100),
    window=Window(timedelta(days=28)),
    tiers=tiers_for(timedelta(days=28)),
    generation="g",
    group_by=("campaign",),
)


def steady(
    since: int, until: int, each: int = 5, *, values: tuple[str, ...] = ("spring",), bad: int = 0
) -> list[Units]:
    """So many units a minute; bad ones fail each on their own."""
    return [
        Units(values, minute, each - bad, bad, [minute * 10 + nth for nth in range(bad)])
        for minute in range(since, until)
    ]


def told(walk: Walk, since: int, until: int) -> list[tuple[int, str, str, tuple]]:
    return [
        (minute_of(one.at) - START, one.happening, one.after, one.key.group) for one in walk.transitions(since, until)
    ]


def outage(minutes: int, *, until: int = START + DAY) -> list[Units]:
    """Two days of good leads, then none gets through for a while."""
    before = steady(START - 2 * DAY, START)
    return [*before, *steady(START, START + minutes, bad=5), *steady(START + minutes, until)]


def test_an_outage_is_told_when_the_formula_says_and_ends_soon_after_it():
    walk = Walk(OBJECTIVE, unit_ledger(outage(60), OBJECTIVE.group_by))
    found = told(walk, START - DAY, START + DAY)
    first = detection(OBJECTIVE.tiers[0], OBJECTIVE.target, Fraction(1))
    assert found[0][1:] == ("fired", "page", (("campaign", "spring"),))
    assert 0 <= found[0][0] - first.total_seconds() / 60 <= 1.5
    assert [one[1:3] for one in found[1:]] == [("eased", "ticket"), ("resolved", "ok")] or [
        one[1:3] for one in found[1:]
    ] == [("resolved", "ok")]
    assert 60 < found[-1][0] < DAY


def test_nothing_is_told_of_a_budget_that_is_kept():
    units = steady(START - 2 * DAY, START + DAY, each=5)
    units += [Units(("spring",), minute, 0, 1, [minute]) for minute in range(START - 2 * DAY, START + DAY, 45)]
    assert told(Walk(OBJECTIVE, unit_ledger(units, OBJECTIVE.group_by)), START - DAY, START + DAY) == []


def test_one_failure_unit_of_many_leads_is_not_told():
    units = outage(60)
    units = [replace(one, failures=[7] * one.bad) for one in units]
    assert told(Walk(OBJECTIVE, unit_ledger(units, OBJECTIVE.group_by)), START - DAY, START + DAY) == []


def test_a_lost_feed_freezes_and_is_told_from_when_it_is_known():
    silence = Silence("crm-writer", START + 20, START + 30, START + 90)
    units = [one for one in outage(60) if not START + 20 <= one.minute < START + 90]
    found = told(Walk(OBJECTIVE, unit_ledger(units, OBJECTIVE.group_by), [silence]), START - DAY, START + DAY)
    assert [(at, what) for at, what, *_ in found if 20 < at <= 92] == [
        (30, "fired"),
        (30, "frozen"),
        (90, "resolved"),
        (90, "thawed"),
    ]
    assert {what for at, what, *_ in found if 30 < at < 90} == set()


def test_slices_count_every_minute_from_the_first_on():
    objective = replace(OBJECTIVE, indicator=Indicator("backlog", "demo-request", timedelta(minutes=5)), group_by=())
    slices = Slices((), START - 2 * DAY, bad=[(START, START + 40)], uncounted=[(START - 600, START - 500)])
    ledger = slice_ledger([slices], ())
    assert ledger[()].count(START - DAY, START + 20) == Count(DAY - 100, 20, 20, 20)
    found = told(Walk(objective, ledger), START - DAY, START + DAY)
    assert found[0][1:3] == ("fired", "page")
    assert found[0][0] <= 10
    assert found[-1][1] == "resolved"


def test_groups_of_every_level_add_up_and_those_beyond_the_kept_are_one():
    units = [Units((f"c{nth}", "smb"), START, 1, 1, [nth]) for nth in range(4)]
    kept = frozenset({("c0",), ("c0", "smb")})
    ledger = unit_ledger(units, ("campaign", "segment"), kept)
    counted = {group: track.count(START, START + 1) for group, track in ledger.items()}
    assert counted == {
        (): Count(4, 4, 4, 4),
        (("campaign", "c0"),): Count(1, 1, 1, 1),
        (("campaign", "c0"), ("segment", "smb")): Count(1, 1, 1, 1),
        (("campaign", "(other)"),): Count(3, 3, 3, 3),
        (("campaign", "(other)"), ("segment", "(other)")): Count(3, 3, 3, 3),
    }


units_of_a_minute = st.builds(
    lambda minute, good, failures: Units((), minute, good, len(failures), failures),
    st.integers(0, 60),
    st.integers(0, 3),
    st.lists(st.integers(0, 5), max_size=3),
)


@given(
    st.lists(units_of_a_minute, max_size=40), st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=30)
)
def test_windows_are_counted_alike_in_any_order(units, windows):
    track = UnitTrack(units)
    for first, length in windows:
        inside = [one for one in units if first <= one.minute < first + length]
        failures = Counter(unit for one in inside for unit in one.failures)
        cut = [
            failures[unit] * failures[unit + 1]
            for unit in failures
            if unit + 1 in failures and failures[unit] + failures[unit + 1] > 2
            if not {unit - 1, unit + 2} & failures.keys()
        ]
        assert track.count(first, first + length) == Count(
            sum(one.good for one in inside),
            sum(one.bad for one in inside),
            len(failures) - len(cut),
            sum(size * size for size in failures.values()) + 2 * sum(cut),
        )


stories = st.lists(
    st.tuples(
        st.sampled_from(["spring", "autumn"]),
        st.integers(0, 220),
        st.integers(1, 120),
        st.integers(1, 5),
    ),
    max_size=4,
)


@given(
    stories,
    st.booleans(),
    st.sampled_from(
        [Window(timedelta(days=28)), Window(timedelta(days=7), False, "week", 1, "2024-01-01 00:00:00", "Asia/Kolkata")]
    ),
)
@settings(max_examples=8)
def test_skipping_what_cannot_change_changes_nothing(outages, is_lost, window):
    """Against an evaluation of every group at every minute."""
    begin, end = START, START + 240
    units = [one for name in ("spring", "autumn") for one in steady(begin - 600, end, 2, values=(name,))]
    for name, at, length, bad in outages:
        units += [
            Units((name,), minute, 0, bad, [minute * 10 + nth for nth in range(bad)])
            for minute in range(begin + at, min(begin + at + length, end))
        ]
    objective = replace(OBJECTIVE, gate=Gate(min_budget_failures=1), window=window, tiers=tiers_for(window.length)[:3])
    silences = [Silence("crm", begin + 120, begin + 130, begin + 160)] if is_lost else []
    walk = Walk(objective, unit_ledger(units, objective.group_by), silences)
    assert list(walk.transitions(begin, end)) == list(every_minute(walk, begin, end))


def every_minute(walk: Walk, since: int, until: int):
    states = {}
    for at in range(since, until + 1):
        feeds = [
            Feed(one.feed, None, moment(one.silent_from)) for one in walk.silences if one.known_from <= at < one.until
        ]
        counts = [walk.counts(group, at) for group in walk.ledger]
        found = evaluate(walk.objective, counts, states, feeds, moment(at), groups=len(walk.ledger))
        yield from found.transitions
        states = {key: state for key, state in found.states.items() if state.firing != "ok"}


@pytest.mark.parametrize("step", [1, 5])
def test_a_longer_step_tells_the_same_incidents_a_little_later(step):
    walk = Walk(OBJECTIVE, unit_ledger(outage(60), OBJECTIVE.group_by), step=step)
    found = told(walk, START - DAY, START + DAY)
    assert found[0][1:3] == ("fired", "page")
    assert abs(found[0][0] - 9) <= step
