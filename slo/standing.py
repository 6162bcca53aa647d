"""How an objective stands at a moment: its counts, alerts and feeds together, and what people are told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import accumulate

from lineage.budgets import (
    BudgetPoint,
    BudgetSummary,
    GroupBudget,
    Standing,
    TierAnswer,
    TierBurn,
    WindowBurn,
)
from model.alert import AlertState
from model.budget import Count, Feed, GroupCounts, Slot
from model.objective import Group, Objective
from slo.budget import Balance, balance, rate_window
from slo.openslo.lengths import written
from slo.period import period_of
from slo.reading import Reading, TierReading, burn_of, read, rules_of

_STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1_440, 2_880, 5_760))
SHORTEST_CHART = timedelta(minutes=30)


@dataclass(frozen=True)
class Stand:
    """One look at an objective. `open` are its alerts that fire, `evaluated_at` is when they were looked at last.

    Until all of its history was `counted`, its counts are of a part of the leads and say nothing.
    """

    objective: Objective
    readings: Mapping[Group, Reading]
    open: Sequence[AlertState]
    feeds: Sequence[Feed]
    now: datetime
    evaluated_at: datetime | None
    counted: bool

    @property
    def period(self) -> tuple[datetime, datetime]:
        return period_of(self.objective.window, self.now)

    @property
    def total(self) -> Reading:
        return self.readings[()]

    @property
    def burning(self) -> Sequence[AlertState]:
        return [state for state in self.open if state.key.kind == "burn"]

    @property
    def lost(self) -> list[str]:
        return sorted(feed.name for feed in self.feeds if feed.silent_since is not None)

    @property
    def balance(self) -> Balance:
        loudest = next((state.tier for state in sorted(self.burning, key=lambda state: state.firing)), "")
        return balance(self.total, rate_window(self.total, loudest))


def stand(  # noqa: PLR0917
    objective: Objective,
    counts: Sequence[GroupCounts],
    states: Sequence[AlertState],
    feeds: Sequence[Feed],
    now: datetime,
    evaluated_at: datetime | None,
    *,
    counted: bool = True,
) -> Stand:
    """Puts together what was read. An objective without units has the reading of an empty whole."""
    rules = rules_of(objective, len(counts))
    readings = {one.group: read(rules, one, now) for one in counts}
    readings.setdefault((), read(rules, GroupCounts((), {}, Count()), now))
    of_it = [state for state in states if _is_of(state, objective)]
    return Stand(objective, readings, of_it, feeds, now, evaluated_at, counted)


def _is_of(state: AlertState, objective: Objective) -> bool:
    key = state.key
    return (key.objective, key.generation) == (objective.name, objective.generation) and state.firing != "ok"


def standing(stand: Stand) -> Standing:
    """One word for it; see `Standing` for their order."""
    left = stand.balance.left
    if left is None or not stand.counted:
        return "no_data"
    if stand.lost:
        return "frozen"
    if left <= 0:
        return "exhausted"
    return "burning" if stand.burning else "ok"


def headline(stand: Stand) -> str:
    """The sentence on top: how much is spent, and how long the rest lasts."""
    title = stand.objective.title or stand.objective.name
    found = stand.balance
    if not stand.counted:
        return f"The history of “{title}” is being counted; what stands here is of a part of it."
    if found.left is None:
        return f"Nothing was counted for “{title}” in this period."
    if stand.lost:
        return f"“{title}” is not measured: nothing is heard from {', '.join(stand.lost)}.{_before(found.left)}"
    return f"{_spent(title, found.left)}{_lasting(found) if found.left > 0 and found.bad else ''}."


def _spent(title: str, left: Fraction) -> str:
    if left < 0:
        return f"The budget of “{title}” is overspent by {_percent(-float(left))}"
    if left == 0:
        return f"The budget of “{title}” is spent to the last unit"
    if left == 1:
        return f"Nothing of the budget of “{title}” is spent"
    return f"The budget of “{title}” is {_percent(1 - float(left))} spent"


def _lasting(found: Balance) -> str:
    return f"; at the present rate it lasts {_long(found.lasts)}" if found.lasts else "; at the present rate it lasts"


def _before(left: Fraction) -> str:
    return f" Before, {_percent(1 - float(left))} of its budget was spent." if left < 1 else ""


def _percent(share: float) -> str:
    """Never says all or nothing of what is neither."""
    if share >= 1:
        return f"{100 * share:,.0f}%"
    return "under 1%" if share < 0.01 else f"{min(round(100 * share), 99)}%"


def _long(length: timedelta) -> str:
    """A length of the size that plans are made in."""
    for size, unit in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours"), (timedelta(minutes=1), "minutes")):
        if length >= 2 * size:
            return f"{length // size} {unit}"
    return "less than 2 minutes"


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


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
