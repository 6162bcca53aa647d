"""What is a unit of each indicator, and when is it good?"""

import pytest
from counting_world import ABSENT, World, at, entry, minutes, objective


@pytest.fixture
def world(store):
    return World(store)


# ── enrolment ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_entered_is_good_and_who_was_blocked_is_bad(world):
    of = objective()
    world.wants(of).said(entry("c-1"), entry("c-2", late=True), entry("c-3", "blocked"))
    assert world.total(of) == (2, 1)


@pytest.mark.parametrize("status", ["skipped", "pending", "unknown"])
def test_who_was_skipped_waits_or_is_unknown_does_not_count(world, status):
    of = objective()
    world.wants(of).said(entry("c-1"), entry("c-2", status))
    assert world.total(of) == (1, 0)


def test_who_waits_beyond_the_decision_deadline_is_bad_until_they_enter(world):
    of = objective(decision_deadline=minutes(30))
    world.wants(of).said(entry("c-1", "pending", at=0))
    assert world.total(of, 29) == (0, 0)
    assert world.total(of, 31) == (0, 1)
    world.said(entry("c-1", at=0, after=40))
    assert world.total(of, 60) == (1, 0)


def test_an_expected_arrival_that_never_came_is_bad_by_silence(world):
    of = objective()
    world.wants(of).said(entry("c-1", "blocked", cause=ABSENT, after=15))
    silent = world.store.command("SELECT silent FROM slo_units FINAL")
    assert (world.total(of), silent) == ((0, 1), 1)


# ── routing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_passed_routing_is_good_whatever_came_later(world):
    of = objective("routing")
    passed = {"capture": 0, "routing": 2}
    world.wants(of).said(
        entry("c-1", reached=passed),
        entry("c-2", "blocked", step="crm", reached=passed),
        entry("c-3", "skipped", step="crm", reached=passed),
        entry("c-4", "pending", step="crm", reached=passed),
    )
    assert world.total(of) == (4, 0)


def test_who_was_blocked_at_routing_is_bad_and_who_stopped_before_it_does_not_count(world):
    of = objective("routing")
    world.wants(of).said(
        entry("c-1", "blocked", step="routing", cause="route.no_owner"),
        entry("c-2", "blocked", step="capture"),
        entry("c-3", "skipped", step="routing"),
        entry("c-4", "pending", step="routing"),
    )
    assert world.total(of) == (0, 1)


def test_routing_is_decided_when_the_step_was_done_not_when_the_lead_entered(world):
    of = objective("routing")
    world.wants(of).said(entry("c-1", after=50, reached={"capture": 0, "routing": 2, "enrol": 50}))
    assert world.counts(of, 60)[()].windows[minutes(30)].total == 0
    assert world.counts(of, 60)[()].windows[minutes(60)].total == 1


def test_an_objective_may_name_the_step_that_routes(world):
    of = objective("routing", step="crm")
    world.wants(of).said(
        entry("c-1", reached={"capture": 0, "routing": 1, "crm": 2}), entry("c-2", "blocked", step="crm")
    )
    assert world.total(of) == (1, 1)


# ── delivery latency ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_delivered_within_the_limit_is_good_and_later_is_bad(world):
    of = objective("delivery_latency", limit=5, to="crm")
    world.wants(of).said(
        entry("c-1", reached={"capture": 0, "crm": 5}),
        entry("c-2", reached={"capture": 0, "crm": 5.01}),
        entry("c-3", reached={"capture": 0, "enrol": 1}),
    )
    assert world.total(of) == (1, 2)


def test_a_delivery_becomes_bad_by_passing_time_alone_and_good_again_when_it_is_told_to_have_been_in_time(world):
    of = objective("delivery_latency", limit=5)
    world.wants(of).said(entry("c-1", "pending", at=10))
    assert world.total(of, 14.9) == (0, 0)
    assert world.total(of, 15) == (0, 1)
    world.said(entry("c-1", at=10, after=4))
    assert world.total(of, 15) == (1, 0)


def test_latency_counts_from_the_step_that_is_asked_for_and_only_where_it_was_reached(world):
    of = objective("delivery_latency", limit=5, from_="routing", to="crm")
    world.wants(of).said(
        entry("c-1", reached={"capture": 0, "routing": 20, "crm": 24}),
        entry("c-2", reached={"capture": 0, "routing": 1, "crm": 24}),
        entry("c-3", "blocked", step="routing", reached={"capture": 0}),
    )
    assert world.total(of) == (1, 1)


def test_who_was_skipped_before_the_delivery_owes_none(world):
    of = objective("delivery_latency", limit=5, to="crm")
    world.wants(of).said(
        entry("c-1", "skipped", reached={"capture": 0}), entry("c-2", "skipped", reached={"capture": 0, "crm": 1})
    )
    assert world.total(of) == (1, 0)


# ── freshness ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_is_good_when_it_is_written_downstream_within_the_limit(world):
    of = objective("freshness", limit=10)
    world.event("ScoreChanged", at=0)
    world.event("CrmWritten", at=9, took=0.5)
    world.event("StageMoved", at=20)
    world.event("CrmWritten", at=35)
    world.event("ConsentGranted", at=40)
    world.wants(of).said(entry("c-1"))
    assert world.total(of, 49) == (1, 1)
    assert world.total(of, 51) == (1, 2)


def test_a_write_that_began_before_the_change_or_failed_does_not_show_it(world):
    of = objective("freshness", limit=10)
    world.event("CrmWritten", at=4, took=3)
    world.event("ScoreChanged", at=5)
    world.event("CrmWritten", at=8, outcome="failed")
    world.wants(of).said(entry("c-1"))
    assert world.total(of, 20) == (0, 1)


def test_a_change_that_is_told_again_under_its_key_is_one_change(world):
    of = objective("freshness", limit=10)
    world.event("ScoreChanged", at=0, key="k-1")
    world.event("ScoreChanged", at=1, key="k-1")
    world.event("CrmWritten", at=2)
    world.wants(of).said(entry("c-1"))
    assert world.total(of) == (1, 0)


def test_only_leads_of_the_flow_count(world):
    of = objective("freshness", limit=10)
    world.event("ScoreChanged", at=0, lead="L-9")
    world.wants(of).said(entry("c-1"))
    assert world.total(of) == (0, 0)


def test_a_step_may_be_what_shows_a_change(world):
    of = objective("freshness", limit=10, step="crm", events="FormSubmitted")
    world.event("FormSubmitted", at=0)
    world.wants(of).said(entry("c-1", reached={"capture": 0, "crm": 8}))
    assert world.total(of) == (1, 0)


# ── duplicates ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_second_record_of_a_lead_in_a_system_is_bad_once_it_settled(world):
    of = objective("duplicates", decision_deadline=minutes(5))
    world.event("CrmWritten", at=0, record="003A")
    world.event("CrmWritten", at=1, record="003B")
    world.event("CrmWritten", at=2, record="77", system="hubspot")
    world.wants(of).said(entry("c-1"))
    assert world.total(of, 5.5) == (1, 0)
    assert world.total(of, 8) == (2, 1)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"key": "k-1"}, id="the same idempotency key"),
        pytest.param({"record": "003A"}, id="the same record"),
        pytest.param({"key": "k-1", "record": "003A"}, id="both"),
    ],
)
def test_a_retry_is_no_second_record(world, again):
    of = objective("duplicates")
    world.event("CrmWritten", at=0, key="k-1", record="003A")
    world.event("CrmWritten", at=1, hop="f" * 16, **again)
    world.event("CrmWritten", at=2, outcome="failed", record="003C")
    world.wants(of).said(entry("c-1"))
    assert world.total(of) == (1, 0)


def test_a_system_that_nobody_names_is_the_service_that_wrote(world):
    of = objective("duplicates", system="writer", group_by=("system",))
    world.event("CrmWritten", at=0, record="003A", system="")
    world.event("CrmWritten", at=1, record="003B", system="salesforce")
    world.wants(of).said(entry("c-1"))
    assert {group: one.period.good for group, one in world.counts(of, 60).items()} == {(): 1, ("writer",): 1}


def test_merged_leads_are_one_lead_and_taken_apart_they_are_two(world):
    of = objective("duplicates", decision_deadline=minutes(0))
    world.event("CrmWritten", at=0, lead="L-1", record="003A")
    world.event("CrmWritten", at=1, lead="L-2", record="003B")
    world.wants(of).said(entry("c-1"), entry("c-2"))
    assert world.total(of) == (2, 0)
    world.merged("L-2", "L-1", at=2)
    world.count()
    assert world.total(of) == (1, 1)
    world.merged("L-2", "", at=3)
    world.count()
    assert world.total(of) == (2, 0)


# ── backlog ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_minute_is_bad_while_the_oldest_that_waits_is_too_old(world):
    of = objective("backlog", limit=10)
    world.wants(of).said(entry("c-1", at=0, after=1), entry("c-2", at=5, after=20))
    found = world.counter.slots(of, at(0), at(40), minutes(1))
    assert [slot.at for slot in found if slot.bad] == [at(minute) for minute in range(15, 25)]
    assert sum(slot.good for slot in found) == 40 - 10 - 1  # it begins with the first entry that was settled


def test_a_backlog_grows_by_passing_time_alone(world):
    of = objective("backlog", limit=10)
    world.wants(of).said(entry("c-0"), entry("c-1", "pending"))
    assert [world.total(of, minute)[1] for minute in (9, 10, 15, 30)] == [0, 1, 6, 21]
