"""Budgets and alerts for Prometheus, so that others' tooling can alert too. Read from the store when somebody asks.

Labels are objectives and the windows of their tiers, never groups: 2,000 campaigns stay out of a time series database.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf

import structlog
from prometheus_client import Gauge

from api.asked import Clock
from lineage.budgets import Budgets, BudgetSummary, Evaluation
from store.errors import StoreError

log = structlog.get_logger(__name__)

MAX_OBJECTIVES = 500
KEPT = timedelta(seconds=10)

budget_left = Gauge("leadtrace_slo_budget_left_ratio", "What is left of the budget; negative: overspent", ["objective"])
target = Gauge("leadtrace_slo_target_ratio", "The share of units that must be good", ["objective"])
units = Gauge("leadtrace_slo_units", "Units of the budget's period", ["objective", "result"])
burn_rate = Gauge(
    "leadtrace_slo_burn_rate", "How many times too fast the budget burns, all units together", ["objective", "window"]
)
alerts_firing = Gauge("leadtrace_slo_alerts_firing", "Alerts that fire", ["objective"])
unmeasured = Gauge("leadtrace_slo_unmeasured", "1 while a system that the objective rests on is silent", ["objective"])
evaluation_age = Gauge("leadtrace_slo_evaluation_age_seconds", "Since the objectives were evaluated last")
dead_deliveries = Gauge("leadtrace_slo_dead_deliveries", "Messages that could not be delivered")

_BY_OBJECTIVE = (budget_left, target, units, burn_rate, alerts_firing, unmeasured)


class BudgetMetrics:
    """Calling it brings the gauges up to date; what cannot be read is left out rather than told as it was."""

    def __init__(self, budgets: Budgets, clock: Clock) -> None:
        self._budgets = budgets
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at: datetime | None = None

    def __call__(self) -> None:
        now = self._clock()
        with self._lock:
            if self._read_at is not None and timedelta() <= now - self._read_at < KEPT:
                return
            try:
                found, evaluation = self._budgets.every(now=now), self._budgets.evaluation(now=now)
            except StoreError as error:
                log.warning("budgets_not_told", reason=str(error))
                self._read_at = None
                tell([], None)
                return
            tell(found[:MAX_OBJECTIVES], evaluation)
            self._read_at = now


def tell(found: Sequence[BudgetSummary], evaluation: Evaluation | None) -> None:
    """Set the gauges, and forget objectives that are gone. Never evaluated is infinitely long ago."""
    for gauge in _BY_OBJECTIVE:
        gauge.clear()
    for one in found:
        _tell_one(one)
    if evaluation is not None:
        never = inf if found else 0.0
        evaluation_age.set(never if evaluation.age_s is None else evaluation.age_s)
        dead_deliveries.set(evaluation.dead_deliveries)


def _tell_one(one: BudgetSummary) -> None:
    target.labels(one.name).set(one.target)
    units.labels(one.name, "good").set(one.good)
    units.labels(one.name, "bad").set(one.bad)
    alerts_firing.labels(one.name).set(one.firing)
    unmeasured.labels(one.name).set(bool(one.lost_feeds))
    if one.budget_left is not None:
        budget_left.labels(one.name).set(one.budget_left)
    for seen in one.burns:
        burn_rate.labels(one.name, window_name(seen.window_s)).set(seen.burn)


def window_name(seconds: int) -> str:
    """`5m`, `1h`, `3d`, as tiers are called."""
    size, unit = next(pair for pair in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")) if seconds % pair[0] == 0)
    return f"{seconds // size}{unit}"
