"""`slo backtest` against a real engine: what would have been told, beside what is in force; nothing live is touched."""

from dataclasses import replace
from datetime import timedelta

import pytest
import yaml
from counting_world import ABSENT, FLOWS, START, World, at, entry, minutes
from writing_slos import annotated, changed, condition, policy, read, slo

from lineage.backtests import BacktestError
from model.decisions import Correction
from slo import trial
from slo.backtest import Backtester
from slo.walk import Walk, minute_of
from store import alerts

DAY = 1440


def webinar(name: str = "enrolment", target: float = 0.99, **annotations: str) -> dict:
    document = changed(slo(name="mine"), "spec.objectives.0.target", target)
    for part in ("good", "total"):
        document = changed(document, f"spec.indicator.spec.ratioMetric.{part}.metricSource.spec.flow", "webinar")
    return annotated(document, **annotations) if annotations else document


def text(document: dict) -> str:
    return yaml.safe_dump(document)


@pytest.fixture(scope="module")
def world(module_store) -> World:
    """Two days of an entry a minute in two campaigns; for an hour of the second day the CRM refuses spring's."""
    world = World(module_store)
    told = []
    for minute in range(0, 2 * DAY, 2):
        broken = DAY + 600 <= minute < DAY + 660
        told.append(
            entry(f"c-s{minute}", "blocked" if broken else "entered", at=minute, campaign="spring", segment="smb")
        )
        told.append(entry(f"c-a{minute}", at=minute, campaign="autumn", segment="smb"))
    world.said(*told, count=False)
    return world


def backtest(world: World, document: dict, *, in_force: dict | None = None, until: float = 2 * DAY):
    known = {one.name: one for one in read(in_force).objectives} if in_force is not None else {}
    tester = Backtester(world.store, lambda: known, lambda: FLOWS)
    return tester(text(document), at(until) - timedelta(days=2), at(until))


def test_an_incident_of_the_past_is_told_with_its_group_leads_and_cause(world):
    [answer] = backtest(world, webinar(group_by="campaign")).objectives
    assert (answer.name, answer.flow, answer.in_force, answer.step_s) == ("mine", "webinar", None, 60)
    [firing] = answer.would.firings
    assert (firing.severity, firing.tier, firing.group) == ("page", "page 1h/5m", {"campaign": "spring"})
    begun = START + minutes(DAY + 600)
    assert begun < firing.fired_at <= begun + minutes(30)
    assert firing.resolved_at is not None
    assert begun + minutes(60) < firing.resolved_at < begun + minutes(8 * 60)
    assert firing.leads == 30
    assert [(one.cause, one.leads) for one in firing.causes] == [("crm.rate_limit", 30)]
    assert firing.also is False
    would = answer.would
    assert (would.pages, would.tickets, would.groups, would.bad, would.total) == (1, 0, 2, 30, 2 * DAY)
    assert would.budget_left is not None
    assert would.counted_from == at(0)


def test_it_is_laid_beside_the_objective_in_force(world):
    blunt = webinar(group_by="campaign", min_failure_units="500")
    [answer] = backtest(world, webinar(group_by="campaign"), in_force=blunt).objectives
    assert answer.in_force is not None
    assert (answer.would.pages, answer.in_force.pages) == (1, 0)
    [answer] = backtest(world, webinar(target=0.985, group_by="campaign"), in_force=webinar()).objectives
    assert answer.in_force is not None
    assert [one.also for one in (*answer.would.firings, *answer.in_force.firings)] == [True, True]


def test_nothing_live_is_touched(world):
    def kept():
        tables = ("slo_units", "slo_counts", "slo_lead_hours", "slo_progress", "cursors", "alert_transitions")
        with world.store.client() as client:
            return [client.query(f"SELECT count() FROM {table}").result_rows for table in tables]

    before = kept()
    assert backtest(world, webinar(group_by="campaign,segment")).objectives[0].would.pages == 1
    assert kept() == before


COUNTED = [
    pytest.param(webinar(group_by="campaign,segment"), id="enrolment"),
    pytest.param(annotated(slo("routing", "mine", flow="webinar"), group_by="campaign"), id="routing"),
    pytest.param(changed(slo("delivery_latency", "mine", flow="webinar"), "spec.objectives.0.value", 50), id="latency"),
    pytest.param(changed(slo("backlog", "mine", flow="webinar"), "spec.objectives.0.value", 30), id="backlog"),
]


@pytest.mark.parametrize("document", COUNTED)
def test_what_it_counts_is_what_the_counting_counts(world, document):
    """Group by group, window by window, during the trouble and at the end."""
    [objective] = read(document).objectives
    until = at(2 * DAY)
    found = Backtester(world.store, dict, lambda: FLOWS)._try_out(objective, until - timedelta(days=2), until)
    walk = Walk(objective, found.ledger)
    world.wants(objective).count()
    try:
        for moment in (at(DAY + 630), until):
            counted = {one.group: one for one in world.counter.counts(objective, moment)}
            mine = {group: walk.counts(group, minute_of(moment)) for group in found.ledger}
            assert {group: one.windows for group, one in mine.items()} == {
                group: one.windows for group, one in counted.items()
            }
            assert {group: (one.period.good, one.period.bad) for group, one in mine.items()} == {
                group: (one.period.good, one.period.bad) for group, one in counted.items()
            }
    finally:
        del world.objectives[objective.name]


def test_a_correction_of_the_objective_counts_here_too(world):
    correction = Correction(
        id="one", objective="mine", group=(), starts_at=at(DAY + 590), ends_at=at(DAY + 680), author="ada",
        reason="maintenance", created_at=at(2 * DAY), removed_at=None, removed_by="",
    )  # fmt: skip
    alerts.keep_correction(world.store, correction)
    try:
        [answer] = backtest(world, webinar(group_by="campaign")).objectives
        assert (answer.would.pages, answer.would.bad) == (0, 0)
    finally:
        alerts.keep_correction(world.store, replace(correction, removed_at=at(2 * DAY + 1), removed_by="ada"))


def test_own_tiers_are_walked_as_they_are_written(world):
    document = changed(
        webinar(group_by="campaign"), "spec.alertPolicies", [policy(condition(2.8, "24h", short_window="2h"))]
    )
    [answer] = backtest(world, document).objectives
    assert {one.tier for one in answer.would.firings} <= {"page 1d/2h"}


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (changed(webinar(), "spec.objectives.0.target", 1), "spec.objectives[0].target is 1"),
        (changed(webinar(), "kind", "Service"), "Service mine"),
        (slo(), "is no flow"),
    ],
)
def test_a_file_that_cannot_be_walked_is_a_sentence(world, document, what):
    with pytest.raises(BacktestError) as raised:
        backtest(world, document)
    assert what in str(raised.value)


def test_more_than_a_year_is_refused(world):
    with pytest.raises(BacktestError, match="more than 366 days"):
        Backtester(world.store, dict, lambda: FLOWS)(text(webinar()), at(0) - timedelta(days=400), at(0))


def test_what_was_mended_is_told(world):
    document = changed(webinar(), "spec.budgetingMethod", None)
    answer = backtest(world, document)
    assert "is read as Occurrences" in answer.warnings[0]
    assert len(answer.objectives) == 1


def test_a_feed_that_was_lost_is_told_and_its_silence_is_no_failure(store):
    """For two hours nothing comes from forms; what time alone would call bad in them does not count."""
    world = World(store)
    heard = [minute for minute in range(-9 * DAY, DAY) if not 600 <= minute < 720]
    for service in ("forms", "router", "writer"):
        world.spoke(service, heard if service == "forms" else range(-9 * DAY, DAY))
    told = [entry(f"c-{minute}", at=minute) for minute in range(0, DAY, 5)]
    absent = [entry(f"c-x{minute}", "blocked", at=minute, after=15, cause=ABSENT) for minute in range(600, 720, 5)]
    world.said(*told, *absent, count=False)
    [answer] = backtest(world, webinar(), until=DAY).objectives
    [lost] = answer.would.firings
    assert (lost.kind, lost.severity, lost.reason) == ("measurement_lost", "ticket", "nothing comes from forms")
    assert at(600) < lost.fired_at <= at(615)
    assert at(719) <= lost.resolved_at <= at(725)
    assert (answer.would.pages, answer.would.tickets, answer.would.bad) == (0, 0, 0)


def test_many_groups_with_failures_for_weeks_are_looked_at_less_often(world, monkeypatch):
    monkeypatch.setattr(trial, "MAX_LOOKS", 220)
    [answer] = backtest(world, webinar(group_by="campaign")).objectives
    assert answer.step_s == 300
    assert answer.would.pages == 1
