"""Nights on call: what happens to leads becomes messages, once and rightly, whatever fails in between."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from counting_world import at, objective
from nights import CALM, CLEAR, ENROLMENT, FIRES, OVER, leads, night

from model.decisions import Acknowledgement, Silence
from slo import loop as loop_room
from slo.counting import Counter
from store import alerts, changes
from store.changes import Change, ToldChange
from store.errors import StoreUnavailable


@pytest.fixture
def on_call(store):
    with night(store, "pager", "channel") as made:
        made.world.wants(ENROLMENT)
        yield made


def outage(on_call, *, since=120, until=10_000, to=FIRES, **how):
    """Two campaigns for two hours; then the CRM refuses every lead of one of them."""
    on_call.world.said(*leads(0, to, bad_from=since, bad_until=until, **how), *leads(0, to, campaign="autumn"))


def incident(on_call) -> str:
    return alerts.incidents(on_call.store, most=1)[0].id


def test_an_outage_of_a_campaign_pages_once_and_says_whom_why_and_what_changed(on_call):
    changes.record(
        on_call.store,
        [ToldChange("ci", "1", Change(at(119), "deploy", "writer 2.4.1 was deployed", "writer"))],
    )
    outage(on_call)
    on_call.ticks(CALM, FIRES, FIRES + 0.5)
    assert on_call.heard("pager") == ["trigger", "change"]
    trigger = on_call.vendors["pager"].good[0]
    details = trigger["payload"]["custom_details"]
    assert trigger["payload"]["summary"].startswith("PAGE: Campaign spring: ")
    assert "crm.rate_limit" in details["Cause"]
    assert "writer 2.4.1 was deployed" in details["Changed"]
    assert details["Owner"].startswith("growth")
    assert details["Link"] == f"https://leadtrace.example.com/alerts/{incident(on_call)}"
    assert on_call.heard("channel") == ["PAGE"]


def test_the_leads_affected_are_exact(on_call):
    outage(on_call)
    on_call.tick(FIRES)
    (alert,) = [step.alert for step in alerts.of_incidents(on_call.store, [incident(on_call)])[incident(on_call)]]
    decided = int((alert.at - at(120.2)) / timedelta(minutes=1)) + 1
    assert alert.leads_affected == decided == alert.at_risk[0].leads
    assert (alert.onset, alert.missing) == (at(120.2), ())
    assert alert.examples[0] == (
        f"L-spring-{119 + decided}",
        f"https://leadtrace.example.com/leads/L-spring-{119 + decided}",
    )


def test_nothing_is_told_while_all_is_well(on_call):
    outage(on_call, since=10_000)
    on_call.ticks(CALM, FIRES)
    assert on_call.heard("pager") == on_call.heard("channel") == []


def test_who_heard_of_it_hears_of_its_end(on_call):
    outage(on_call, until=140, to=OVER)
    on_call.ticks(FIRES, CLEAR, OVER)
    on_call.minute = OVER + 1  # the end of a page waits for others
    on_call.send()
    assert on_call.heard("pager") == ["trigger", "resolve"]
    assert [one.partition(" after")[0] for one in on_call.heard("channel")] == ["PAGE", "Over"]
    assert alerts.states(on_call.store) == []


def test_what_still_fires_is_repeated_after_four_hours_with_new_evidence(on_call):
    outage(on_call, to=420)
    on_call.ticks(FIRES, FIRES + 239, FIRES + 240, FIRES + 241)
    assert on_call.heard("pager") == ["trigger", "trigger"]
    steps = alerts.of_incidents(on_call.store, [incident(on_call)])[incident(on_call)]
    told = [step.alert for step in steps if step.messages]
    assert [one.happening for one in told] == ["fired", "repeated"]
    assert told[1].leads_affected > 200 > told[0].leads_affected


def test_a_restart_tells_nothing_twice_and_goes_on(on_call):
    outage(on_call, until=140, to=OVER)
    on_call.tick(FIRES)
    on_call.restart()
    on_call.ticks(FIRES + 0.5, FIRES + 1)
    on_call.restart()
    on_call.ticks(CLEAR, OVER)
    assert on_call.heard("pager") == ["trigger", "resolve"]
    assert len(alerts.incidents(on_call.store, most=10)) == 1


@pytest.mark.parametrize("written", [True, False], ids=["was written all the same", "was not written"])
def test_a_commit_that_fails_makes_no_second_incident(on_call, monkeypatch, written):
    outage(on_call)
    failures = iter([True])

    def failing(store, steps, *, version, commit=alerts.commit):
        fails = next(failures, False)
        if written or not fails:
            commit(store, steps, version=version)
        if fails:
            raise StoreUnavailable("the answer was lost")

    monkeypatch.setattr(alerts, "commit", failing)
    broke = 0
    for minute in (FIRES, FIRES + 0.5, FIRES + 1):
        try:
            on_call.tick(minute)
        except StoreUnavailable:
            broke += 1
    assert broke == 1
    assert on_call.heard("pager") == ["trigger"]
    assert len(alerts.incidents(on_call.store, most=10)) == 1


def test_a_silenced_alert_is_told_when_the_silence_ends(on_call):
    outage(on_call, to=150)
    silence = Silence("s-1", {"campaign": "spring"}, "ana", "an import", at(100), at(150), at(100))
    alerts.keep_silence(on_call.store, silence)
    on_call.ticks(FIRES, 149)
    assert on_call.heard("pager") == []
    assert alerts.firing(on_call.store) == 1
    on_call.tick(150)
    assert on_call.heard("pager") == ["trigger"]


def test_a_silence_of_another_campaign_keeps_nothing_quiet(on_call):
    outage(on_call)
    alerts.keep_silence(
        on_call.store, Silence("s-1", {"campaign": "autumn"}, "ana", "an import", at(100), at(150), at(100))
    )
    on_call.tick(FIRES)
    assert on_call.heard("pager") == ["trigger"]


def test_an_acknowledgement_reaches_the_pager_and_ends_repetition(on_call):
    outage(on_call, to=420)
    on_call.tick(FIRES)
    alerts.acknowledge(on_call.store, Acknowledgement(incident(on_call), at(131), "ana", "on it", "page"))
    on_call.ticks(132, 300, 400)
    assert on_call.heard("pager") == ["trigger", "acknowledge"]


def test_evidence_that_takes_too_long_is_missing_and_the_page_goes_out(on_call, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(Counter, "affected", lambda *_: gate.wait(30))
    monkeypatch.setattr(on_call.loop._evidence, "_patience_s", 0.2)
    outage(on_call)
    on_call.tick(FIRES)
    gate.set()
    (trigger,) = on_call.vendors["pager"].good
    assert "could not be counted in time" in trigger["payload"]["custom_details"]["At risk"]
    assert trigger["payload"]["custom_details"]["Cause"] == "Could not be found in time."


def test_evidence_that_fails_is_missing_and_the_rest_is_told(on_call, monkeypatch):
    def away(*_):
        raise StoreUnavailable("away")

    monkeypatch.setattr(Counter, "causes", away)
    outage(on_call)
    on_call.tick(FIRES)
    details = on_call.vendors["pager"].good[0]["payload"]["custom_details"]
    assert details["Cause"] == "Could not be found in time."
    assert "leads affected since" in details["At risk"]


def test_an_objective_that_fails_does_not_stop_the_others(on_call, monkeypatch):
    broken = objective("routing", group_by=("campaign",))
    on_call.world.wants(broken)
    counts = Counter.counts
    monkeypatch.setattr(
        Counter, "counts", lambda self, of, *rest: 1 / 0 if of.name == "routing" else counts(self, of, *rest)
    )
    outage(on_call)
    on_call.tick(FIRES)
    assert on_call.heard("pager") == ["trigger"]


def test_an_objective_that_is_taken_away_ends_its_incidents(on_call):
    outage(on_call)
    on_call.tick(FIRES)
    on_call.world.objectives.clear()
    on_call.tick(FIRES + 1)
    assert on_call.heard("pager") == ["trigger", "resolve"]


def test_a_page_speaks_for_tickets_of_its_flow(on_call):
    """The ticket's own objective is so lenient that only its slow tiers fire."""
    slow = objective("enrolment", "slow", group_by=("campaign",))
    on_call.world.wants(replace(slow, tiers=tuple(tier for tier in slow.tiers if tier.severity == "ticket")))
    outage(on_call, to=200)
    on_call.ticks(FIRES, 160, 200)
    assert {one.severity for one in alerts.incidents(on_call.store, most=10)} == {"page", "ticket"}
    assert on_call.heard("pager") == ["trigger"]


def test_stopped_ingestion_pages_nobody_and_is_told_as_such(on_call):
    outage(on_call)
    for service in ("forms", "router", "writer"):
        on_call.world.spoke(service, range(130))
    on_call.ticks(FIRES - 2, 145, 160)
    assert on_call.heard("pager") == ["trigger", "trigger"]
    lost = on_call.vendors["pager"].good[1]["payload"]
    assert (lost["class"], lost["severity"]) == ("measurement_lost", "warning")
    assert "nothing comes from forms, router, writer" in lost["summary"]
    assert {state.firing for state in alerts.states(on_call.store)} == {"page", "ticket"}


def test_alertmanager_is_told_every_minute_and_five_minutes_after_the_end(store):
    with night(store, "prometheus") as made:
        made.world.wants(ENROLMENT)
        outage(made, until=140, to=OVER)
        made.ticks(FIRES, FIRES + 0.5, FIRES + 1, FIRES + 1.5)
        posts = made.vendors["prometheus"].good
        assert len(posts) == 3  # the message, and two times that it is kept up
        made.ticks(CLEAR, OVER, OVER + 1, OVER + 5, OVER + 6.5)
        ends = {post[0]["endsAt"] for post in made.vendors["prometheus"].good[-3:]}
        assert ends == {at(OVER).isoformat()}
        assert len({one["startsAt"] for post in posts for one in post}) == 1


def test_a_bus_hears_everything_under_ids_of_their_own(store):
    with night(store, "bus") as made:
        made.world.wants(ENROLMENT)
        outage(made, until=140, to=OVER)
        made.ticks(FIRES, 200, 200.5, CLEAR, OVER)
        assert made.heard("bus") == ["alert.fired", "alert.eased", "alert.resolved"]
        ids = [one.headers["webhook-id"] for one in made.vendors["bus"].requests]
        assert len(set(ids)) == len(ids)


def test_of_two_engines_one_evaluates_and_the_other_takes_over(store):
    with night(store, "pager") as made:
        made.world.wants(ENROLMENT)
        outage(made, until=140, to=OVER)
        made.loop.stop()
        made.loop = first = made.another("a", alone=False)
        second = made.another("b", alone=False)
        assert [made.tick(minute) for minute in (100, 100.5, FIRES)] == [False, True, True]
        assert not second.tick(at(FIRES))
        first.stop()
        made.loop = second
        assert [made.tick(minute) for minute in (FIRES + 0.5, CLEAR, OVER)] == [False, True, True]
        assert made.heard("pager") == ["trigger", "resolve"]


def test_a_loop_that_stops_ends_its_threads(on_call, monkeypatch):
    monkeypatch.setattr(loop_room, "EVERY", timedelta(seconds=0.1))
    outage(on_call)
    on_call.minute = FIRES
    thread = threading.Thread(target=on_call.loop.run)
    thread.start()
    assert on_call.vendors["pager"].arrived.wait(60)
    on_call.loop.stop()
    thread.join(30)
    assert not thread.is_alive()
