"""What pages and API are told of an objective: its summary, its burn-down, its groups, windows and tiers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate

from lineage.budgets import (
    BudgetPoint,
    BudgetSummary,
    GroupBudget,
    TierAnswer,
    TierBurn,
    WindowBurn,
)
from model.budget import Count, Slot
from model.objective import Group, Objective
from slo.budget import balance
from slo.openslo.lengths import written
from slo.reading import Reading, TierReading, burn_of
from slo.standing import Stand, headline, standing

_STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1_440, 2_880, 5_760))
SHORTEST_CHART = timedelta(minutes=30)


def summary(stand: Stand, points: Sequence[BudgetPoint]) -> BudgetSummary:
    """One objective in the list; `points` are those of its burn-down."""
    objective, found, total = stand.objective, stand.balance, stand.total.counts.period
    since, until = stand.period
    worst, burn = _worst(stand)
    return BudgetSummary(
        name=objective.name,
        title=objective.title or objective.name,
        flow=objective.indicator.flow,
        indicator=objective.indicator.name,
        owner=objective.owner,
        target=float(objective.target),
        window=window_name(objective),
        period_from=since,
        period_until=until,
        good=total.good,
        bad=total.bad,
        total=total.total,
        budget_left=None if found.left is None else float(found.left),
        status=standing(stand),
        headline=headline(stand),
        worst_burn=burn,
        worst_group=None if worst is None else dict(worst),
        exhausted_in_s=found.lasts.total_seconds() if found.lasts else None,
        firing=len(stand.open),
        severity=max((state.firing for state in stand.open), key=("ticket", "page").index, default=""),
        lost_feeds=stand.lost,
        burns=burns(stand),
        spark=[point.left for point in points],
        evaluated_at=stand.evaluated_at,
    )


def _worst(stand: Stand) -> tuple[Group | None, float | None]:
    """The group that burns fastest in a long window, of those that fire; of the whole where none does."""
    if not stand.total.counts.period.total:
        return None, None
    asked = [state.key.group for state in stand.burning if state.key.group in stand.readings] or [()]
    burn, group = max((_long_burn(stand.readings[group]), group) for group in asked)
    return group or None, burn


def _long_burn(reading: Reading) -> float:
    """The highest burn in the long window of a tier."""
    longs = (reading.window(one.tier.long) for one in reading.rules.thresholds)
    return max((burn_of(count, reading.rules.error_budget) for count in longs), default=0.0)


def window_name(objective: Objective) -> str:
    """The period as people say it: `28 days`, `1 calendar month`."""
    window = objective.window
    if not window.rolling:
        return f"{window.count} calendar {window.unit}" + ("s" if window.count > 1 else "")
    days, rest = divmod(window.length, timedelta(days=1))
    return f"{days} days" if days > 1 and not rest else written(window.length)


def step_of(length: timedelta, most: int) -> timedelta:
    """How long a bucket is, so that at most so many cover a length."""
    return next((step for step in _STEPS if step * most >= length), length / most)


def chart_from(stand: Stand) -> datetime:
    """Where a chart begins: with the period, or with its first unit where that came later."""
    since, until = stand.period
    first = stand.total.counts.first_unit_at or since
    return min(max(since, first - timedelta(minutes=1)), max(since, min(until, stand.now) - SHORTEST_CHART))


def points(stand: Stand, slots: Sequence[Slot], step: timedelta) -> list[BudgetPoint]:
    """The burn-down: what was left at the end of each bucket, of the budget as it stands now."""
    allowed = float(stand.balance.allowed)
    if not stand.total.counts.period.total or not allowed:
        return []
    burned = accumulate(slot.bad for slot in slots)
    return [
        BudgetPoint(at=min(slot.at + step, stand.now), good=slot.good, bad=slot.bad, left=1 - spent / allowed)
        for slot, spent in zip(slots, burned, strict=True)
    ]


def groups(stand: Stand, most: int) -> list[GroupBudget]:
    """The groups with the most bad units beyond the target; the whole is none of them."""
    found = [reading for group, reading in stand.readings.items() if group]
    found.sort(key=lambda reading: (-_excess(reading), reading.group))
    firing = {state.key.group: state.firing for state in stand.burning}
    return [_group(reading, firing.get(reading.group, "ok")) for reading in found[:most]]


def _excess(reading: Reading) -> float:
    period = reading.counts.period
    return float(period.bad - reading.rules.error_budget * period.total)


def _group(reading: Reading, firing: str) -> GroupBudget:
    period = reading.counts.period
    left = balance(reading, timedelta(0)).left
    return GroupBudget(
        group=dict(reading.group),
        good=period.good,
        bad=period.bad,
        total=period.total,
        failure_units=period.failure_units,
        excess=_excess(reading),
        budget_left=None if left is None else float(left),
        firing=firing,
        tiers=[_tier_burn(reading, one) for one in reading.tiers()],
    )


def _tier_burn(reading: Reading, one: TierReading) -> TierBurn:
    return TierBurn(
        tier=one.tier.name,
        severity=reading.severity(one.tier),
        long=window_of(reading, one.tier.long),
        short=window_of(reading, one.tier.short),
        threshold=float(one.tier.burn),
        over=one.over,
    )


def window_burn(length: timedelta, count: Count, burn: float) -> WindowBurn:
    return WindowBurn(
        window_s=round(length.total_seconds()), good=count.good, bad=count.bad, total=count.total, burn=burn
    )


def window_of(reading: Reading, length: timedelta) -> WindowBurn:
    """A group's units in a window that ends now."""
    count = reading.window(length)
    return window_burn(length, count, burn_of(count, reading.rules.error_budget))


def burns(stand: Stand) -> list[WindowBurn]:
    """The whole's units in each window that a tier looks at, the shortest first."""
    lengths = {length for tier in stand.objective.tiers for length in (tier.short, tier.long)}
    return [window_of(stand.total, length) for length in sorted(lengths)]


def tiers(objective: Objective) -> list[TierAnswer]:
    return [
        TierAnswer(
            name=tier.name,
            severity=tier.severity,
            long_s=round(tier.long.total_seconds()),
            short_s=round(tier.short.total_seconds()),
            budget_share=float(tier.share),
            burn=float(tier.burn),
            error_rate=float(tier.burn * objective.error_budget),
            receivers=list(objective.receivers.get(tier.name, ())),
        )
        for tier in objective.tiers
    ]
