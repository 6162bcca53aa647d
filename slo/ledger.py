"""An objective's units in memory, by the minute of their decision: counts for any moment of the past without asking the
store again. Minutes are numbered from the epoch; a window of them is [first, until). Pure.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

from model.budget import Count
from model.objective import Group
from slo.slices import Stretch, counted, joined

OTHER = "(other)"
NAMED_BY_ATTRIBUTE = 1 << 63
Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Units:
    """What was decided of a group (by its values) in a minute. `failures` are the failure units of the bad ones:
    neighbouring numbers where a cause and system failed in neighbouring minutes.
    """

    values: Values
    minute: int
    good: int
    bad: int
    failures: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Slices:
    """The minutes of a group in which something was too old, those that do not count, and its first one."""

    values: Values
    first: int
    bad: Sequence[Stretch]
    uncounted: Sequence[Stretch] = ()


class Track(Protocol):
    """One group. Reading windows in the order of time is cheap, in any other order right."""

    first: int

    def totals(self, first: int, until: int) -> Count:
        """Good and bad in a window; failure units are left at 0."""

    def count(self, first: int, until: int) -> Count:
        """Good, bad and failure units with their sizes in a window."""

    def bad_spans(self) -> Sequence[Stretch]:
        """The minutes in which something is bad."""


Ledger = Mapping[Group, Track]


# ── occurrences ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Failures:
    """The failure units of a window of one length that moves forward: how many, and the sum of their squared sizes.

    What failed in two neighbouring minutes, and in none beside them, failed once: the clock cut it in two.
    """

    low: int = 0
    high: int = 0
    inside: dict[int, int] = field(default_factory=dict)
    cut: int = 0
    squares: int = 0

    def at(self, units: Sequence[Sequence[int]], low: int, high: int) -> tuple[int, int]:
        """Of the buckets [low, high)."""
        if low < self.low or high < self.high:
            self.low, self.high, self.cut, self.squares = low, low, 0, 0
            self.inside.clear()
        for bucket in units[self.high : high]:
            self._add(bucket, 1)
        for bucket in units[self.low : min(low, high)]:
            self._add(bucket, -1)
        self.low, self.high = low, max(high, low)
        return len(self.inside) - self.cut, self.squares

    def _add(self, bucket: Sequence[int], how: int) -> None:
        for unit in bucket:
            self._note_cuts(unit, -1)
            before = self.inside.pop(unit, 0)
            after = before + how
            self.squares += after * after - before * before
            if after:
                self.inside[unit] = after
            self._note_cuts(unit, 1)

    def _note_cuts(self, unit: int, how: int) -> None:
        """Count the cuts in which a unit has a say. Units that an attribute names are cut by no clock."""
        if unit & NAMED_BY_ATTRIBUTE:
            return
        has, size = self.inside.__contains__, self.inside.get
        for first in range(unit - 2, unit + 2):
            one, other = size(first, 0), size(first + 1, 0)
            if one and other and one + other > 2 and not has(first - 1) and not has(first + 2):
                self.cut += how
                self.squares += how * 2 * one * other


class UnitTrack:
    """A group's units in the order of their minutes."""

    def __init__(self, units: Iterable[Units]) -> None:
        by_minute: dict[int, list[Units]] = {}
        for one in units:
            by_minute.setdefault(one.minute, []).append(one)
        self._minutes = sorted(by_minute)
        buckets = [by_minute[minute] for minute in self._minutes]
        self._good = [0, *accumulate(sum(one.good for one in bucket) for bucket in buckets)]
        self._bad = [0, *accumulate(sum(one.bad for one in bucket) for bucket in buckets)]
        self._failures = [[unit for one in bucket for unit in one.failures] for bucket in buckets]
        self._windows: dict[int, _Failures] = {}
        self.first = self._minutes[0] if self._minutes else 0

    def totals(self, first: int, until: int) -> Count:
        low, high = self._range(first, until)
        return Count(self._good[high] - self._good[low], self._bad[high] - self._bad[low])

    def count(self, first: int, until: int) -> Count:
        low, high = self._range(first, until)
        window = self._windows.setdefault(until - first, _Failures())
        good, bad = self._good[high] - self._good[low], self._bad[high] - self._bad[low]
        return Count(good, bad, *window.at(self._failures, low, high))

    def bad_spans(self) -> Sequence[Stretch]:
        bad = (minute for nth, minute in enumerate(self._minutes) if self._bad[nth + 1] > self._bad[nth])
        return joined((minute, minute + 1) for minute in bad)

    def _range(self, first: int, until: int) -> tuple[int, int]:
        low = bisect_left(self._minutes, first)
        return low, max(bisect_left(self._minutes, until), low)


def unit_ledger(units: Iterable[Units], keys: Sequence[str], kept: frozenset[Values] = frozenset()) -> Ledger:
    """Every group of every level; those not in `kept`, where any are, go under `(other)`."""
    by_group: dict[Values, list[Units]] = {(): []}
    for one in units:
        for level in _levels(one.values, kept):
            by_group.setdefault(level, []).append(one)
    return {_group(keys, values): UnitTrack(some) for values, some in by_group.items() if some}


# ── time slices ─────────────────────────────────────────────────────────────────────────────────────────────────────


class SliceTrack:
    """A group's minutes: bad ones, those that do not count, all others good. A bad minute is a failure of its own."""

    def __init__(self, slices: Iterable[Slices]) -> None:
        some = list(slices)
        self.first = min(one.first for one in some)
        self._uncounted = joined(stretch for one in some for stretch in one.uncounted)
        self._bad = joined(stretch for one in some for stretch in one.bad)
        self._either = joined([*self._bad, *self._uncounted])

    def count(self, first: int, until: int) -> Count:
        first = max(first, self.first)
        left_out = counted(self._uncounted, first, until)
        bad = counted(self._either, first, until) - left_out
        return Count(max(until - first, 0) - left_out - bad, bad, failure_units=bad, squares=bad)

    totals = count

    def bad_spans(self) -> Sequence[Stretch]:
        return self._bad


def slice_ledger(slices: Iterable[Slices], keys: Sequence[str], kept: frozenset[Values] = frozenset()) -> Ledger:
    """Every group of every level, as `unit_ledger` has them."""
    by_group: dict[Values, list[Slices]] = {}
    for one in slices:
        for level in _levels(one.values, kept):
            by_group.setdefault(level, []).append(one)
    return {_group(keys, values): SliceTrack(some) for values, some in by_group.items()}


# ── groups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _levels(values: Values, kept: frozenset[Values]) -> Iterable[Values]:
    """The group with these values, and those above it."""
    named = tuple(value if not kept or values[: nth + 1] in kept else OTHER for nth, value in enumerate(values))
    return (named[:level] for level in range(len(named) + 1))


def _group(keys: Sequence[str], values: Values) -> Group:
    return tuple(zip(keys, values, strict=False))
