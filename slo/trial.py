"""Finds the units that an objective would have, and lays them out by the minute. Writes scratch tables only, so that
what is counted for good, and the alerts on it, never notice.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lineage.backtests import BacktestError
from model.decisions import Correction
from model.objective import Objective
from slo.feeds import Heard, heard
from slo.intake import find_units
from slo.ledger import Ledger, Slices, Units, Values, slice_ledger, unit_ledger
from slo.occurrences import largest
from slo.plan import Plan
from slo.scope import Scope, scope_of
from slo.slices import Stretch, counted, joined
from slo.walk import Silence, minute_of, minutes
from store import slo_trials, slo_units
from store.engine import Store
from store.slo_trials import Trial

LEADS_A_STEP = 20_000
MAX_STEPS = 100
MAX_ROWS = 1_000_000
MAX_GROUPS = 100_000
MAX_LOOKS = 500_000

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What a trial found: the units by the minute, when feeds were lost, and where the evidence is."""

    plan: Plan
    trial: Trial
    ledger: Ledger
    silences: Sequence[Silence]
    corrections: Sequence[Correction]


def try_out(
    store: Store, plan: Plan, since: datetime, until: datetime, *, without: Sequence[Correction], tell: Tell
) -> Found:
    """The units of an objective that a walk over [since, until] looks at. `tell` is told how many leads were done.

    Raises BacktestError when there are more than can be walked in memory.
    """
    scope = _scope(store, plan, since, until, without)
    trial = _trial(store, plan, scope.since - plan.longest_wait, tell)
    ledger = _slices(store, scope, trial) if plan.sliced else _units(store, scope, trial)
    losses = [loss for one in _heard(store, plan, since, until) for loss in one.losses()]
    silences = [
        Silence(one.service, one.silent_from_s // 60, -(-one.known_from_s // 60), one.until_s // 60) for one in losses
    ]
    return Found(plan, trial, ledger, silences, without)


def _scope(store: Store, plan: Plan, since: datetime, until: datetime, without: Sequence[Correction]) -> Scope:
    """What counts until `until`, as far back as an evaluation at `since` looks."""
    earliest = scope_of(plan, since, since).since
    blind = [stretch for one in _heard(store, plan, earliest, until) for stretch in one.blind()]
    return replace(scope_of(plan, until, earliest, without), since=earliest).with_blind(blind)


def _heard(store: Store, plan: Plan, since: datetime, until: datetime) -> list[Heard]:
    return heard(store, plan.services, since, until) if plan.services else []


def _trial(store: Store, plan: Plan, since: datetime, tell: Tell) -> Trial:
    """Find the units of all leads of the flow. Numbers above 2^63 are no batch's of the counting."""
    first = (1 << 63) | (secrets.randbits(48) << 12)
    plan = replace(plan, parameters={**plan.parameters, "since": max(since, datetime(2000, 1, 1, tzinfo=UTC))})
    position = ""
    batches: list[int] = []
    while len(batches) < MAX_STEPS:
        batch = first + len(batches)
        extent = slo_units.take_next(
            store, batch, flow=plan.objective.indicator.flow, objective=plan.key, position=position, most=LEADS_A_STEP
        )
        if extent.leads:
            batches.append(batch)
            find_units(store, batch, [plan])
            tell(extent.leads)
        if extent.leads < LEADS_A_STEP:
            return Trial(plan.key, batches)
        position = extent.last
    flow = plan.objective.indicator.flow
    raise BacktestError(f"{flow} has more than {MAX_STEPS * LEADS_A_STEP} leads. Try it out on a copy with fewer")


def _units(store: Store, scope: Scope, trial: Trial) -> Ledger:
    rows = slo_trials.minutes(store, trial, scope.since, scope.now, left_out=scope.left_out, most=MAX_ROWS + 1)
    _bound(len(rows))
    units = [Units(tuple(json.loads(row.parts)), row.minute, row.good, row.bad, row.failures) for row in rows]
    return unit_ledger(units, scope.plan.objective.group_by, _kept(scope.plan.objective, units))


def _slices(store: Store, scope: Scope, trial: Trial) -> Ledger:
    """A slice that begins at an evaluation counts in it, so minutes are numbered by their ends."""
    rows = slo_trials.slices(store, trial, scope.since, scope.now, most=MAX_GROUPS + 1)
    _bound(sum(len(row.stretches) for row in rows))
    uncounted = [_minutes_of(begun, ended) for begun, ended in scope.blind]
    slices = []
    for row in rows:
        values = tuple(json.loads(row.parts))
        corrected = [
            _minutes_of(one.since_ms // 1000, one.until_ms // 1000)
            for one in scope.corrected
            if values[: len(one.group)] == one.group
        ]
        bad = [(begun - 1, ended - 1) for begun, ended in row.stretches]
        slices.append(Slices(values, row.first - 1, bad, [*uncounted, *corrected]))
    return slice_ledger(slices, scope.plan.objective.group_by)


def _minutes_of(begun_s: int, ended_s: int) -> Stretch:
    """The slices that begin in a stretch of seconds, by their ends."""
    return -(-begun_s // 60) - 1, -(-ended_s // 60) - 1


def _kept(objective: Objective, units: Sequence[Units]) -> frozenset[Values]:
    """Which groups stand for themselves; empty where all do."""
    sums: dict[Values, int] = {}
    for one in units:
        sums[one.values] = sums.get(one.values, 0) + one.good + one.bad
    if len(sums) <= objective.max_groups:
        return frozenset()
    return largest(list(sums.items()), len(objective.group_by), objective.max_groups)


def _bound(rows: int) -> None:
    if rows > MAX_ROWS:
        what = f"the history has more than {MAX_ROWS} minutes of groups"
        raise BacktestError(f"{what}. Ask for a shorter one by --since, or group by less")


def step_for(found: Found, since: datetime, until: datetime) -> int:
    """Every how many minutes to look, so that a walk takes seconds: groups are looked at while they may fire."""
    tiers, first, last = found.plan.objective.tiers, minute_of(since), minute_of(until)
    short = max((minutes(tier.short) for tier in tiers), default=0)
    looks = sum(
        counted(joined((begun, ended + short) for begun, ended in track.bad_spans()), first, last)
        for track in found.ledger.values()
    )
    return next((step for step in (1, 2, 5, 10, 15) if looks <= step * MAX_LOOKS), 30)
