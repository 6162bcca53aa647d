"""Windows, slots, groups and corrections over units that were counted."""

from dataclasses import replace
from datetime import timedelta

import pytest
from counting_world import START, World, at, count, entry, minutes, objective

from model.decisions import Correction
from model.objective import Window

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def world(store):
    return World(store)


def correction(since: float, until: float, of="enrolment", **how) -> Correction:
    return Correction("x-1", of, at(since), at(until), "ana", "maintenance", at(until), **how)


# ── windows ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_window_ends_now_and_leaves_out_the_moment_it_begins(world):
    of = objective()
    world.wants(of).said(entry("c-1", at=-1), entry("c-2", at=4), entry("c-3", "blocked", at=54))
    windows = world.counts(of, 60)[()].windows
    assert windows[minutes(5)] == count(0, 0)
    assert world.counts(of, 59.999)[()].windows[minutes(5)] == count(0, 1)
    assert windows[minutes(60)] == count(1, 1)
    assert world.counts(of, 59.999)[()].windows[minutes(60)] == count(2, 1)


def test_a_backfill_of_30_days_counts_in_old_minutes_and_in_no_window_of_today(world):
    of = objective()
    world.wants(of).said(*(entry(f"c-{day}", "blocked", at=-day * 1440) for day in range(1, 31)))
    now = world.counts(of, 60)[()]
    assert now.windows[HOUR] == now.windows[timedelta(hours=6)] == count(0, 0)
    assert now.windows[3 * DAY].bad == 2
    assert now.period.bad == 27
    assert now.first_unit_at == at(-27 * 1440 + 1)


def test_days_hours_and_units_add_up_wherever_a_window_cuts_them(world):
    of = objective()
    moments = [minute * 37.0 for minute in range(-400, 0, 3)]
    world.wants(of).said(*(entry(f"c{minute}", at=minute, after=0) for minute in moments))
    for minute in (0, 11.5, 600, 1439.9):
        for length, found in world.counts(of, minute)[()].windows.items():
            assert found.good == sum(at(minute) - length < at(one) <= at(minute) for one in moments), (minute, length)


def test_nothing_was_counted_where_there_is_nothing_to_count(world):
    of = objective()
    world.wants(of).count()
    assert world.counts(of, 60) == {}


def test_a_calendar_period_begins_with_its_month(world):
    month = Window(
        timedelta(days=30), rolling=False, unit="month", start="2026-01-01 00:00:00", timezone="Europe/Berlin"
    )
    of = objective(window=month)
    begins = (-10) * 60 - 1440  # 2026-03-01 00:00 in Berlin is 23:00 UTC of February 28
    world.wants(of).said(
        entry("c-1", at=begins - 1, after=0), entry("c-2", at=begins, after=0), entry("c-3", at=0, after=0)
    )
    found = world.counts(of, 60)[()]
    assert found.period == count(2)
    assert found.windows[3 * DAY] == count(3)


def test_failures_of_one_system_in_one_minute_are_one_failure_unit(world):
    of = objective(group_by=("campaign",))
    world.wants(of).said(
        *(entry(f"c-{n}", "blocked", at=n / 100, campaign="a", system="hubspot") for n in range(8)),
        entry("c-8", "blocked", at=5, campaign="a", system="hubspot"),
        entry("c-9", "blocked", at=0, campaign="b", system="hubspot"),
        entry("c-10", "blocked", at=0, campaign="b", system="salesforce"),
    )
    found = world.counts(of, 60)
    assert (found["a",].period.failure_units, found["a",].period.squares) == (2, 64 + 1)
    assert (found[()].period.failure_units, found[()].period.squares) == (3, 81 + 1 + 1)


@pytest.mark.parametrize(
    ("minutes_", "failure_units", "squares"),
    [
        pytest.param([5, 5, 5, 6, 6], 1, 25, id="two neighbours"),
        pytest.param([5, 5, 6, 6, 7, 7], 3, 12, id="three in a row are an outage of three minutes"),
        pytest.param([5, 6], 2, 2, id="of two single failures nobody knows"),
        pytest.param([5, 5, 7, 7], 2, 8, id="a minute between them"),
        pytest.param([59, 59, 60, 60], 2, 8, id="the hour is cut"),
        pytest.param([2, 2, 3, 8, 9, 9, 30], 3, 19, id="one after another"),
    ],
)
def test_what_the_clock_cut_in_two_failed_once(world, minutes_, failure_units, squares):
    of = objective(group_by=("campaign",))
    found = [entry(f"c-{nth}", "blocked", at=at_ - 1, campaign="a") for nth, at_ in enumerate(minutes_)]
    world.wants(of).said(*found, entry("c-90", "blocked", at=5, system="hubspot", campaign="b"))
    for now in (61, 200, 3_000):
        counted = world.counts(of, now)["a",].period
        assert (counted.failure_units, counted.squares) == (failure_units, squares)


def test_a_window_counts_what_it_sees_of_what_the_clock_cut(world):
    of = objective()
    world.wants(of).said(*(entry(f"c-{nth}", "blocked", at=4 + nth // 2) for nth in range(6)))  # decided at 5, 6 and 7
    windows = world.counts(of, 11.5)[()].windows
    assert (windows[minutes(5)].failure_units, windows[minutes(5)].squares) == (1, 4)
    assert (windows[minutes(30)].failure_units, windows[minutes(30)].squares) == (3, 12)
    assert world.counts(of, 10.5)[()].windows[minutes(5)].failure_units == 1
    assert world.counts(of, 6.5)[()].windows[minutes(5)].squares == 16


def test_failures_that_an_attribute_names_together_are_one_failure_unit(world):
    gate = replace(objective().gate, failure_unit="lead.batch")
    of = objective(gate=gate)
    for lead, batch in (("L-1", "b-1"), ("L-2", "b-1"), ("L-3", "b-2")):
        world.event("CrmWritten", at=0.5, lead=lead, batch=batch)
    world.wants(of).said(*(entry(f"c-{n}", "blocked", at=0, after=n) for n in range(1, 5)))
    assert world.counts(of, 60)[()].period.failure_units == 3  # b-1, b-2, and the minute of c-4


# ── groups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_groups_of_every_level_add_up(world):
    of = objective(group_by=("campaign", "segment"))
    world.wants(of).said(
        *(
            entry(f"c-{n}", "blocked" if n % 5 == 0 else "entered", campaign=f"k{n % 3}", segment=f"s{n % 2}")
            for n in range(30)
        )
    )
    found = world.counts(of, 60)
    for level in (0, 1, 2):
        mine = [one.period for group, one in found.items() if len(group) == level]
        assert (sum(one.good for one in mine), sum(one.bad for one in mine)) == (24, 6)
    assert len(found) == 1 + 3 + 6


def test_a_lead_that_moves_to_another_campaign_is_counted_there_only(world):
    of = objective(group_by=("campaign",))
    world.wants(of).said(entry("c-1", campaign="spring"))
    world.said(entry("c-1", campaign="autumn"))
    assert set(world.counts(of, 60)) == {(), ("autumn",)}


def test_groups_beyond_the_most_are_counted_together(world):
    of = objective(group_by=("campaign", "segment"), max_groups=2)
    made = [("big", "a")] * 5 + [("big", "b")] * 3 + [("mid", "a")] * 4 + [("small", "a")] * 2 + [("tiny", "c")]
    world.wants(of).said(*(entry(f"c-{n}", "blocked", campaign=one, segment=two) for n, (one, two) in enumerate(made)))
    found = {group: one.period.bad for group, one in world.counts(of, 60).items()}
    assert found == {
        (): 15, ("big",): 8, ("mid",): 4, ("(other)",): 3,
        ("big", "a"): 5, ("mid", "a"): 4, ("big", "(other)"): 3, ("(other)", "(other)"): 3,
    }  # fmt: skip
    other = (("campaign", "(other)"),)
    assert world.counter.affected(of, other, at(-60), at(60)).leads == 3


def test_two_objectives_on_one_flow_count_on_their_own(world):
    strict, lax = objective(), objective(name="lax", decision_deadline=minutes(10))
    world.wants(strict, lax).said(entry("c-1"), entry("c-2", "pending"))
    assert (world.total(strict), world.total(lax)) == ((1, 0), (1, 1))


# ── slots ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_slots_by_either_clock(world):
    of = objective()
    world.wants(of).said(
        entry("c-1", at=0, after=10), entry("c-2", "blocked", at=5, after=65), entry("c-3", at=70, after=200)
    )
    decided = world.counter.slots(of, at(0), at(180), HOUR)
    assert [(one.good, one.bad) for one in decided] == [(1, 0), (0, 1), (0, 0)]
    began = world.counter.slots(of, at(0), at(180), HOUR, clock="began")
    assert [(one.good, one.bad) for one in began] == [(1, 1), (0, 0), (0, 0)]
    later = world.counter.slots(of, at(0), at(180), HOUR, clock="began", now=at(300))
    assert [(one.good, one.bad) for one in later] == [(1, 1), (1, 0), (0, 0)]


@pytest.mark.parametrize("step", [minutes(7), minutes(30), HOUR, 6 * HOUR, DAY])
@pytest.mark.parametrize("clock", ["began", "decided"])
def test_slots_of_any_step_add_up_to_the_whole(world, step, clock):
    of = objective(group_by=("campaign",))
    world.wants(of).said(
        *(
            entry(f"c-{n}", "blocked" if n % 7 == 0 else "entered", at=n * 31, after=n % 90, campaign=f"k{n % 2}")
            for n in range(50)
        )
    )
    until = START + 30 * HOUR
    found = world.counter.slots(of, START, until, step, (("campaign", "k1"),), clock=clock)
    assert (sum(one.good for one in found), sum(one.bad for one in found)) == (21, 4)
    assert [one.at for one in found] == [START + step * nth for nth in range(len(found))]
    assert found[-1].at < until <= found[-1].at + step


def test_too_many_slots_are_refused(world):
    with pytest.raises(ValueError, match="longer"):
        world.counter.slots(objective(), START, START + 28 * DAY, minutes(1) / 2)


# ── corrections ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_units_decided_in_a_corrected_stretch_do_not_count(world):
    of = objective(group_by=("campaign",))
    world.wants(of).said(*(entry(f"c-{n}", "blocked", at=n * 30, after=0, campaign=f"k{n % 2}") for n in range(12)))
    assert world.total(of, 360) == (0, 12)
    assert world.total(of, 360, without=[correction(30, 270)]) == (0, 4)
    only = correction(30, 270, group=(("campaign", "k1"),))
    found = world.counts(of, 360, without=[only])
    assert (found[()].period.bad, found["k0",].period.bad, found["k1",].period.bad) == (8, 6, 2)
    taken_back = replace(only, removed_at=at(300))
    assert world.total(of, 360, without=[taken_back, correction(0, 360, of="another")]) == (0, 12)
    left = world.counter.slots(of, START, at(360), HOUR, without=[correction(30, 270)])
    assert [one.bad for one in left] == [1, 0, 0, 0, 1, 2]


def test_corrected_slices_do_not_count_and_only_for_their_group(world):
    of = objective("backlog", limit=10, group_by=("campaign",))
    world.wants(of).said(entry("c-0", at=-60, campaign="a"), entry("c-9", at=-60, campaign="b"))
    world.said(entry("c-1", at=0, after=40, campaign="a"), entry("c-2", at=0, after=20, campaign="b"))
    only = correction(0, 35, of="backlog", group=(("campaign", "a"),))
    found = {
        group: (one.windows[HOUR].good, one.windows[HOUR].bad)
        for group, one in world.counts(of, 59, without=[only]).items()
    }
    assert found == {("a",): (20, 5), ("b",): (50, 10), (): (45, 15)}
