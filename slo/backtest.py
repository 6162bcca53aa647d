"""What an objective would have told over the stored history, beside the one of its name that is in force.

By what is known today: a success that came late repaired its unit, so an alert that it ended in the meantime is not
here. Everything else is the engine's own: its counting, its gate, its states.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile

from lineage.backtests import (
    SHOWN_BACKTEST_CAUSES,
    SHOWN_FIRINGS,
    BacktestAnswer,
    BacktestError,
    BacktestsAnswer,
    FiringAnswer,
    WalkAnswer,
)
from lineage.budgets import CauseLeadsCount
from lineage.flowbook import FlowReader, FlowsNow
from model.alert import Transition
from model.causes import causes
from model.objective import Objective
from slo.budget import balance
from slo.ledger import OTHER
from slo.openslo.objective import told
from slo.openslo.objects import Source
from slo.openslo.read import read_openslo
from slo.plan import plan_of
from slo.reading import read, rules_of
from slo.trial import Found, Tell, step_for, try_out
from slo.walk import Walk, minute_of, moment
from store import alerts, slo_trials
from store.engine import Store

LONGEST = timedelta(days=366)
MAX_OBJECTIVES = 20


@dataclass(frozen=True)
class Backtester:
    """`objectives` are those in force. Calling it is `lineage.backtests.Backtest`."""

    store: Store
    objectives: Callable[[], Mapping[str, Objective]]
    flows: FlowsNow
    tell: Tell = lambda _leads: None
    _busy: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, text: str, since: datetime, until: datetime) -> BacktestsAnswer:
        """One at a time: a history in memory is large, and two would take as long together."""
        if not self._busy.acquire(blocking=False):
            raise BacktestError("another back-test is walking. Try again when it is done")
        try:
            return self._answers(text, since, until)
        finally:
            self._busy.release()

    def _answers(self, text: str, since: datetime, until: datetime) -> BacktestsAnswer:
        if until - since > LONGEST:
            raise BacktestError(f"more than {LONGEST.days} days are asked for. Ask for a shorter history by --since")
        reading = read_openslo([Source("the file", text)], flows=self.flows())
        if reading.errors:
            raise BacktestError("\n".join(map(str, reading.errors)))
        if not reading.objectives:
            reasons = "; ".join(f"{one.described.about}: {one.why_none}" for one in reading.outcomes)
            raise BacktestError(f"the file describes no objective. {reasons}")
        if len(reading.objectives) > MAX_OBJECTIVES:
            raise BacktestError(f"the file describes more than {MAX_OBJECTIVES} objectives. Try out fewer at a time")
        return BacktestsAnswer(
            warnings=[str(finding) for finding in reading.findings],
            objectives=[self._answer(objective, since, until) for objective in reading.objectives],
        )

    def _answer(self, objective: Objective, since: datetime, until: datetime) -> BacktestAnswer:
        before = self.objectives().get(objective.name)
        tried = self._try_out(objective, since, until)
        beside = self._try_out(before, since, until) if before is not None else None
        step = max(step_for(one, since, until) for one in (tried, beside) if one is not None)
        would = _Walked(self.store, tried, since, until, step)
        in_force = _Walked(self.store, beside, since, until, step) if beside is not None else None
        return BacktestAnswer(
            name=objective.name,
            title=objective.title,
            flow=objective.indicator.flow,
            since=since,
            until=until,
            step_s=step * 60,
            would=would.answer(in_force),
            in_force=in_force.answer(would) if in_force is not None else None,
        )

    def _try_out(self, objective: Objective, since: datetime, until: datetime) -> Found:
        plan = plan_of(objective, FlowReader(self.store, self.flows)(until), until)
        without = [one for one in alerts.corrections(self.store, objective.name) if one.removed_at is None]
        return try_out(self.store, plan, since, until, without=without, tell=self.tell)


@dataclass
class _Incident:
    """What a walk told of one incident, from its first word to its last."""

    first: Transition
    worst: Transition
    ended_at: datetime | None = None

    def overlaps(self, other: "_Incident", until: datetime) -> bool:
        """Was the other one told of the same trouble? Of the same group or one around it, at the same time."""
        mine, theirs = self.first.key, other.first.key
        size = min(len(mine.group), len(theirs.group))
        return (
            mine.kind == theirs.kind
            and mine.group[:size] == theirs.group[:size]
            and self.first.at < (other.ended_at or until)
            and other.first.at < (self.ended_at or until)
        )


class _Walked:
    """One definition walked over the history."""

    def __init__(self, store: Store, found: Found, since: datetime, until: datetime, step: int) -> None:
        self._store, self._found, self._until = store, found, until
        self._since = since
        self._walk = Walk(found.plan.objective, found.ledger, found.silences, step, found.corrections)
        told_of = self._walk.transitions(minute_of(since), minute_of(until))
        self.incidents = _incidents(told_of)

    def answer(self, beside: "_Walked | None") -> WalkAnswer:
        objective, ledger = self._found.plan.objective, self._found.ledger
        burns = [one for one in self.incidents if one.first.key.kind == "burn"]
        severities = [one.worst.severity for one in burns]
        lasted = sum(((one.ended_at or self._until) - one.first.at for one in burns), timedelta())
        now = minute_of(self._until) + 1  # what was decided in the minute that has begun counts
        left, period = None, None
        if () in ledger:
            counts = self._walk.counts((), now)
            period = counts.period
            left = balance(read(rules_of(objective, len(ledger)), counts, moment(now)), timedelta(hours=1)).left
        return WalkAnswer(
            definition=told(objective),
            pages=severities.count("page"),
            tickets=severities.count("ticket"),
            firing_s=lasted.total_seconds(),
            firings=[self._firing(one, beside) for one in self.incidents[-SHOWN_FIRINGS:]],
            good=period.good if period else 0,
            bad=period.bad if period else 0,
            total=period.total if period else 0,
            budget_left=float(left) if left is not None else None,
            groups=max(len(ledger) - 1, 0),
            counted_from=moment(ledger[()].first) if () in ledger else None,
        )

    def _firing(self, incident: _Incident, beside: "_Walked | None") -> FiringAnswer:
        first, burn = incident.first, incident.worst.burn
        hit = self._hit(incident)
        others = beside.incidents if beside is not None else []
        return FiringAnswer(
            kind=first.key.kind,
            tier=burn.tier if burn else "",
            severity=incident.worst.severity,
            group=dict(_named(incident)),
            fired_at=first.at,
            resolved_at=incident.ended_at,
            reason=first.reason,
            good=burn.long.good if burn else 0,
            bad=burn.long.bad if burn else 0,
            total=burn.long.total if burn else 0,
            burn=burn.long_burn if burn else None,
            leads=hit.leads,
            causes=[
                CauseLeadsCount(cause=code, title=_title(code), leads=leads)
                for code, leads in hit.causes[:SHOWN_BACKTEST_CAUSES]
            ],
            also=any(incident.overlaps(other, self._until) for other in others),
        )

    def _hit(self, incident: _Incident) -> slo_trials.Hit:
        """Whom the units were of that were bad from the window that fired until it ended."""
        burn = incident.worst.burn
        if burn is None:
            return slo_trials.Hit(0, 0, ())
        tiers = {tier.name: tier for tier in self._found.plan.objective.tiers}
        return slo_trials.affected(
            self._store,
            self._found.trial,
            list(takewhile(lambda value: value != OTHER, (value for _, value in _named(incident)))),
            incident.first.at - tiers[burn.tier].long,
            incident.ended_at or self._until,
            sliced=self._found.plan.sliced,
            most=SHOWN_BACKTEST_CAUSES,
        )


def _incidents(told_of: Iterable[Transition]) -> list[_Incident]:
    """Transitions by the incident that they are of, in the order in which these began."""
    found: dict[str, _Incident] = {}
    for one in told_of:
        incident = found.setdefault(one.incident, _Incident(one, one))
        if one.burn is not None and one.severity == "page" and incident.worst.severity != "page":
            incident.worst = one
        incident.ended_at = one.at if one.after == "ok" else None
    return list(found.values())


def _named(incident: _Incident) -> tuple[tuple[str, str], ...]:
    return incident.worst.key.group


def _title(code: str) -> str:
    known = causes().get(code)
    return known.title if known is not None else code
