"""A journey on a time axis: services as lanes, hops as bars, lines from cause to effect, long silences folded to a
narrow break, and what was awaited and never came. Pure arithmetic.

Across, positions are percents of the width, so that a page needs no script to draw them; down, they are pixels.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lineage.answers import HopAnswer
from ui.words import call_name, hop_anchor, length, offset, outcome_state

MAX_BREAKS = 6
MAX_ROWS = 8
MAX_LINKS = 300
_ROW_HEIGHT, _BAR_HEIGHT, _LANE_PADDING, _LANE_BORDER = 18, 14, 8, 1
_NAMED_LANE_HEIGHT = 38  # a lane that says its steps under its service needs two lines
_FOLDED_FROM = timedelta(milliseconds=400)
_FOLDED_SHARE = 0.3  # a silence longer than this share of all that is drawn to scale is folded
_BREAK_WIDTH = 7.0
_MIN_STRETCH = 0.05
_MIN_BAR = 0.5
_LABEL_WIDTH = 4.0
_MIN_TICK_DISTANCE = 13.0
_MIN_TICK_DISTANCE_NARROW = 32.0
_LAST_TICK_NARROW = 75.0
_NICE_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time that is drawn to scale, between two percents of the width."""

    start: datetime
    end: datetime
    left: float
    right: float

    def position(self, at: datetime) -> float:
        seconds = (self.end - self.start).total_seconds()
        done = (at - self.start).total_seconds() / seconds if seconds else 0.0
        return self.left + min(max(done, 0.0), 1.0) * (self.right - self.left)


@dataclass(frozen=True, slots=True)
class Break:
    """Time in which nothing was heard, folded."""

    left: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """`minor` ones are left out where there is little room."""

    at: float
    label: str
    minor: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One hop, the `number`th of the journey."""

    number: int
    left: float
    width: float
    row: int
    state: str
    anchor: str
    label: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Lane:
    """One service, with the steps that it does. `rows` is how many bars stand above each other at most; `top` is where
    the lane begins.
    """

    service: str
    bars: tuple[Bar, ...]
    rows: int
    steps: str = ""
    top: int = 0

    @property
    def height(self) -> int:
        return max(self.rows * _ROW_HEIGHT + _LANE_PADDING, _NAMED_LANE_HEIGHT if self.steps else 0)

    def y(self, bar: Bar) -> int:
        """Where a bar begins within its lane."""
        return (self.height - self.rows * _ROW_HEIGHT) // 2 + bar.row * _ROW_HEIGHT + (_ROW_HEIGHT - _BAR_HEIGHT) // 2

    def middle(self, bar: Bar) -> int:
        """Where the middle of a bar is within the whole drawing."""
        return self.top + self.y(bar) + _BAR_HEIGHT // 2


@dataclass(frozen=True, slots=True)
class Link:
    """From a hop to one that it caused elsewhere: along from `left` to `right` at `since_y`, then down (or up)."""

    left: float
    right: float
    since_y: int
    until_y: int
    state: str


@dataclass(frozen=True, slots=True)
class Awaited:
    """A step that nothing was heard of. `until` is when its time was up or, while not `over`, when the goal is due."""

    title: str
    owner: str
    until: datetime
    over: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """The lane of what was awaited."""

    title: str
    owner: str
    left: float
    width: float
    state: str
    says: str


@dataclass(frozen=True, slots=True)
class Timeline:
    lanes: tuple[Lane, ...]
    links: tuple[Link, ...]
    gap: Gap | None
    breaks: tuple[Break, ...]
    ticks: tuple[Tick, ...]
    took: str

    @property
    def height(self) -> int:
        last = self.lanes[-1]
        return last.top + last.height


@dataclass(frozen=True, slots=True)
class Axis:
    stretches: tuple[Stretch, ...]
    breaks: tuple[Break, ...]

    def position(self, at: datetime) -> float:
        """The percent at which a moment stands."""
        under = next((stretch for stretch in self.stretches if at <= stretch.end), self.stretches[-1])
        return under.position(at)


def timeline(
    hops: Sequence[HopAnswer], titles: Mapping[str, str] | None = None, awaited: Awaited | None = None
) -> Timeline | None:
    """The drawing of these hops, with the titles of their steps; None when there are none."""
    if not hops:
        return None
    zero = hops[0].at  # of the first cause: a clock that is slow may lie before it
    spans = [(hop.at, hop.at + timedelta(milliseconds=hop.duration_ms)) for hop in hops]
    axis = fold([*spans, (awaited.until, awaited.until)] if awaited else spans)
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    lanes = _lanes(hops, axis, titles or {})
    return Timeline(
        lanes=lanes,
        links=_links(hops, lanes),
        gap=_gap(awaited, last, zero, axis) if awaited else None,
        breaks=axis.breaks,
        ticks=_ticks(axis, zero),
        took=length(last - first),
    )


# ── the axis ────────────────────────────────────────────────────────────────────────────────────────────────────────


def fold(spans: Iterable[tuple[datetime, datetime]]) -> Axis:
    """An axis on which silences that would dwarf everything else are narrow."""
    busy = _merged(spans)
    folded = _gaps_to_fold(busy)
    pieces = _pieces(busy, folded)
    drawn = [max((end - start).total_seconds(), 0.0) for start, end in pieces]
    floor = max(sum(drawn) * _MIN_STRETCH, 1e-6)
    weights = [max(seconds, floor) for seconds in drawn]
    per_second = (100.0 - _BREAK_WIDTH * (len(pieces) - 1)) / sum(weights)
    stretches: list[Stretch] = []
    breaks: list[Break] = []
    left = 0.0
    for (start, end), weight in zip(pieces, weights, strict=True):
        if stretches:
            breaks.append(Break(left, _BREAK_WIDTH, length(start - stretches[-1].end)))
            left += _BREAK_WIDTH
        stretches.append(Stretch(start, end, left, left + weight * per_second))
        left = stretches[-1].right
    return Axis(tuple(stretches), tuple(breaks))


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _gaps_to_fold(busy: Sequence[tuple[datetime, datetime]]) -> set[int]:
    """The busy stretches before which time is folded: the longest silences, each long beside what is left."""
    gaps = sorted(((busy[at][0] - busy[at - 1][1], at) for at in range(1, len(busy))), reverse=True)
    left = busy[-1][1] - busy[0][0]
    folded: set[int] = set()
    for gap, at in gaps[:MAX_BREAKS]:
        if gap < _FOLDED_FROM or gap < left * _FOLDED_SHARE:
            break
        folded.add(at)
        left -= gap
    return folded


def _pieces(busy: Sequence[tuple[datetime, datetime]], folded: set[int]) -> list[tuple[datetime, datetime]]:
    pieces = [busy[0]]
    for at, (start, end) in enumerate(busy[1:], start=1):
        if at in folded:
            pieces.append((start, end))
        else:
            pieces[-1] = (pieces[-1][0], end)
    return pieces


def _ticks(axis: Axis, first: datetime) -> tuple[Tick, ...]:
    """Labels that never touch: the start of each stretch before round moments within it."""
    ticks: list[Tick] = []
    for stretch in axis.stretches:
        for at in (stretch.start, *_round_moments(stretch, first)):
            position = stretch.position(at)
            if all(abs(position - other.at) >= _MIN_TICK_DISTANCE for other in ticks) and position <= 94:
                ticks.append(Tick(position, offset(at - first), minor=False))
    kept: list[Tick] = []
    for tick in sorted(ticks, key=lambda tick: tick.at):
        before = next((other.at for other in reversed(kept) if not other.minor), None)
        near = before is not None and tick.at - before < _MIN_TICK_DISTANCE_NARROW
        kept.append(replace(tick, minor=near or tick.at > _LAST_TICK_NARROW))
    return tuple(kept)


def _round_moments(stretch: Stretch, first: datetime) -> list[datetime]:
    seconds = (stretch.end - stretch.start).total_seconds()
    share = (stretch.right - stretch.left) / (2 * _MIN_TICK_DISTANCE)
    if seconds <= 0 or share < 1:
        return []
    step = next((nice for nice in _NICE_S if seconds / nice <= share + 1), seconds)
    before = int((stretch.start - first).total_seconds() / step)
    moments = [first + timedelta(seconds=step * (before + number)) for number in range(1, int(seconds / step) + 2)]
    return [at for at in moments if stretch.start < at < stretch.end]


# ── lanes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _lanes(hops: Sequence[HopAnswer], axis: Axis, titles: Mapping[str, str]) -> tuple[Lane, ...]:
    services: dict[str, list[tuple[int, HopAnswer]]] = {}
    for number, hop in enumerate(hops):
        services.setdefault(hop.service, []).append((number, hop))
    lanes: list[Lane] = []
    for service, members in services.items():
        steps = dict.fromkeys(titles[hop.step] for _, hop in members if hop.step and hop.step in titles)
        top = lanes[-1].top + lanes[-1].height if lanes else 0
        lanes.append(replace(_lane(service, members, axis), steps=", ".join(steps), top=top + _LANE_BORDER))
    return tuple(lanes)


def _links(hops: Sequence[HopAnswer], lanes: Sequence[Lane]) -> tuple[Link, ...]:
    """The lines between lanes; none where there would be too many to follow."""
    numbers = {(hop.trace_id, hop.span_id): number for number, hop in enumerate(hops)}
    placed = {bar.number: (lane, bar) for lane in lanes for bar in lane.bars}
    found: list[Link] = []
    for number, hop in enumerate(hops):
        parent = numbers.get((hop.trace_id, hop.parent_span_id))
        if parent is not None and placed[parent][0] is not placed[number][0]:
            found.append(_link(*placed[parent], *placed[number]))
    return tuple(found) if len(found) <= MAX_LINKS else ()


def _link(lane: Lane, parent: Bar, child_lane: Lane, child: Bar) -> Link:
    left = min(max(child.left, parent.left), parent.left + parent.width)
    return Link(round(left, 3), child.left, lane.middle(parent), child_lane.middle(child), child.state)


def _gap(awaited: Awaited, last: datetime, zero: datetime, axis: Axis) -> Gap:
    left, right = axis.position(min(last, awaited.until)), axis.position(awaited.until)
    return Gap(
        title=awaited.title,
        owner=awaited.owner,
        left=round(left, 3),
        width=round(max(right - left, _MIN_BAR), 3),
        state="absent" if awaited.over else "waiting",
        says=f"nothing heard by {offset(awaited.until - zero)}"
        if awaited.over
        else f"nothing heard yet; the goal is due by {offset(awaited.until - zero)}",
    )


def _lane(service: str, hops: Sequence[tuple[int, HopAnswer]], axis: Axis) -> Lane:
    ends: list[float] = []
    bars: list[Bar] = []
    for number, hop in sorted(hops, key=lambda numbered: numbered[1].at):
        left = axis.position(hop.at)
        width = max(axis.position(hop.at + timedelta(milliseconds=hop.duration_ms)) - left, _MIN_BAR)
        left = min(left, 100.0 - width)
        labelled = _LABEL_WIDTH if outcome_state(hop.outcome) == "failed" or hop.attempt > 1 else 0.0
        bars.append(_bar(number, hop, (left, width, _row(ends, left, width + labelled))))
    return Lane(service or "unnamed service", tuple(bars), max(len(ends), 1))


def _row(ends: list[float], left: float, width: float) -> int:
    """The first row that is free at `left`; the last when all are taken."""
    row = next((at for at, end in enumerate(ends) if end <= left), len(ends))
    if row == len(ends) and row < MAX_ROWS:
        ends.append(0.0)
    row = min(row, MAX_ROWS - 1)
    ends[row] = max(ends[row], left + width)
    return row


def _bar(number: int, hop: HopAnswer, place: tuple[float, float, int]) -> Bar:
    left, width, row = place
    name, took = call_name(hop.name, hop.attributes), length(timedelta(milliseconds=hop.duration_ms))
    tried = f", attempt {hop.attempt}" if hop.attempt else ""
    return Bar(
        number=number,
        left=round(left, 3),
        width=round(width, 3),
        row=row,
        state=outcome_state(hop.outcome),
        anchor=hop_anchor(hop.trace_id, hop.span_id),
        label=f"{hop.service}: {name}, {hop.outcome}{tried}, {took}",
        attempt=hop.attempt,
    )
