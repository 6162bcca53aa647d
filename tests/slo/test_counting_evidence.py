"""Who was hit and by what; who still waits; what does not count."""

import pytest
from counting_world import World, at, entry, minutes, objective


@pytest.fixture
def world(store):
    return World(store)


def test_affected_leads_are_counted_once_with_their_causes_and_services(world):
    of = objective(group_by=("campaign",))
    world.wants(of).said(
        *(entry(f"c-{n}", "blocked", at=n, lead=f"L-{n % 6}", campaign="a", service="crm-writer") for n in range(8)),
        entry("c-20", "blocked", at=3, campaign="a", cause="route.no_owner", step="routing", service="router"),
        entry("c-21", "blocked", at=3, campaign="b"),
        entry("c-22", at=3, campaign="a"),
    )
    spring = (("campaign", "a"),)
    found = world.counter.affected(of, spring, at(1), at(60))
    assert found.leads == 7
    assert found.examples == ("L-1", "L-0", "L-5", "L-4", "L-3")
    assert dict(found.causes) == {"crm.rate_limit": 7, "route.no_owner": 1}
    assert (found.first_at, found.last_at) == (at(2), at(8))
    assert found.services == ("crm-writer", "router")
    causes = world.counter.causes(of, spring, at(1), at(60))
    assert [(one.cause, one.step, one.units, one.leads) for one in causes] == [
        ("crm.rate_limit", "crm", 7, 6), ("route.no_owner", "routing", 1, 1)]  # fmt: skip
    assert world.counter.affected(of, (), at(1), at(60)).leads == 8


def test_nobody_is_affected_where_nothing_failed(world):
    found = world.wants(objective()).counter.affected(objective(), (), at(0), at(60))
    assert (found.leads, found.examples, found.first_at, found.services) == (0, (), None, ())


def test_a_slice_is_bad_for_whom_it_was_too_old_then(world):
    of = objective("backlog", limit=10)
    world.wants(of).said(entry("c-1", at=0, after=30), entry("c-2", at=0, after=12), entry("c-3", at=0, after=5))
    assert world.counter.affected(of, (), at(20), at(40)).examples == ("L-1",)
    assert world.counter.affected(of, (), at(11), at(40)).leads == 2


def test_who_still_waits_and_until_when(world):
    of = objective(group_by=("campaign", "segment"))
    world.wants(of).said(
        entry("c-1", "pending", campaign="a", segment="x", due=20),
        entry("c-2", "pending", campaign="a", segment="y", due=10),
        entry("c-3", "pending", campaign="b", due=5),
        entry("c-4", campaign="a"),
    )
    found = world.counter.waiting(of, (("campaign", "a"),), at(2))
    assert (found.leads, found.next_deadline) == (2, at(10))
    assert world.counter.waiting(of, (("campaign", "a"), ("segment", "x")), at(2)).next_deadline == at(20)
    assert world.counter.waiting(of, (("campaign", "c"),), at(2)).next_deadline is None


def test_what_is_no_unit_is_counted_by_its_reason(world):
    world.wants(objective()).said(
        entry("c-1", "skipped", cause="consent.missing"),
        entry("c-2", "skipped", cause="consent.missing"),
        entry("c-3", "skipped", cause="campaign.paused"),
        entry("c-4", "pending"),
        entry("c-5", "unknown"),
        entry("c-6"),
        entry("c-7", "skipped", at=99),
    )
    found = world.counter.excluded(objective(), at(0), at(60))
    assert found == {"consent.missing": 2, "campaign.paused": 1, "pending": 1, "unknown": 1}


def test_an_objective_of_a_flow_without_a_file_is_counted_by_its_name(world):
    world.flows.clear()
    of = objective(decision_deadline=minutes(5))
    world.wants(of).said(entry("c-1"))
    assert world.total(of) == (1, 0)
    assert world.counter.feeds(of, at(60)) == []
