"""What a flow's page shows, made ready: the sum, the funnel, the chart over time, the filters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lineage import tally
from lineage.answers import Bucket, CauseCount, CauseLeads, FlowAnswer, FlowCheck, Funnel, StepCount
from lineage.ask import Library
from lineage.measures import Difference, differences
from model.causes import Cause, causes
from store.counts import Slice
from store.measures import Stopped
from ui.asked import FILTERS
from ui.axis import round_moments
from ui.words import STATUSES, causes_url, flow_url, length, short_moment

_RANGES = (("1h", "1 hour"), ("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"))
_CROWDED = 6  # with entries in so few buckets the chart shows only the time around them
_CHART_HEIGHT = 180.0
_TOLD_CAUSES = 3
_ENDS = ("blocked", "skipped", "pending", "unknown")
_SCALE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8)


@dataclass(frozen=True, slots=True)
class Portion:
    """One status's part of a whole, as a stretch of a bar."""

    status: str
    entries: int
    left: float
    width: float
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    """One bucket of the chart; its blocks stack from the ground."""

    left: float
    width: float
    label: str
    blocks: Sequence[tuple[str, float, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Positions are percents of the width and pixels of the height; `caption` says what a column is."""

    caption: str
    columns: Sequence[Column]
    top: int
    labels: Sequence[tuple[float, str]]
    height: float = _CHART_HEIGHT


@dataclass(frozen=True, slots=True)
class CauseRow:
    cause: CauseCount
    url: str


@dataclass(frozen=True, slots=True)
class StepBar:
    """How many reached a step, and what became of those that ended there; widths are percents of all entries."""

    step: StepCount
    owner: str
    reached: float
    ended: Sequence[Portion]
    causes: Sequence[CauseRow]
    other_causes: int
    url: str


@dataclass(frozen=True, slots=True)
class FlowView:
    funnel: Funnel
    flow: FlowAnswer | None
    titles: Mapping[str, str]
    ranges: Sequence[tuple[str, str, bool]]
    portions: Sequence[Portion]
    steps: Sequence[StepBar]
    causes: Sequence[CauseRow]
    chart: Chart | None
    campaigns: Sequence[str]
    segments: Sequence[str]
    sources: Sequence[str]
    check: FlowCheck | None


def flow_view(library: Library, of: Slice, said: Mapping[str, str], *, now: datetime) -> FlowView:
    """The page of a flow; `said` is the query as it was written, kept in links. Raises NotFoundError."""
    funnel = tally.funnel(library, of)
    known = next((flow for flow in tally.flows(library, now=now) if flow.name == of.flow), None)
    rows = [CauseRow(cause, _cause_url(of.flow, cause, said)) for cause in funnel.causes]
    return FlowView(
        funnel=funnel,
        flow=known,
        titles={step.step: step.title or step.step for step in funnel.steps},
        ranges=_ranges(of.flow, said),
        portions=portions(funnel.by_status, of.flow, said),
        steps=_steps(library, funnel, rows, said),
        causes=rows,
        chart=_chart(library, of, funnel),
        campaigns=sorted({part.campaign for part in funnel.parts if part.campaign}),
        segments=sorted({part.segment for part in funnel.parts if part.segment}),
        check=tally.flow_check(library, of.flow) if of.flow in library.flows() else None,
        sources=sorted(part.source for part in funnel.sources if part.source),
    )


def portions(by_status: Mapping[str, int], flow: str, said: Mapping[str, str] | None = None) -> list[Portion]:
    """The stretches of a bar that is as long as all entries together, in the order in which statuses are told."""
    whole = sum(by_status.values())
    found: list[Portion] = []
    left = 0.0
    for status in STATUSES:
        entries = by_status.get(status, 0)
        width = 100 * entries / whole if whole else 0.0
        found.append(Portion(status, entries, left, width, causes_url(flow, status=status, **(said or {}))))
        left += width
    return found


def _ranges(flow: str, said: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """The usual stretches of time to choose from: label, address, whether it is the one shown."""
    kept = {name: said[name] for name in FILTERS}
    shown = said["since"] or "7d"
    return [
        (label, flow_url(flow, since=since, **kept), shown == since and not said["until"]) for since, label in _RANGES
    ]


def _steps(library: Library, funnel: Funnel, rows: Sequence[CauseRow], said: Mapping[str, str]) -> list[StepBar]:
    flow = library.flows().get(funnel.flow)
    owners = {step.name: step.owner for step in flow.steps} if flow else {}
    return [
        step_bar(
            step,
            [row for row in rows if row.cause.step == step.step],
            funnel.entries,
            owner=owners.get(step.step, ""),
            url=causes_url(funnel.flow, step=step.step, **said),
        )
        for step in funnel.steps
    ]


def step_bar(step: StepCount, rows: Sequence[CauseRow], entries: int, *, owner: str, url: str) -> StepBar:
    """The bar of a step, from the causes that ended entries there. What ended is drawn after what reached it, or, where
    a step ends entries that reached it (a gate), over its end.
    """
    reached = _percent(step.reached, entries)
    ended = {status: sum(row.cause.entries for row in rows if row.cause.status == status) for status in _ENDS}
    left = min(reached, 100 - _percent(sum(ended.values()), entries))
    found: list[Portion] = []
    for status, count in ended.items():
        if count:
            found.append(Portion(status, count, left, _percent(count, entries), url))
            left += found[-1].width
    shown = rows[:_TOLD_CAUSES]
    others = sum(row.cause.entries for row in rows[_TOLD_CAUSES:])
    return StepBar(step, owner, reached, found, shown, others, url)


def _percent(part: int, whole: int) -> float:
    return 100 * part / max(whole, 1)


def _cause_url(flow: str, cause: CauseCount, said: Mapping[str, str]) -> str:
    return causes_url(flow, cause=cause.cause, step=cause.step, status=cause.status, **said)


@dataclass(frozen=True, slots=True)
class BehindView:
    """The leads behind one number; `entries` is that number."""

    funnel: Funnel
    behind: CauseLeads
    cause: Cause | None
    owner: str
    playbook: str
    entries: int
    titles: Mapping[str, str]
    differences: Sequence[Difference]


def behind_view(library: Library, of: Slice, said: Mapping[str, str], *, cursor: str) -> BehindView:
    """The page of the leads behind a cause, a step or a status. Raises NotFoundError for an unknown flow."""
    asked = {name: said[name] for name in ("status", "cause", "step")}
    funnel = tally.funnel(library, of)
    flow, known = library.flows().get(of.flow), causes().get(said["cause"])
    step = flow.by_name.get(said["step"]) if flow else None
    return BehindView(
        funnel=funnel,
        behind=tally.leads_behind(library, of, **asked, cursor=cursor or None),
        cause=known,
        owner=(step.owner if step else "") or (known.owner if known else ""),
        playbook=step.playbook if step else "",
        entries=_entries_behind(funnel, **asked),
        titles={one.step: one.title or one.step for one in funnel.steps},
        differences=_in_common(library, of, funnel, **asked),
    )


def _in_common(library: Library, of: Slice, funnel: Funnel, *, status: str, cause: str, step: str) -> list[Difference]:
    """What the leads behind a cause share; nothing unless the address names one status and one step of it."""
    rows = [
        row for row in funnel.causes if row.cause == cause and status in {"", row.status} and step in {"", row.step}
    ]
    if not cause or len(rows) != 1:
        return []
    return differences(library, of, Stopped(rows[0].status, cause, rows[0].step or ""))


def _entries_behind(funnel: Funnel, *, status: str, cause: str, step: str) -> int:
    if not cause and not step:
        return funnel.by_status[status] if status else funnel.entries
    wanted = {"status": status, "cause": cause, "step": step}
    rows = [row for row in funnel.causes if all(getattr(row, name) == value for name, value in wanted.items() if value)]
    return sum(row.entries for row in rows)


# ── the chart ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _chart(library: Library, of: Slice, funnel: Funnel) -> Chart | None:
    """Entries over time, stacked by status. When few buckets hold all, the time around them is drawn instead."""
    for _ in range(3):
        buckets, size = funnel.over_time, timedelta(seconds=funnel.bucket_s)
        if not buckets or len(buckets) > _CROWDED or size <= timedelta(seconds=1):
            break
        of = replace(of, since=max(of.since, buckets[0].at), until=min(of.until, buckets[-1].at + size))
        funnel = tally.funnel(library, of)
    return chart(funnel.over_time, of.since, of.until, timedelta(seconds=funnel.bucket_s)) if funnel.over_time else None


def chart(buckets: Sequence[Bucket], since: datetime, until: datetime, size: timedelta) -> Chart:
    """The columns of a chart from `since` to `until`, in percents of its width and pixels of its height."""
    top = _nice(max(sum(bucket.by_status.values()) for bucket in buckets))
    seconds = (until - since).total_seconds()

    def position(at: datetime) -> float:
        return 100 * min(max((at - since).total_seconds() / seconds, 0.0), 1.0)

    drawn = f"{short_moment(since)} to {short_moment(until)} UTC"
    return Chart(
        caption=f"Captured {drawn}, {length(size)} a column.",
        columns=[_column(bucket, position(bucket.at), position(bucket.at + size), top) for bucket in buckets],
        top=top,
        labels=[(position(at), label) for at, label in round_moments(since, until)],
    )


def _column(bucket: Bucket, left: float, right: float, top: int) -> Column:
    blocks: list[tuple[str, float, float]] = []
    ground = _CHART_HEIGHT
    for status in STATUSES:
        height = _CHART_HEIGHT * bucket.by_status.get(status, 0) / top
        if height:
            ground -= height
            blocks.append((status, round(ground, 2), round(height, 2)))
    told = ", ".join(f"{bucket.by_status[status]} {status}" for status in STATUSES if bucket.by_status.get(status))
    gap = min(0.25, (right - left) / 5)
    return Column(round(left, 3), round(right - left - gap, 3), f"{short_moment(bucket.at)} UTC: {told}", blocks)


def _nice(count: int) -> int:
    """The round number at or above a count, for the top of the scale."""
    power = 1
    while True:
        for step in _SCALE:
            if step * power >= count and step * power % 1 == 0:
                return int(step * power)
        power *= 10
