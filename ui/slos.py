"""What the pages of objectives show, made ready: bars, the burn-down with what happened marked on it, groups, links."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage.answers import Answer, ChangeAnswer
from lineage.budgets import AlertAnswer, BudgetAnswer, BudgetSummary, CauseUnits, GroupBudget
from model.causes import causes
from ui.axis import round_moments
from ui.words import alert_url, budget_left, causes_url, flow_url, short_moment, slo_url

FEW_GROUPS = 15
CHART_HEIGHT = 220
CHART_WIDTH = 1000
_BOTTOMS = (0.0, -0.25, -0.5, -1.0, -2.0, -5.0, -10.0, -20.0, -50.0, -100.0)
_NEAR = 3.0  # percent of the width: marks that are closer become one
_BESIDE_NOW = 90.0
_MIN_STRETCH = 0.8
_NAMED_MARKS = 3
_LONGEST_NAME = 48
_LABEL_HEIGHT = 14.0
_SPARK_WIDTH, _SPARK_HEIGHT = 120, 28
_SPARK_FLOOR = -0.25
_ENTRY_INDICATORS = ("enrolment", "routing")


@dataclass(frozen=True, slots=True)
class Row:
    """One objective in the list."""

    budget: BudgetSummary
    bar: float
    spark: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Changes at nearly one moment; `number` is `2`, or `2 to 4` when they are too near to tell apart. `name` is what
    is written beside it, '' where there are too many; on the right half it stands left of the mark.
    """

    at: float
    number: str
    label: str
    name: str = ""

    @property
    def side(self) -> str:
        return "before" if self.at > 50 else "after"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time on the axis: an alert that fired, a correction."""

    left: float
    width: float
    kind: str
    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class BurnDown:
    """Positions are percents of the width; heights are of `CHART_HEIGHT`. `line` is an SVG path of CHART_WIDTH."""

    line: str
    area: str
    steady: str
    zero: float
    scale: Sequence[tuple[float, str]]
    now: float
    marks: Sequence[Mark]
    changes: Sequence[ChangeAnswer]
    alerts: Sequence[Stretch]
    corrections: Sequence[Stretch]
    labels: Sequence[tuple[float, str]]
    caption: str


@dataclass(frozen=True, slots=True)
class CauseOfBudget:
    counted: CauseUnits
    url: str


@dataclass(frozen=True, slots=True)
class BudgetView:
    budget: BudgetAnswer
    bar: float
    chart: BurnDown | None
    groups: Sequence[tuple[GroupBudget, str]]
    more_groups_url: str
    causes: Sequence[CauseOfBudget]
    firing: Sequence[AlertAnswer]
    digest: str


def rows(budgets: Sequence[BudgetSummary]) -> list[Row]:
    """The list of objectives."""
    return [Row(budget, bar(budget.budget_left), spark(budget.spark)) for budget in budgets]


def bar(left: float | None) -> float:
    """How much of a bar is filled, in percent: what is left."""
    return 100 * min(max(left or 0.0, 0.0), 1.0)


def spark(values: Sequence[float]) -> str:
    """The points of a line that fits a small drawing; '' when there is nothing to draw."""
    if len(values) < 2:
        return ""
    step = _SPARK_WIDTH / (len(values) - 1)
    heights = [(1 - max(value, _SPARK_FLOOR)) / (1 - _SPARK_FLOOR) * _SPARK_HEIGHT for value in values]
    return " ".join(f"{at * step:.1f},{height:.1f}" for at, height in enumerate(heights))


def budget_view(budget: BudgetAnswer, *, every_group: bool = False, now: datetime) -> BudgetView:
    """The page of one objective, with a few groups or all that the answer has."""
    shown = budget.groups if every_group else budget.groups[:FEW_GROUPS]
    return BudgetView(
        budget=budget,
        bar=bar(budget.budget_left),
        chart=burn_down(budget) if len(budget.points) > 1 else None,
        groups=[(one, group_url(budget, one.group)) for one in shown],
        more_groups_url=slo_url(budget.name, groups="all") if len(shown) < len(budget.groups) else "",
        causes=[CauseOfBudget(one, _cause_url(budget, one)) for one in budget.causes],
        firing=[alert for alert in budget.alerts if alert.phase == "firing"],
        digest=digest([budget], now),
    )


def digest(answers: Sequence[Answer], now: datetime) -> str:
    """Changes when the page would say something else, and every minute, because pages tell how long ago things were."""
    text = "".join(one.model_dump_json(exclude=_MOVING) for one in answers)
    return hashlib.sha256(f"{now:%Y-%m-%d %H:%M} {text}".encode()).hexdigest()[:12]


_MOVING = {"evaluated_at", "exhausted_in_s", "headline", "period_from", "period_until", "points", "spark"}


def group_url(budget: BudgetSummary, group: Mapping[str, str]) -> str:
    """The flow's page for a group; '' where the flow's page cannot tell it apart."""
    known = {key: value for key, value in group.items() if key in {"campaign", "segment", "source"}}
    if len(known) < len(group) or not all(known.values()):
        return ""
    return flow_url(budget.flow, **known, **_period(budget))


def _cause_url(budget: BudgetAnswer, counted: CauseUnits) -> str:
    """The leads behind a cause, where what is counted are entries."""
    if budget.indicator not in _ENTRY_INDICATORS or counted.cause not in causes():
        return ""
    return causes_url(budget.flow, cause=counted.cause, step=counted.step, status="blocked", **_period(budget))


def _period(budget: BudgetSummary) -> dict[str, str]:
    return {"since": f"{budget.period_from:%Y-%m-%dT%H:%M:%SZ}", "until": f"{budget.period_until:%Y-%m-%dT%H:%M:%SZ}"}


# ── the burn-down ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Scale:
    since: datetime
    until: datetime
    bottom: float

    def x(self, at: datetime) -> float:
        """Percent of the width."""
        return 100 * min(max((at - self.since) / (self.until - self.since), 0.0), 1.0)

    def y(self, left: float) -> float:
        return CHART_HEIGHT * (1 - max(left, self.bottom)) / (1 - self.bottom)

    def point(self, at: datetime, left: float) -> str:
        return f"{self.x(at) * CHART_WIDTH / 100:.1f} {self.y(left):.1f}"


def burn_down(budget: BudgetAnswer) -> BurnDown:
    """The budget of the period, from whole to what is left of it, with alerts and changes on the same axis."""
    lowest = min(point.left for point in budget.points)
    bottom = next((bottom for bottom in _BOTTOMS if bottom <= lowest), _BOTTOMS[-1])
    scale = _Scale(budget.points_from, budget.period_until, bottom)
    points = [scale.point(scale.since, 1.0), *(scale.point(one.at, one.left) for one in budget.points)]
    line = "M" + "L".join(points)
    ground = scale.y(0.0)
    return BurnDown(
        line=line,
        area=f"{line}V{ground:.1f}H0Z",
        steady=f"M{scale.point(scale.since, _steady(budget))}L{scale.point(scale.until, 0.0)}",
        zero=round(ground, 1),
        scale=_levels(scale, budget.points[-1].left),
        now=round(scale.y(budget.points[-1].left), 1),
        marks=marks(shown_changes(budget), scale.since, scale.until),
        changes=shown_changes(budget),
        alerts=[_alert(one, scale) for one in budget.alerts if (one.resolved_at or scale.until) > scale.since],
        corrections=[
            Stretch(*_extent(scale, one.starts_at, one.ends_at), "correction", f"Not counted: {one.reason}")
            for one in budget.corrections
            if one.ends_at > scale.since
        ],
        labels=[(x, text) for at, text in round_moments(scale.since, scale.until) if (x := scale.x(at)) < _BESIDE_NOW],
        caption=f"{short_moment(scale.since)} to {short_moment(scale.until)} UTC.",
    )


def _steady(budget: BudgetAnswer) -> float:
    """What would be left at the left edge if the budget were spent evenly over its period."""
    whole = budget.period_until - budget.period_from
    return min((budget.period_until - budget.points_from) / whole, 1.0)


def shown_changes(budget: BudgetAnswer) -> list[ChangeAnswer]:
    """Those that the chart marks, in the order of time."""
    return sorted((one for one in budget.changes if one.at >= budget.points_from), key=lambda one: one.at)


def marks(changes: Sequence[ChangeAnswer], since: datetime, until: datetime) -> list[Mark]:
    """Numbered moments of change, which come in the order of time; those that would overlap are one mark."""
    scale = _Scale(since, until, 0.0)
    clusters: list[list[tuple[int, float, ChangeAnswer]]] = []
    for number, change in enumerate(changes, 1):
        at = scale.x(change.at)
        if clusters and at - clusters[-1][0][1] < _NEAR:
            clusters[-1].append((number, at, change))
        else:
            clusters.append([(number, at, change)])
    return [_mark(cluster, named=len(clusters) <= _NAMED_MARKS) for cluster in clusters]


def _mark(cluster: Sequence[tuple[int, float, ChangeAnswer]], *, named: bool) -> Mark:
    first, last = cluster[0][0], cluster[-1][0]
    number = str(first) if first == last else f"{first}\N{EN DASH}{last}"
    label = "; ".join(f"{short_moment(change.at)} UTC: {change.what}" for _, _, change in cluster)
    name = cluster[0][2].what if named else ""
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"
    return Mark(round(sum(at for _, at, _ in cluster) / len(cluster), 2), number, label, name)


def _alert(alert: AlertAnswer, scale: _Scale) -> Stretch:
    until = alert.resolved_at or scale.until
    label = f"{short_moment(alert.fired_at)} UTC, {alert.severity}: {alert.headline}"
    return Stretch(*_extent(scale, alert.fired_at, until), alert.severity, label, alert_url(alert.id))


def _extent(scale: _Scale, since: datetime, until: datetime) -> tuple[float, float]:
    left = scale.x(since)
    width = max(scale.x(until) - left, _MIN_STRETCH)
    return round(min(left, 100 - width), 2), round(width, 2)


def _levels(scale: _Scale, now: float) -> list[tuple[float, str]]:
    """The labels beside the chart: what is left now, and what of the scale's ends does not stand over it."""
    ends = [(1.0, "100%"), (0.0, "0%" if scale.bottom else "spent")]
    ends += [(scale.bottom, f"{round(100 * scale.bottom)}%".replace("-", "\N{MINUS SIGN}"))] if scale.bottom else []
    y = scale.y(now)
    return [(round(y, 1), budget_left(now) if now > 0 else "now")] + [
        (round(scale.y(left), 1), label) for left, label in ends if abs(scale.y(left) - y) >= _LABEL_HEIGHT
    ]
