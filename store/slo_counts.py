"""Counts of units: hours that are made of them, and what is asked of both.

Moments are milliseconds since the epoch and hours its seconds: thousands of them are compared in one question.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.engine import Store

MAX_GROUPS_READ = 100_000
HOUR_S = 3_600
DAY_S = 86_400
_LATEST_HOUR = 4_102_444_800  # 2100-01-01, beyond which no unit lies


def hour_of(moment_ms: int) -> int:
    """The start of a moment's hour, in seconds, within what the column holds."""
    return min(max(moment_ms // 1000 // HOUR_S * HOUR_S, 0), _LATEST_HOUR)


def day_of(moment_ms: int) -> int:
    """The start of a moment's day in UTC, in seconds."""
    return hour_of(moment_ms) // DAY_S * DAY_S


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of time of a group, given by its values; [since_ms, until_ms)."""

    since_ms: int
    until_ms: int
    group: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What does not count: units decided in a corrected range, and silent ones that waited during a blind range."""

    corrected: Sequence[Range] = ()
    blind: Sequence[Range] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "corrected_from": [one.since_ms for one in self.corrected],
            "corrected_until": [one.until_ms for one in self.corrected],
            "corrected_parts": [list(one.group) for one in self.corrected],
            "held_from": [one.since_ms for one in self.blind],
            "held_until": [one.until_ms for one in self.blind],
        }


# ── hours ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def hours_changed(store: Store, objectives: Sequence[str], *, after: int) -> list[int]:
    """The hours in which units of any of these objectives changed after a version, in order."""
    return [row[0] for row in store.rows("slo_hours_changed", objectives=list(objectives), after=after)]


def count_hours(store: Store, objectives: Sequence[str], hours: Sequence[int], *, version: int) -> None:
    """Count these hours of these objectives anew."""
    store.run("slo_counts_of_hours", objectives=list(objectives), hours=list(hours), version=version)
    store.run("slo_began_of_hours", objectives=list(objectives), hours=list(hours), version=version)


def count_days(store: Store, objectives: Sequence[str], days: Sequence[int], *, version: int) -> None:
    """Count these days of these objectives anew, from the counts of their hours."""
    hours = [hour for day in days for hour in range(day, day + DAY_S, HOUR_S)]
    store.run("slo_counts_of_days", objectives=list(objectives), hours=hours, version=version)


# ── windows ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Span:
    """What an evaluation looks at: moments since which to count, ascending, until now; the days and hours that it takes
    as a whole, and the hours of which it looks at every unit.
    """

    starts_ms: Sequence[int]
    now_ms: int
    days: Sequence[int]
    hours: Sequence[int]
    edges: Sequence[int]


def span_of(starts_ms: Sequence[int], now_ms: int, cut: Iterable[int]) -> Span:
    """The span of windows with these starts, ascending; the hours in `cut` are not to be taken as a whole."""
    this_hour, first_hour = hour_of(now_ms), hour_of(starts_ms[0])
    edges = {hour_of(at) for at in (*starts_ms, now_ms)} | {hour for hour in cut if first_hour <= hour <= this_hour}
    cut_days = {hour // DAY_S * DAY_S for hour in edges}
    days = [day for day in range(day_of(starts_ms[0]), this_hour, DAY_S) if day not in cut_days]
    hours = [hour for day in cut_days for hour in range(day, day + DAY_S, HOUR_S)]
    whole = sorted(hour for hour in hours if first_hour < hour < this_hour and hour not in edges)
    return Span(starts_ms, now_ms, days, whole, sorted(edges))


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group by its values; good and bad units, failure units and the squares of their sizes since each start that any
    unit was decided after; when its first unit was decided.
    """

    group: tuple[str, ...]
    counted: Mapping[int, Sequence[int]]
    first_ms: int


def windows(
    store: Store, objective: str, span: Span, *, levels: int, kept: Sequence[str] = (), left_out: LeftOut
) -> list[GroupRow]:
    """The counts of every group of every level. Of groups, those not in `kept`, where any are, go under `(other)`."""
    rows = store.rows(
        "slo_windows",
        objective=objective,
        starts=list(span.starts_ms),
        now_ms=span.now_ms,
        days=list(span.days),
        hours=list(span.hours),
        edges=list(span.edges),
        levels=levels,
        kept=list(kept),
        **left_out.parameters,
    )
    return [GroupRow(tuple(group), {start: of for start, *of in counted}, first) for group, counted, first in rows]


def groups_at_most(store: Store, objective: str, *, level: int, since_ms: int) -> int:
    """How many groups of the lowest level there were since the day of a moment, or more than there were."""
    return int(store.rows("slo_groups_count", objective=objective, level=level, first_day=day_of(since_ms))[0][0])


def groups(
    store: Store, objective: str, *, level: int, since_ms: int, now: datetime
) -> list[tuple[str, int, datetime]]:
    """(values as JSON, units, first decided at) of each group, the largest first; at most MAX_GROUPS_READ."""
    rows = store.rows(
        "slo_groups", objective=objective, level=level, first_day=day_of(since_ms), now=now, most=MAX_GROUPS_READ
    )
    return [(parts, int(units), first) for parts, units, first in rows]


# ── slots ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Slots:
    """Equal slots of time in [since_ms, until_ms), for units decided until `now_ms`. Hours in `edges`, and those from
    `raw_from` on, are counted from units.
    """

    since_ms: int
    until_ms: int
    step_ms: int
    now_ms: int
    edges: Sequence[int]
    raw_from: int


def slots(
    store: Store,
    objective: str,
    of: Slots,
    *,
    group: Sequence[str],
    kept: Sequence[str],
    left_out: LeftOut,
    began: bool,
) -> dict[int, tuple[int, int]]:
    """(good, bad) by the number of the slot that units were decided in, or `began` in; those without are absent."""
    rows = store.rows(
        "slo_slots_began" if began else "slo_slots",
        objective=objective,
        since_ms=of.since_ms,
        until_ms=of.until_ms,
        step_ms=of.step_ms,
        now_ms=of.now_ms,
        first_hour=hour_of(of.since_ms),
        last_hour=hour_of(of.now_ms if began else min(of.until_ms, of.now_ms)),
        raw_from=of.raw_from,
        edges=list(of.edges),
        group=list(group),
        kept=list(kept),
        **left_out.parameters,
    )
    return {int(slot): (int(good), int(bad)) for slot, good, bad in rows}


# ── slices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def bad_stretches(
    store: Store, objective: str, *, slice_ms: int, first: int, last: int
) -> dict[str, list[tuple[int, int]]]:
    """The stretches [from, until) of bad slices, numbered from the epoch, from `first` to `last`, by group."""
    rows = store.rows(
        "slo_bad_stretches",
        objective=objective,
        slice_ms=slice_ms,
        first=first,
        last=last,
        last_hour=hour_of((last + 1) * slice_ms),
    )
    return {parts: [(int(begun), int(ended)) for begun, ended in stretches] for parts, stretches in rows}
