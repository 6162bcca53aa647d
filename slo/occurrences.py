"""Counts of what happened: good and bad units of every group, in windows and in slots of time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from model.budget import Count, GroupCounts, Slot
from model.objective import Group
from slo.scope import Scope, ms
from store import slo_counts
from store.engine import Store
from store.slo_counts import HOUR_S, GroupRow, Slots, hour_of, span_of

OTHER = "(other)"
_HOUR_MS = HOUR_S * 1000
NOTHING = Count()
MAX_SLOTS = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Slots of a step in [since, until), of a group, by a clock."""

    since: datetime
    until: datetime
    step: timedelta
    group: Group
    clock: str

    @property
    def starts(self) -> list[datetime]:
        """When each slot begins. Raises ValueError where there would be too many."""
        number = -((self.since - self.until) // self.step)
        if number > MAX_SLOTS:
            raise ValueError(f"{number} slots are more than {MAX_SLOTS}: ask for longer ones")
        return [self.since + self.step * nth for nth in range(number)]


# ── windows ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def counts(store: Store, scope: Scope) -> list[GroupCounts]:
    """Every group of every level, with the windows of the tiers and the period."""
    objective = scope.plan.objective
    starts_ms = [scope.now_ms - ms_of(length) + 1 for length in scope.lengths]
    ascending = sorted({*starts_ms, scope.period_ms})
    rows = slo_counts.windows(
        store,
        scope.plan.key,
        span_of(ascending, scope.now_ms, scope.cut_hours(ascending[0])),
        levels=len(objective.group_by),
        kept=kept_groups(store, scope),
        left_out=scope.left_out,
    )
    windows = list(zip(scope.lengths, starts_ms, strict=True))
    return [_group_counts(row, objective.group_by, windows, scope.period_ms) for row in rows]


def _group_counts(
    row: GroupRow, keys: Sequence[str], windows: Sequence[tuple[timedelta, int]], period_ms: int
) -> GroupCounts:
    made = {start: Count(*counted) for start, counted in row.counted.items()}
    return GroupCounts(
        group=tuple(zip(keys, row.group, strict=False)),
        windows={length: made.get(start, NOTHING) for length, start in windows},
        period=made.get(period_ms, NOTHING),
        first_unit_at=datetime.fromtimestamp(row.first_ms / 1000, UTC),
    )


def kept_groups(store: Store, scope: Scope) -> list[str]:
    """Which groups, as JSON of their values, stand for themselves: at each level the `max_groups` with the most units.

    Empty where there are not more than that.
    """
    objective, since_ms, level = scope.plan.objective, scope.period_ms, len(scope.plan.objective.group_by)
    if slo_counts.groups_at_most(store, scope.plan.key, level=level, since_ms=since_ms) <= objective.max_groups:
        return []
    units = [
        (tuple(json.loads(parts)), number)
        for parts, number, _ in slo_counts.groups(store, scope.plan.key, level=level, since_ms=since_ms, now=scope.now)
    ]
    kept = largest(units, level, objective.max_groups)
    return [as_parts(values) for values in sorted(kept)]


def largest(units: Sequence[tuple[tuple[str, ...], int]], levels: int, most: int) -> frozenset[tuple[str, ...]]:
    """At each level the groups with the most units, of those whose wholes are among them."""
    kept: set[tuple[str, ...]] = {()}
    for level in range(1, levels + 1):
        sums: dict[tuple[str, ...], int] = {}
        for values, number in units:
            if values[: level - 1] in kept:
                sums[values[:level]] = sums.get(values[:level], 0) + number
        ranked = sorted(sums, key=lambda values: (-sums[values], values))
        kept |= set(ranked[:most])
    return frozenset(kept - {()})


def as_parts(values: Sequence[str]) -> str:
    """Values as the engine writes them: JSON without spaces, with `/` escaped."""
    return json.dumps(list(values), ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")


# ── slots ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def slots(store: Store, scope: Scope, asked: Asked) -> list[Slot]:
    """Every slot, also those without units. Slots of whole hours come from the counts of hours."""
    starts = asked.starts
    if not starts:
        return []
    since_ms, until_ms, step_ms = ms(asked.since), ms(asked.until), ms_of(asked.step)
    began = asked.clock == "began"
    edges = scope.cut_hours(since_ms) | {hour_of(scope.now_ms if began else until_ms)}
    cut = {hour_of(ms(start)) for start in starts if ms(start) % _HOUR_MS}
    by_hours = step_ms >= _HOUR_MS and not (
        began and cut
    )  # units that began in a cut hour may be decided in any later one
    raw_from = hour_of(scope.now_ms) if by_hours else 0
    values = [value for _, value in asked.group]
    found = slo_counts.slots(
        store,
        scope.plan.key,
        Slots(since_ms, until_ms, step_ms, scope.now_ms, sorted(edges | cut), raw_from),
        group=values,
        kept=kept_groups(store, scope) if OTHER in values else [],
        left_out=scope.left_out,
        began=began,
    )
    return [Slot(start, *found.get(nth, (0, 0))) for nth, start in enumerate(starts)]


def ms_of(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
