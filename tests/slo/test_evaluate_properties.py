"""What holds for any counts: order and repetition change nothing, more failures burn more, numbers are finite."""

from dataclasses import fields, replace
from datetime import timedelta
from fractions import Fraction
from math import isfinite
from random import Random

import outages
from hypothesis import given
from hypothesis import strategies as st
from outages import DAY, INTERVAL, START, WINDOWS, Run

from model.alert import AlertKey, Burn
from model.budget import Count, Feed, GroupCounts
from model.objective import Group, Objective
from slo.budget import balance
from slo.evaluate import evaluate
from slo.reading import Reading, burn_of, read, rules_of

GROUPS: list[Group] = [
    (),
    (("campaign", "spring"),),
    (("campaign", "autumn"),),
    (("campaign", "spring"), ("segment", "smb")),
    (("campaign", "spring"), ("segment", "large")),
]
targets = st.sampled_from(["0", "0.5", "0.9", "0.99", "0.999", "0.999999999999"])
feeds = st.sampled_from(
    [[], [Feed("crm", START)], [Feed("crm", START, START)], [Feed("crm", None), Feed("web", None, START)]]
)


def windows_of(chances: Random) -> dict[timedelta, Count]:
    """Counts that grow with the window, in failures of any size, from none at all to nothing else."""
    good, sizes, found = 0, list[int](), {}
    for window in WINDOWS:
        good += chances.choice([0, 0, 3, 1_000]) * chances.randint(0, 3)
        sizes += [chances.choice([1, 1, 1, 8, 60]) for _ in range(chances.choice([0, 0, 3, 20]))]
        squares = sum(size * size for size in sizes) * chances.randint(0, 1)
        found[window] = Count(good, sum(sizes), len(sizes), squares)
    return found


def counts_of(group: Group, chances: Random) -> GroupCounts:
    windows = windows_of(chances)
    period = replace(windows[WINDOWS[-1]], good=windows[WINDOWS[-1]].good + chances.choice([0, 500, 10**6]))
    since = chances.choice([None, START, START + DAY, START - timedelta(hours=3), START - 60 * DAY])
    return GroupCounts(group, {} if chances.random() < 0.1 else windows, period, since)


def crowd_of(seed: int) -> list[GroupCounts]:
    """Some of the groups; half of the time all of them."""
    chances = Random(seed)
    there = [group for group in GROUPS if chances.random() < 0.7 or seed % 2]
    return [counts_of(group, chances) for group in there]


crowds = st.integers(0, 10**9).map(crowd_of)
evenings = st.lists(st.tuples(crowds, feeds, st.sampled_from([1, 2, 360])), min_size=1, max_size=6)
seeds = st.integers(0, 10**9).map(Random)


def numbers(reading: Reading) -> list[float]:
    tiers = reading.tiers()
    burns: list[Burn] = [reading.burn(tier) for tier in tiers]
    shown = [getattr(burn, field.name) for burn in burns for field in fields(Burn)]
    left = balance(reading, DAY)
    return [*(value for value in shown if isinstance(value, float)), float(reading.allowed), float(left.left or 0)]


@given(target=targets, chances=seeds)
def test_no_number_of_a_reading_is_infinite_or_none_at_all(target: str, chances: Random) -> None:
    reading = read(rules_of(outages.objective(target), groups=5), counts_of((), chances), START)
    assert all(map(isfinite, numbers(reading)))


def test_a_target_that_allows_nothing_divides_nothing_by_nought() -> None:
    never = replace(outages.objective(tiers=()), target=Fraction(1), tiers=outages.objective().tiers)
    for count in (Count(), Count(5), Count(5, 5, 5), Count(0, 5, 5)):
        counts = GroupCounts((), dict.fromkeys(WINDOWS, count), count)
        assert all(map(isfinite, numbers(read(rules_of(never, 1), counts, START))))


@given(good=st.integers(0, 10**7), bad=st.integers(0, 10**4), more=st.integers(1, 100), target=targets)
def test_burn_grows_with_bad_units(good: int, bad: int, more: int, target: str) -> None:
    budget = 1 - Fraction(target)
    assert burn_of(Count(good, bad, bad), budget) <= burn_of(Count(good, bad + more, bad + more), budget)
    good = max(good, more)
    assert burn_of(Count(good, bad, bad), budget) <= burn_of(Count(good - more, bad + more, bad + more), budget)


@given(chances=seeds, more=st.integers(1, 500), target=targets)
def test_what_fires_goes_on_firing_when_good_units_turn_bad(chances: Random, more: int, target: str) -> None:
    """Each as a failure of its own, decided just now, so that every window has it."""
    windows = windows_of(chances)
    singles = {window: Count(one.good + more, one.bad, one.bad) for window, one in windows.items()}
    worse = {window: Count(one.good - more, one.bad + more, one.bad + more) for window, one in singles.items()}
    rules = rules_of(outages.objective(target), groups=5)
    before, after = (read(rules, GroupCounts((), found, Count(10**6)), START).tiers() for found in (singles, worse))
    assert all(now.fires for was, now in zip(before, after, strict=True) if was.fires)


@given(evening=evenings)
def test_evaluating_again_at_the_same_moment_changes_nothing(evening: list) -> None:
    run, now = Run(outages.objective(), groups=5), START
    for counts, speak, steps in evening:
        now += steps * INTERVAL
        run.at(now, counts, speak)
        told, states = len(run.told), dict(run.states)
        run.at(now, counts, speak)
        assert run.states == states
        assert run.told[told:] == []


@given(evening=evenings, shuffle=seeds)
def test_the_order_of_groups_feeds_and_states_changes_nothing(evening: list, shuffle: Random) -> None:
    one, other, now = Run(outages.objective(), groups=5), Run(outages.objective(), groups=5), START
    for counts, speak, steps in evening:
        now += steps * INTERVAL
        one.at(now, counts, speak)
        states = list(other.states.items())
        shuffle.shuffle(states)
        other.states = dict(states)
        other.at(now, shuffle.sample(counts, len(counts)), shuffle.sample(speak, len(speak)))
    assert one.states == other.states
    assert one.told == other.told


@given(evening=evenings)
def test_transitions_tell_the_whole_story(evening: list) -> None:
    """Replayed from nothing they lead to the states that stand; each incident is fired once and resolved once."""
    run, now = Run(outages.objective(), groups=5), START
    for counts, speak, steps in evening:
        now += steps * INTERVAL
        keys = [told.key for told in run.at(now, counts, speak).transitions]
        assert len(set(keys)) == len(keys)
    standing: dict[str, tuple[AlertKey, str]] = {}
    for told in run.told:
        if told.happening == "fired":
            assert told.incident not in standing
        elif told.key.kind == "burn" or told.happening == "resolved":
            assert standing[told.incident][1] == told.before
        standing[told.incident] = (told.key, told.after)
        if told.happening == "resolved":
            assert told.after == "ok"
    fired = {incident: left for incident, left in standing.items() if left[1] != "ok"}
    assert fired == {state.incident: (key, state.firing) for key, state in run.states.items() if state.firing != "ok"}


@given(counts=crowds, speak=feeds)
def test_nothing_is_told_that_does_not_burn(counts: list[GroupCounts], speak: list[Feed]) -> None:
    fine = [replace(one, windows={w: Count(c.total) for w, c in one.windows.items()}) for one in counts]
    found = evaluate(outages.objective(), fine, {}, speak, START, groups=5)
    assert all(told.key.kind == "measurement_lost" for told in found.transitions)


def test_states_of_other_objectives_are_handed_back_as_they_are() -> None:
    other: Objective = replace(outages.objective(), name="another")
    theirs = evaluate(other, [outages.Outage(Fraction(1)).counts(START + DAY)], {}, (), START + DAY, groups=1).states
    ours = evaluate(outages.objective(), [], theirs, (), START + 2 * DAY, groups=1)
    assert ours.states == theirs
    assert not ours.transitions
