"""Answers what pages and API ask of budgets and alerts, and writes what people decide: `Budgets` over real parts."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_hex

from lineage.answers import ChangeAnswer
from lineage.ask import NotFoundError
from lineage.budgets import (
    MAX_CORRECTIONS,
    SHOWN_CAUSES,
    SHOWN_CHANGES,
    SHOWN_GROUPS,
    SHOWN_HISTORY,
    SHOWN_POINTS,
    AlertAnswer,
    Asked,
    BudgetAnswer,
    BudgetPoint,
    BudgetSummary,
    CauseUnits,
    CorrectionAnswer,
    Evaluation,
    ExcludedUnits,
    NotPossibleError,
)
from model.alert import AlertState
from model.budget import Feed, GroupCounts
from model.causes import causes
from model.decisions import MAX_CORRECTION, Correction
from model.objective import Objective
from slo import summaries
from slo.alert_answers import correction_answer
from slo.alert_desk import AlertDesk
from slo.counting import Counter
from slo.standing import Stand, stand
from store import alerts, changes, outbox
from store.alerts import Incident
from store.changes import Change

KEPT = timedelta(seconds=10)
"""For so long a look at an objective is good enough for the next page."""

SPARK_POINTS = 40
_TROUBLE_FIRST = ("exhausted", "burning", "frozen", "ok", "no_data")
_EXCLUDED = {"pending": "Still on the way, and in time", "unknown": "The telemetry does not tell"}


@dataclass(frozen=True, slots=True)
class _Look:
    """What was read of an objective at a moment; `open` and `evaluated_at` are read again for each answer."""

    objective: Objective
    counts: Sequence[GroupCounts]
    feeds: Sequence[Feed]
    now: datetime
    counted: bool
    spark: Sequence[BudgetPoint] = ()
    open: Sequence[AlertState] = ()
    evaluated_at: datetime | None = None

    @property
    def stand(self) -> Stand:
        return stand(
            self.objective, self.counts, self.open, self.feeds, self.now, self.evaluated_at, counted=self.counted
        )


@dataclass
class Answers(AlertDesk):
    """`objectives` are those in force, by name; `evaluated` says when the alert loop last looked at them."""

    objectives: Callable[[], Mapping[str, Objective]]
    counting: Counter
    evaluated: Callable[[], datetime | None]
    _kept: dict[tuple[str, str], _Look] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # ── alerts, with what is counted of them now ────────────────────────────────────────────────────────────────

    def told(self, incidents: Sequence[Incident], now: datetime) -> list[AlertAnswer]:
        return [self._as_it_is(one, now) for one in super().told(incidents, now)]

    def _as_it_is(self, alert: AlertAnswer, now: datetime) -> AlertAnswer:
        objective = self.objectives().get(alert.objective)
        if objective is None or alert.phase != "firing":
            return alert
        reading = self._look(objective, now).stand.readings.get(tuple(alert.group.items()))
        tier = next((one for one in objective.tiers if one.name == alert.tier), None)
        if reading is None or tier is None:
            return alert
        long, short = (summaries.window_of(reading, length) for length in (tier.long, tier.short))
        return alert.model_copy(update={"long_now": long, "short_now": short})

    # ── budgets ─────────────────────────────────────────────────────────────────────────────────────────────────

    def every(self, *, now: datetime) -> Sequence[BudgetSummary]:
        looks = self._looks(self.objectives().values(), now)
        found = [summaries.summary(one.stand, one.spark) for one in looks]
        return sorted(found, key=lambda one: (_TROUBLE_FIRST.index(one.status), one.name))

    def one(self, name: str, *, now: datetime) -> BudgetAnswer:
        objective = self._objective(name)
        (look,) = self._looks([objective], now)
        seen, (since, _) = look.stand, look.stand.period
        return BudgetAnswer(
            **dict(summaries.summary(seen, look.spark)),
            description=objective.description,
            playbook=objective.playbook,
            method=objective.method,
            limit_s=objective.indicator.limit.total_seconds() if objective.indicator.limit else None,
            generation=objective.generation,
            definition=objective.text,
            allowed_bad=float(seen.balance.allowed),
            points=self._points(seen, SHOWN_POINTS),
            points_from=summaries.chart_from(seen),
            groups=summaries.groups(seen, SHOWN_GROUPS),
            groups_total=len(seen.readings) - 1,
            tiers=summaries.tiers(objective),
            causes=self._causes(objective, since, now),
            changes=self._changes(seen, since, now),
            alerts=self.shown(now, objective=name, most=SHOWN_HISTORY),
            corrections=list(self.corrections(name)),
            excluded=self._excluded(objective, since, now),
        )

    def evaluation(self, *, now: datetime) -> Evaluation:
        at = self.evaluated()
        lost = {feed for one in self._looks(self.objectives().values(), now) for feed in one.stand.lost}
        return Evaluation(
            at=at,
            age_s=None if at is None else max((now - at).total_seconds(), 0.0),
            dead_deliveries=sum(outbox.dead_by_receiver(self.store).values()),
            lost_feeds=sorted(lost),
        )

    def _looks(self, asked: Collection[Objective], now: datetime) -> list[_Look]:
        """How these stand: counted no longer than `KEPT` ago, with the alerts of now."""
        states, at = alerts.states(self.store) if asked else [], self.evaluated()
        return [replace(self._look(one, now), open=states, evaluated_at=at) for one in asked]

    def _look(self, objective: Objective, now: datetime) -> _Look:
        key = objective.name, objective.generation
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept.objective == objective and timedelta() <= now - kept.now < KEPT:
            return kept
        counts = self.counting.counts(objective, now, self._without(objective))
        feeds, counted = self.counting.feeds(objective, now), self.counting.counted(objective)
        made = _Look(objective, counts, feeds, now, counted)
        made = replace(made, spark=self._points(made.stand, SPARK_POINTS))
        with self._lock:
            self._kept = {kept: one for kept, one in self._kept.items() if now - one.now < KEPT} | {key: made}
        return made

    def _points(self, seen: Stand, most: int) -> list[BudgetPoint]:
        since, until = summaries.chart_from(seen), min(seen.period[1], seen.now)
        step = summaries.step_of(until - since, most)
        slots = self.counting.slots(
            seen.objective, since, until, step, now=seen.now, without=self._without(seen.objective)
        )
        return summaries.points(seen, slots, step)

    def _without(self, objective: Objective) -> list[Correction]:
        found = alerts.corrections(self.store, objective.name, most=MAX_CORRECTIONS)
        return [one for one in found if one.removed_at is None]

    def _causes(self, objective: Objective, since: datetime, now: datetime) -> list[CauseUnits]:
        found = self.counting.causes(objective, (), since, now)[:SHOWN_CAUSES]
        return [
            CauseUnits(cause=one.cause, title=_title(one.cause), step=one.step, units=one.units, leads=one.leads)
            for one in found
        ]

    def _excluded(self, objective: Objective, since: datetime, now: datetime) -> list[ExcludedUnits]:
        found = self.counting.excluded(objective, since, now)
        return [ExcludedUnits(reason=one, title=_EXCLUDED.get(one) or _title(one), units=found[one]) for one in found]

    def _changes(self, seen: Stand, since: datetime, now: datetime) -> list[ChangeAnswer]:
        """What changed in the period that may touch the objective, the latest first."""
        flow = seen.objective.indicator.flow
        found = [
            *changes.versions_between(self.store, since, now),
            *changes.contracts_between(self.store, since, now),
            *changes.flow_edits_between(self.store, flow, since, now),
            *changes.told_between(self.store, since, now),
        ]
        feeds = {feed.name for feed in seen.feeds}
        touching = sorted((one for one in found if _touches(one, flow, feeds)), key=lambda one: one.at, reverse=True)
        return [
            ChangeAnswer(at=one.at, what=one.what, kind=one.kind, link=one.link or None)
            for one in touching[:SHOWN_CHANGES]
        ]

    def _objective(self, name: str) -> Objective:
        known = self.objectives()
        if name not in known:
            there = f"The objectives are: {', '.join(sorted(known)[:20])}." if known else "No objective is in force."
            raise NotFoundError(f"No objective is called “{name}”. {there}")
        return known[name]

    # ── corrections ─────────────────────────────────────────────────────────────────────────────────────────────

    def corrections(self, objective: str) -> Sequence[CorrectionAnswer]:
        return [correction_answer(one) for one in self._without(self._objective(objective))]

    def correct(self, objective: str, since: datetime, until: datetime, asked: Asked) -> CorrectionAnswer:
        known = self._objective(objective)
        if until <= since:
            raise NotPossibleError("A correction ends after it begins. Swap the two.")
        if until - since > MAX_CORRECTION:
            raise NotPossibleError(f"A correction covers {MAX_CORRECTION.days} days at most.")
        if len(self._without(known)) >= MAX_CORRECTIONS:
            raise NotPossibleError(f"“{objective}” has {MAX_CORRECTIONS} corrections. Withdraw some.")
        made = Correction(token_hex(8), objective, since, until, asked.author, asked.reason, asked.at)
        alerts.keep_correction(self.store, made)
        self._forget(known)
        return correction_answer(made)

    def withdraw_correction(self, objective: str, correction: str, asked: Asked) -> CorrectionAnswer:
        known = self._objective(objective)
        found = alerts.corrections(self.store, objective, one=correction, most=1) if correction else []
        if not found:
            raise NotFoundError(f"“{objective}” has no correction with the id “{correction}”.")
        if found[0].removed_at is None:
            alerts.keep_correction(self.store, replace(found[0], removed_at=asked.at, removed_by=asked.author))
            self._forget(known)
        return correction_answer(found[0])

    def _forget(self, objective: Objective) -> None:
        """What was counted before a correction is not good enough for the next page."""
        with self._lock:
            self._kept.pop((objective.name, objective.generation), None)


def _title(cause: str) -> str:
    known = causes().get(cause)
    return known.title if known else cause


def _touches(change: Change, flow: str, feeds: set[str]) -> bool:
    return change.flow in {"", flow} and (not change.service or change.service in feeds)
