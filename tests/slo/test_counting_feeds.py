"""Silence is no data: when a feed is lost, and what does not count then."""

import itertools
from datetime import timedelta

import pytest
from counting_world import ABSENT, START, World, at, entry, minutes, objective

from slo.feeds import Heard
from store.feeds import Spoken

SERVICES = ("forms", "router", "writer")


@pytest.fixture
def world(store):
    return World(store)


def heard(spoken: list[int], now: int, late_s: int = 0) -> Heard:
    """A service that spoke in these minutes."""
    pauses = [(before * 60, after * 60) for before, after in itertools.pairwise(spoken) if after - before > 3]
    return Heard(Spoken("writer", len(spoken), spoken[-1] * 60, pauses, late_s), now * 60)


BUSY = list(range(60))


def test_a_feed_that_is_silent_for_ten_minutes_is_lost():
    assert not heard(BUSY, 69).is_lost()
    assert heard(BUSY, 70).is_lost()


def test_a_feed_with_long_pauses_is_given_three_times_the_longest_of_the_last_week():
    pausing = [*range(30), *range(50, 80)]
    assert not heard(pausing, 80 + 3 * 21 - 1).is_lost()
    assert heard(pausing, 80 + 3 * 21).is_lost()
    a_week_later = [*pausing, *range(70 + 8 * 1440, 90 + 8 * 1440)]
    assert not heard(a_week_later, 8 * 1440 + 110).is_lost()  # the longest was the week itself


def test_a_feed_without_a_habit_is_never_lost():
    assert not heard(list(range(29)), 2_000).is_lost()
    assert heard(list(range(30)), 2_000).is_lost()


def test_a_feed_that_is_always_late_is_given_its_delay():
    assert not heard(BUSY, 74, late_s=300).is_lost()
    assert heard(BUSY, 75, late_s=300).is_lost()


def test_when_a_feed_was_lost_is_known_afterwards_and_an_unusual_silence_at_once():
    gone_for_an_hour = [*range(60), *range(120, 180)]
    assert heard(gone_for_an_hour, 180).blind() == [(60 * 60, 120 * 60)]
    assert heard(BUSY, 61).blind() == []
    assert heard(BUSY, 62).blind() == [(60 * 60, 62 * 60 + 1)]


def test_feeds_are_the_services_that_the_flow_names_and_that_were_heard(world):
    of = objective()
    world.wants(of)
    world.spoke("forms", range(60))
    world.spoke("writer", range(45))
    world.spoke("somebody-else", range(60))
    found = {one.name: one.silent_since for one in world.counter.feeds(of, at(60))}
    assert found == {"forms": None, "writer": at(45)}


def test_what_is_bad_by_silence_alone_does_not_count_while_a_feed_was_lost(world):
    of = objective()
    world.wants(of)
    world.spoke("forms", [*range(60), *range(100, 160)])
    world.said(
        entry("c-0"),
        entry("c-1", "blocked", cause=ABSENT, at=40, after=15),  # before the silence
        entry("c-2", "blocked", cause=ABSENT, at=55, after=15),  # in it
        entry("c-3", "blocked", cause=ABSENT, at=95, after=15),  # it waited through its end
        entry("c-4", "blocked", cause=ABSENT, at=101, after=15),  # after it
        entry("c-5", "blocked", at=70),  # somebody said so
    )
    assert world.total(of, 160) == (1, 3)
    later = world.counter.slots(of, START, at(180), minutes(60), now=at(160))
    assert sum(one.bad for one in later) == 3


def test_what_is_bad_by_an_unusual_silence_waits_for_the_feed_to_speak_or_be_lost(world):
    of = objective()
    world.wants(of)
    world.spoke("forms", range(60))
    world.said(entry("c-1", "blocked", cause=ABSENT, at=48, after=15))
    assert world.total(of, 65) == (0, 0)
    world.spoke("forms", range(65, 70))
    assert world.total(of, 69) == (0, 1)


def test_slices_of_minutes_in_which_a_feed_was_lost_are_not_counted(world):
    of = objective("backlog", limit=10)
    world.wants(of)
    world.spoke("forms", [*range(60), *range(100, 160)])
    world.said(entry("c-0", at=-60), entry("c-1", at=45, after=50))
    whole = world.counts(of, 159)[()].windows[timedelta(hours=6)]
    assert (whole.good, whole.bad) == (59 + 55 + 60, 5)
