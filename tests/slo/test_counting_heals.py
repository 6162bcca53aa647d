"""Restarts, crashes, late inserts and two counters: what is counted stays right."""

from datetime import timedelta

import pytest
from counting_world import World, at, entry, objective

from slo import intake
from store import slo_counts, slo_units
from store.errors import StoreUnavailable


@pytest.fixture
def world(store):
    return World(store)


def broken(monkeypatch, module, name):
    """The engine is away when this is asked of it, once."""
    real = getattr(module, name)

    def away(*_, **__):
        monkeypatch.setattr(module, name, real)
        raise StoreUnavailable("away")

    monkeypatch.setattr(module, name, away)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        (slo_units, "take_entries"),
        (slo_units, "find"),
        (slo_units, "keep"),
        (slo_counts, "hours_changed"),
        (slo_counts, "count_hours"),
        (slo_counts, "count_days"),
        (slo_units, "note"),
        (slo_units, "move_cursor"),
    ],
)
def test_a_tick_that_broke_anywhere_is_made_good_by_the_next(world, monkeypatch, module, name, restarted):
    of = objective()
    world.wants(of).said(entry("c-1"), entry("c-2", "blocked"))
    broken(monkeypatch, module, name)
    with pytest.raises(StoreUnavailable):
        world.said(entry("c-2"), entry("c-3", "blocked", at=-1440 * 2), gone=[entry("c-1")])
    if restarted:
        world.counting_anew()
    world.count()
    assert world.total(of) == (1, 1)


def test_a_count_of_history_that_broke_goes_on_where_it_was(world, monkeypatch):
    of = objective()
    world.pace = intake.Pace(leads_a_step=2)
    world.counting_anew()
    world.said(*(entry(f"c-{number}") for number in range(5)))
    world.wants(of)
    broken(monkeypatch, slo_counts, "count_days")
    with pytest.raises(StoreUnavailable):
        world.count()
    assert not world.counter.counted(of)
    world.counting_anew()
    world.count()
    assert world.counter.counted(of)
    assert world.total(of) == (5, 0)


def test_an_insert_that_becomes_visible_late_is_not_missed(world):
    of = objective()
    world.wants(of).said(entry("c-1"))
    world.said(entry("c-2", "blocked"), decided_at=world.now() - timedelta(seconds=30))
    assert world.total(of) == (1, 1)


def test_counting_the_same_again_writes_nothing(world):
    of = objective()
    world.wants(of).said(entry("c-1"), entry("c-2", "blocked"))
    rows = world.store.command("SELECT count() FROM slo_units")
    world.counting_anew()
    world.count()
    world.counter.recount(of, world.now())
    world.said(entry("c-1"))
    assert world.store.command("SELECT count() FROM slo_units") == rows
    assert world.total(of) == (1, 1)


def test_units_that_went_astray_are_found_again_by_a_full_count(world):
    of = objective()
    world.wants(of).said(entry("c-1"), entry("c-2", "blocked"))
    world.store.command("TRUNCATE TABLE slo_units")
    world.store.command("TRUNCATE TABLE slo_counts")
    world.counter.recount(of, world.now())
    assert world.total(of) == (1, 1)


def test_an_objective_that_was_taken_away_and_comes_back_is_counted_on(world):
    of = objective()
    world.wants(of).said(entry("c-1"))
    world.objectives.clear()
    world.said(entry("c-2", "blocked"))
    world.wants(of)
    world.counter.recount(of, world.now())
    assert world.total(of) == (1, 1)


def test_two_counters_that_work_at_once_count_once(world):
    of = objective()
    world.wants(of).said(entry("c-1"))
    first, second = world.counter, world.counting_anew()
    world.said(entry("c-2", "blocked"), entry("c-1", "blocked"), count=False)
    for counter in (second, first, second):
        counter.tick(world.now())
    assert world.total(of) == (0, 2)


def test_entries_of_a_broken_clock_do_no_harm(world):
    of = objective()
    world.wants(of).said(
        entry("c-1"),
        entry("c-2", at=60 * 24 * 365 * 150),
        entry("c-3", "blocked", at=-60 * 24 * 365 * 50),
        entry("c-4", "blocked", at=1, after=-5),
    )
    assert world.total(of) == (1, 1)
    assert world.counter.affected(of, (), at(0), at(2)).first_at == at(1)
