"""Counts of time slices: a slice of a group is bad when, as it begins, something of the group is too old.

Every slice counts from the first unit of a group on, whether or not anything came in it; those in which a feed was not
heard and those that a correction covers do not. A bad slice is a failure unit of its own.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from model.budget import Count, GroupCounts, Slot
from slo.occurrences import OTHER, Asked, as_parts, kept_groups, ms_of
from slo.scope import Scope, ms
from slo.slices import Stretch, counted, joined, without
from store import slo_counts
from store.engine import Store

Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """A group's first slice, its bad slices, and the slices that do not count for it."""

    first: int
    bad: Sequence[Stretch]
    uncounted: Sequence[Stretch]

    def count(self, first: int, until: int) -> Count:
        """Of the slices [first, until)."""
        first = max(first, self.first)
        left_out = counted(self.uncounted, first, until)
        bad = counted(joined([*self.bad, *self.uncounted]), first, until) - left_out
        good = max(until - first, 0) - left_out - bad
        return Count(good, bad, failure_units=bad, squares=bad)


def counts(store: Store, scope: Scope) -> list[GroupCounts]:
    """Every group of every level, with the windows of the tiers and the period."""
    objective, slice_ms = scope.plan.objective, ms_of(scope.plan.objective.slice_length)
    until = scope.now_ms // slice_ms + 1
    firsts = {length: _first_after(scope.now_ms - ms_of(length), slice_ms) for length in scope.lengths}
    period = _first_after(scope.period_ms - 1, slice_ms)
    groups = _groups(store, scope, min([period, *firsts.values()]), until)
    return [
        GroupCounts(
            group=tuple(zip(objective.group_by, values, strict=False)),
            windows={length: group.count(first, until) for length, first in firsts.items()},
            period=group.count(period, until),
            first_unit_at=datetime.fromtimestamp(group.first * slice_ms / 1000, UTC),
        )
        for values, group in sorted(groups.items())
    ]


def slots(store: Store, scope: Scope, asked: Asked) -> list[Slot]:
    """Every slot with the slices that begin in it, until now."""
    starts, slice_ms = asked.starts, ms_of(scope.plan.objective.slice_length)
    if not starts:
        return []
    until = min(_first_at(ms(asked.until), slice_ms), scope.now_ms // slice_ms + 1)
    bounds = [min(_first_at(ms(start), slice_ms), until) for start in starts] + [until]
    groups = _groups(store, scope, bounds[0], until)
    group = groups.get(tuple(value for _, value in asked.group))
    if group is None:
        return [Slot(start, 0, 0) for start in starts]
    found = [group.count(bounds[nth], bounds[nth + 1]) for nth in range(len(starts))]
    return [Slot(start, one.good, one.bad) for start, one in zip(starts, found, strict=True)]


def _first_after(moment_ms: int, slice_ms: int) -> int:
    return moment_ms // slice_ms + 1


def _first_at(moment_ms: int, slice_ms: int) -> int:
    return -(-moment_ms // slice_ms)


# ── groups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _groups(store: Store, scope: Scope, first: int, until: int) -> dict[Values, _Group]:
    """Every group of every level, with its slices in [first, until)."""
    slice_ms = ms_of(scope.plan.objective.slice_length)
    kept = set(kept_groups(store, scope))
    blind = [(_first_at(begun * 1000, slice_ms), _first_at(ended * 1000, slice_ms)) for begun, ended in scope.blind]
    bad = slo_counts.bad_stretches(store, scope.plan.key, slice_ms=slice_ms, first=first, last=until - 1)
    levels = len(scope.plan.objective.group_by)
    begun: dict[Values, int] = {}
    stretches: dict[Values, list[Stretch]] = {}
    for parts, _, first_at in slo_counts.groups(store, scope.plan.key, level=levels, since_ms=0, now=scope.now):
        values = tuple(json.loads(parts))
        mine = without(bad.get(parts, ()), _corrected(scope, values, slice_ms))
        for level in _levels(values, kept):
            begun[level] = min(begun.get(level, until), _first_at(ms(first_at), slice_ms))
            stretches.setdefault(level, []).extend(mine)
    return {
        values: _Group(at, joined(stretches[values]), joined([*blind, *_corrected(scope, values, slice_ms)]))
        for values, at in begun.items()
    }


def _levels(values: Values, kept: set[str]) -> Iterable[Values]:
    """The group with these values and those above it."""
    named = tuple(
        value if not kept or as_parts(values[: nth + 1]) in kept else OTHER for nth, value in enumerate(values)
    )
    return (named[:level] for level in range(len(named) + 1))


def _corrected(scope: Scope, values: Values, slice_ms: int) -> list[Stretch]:
    """The slices that corrections take from the group with these values."""
    return joined(
        (_first_at(one.since_ms, slice_ms), _first_at(one.until_ms, slice_ms))
        for one in scope.corrected
        if values[: len(one.group)] == one.group
    )
