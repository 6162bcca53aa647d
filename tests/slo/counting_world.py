"""Tells what happened in tests of the counting: verdicts written straight to the store, and events on the timeline.

`world.said(entry("c-1", "blocked", at=3))` is what the judge said of an entry that was captured three minutes after START.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from model.budget import Count, GroupCounts
from model.flow import Flow
from model.flowfile import read_flow
from model.objective import Indicator, Objective, Window
from model.verdict import Evidence, Status, Verdict
from slo.burn import tiers_for
from slo.counting import Counter
from slo.intake import Pace
from store import verdicts
from store.engine import Store

START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
ABSENT = "observability.expected_but_absent"

FLOW = read_flow(
    """
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: webinar, title: Webinar sign-up, owner: growth}
spec:
  goal: enrol
  deadline: 15m
  steps:
    - {name: capture, kind: capture, match: [{service: forms}]}
    - {name: routing, kind: route, after: [capture], match: [{service: router}]}
    - {name: crm, kind: crm, after: [routing], match: [{service: writer}]}
    - {name: enrol, kind: sequence, after: [crm], match: [{event: SequenceEnrolled}]}
"""
)
FLOWS = {FLOW.name: FLOW}


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def at(minute: float) -> datetime:
    return START + minutes(minute)


def objective(indicator: str = "enrolment", name: str = "", **how) -> Objective:
    """An objective of 99 % over 28 days. `limit` is in minutes; other words than an objective's are parameters."""
    known = Objective.__dataclass_fields__
    limit = how.pop("limit", None)
    parameters = {key.rstrip("_"): value for key, value in how.items() if key not in known}
    window = how.get("window", Window(timedelta(days=28)))
    made = Objective(
        name=name or indicator,
        title=indicator,
        indicator=Indicator(indicator, "webinar", minutes(limit) if limit is not None else None, parameters),
        target=Fraction(99, 100),
        window=window,
        tiers=tiers_for(timedelta(days=28)),
        generation="g1",
        method="timeslices" if indicator == "backlog" else "occurrences",
    )
    return replace(made, **{key: value for key, value in how.items() if key in known})


def entry(
    name: str,
    status: str = "entered",
    *,
    at: float = 0,
    after: float = 1,
    lead: str = "",
    cause: str = "",
    step: str = "",
    reached: Mapping[str, float] | None = None,
    service: str = "",
    due: float | None = None,
    **words,
) -> Verdict:
    """A verdict on an entry captured `at` minutes after START and decided `after` minutes later.

    `reached` gives the minutes after capture at which steps were done.
    """
    captured = START + minutes(at)
    since = captured + minutes(after)
    steps = {"capture": 0.0, "routing": 0.1, "crm": 0.2, "enrol": after} if status == "entered" else {"capture": 0.0}
    steps = dict(steps if reached is None else reached)
    return Verdict(
        lead=lead or name.replace("c", "L"),
        flow="webinar",
        entry=name,
        status=Status(status),
        captured_at=captured,
        since=since,
        deadline_at=captured + FLOW.deadline,
        last_hop_at=since,
        cause=cause or {"blocked": "crm.rate_limit", "skipped": "consent.missing"}.get(status, ""),
        step=step or ("enrol" if status == "entered" else "crm"),
        entered_at=since if status == "entered" else None,
        due_at=START + minutes(due) if due is not None else None,
        reached=tuple(steps),
        reached_at=tuple(captured + minutes(done) for done in steps.values()),
        evidence=(Evidence("t" * 32, "s" * 16, service or "writer", "POST", since, "ok"),),
        **words,
    )


@dataclass
class World:
    """A store with a counter, and an hour hand of its own: everything is written as it is told."""

    store: Store
    objectives: dict[str, Objective] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=lambda: dict(FLOWS))
    pace: Pace = field(default_factory=Pace)

    def __post_init__(self):
        self.counter = self.counting_anew()

    def counting_anew(self) -> Counter:
        """What a restart makes."""
        self.counter = Counter(self.store, lambda: self.objectives, lambda: self.flows, self.pace)
        return self.counter

    def wants(self, *objectives: Objective) -> "World":
        self.objectives |= {one.name: one for one in objectives}
        return self

    def said(self, *made: Verdict, gone: Sequence[Verdict] = (), count: bool = True, decided_at=None):
        """What the judge says; counted at once unless told otherwise."""
        moment = decided_at or self.now()
        rows = [*map(verdicts.row_of, made), *map(verdicts.withdrawn, gone)]
        verdicts.write(self.store, rows, decided_at=moment)
        if count:
            self.count()

    def now(self) -> datetime:
        return self.store.rows("now")[0][0]

    def count(self) -> None:
        while self.counter.tick(self.now()):
            pass

    def counts(self, of: Objective, minute: float, **how) -> dict[tuple[str, ...], GroupCounts]:
        """By the values of the group, at a minute after START."""
        found = self.counter.counts(of, at(minute), **how)
        return {tuple(value for _, value in one.group): one for one in found}

    def total(self, of: Objective, minute: float = 60, **how) -> tuple[int, int]:
        """(good, bad) of the whole period at a minute after START."""
        whole = self.counts(of, minute, **how).get(())
        return (whole.period.good, whole.period.bad) if whole else (0, 0)

    def event(
        self,
        event: str,
        *,
        at: float,
        lead: str = "L-1",
        took: float = 0,
        service: str = "writer",
        key: str = "",
        record: str = "",
        system: str = "salesforce",
        outcome: str = "",
        hop: str = "",
        **words,
    ) -> None:
        """A hop on the timeline that names an event, `at` minutes after START."""
        said = {"lead.event": event, "lead.system": system} | {f"lead.{name}": value for name, value in words.items()}
        said |= {"lead.idempotency_key": key} if key else {}
        said |= {"lead.crm.id": record} if record else {}
        said |= {"lead.outcome": outcome} if outcome else {}
        moment = START + minutes(at)
        row = {
            "lead_id": lead,
            "ts": moment,
            "hop_id": hop or f"{abs(hash((event, at, lead, key, record, system))):016x}"[:16],
            "trace_id": "a" * 32,
            "signal": "span",
            "duration_ns": int(took * 60e9),
            "service": service,
            "name": event,
            "payload": json.dumps({"a": said}, separators=(",", ":")),
        }
        self.store.insert("timeline", list(row), [list(row.values())])

    def merged(self, lead: str, into: str, *, at: float) -> None:
        self.event("IdentityMerged" if into else "IdentityUnmerged", lead=lead, at=at, merged_into=into)

    def spoke(self, service: str, minutes_: Sequence[int]) -> None:
        rows = [[service, START + minutes(minute), START + minutes(minute)] for minute in minutes_]
        self.store.insert("feed_minutes", ["service", "minute", "arrived_at"], rows)


def count(good: int, bad: int = 0) -> Count:
    """Units of which each bad one failed on its own."""
    return Count(good, bad, bad, bad)
