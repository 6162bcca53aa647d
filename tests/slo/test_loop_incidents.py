"""Incidents with a known beginning, one of each indicator: told in time, of the right campaign, with the right change.

Three campaigns with a lead a minute each; from a moment on every lead of one of them fares badly. A few minutes before,
something changed; a dozen other changes lie around. The long version (LEADTRACE_TORTURE=long) makes twenty of each.
"""

import os
import random
from dataclasses import dataclass
from fractions import Fraction

import pytest
from counting_world import at, entry, minutes, objective
from nights import night

from slo.burn import detection
from store import alerts, changes
from store.changes import Change, ToldChange

LONG = os.environ.get("LEADTRACE_TORTURE") == "long"
EACH = 20 if LONG else 1
CAMPAIGNS = ("spring", "summer", "autumn")
INTERVAL_MIN = 0.5
LIMIT_MIN = 10


@dataclass(frozen=True)
class Told:
    """What the page said, beside what was planted."""

    in_time: bool
    campaign_first: bool
    change_in_top_three: bool
    leads_exact: bool


def objective_of(indicator: str):
    """As strict as an hour's outage of one campaign asks for, grouped by campaign."""
    how = {"group_by": ("campaign",)}
    if indicator in {"delivery_latency", "freshness", "backlog"}:
        how["limit"] = LIMIT_MIN
    if indicator == "delivery_latency":
        how["to"] = "crm"
    if indicator == "duplicates":
        how["decision_deadline"] = minutes(5)
    return objective(indicator, **how)


def wait_of(indicator: str) -> float:
    """How long after its lead a failure is decided, at most."""
    return {"enrolment": 0.2, "routing": 0.1, "duplicates": 5.5}.get(indicator, LIMIT_MIN)


class AtOnce:
    """A store that takes the events of all leads in one INSERT."""

    def __init__(self, store):
        self._store, self._events = store, []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def insert(self, table, columns, rows):
        if table != "timeline":
            self._store.insert(table, columns, rows)
            return
        self._columns = columns
        self._events += rows

    def flush(self):
        if self._events:
            self._store.insert("timeline", self._columns, self._events)


class Incident:
    def __init__(self, seed: int):
        self.chance = random.Random(seed)
        self.struck = self.chance.choice(CAMPAIGNS)
        self.onset = self.chance.randint(150, 200)

    def tell(self, world, indicator: str, until: int) -> None:
        """Every lead captured before `until`, and what became of it."""
        said = []
        for minute in range(until):
            for campaign in CAMPAIGNS:
                bad = campaign == self.struck and minute >= self.onset
                said.append(getattr(self, indicator)(world, f"{campaign}-{minute}", minute, bad, campaign))
        world.store.flush()
        world.said(*said)

    def enrolment(self, _, name, minute, bad, campaign):
        status = "blocked" if bad else "entered"
        return entry(name, status, at=minute, after=0.2, lead=name, campaign=campaign)

    def routing(self, _, name, minute, bad, campaign):
        if bad:
            words = {"step": "routing", "cause": "route.no_owner", "service": "router", "reached": {"capture": 0}}
            return entry(name, "blocked", at=minute, after=0.1, lead=name, campaign=campaign, **words)
        return entry(name, at=minute, after=0.2, lead=name, campaign=campaign)

    def delivery_latency(self, _, name, minute, bad, campaign):
        took = 40 if bad else 1
        done = {"capture": 0, "routing": 0.1, "crm": took}
        return entry(name, at=minute, after=took, lead=name, campaign=campaign, reached=done)

    def freshness(self, world, name, minute, bad, campaign):
        world.event("ScoreChanged", at=minute, lead=name)
        world.event("CrmWritten", at=minute + (40 if bad else 2), lead=name, record=name)
        return entry(name, at=minute, after=0.2, lead=name, campaign=campaign)

    def duplicates(self, world, name, minute, bad, campaign):
        world.event("CrmWritten", at=minute, lead=name, record=f"{name}-1")
        if bad:
            world.event("CrmWritten", at=minute + 0.1, lead=name, record=f"{name}-2")
        return entry(name, at=minute, after=0.2, lead=name, campaign=campaign)

    def backlog(self, _, name, minute, bad, campaign):
        return entry(name, at=minute, after=40 if bad else 1, lead=name, campaign=campaign)

    def change(self, store, indicator: str) -> str:
        """Plant the change that did it among others; its name."""
        service = "router" if indicator == "routing" else "writer"
        what = "the culprit"
        touches = self.chance.choice([{"service": service}, {"campaign": self.struck}, {"service": service}])
        told = [Change(at(self.onset - self.chance.uniform(0.1, 5)), "deploy", what, **touches)]
        others = [name for name in CAMPAIGNS if name != self.struck]
        for number in range(12):
            when = at(self.onset - self.chance.uniform(0, 23 * 60))
            scope = self.chance.choice(
                [{"service": "forms"}, {"service": "elsewhere"}, {"campaign": others[0]}, {"campaign": others[1]}, {},
                 {"flow": "other"}, {"service": service}]
            )  # fmt: skip
            told.append(Change(when, "deploy", f"decoy {number}", **scope))
        changes.record(store, [ToldChange("ci", str(number), one) for number, one in enumerate(told)])
        return what


def lived(store, indicator: str, seed: int) -> Told:
    incident, of = Incident(seed), objective_of(indicator)
    page = of.tiers[0]
    allowed = detection(page, of.target, Fraction(1)) / minutes(1) + wait_of(indicator) + INTERVAL_MIN
    told_by = incident.onset + allowed + 1  # the first lead after the onset comes within a minute
    culprit = incident.change(store, indicator)
    with night(store, "pager") as made:
        made.world.wants(of).store = AtOnce(store)
        incident.tell(made.world, indicator, until=int(told_by) + 1)
        made.ticks(incident.onset, told_by)
        found = alerts.incidents(store, most=10)
        assert len(found) <= 1, found
        if not found:
            return Told(False, False, False, False)
        (step, *_) = alerts.of_incidents(store, [found[0].id])[found[0].id]
    alert = step.alert
    hit = alert.at_risk[0]
    failed = sum(minute + wait_of(indicator) <= told_by for minute in range(incident.onset, int(told_by) + 1))
    return Told(
        in_time=alert.severity == "page" and found[0].fired_at == at(told_by),
        campaign_first=hit.group == (("campaign", incident.struck),),
        change_in_top_three=culprit in [one.what for one in alert.changes[:3]],
        leads_exact=alert.leads_affected == failed,
    )


@pytest.mark.torture
@pytest.mark.parametrize(
    "indicator", ["enrolment", "routing", "delivery_latency", "freshness", "duplicates", "backlog"]
)
def test_an_incident_is_told_in_time_with_its_campaign_its_leads_and_what_changed(store, indicator):
    tables = [name for name in _tables(store) if name != "migrations"]
    told = []
    for seed in range(EACH):
        told.append(lived(store, indicator, seed))
        for table in tables:
            store.command(f"TRUNCATE TABLE {table}")
    assert sum(one.in_time for one in told) == EACH, told
    assert sum(one.campaign_first for one in told) >= 0.95 * EACH, told
    assert sum(one.change_in_top_three for one in told) >= 0.9 * EACH, told
    assert sum(one.leads_exact for one in told) == EACH, told


def _tables(store) -> list[str]:
    with store.client() as client:
        query = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        return [row[0] for row in client.query(query).result_rows]
