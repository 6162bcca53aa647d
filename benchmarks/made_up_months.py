"""Months of one group's leads, made up: how many came and failed in each half minute, kept as running sums.

Leads come ten times more often by day than by night, at random (Poisson). Failures come alone, in batches that an
attribute names, or in minutes in which a vendor was away; what failed without a name is one unit a clock minute, as in
the shipped counting, which sees one where the clock cut a minute in two.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from model.budget import Count

SLOT_S = 30
SLOTS_A_MINUTE = 60 // SLOT_S
SLOTS_AN_HOUR = 3_600 // SLOT_S
SLOTS_A_DAY = 24 * SLOTS_AN_HOUR
BEFORE = 3 * SLOTS_A_DAY
"""Slots before a month begins: what its first windows look back on."""

DAY_BEGINS_H, DAY_ENDS_H = 8, 20
DAY_OVER_NIGHT = 10
BATCH = 8


def is_day(slot: int) -> bool:
    """The first slot is at midnight."""
    return DAY_BEGINS_H <= slot // SLOTS_AN_HOUR % 24 < DAY_ENDS_H


def by_day(rate: float) -> float:
    """The rate of the day where `rate` is that of day and night."""
    day = (DAY_ENDS_H - DAY_BEGINS_H) / 24
    return rate * DAY_OVER_NIGHT / (DAY_OVER_NIGHT * day + 1 - day)


# ── failures ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Run:
    """What failed in neighbouring minutes of an hour, or in a batch that has a name: units by slot, in their order."""

    slots: Mapping[int, int]
    named: bool = False

    @property
    def first(self) -> int:
        return next(iter(self.slots))

    @property
    def last(self) -> int:
        return next(reversed(self.slots))

    def failed(self, since: int, until: int) -> tuple[int, int]:
        """Failure units in these slots, and the sum of the squares of their sizes."""
        sizes: dict[int, int] = {}
        for slot, bad in self.slots.items():
            if since <= slot < until:
                unit = 0 if self.named else slot // SLOTS_A_MINUTE
                sizes[unit] = sizes.get(unit, 0) + bad
        if len(sizes) == 2 and sum(sizes.values()) > 2:
            return 1, sum(sizes.values()) ** 2
        return len(sizes), sum(size * size for size in sizes.values())


Failures = Callable[[Random, float, int], list[Run]]
"""Runs in a stretch of slots in which so many units an hour fail on average, in their order."""


def by_minute(moments_s: Iterable[float]) -> list[Run]:
    """One failure unit a clock minute, as the shipped counting has it for one cause."""
    slots: dict[int, int] = {}
    for slot in sorted(int(at_s // SLOT_S) for at_s in moments_s):
        slots[slot] = slots.get(slot, 0) + 1
    runs: list[dict[int, int]] = []
    for slot, bad in slots.items():
        if not runs or not _goes_on(next(reversed(runs[-1])), slot):
            runs.append({})
        runs[-1][slot] = bad
    return [Run(run) for run in runs]


def _goes_on(before: int, slot: int) -> bool:
    """Do two slots lie in one minute, or in neighbouring ones of an hour?"""
    same_hour = before // SLOTS_AN_HOUR == slot // SLOTS_AN_HOUR
    return same_hour and slot // SLOTS_A_MINUTE - before // SLOTS_A_MINUTE <= 1


def singles(chances: Random, rate: float, slots: int) -> list[Run]:
    """Each unit fails for itself."""
    return by_minute(moments(chances, rate, slots))


def vendor_minutes(chances: Random, rate: float, slots: int) -> list[Run]:
    """A vendor is away for a minute, from any second on, and eats eight units."""
    away = [at_s + chances.random() * 60 for at_s in moments(chances, rate / BATCH, slots) for _ in range(BATCH)]
    return by_minute(at_s for at_s in away if at_s < slots * SLOT_S)


def batches(chances: Random, rate: float, slots: int) -> list[Run]:
    """Eight units of a batch fail at once; an attribute names the batch."""
    return [Run({int(at_s // SLOT_S): BATCH}, named=True) for at_s in moments(chances, rate / BATCH, slots)]


def imports(chances: Random, rate: float, slots: int) -> list[Run]:
    """Batches of all sizes: most are small, one in a hundred takes some sixty units, one in a thousand 500."""
    mean = sum(min(size, 500) ** -1.1 for size in range(1, 501))  # of the sizes below, cut at 500
    return [
        Run({int(at_s // SLOT_S): min(int(chances.paretovariate(1.1)), 500)}, named=True)
        for at_s in moments(chances, rate / mean, slots)
    ]


# ── arrivals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def moments(chances: Random, rate: float, slots: int) -> Iterable[float]:
    """Random moments, in seconds from the beginning, at so many an hour on average."""
    at_s = 0.0
    while (at_s := at_s + chances.expovariate(by_day(rate) / 3_600)) < slots * SLOT_S:
        if is_day(int(at_s) // SLOT_S) or chances.random() < 1 / DAY_OVER_NIGHT:
            yield at_s


def good_units(chances: Random, rate: float, slots: int) -> list[int]:
    """How many good units come in each slot, at so many an hour on average."""
    day, night = _poisson(by_day(rate) / SLOTS_AN_HOUR), _poisson(by_day(rate) / DAY_OVER_NIGHT / SLOTS_AN_HOUR)
    found: list[int] = []
    for slot in range(0, slots, SLOTS_AN_HOUR):
        sums = day if is_day(slot) else night
        found += chances.choices(range(len(sums)), cum_weights=sums, k=SLOTS_AN_HOUR)
    return found[:slots]


def _poisson(mean: float) -> list[float]:
    """The chances of at most 0, 1, 2, … events."""
    sums, chance = [math.exp(-mean)], math.exp(-mean)
    while sums[-1] < 1 - 1e-12 and len(sums) < 10 * mean + 50:
        chance *= mean / len(sums)
        sums.append(sums[-1] + chance)
    return sums


# ── a month ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Month:
    """`total` and `bad` are sums up to and without each slot, `units` and `squares` up to and without each run."""

    total: Sequence[int]
    bad: Sequence[int]
    runs: Sequence[Run]
    firsts: Sequence[int]
    units: Sequence[int]
    squares: Sequence[int]

    def count(self, until: int, length: int) -> Count:
        """The units of the `length` slots before `until`."""
        since = until - length
        total, bad = self.total[until] - self.total[since], self.bad[until] - self.bad[since]
        if not bad:
            return Count(total)
        low, high = bisect_left(self.firsts, since), bisect_left(self.firsts, until)
        units, squares = self.units[high] - self.units[low], self.squares[high] - self.squares[low]
        for run, whole in self._cut_runs(low, high, since, until):
            seen, left_out = run.failed(since, until), run.failed(0, len(self.total)) if whole else (0, 0)
            units, squares = units + seen[0] - left_out[0], squares + seen[1] - left_out[1]
        return Count(total - bad, bad, units, squares)

    def _cut_runs(self, low: int, high: int, since: int, until: int) -> Iterable[tuple[Run, bool]]:
        """The runs that a window sees a part of, and whether the sums hold the whole of it."""
        if low and self.runs[low - 1].last >= since:
            yield self.runs[low - 1], False
        if high > low and self.runs[high - 1].last >= until:
            yield self.runs[high - 1], True


def month(good: Sequence[int], failures: Sequence[Run]) -> Month:
    """A month of good units by slot, and of failures, which all have names or all have none."""
    runs = failures if any(run.named for run in failures) else _joined(failures)
    bad = [0] * len(good)
    for run in runs:
        for slot, units in run.slots.items():
            bad[slot] += units
    failed = [run.failed(0, len(good)) for run in runs]
    return Month(
        total=_sums(map(int.__add__, good, bad)),
        bad=_sums(bad),
        runs=runs,
        firsts=[run.first for run in runs],
        units=_sums(units for units, _ in failed),
        squares=_sums(squares for _, squares in failed),
    )


def _joined(runs: Iterable[Run]) -> list[Run]:
    """Runs of several lists as those of one."""
    return by_minute(slot * SLOT_S for run in runs for slot, bad in run.slots.items() for _ in range(bad))


def _sums(numbers: Iterable[int]) -> list[int]:
    return list(accumulate(numbers, initial=0))
