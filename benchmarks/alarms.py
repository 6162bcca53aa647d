"""How often does the shipped alert engine cry wolf, and how fast does it cry at all? Simulated time, real engine.

Healthy group-months of 3 to 600 leads an hour, and total outages by day. The rival is the rule of the SRE Workbook:
both windows above the burn rate, and nothing else.
"""

import os
import statistics
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from itertools import chain
from math import exp, lgamma, log, sqrt
from random import Random

from benchmarks.made_up_months import (
    BEFORE,
    DAY_BEGINS_H,
    DAY_ENDS_H,
    SLOT_S,
    SLOTS_A_DAY,
    SLOTS_AN_HOUR,
    Failures,
    Month,
    Run,
    batches,
    by_day,
    by_minute,
    good_units,
    imports,
    month,
    singles,
    vendor_minutes,
)
from benchmarks.measure import say
from model.alert import AlertKey, AlertState, Transition
from model.budget import Count, GroupCounts
from model.objective import Indicator, Objective, Tier, Window
from slo.burn import tiers_for
from slo.evaluate import Evaluation, evaluate

PERIOD = timedelta(days=28)
MONTH = 30 * SLOTS_A_DAY
WINDOWS = {timedelta(minutes=length): length * 60 // SLOT_S for length in (5, 30, 60, 120, 360, 1_440, 4_320)}
TARGETS = ("0.995", "0.99", "0.95")
SLOWEST, FASTEST = 3, 600
MONTHS, OUTAGES = 600, 201
BEGINS = datetime(2026, 3, 1, tzinfo=UTC)


def objective(target: str) -> Objective:
    return Objective(
        name="healthy",
        title="",
        indicator=Indicator("enrolment", "demo-request"),
        target=Fraction(target),
        window=Window(PERIOD),
        tiers=tiers_for(PERIOD),
        generation="",
    )


# ── the engine over a month ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Walk:
    """The engine over the slots from BEFORE on. `period` is what a whole period brings.

    While nothing is open, an evaluation that cannot fire changes nothing; only those that might are made.
    """

    objective: Objective
    month: Month
    period: int

    def told(self) -> Iterator[Transition]:
        states: dict[AlertKey, AlertState] = {}
        last, might = len(self.month.total) - 1, iter(self.might_fire())
        slot = next(might, None)
        while slot is not None and slot <= last:
            found = self.evaluated(slot, states)
            yield from found.transitions
            states = {key: state for key, state in found.states.items() if state.firing != "ok"}
            slot = slot + 1 if states else next((one for one in might if one > slot), None)

    def evaluated(self, slot: int, states: dict[AlertKey, AlertState]) -> Evaluation:
        """The engine at the beginning of a slot."""
        windows = {length: self.month.count(slot, slots) for length, slots in WINDOWS.items()}
        counts = GroupCounts((), windows, Count(self.period))
        now = BEGINS + slot * timedelta(seconds=SLOT_S)
        return evaluate(self.objective, [counts], states, (), now, groups=1)

    def might_fire(self) -> list[int]:
        """The slots at which some tier is over in both windows and has failures that chance alone might not bring."""
        found = (slot for tier in self.objective.tiers for slot in self._over(tier) if self._is_odd(slot, tier))
        return sorted(set(found))

    def workbook_pages(self) -> int:
        """How often the workbook's rule would have begun to page: the ratios of both windows, and nothing else."""
        pages = (tier for tier in self.objective.tiers if tier.severity == "page")
        over = set(chain.from_iterable(self._over(tier, by_ratio_only=True) for tier in pages))
        return sum(slot - 1 not in over for slot in over)

    def _over(self, tier: Tier, *, by_ratio_only: bool = False) -> list[int]:
        """A hair below the exact thresholds, so that none that is over is missed."""
        long, short = WINDOWS[tier.long], WINDOWS[tier.short]
        ratio = float(tier.burn * self.objective.error_budget) * (1 - 1e-12)
        spent = float("inf") if by_ratio_only else float(tier.share * self.objective.error_budget) * self.period
        spent_long, spent_short = spent * (1 - 1e-12), spent * short / long * (1 - 1e-12)
        bad, total = self.month.bad, self.month.total
        sums = zip(
            map(int.__sub__, bad[BEFORE:], bad[BEFORE - long :]),
            map(int.__sub__, total[BEFORE:], total[BEFORE - long :]),
            map(int.__sub__, bad[BEFORE:], bad[BEFORE - short :]),
            map(int.__sub__, total[BEFORE:], total[BEFORE - short :]),
            strict=False,
        )
        return [
            slot
            for slot, (bad_long, long_total, bad_short, short_total) in enumerate(sums, BEFORE)
            if bad_short
            and (bad_long > ratio * long_total or bad_long > spent_long)
            and (bad_short > ratio * short_total or bad_short > spent_short)
        ]

    def _is_odd(self, slot: int, tier: Tier) -> bool:
        """Three failures, and three standard deviations above the budget: less never passes the gate."""
        count = self.month.count(slot, WINDOWS[tier.long])
        mean = float(self.objective.error_budget) * count.total
        return count.failure_units >= self.objective.gate.min_failure_units and count.bad > mean + 3 * sqrt(mean)


# ── healthy months ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Healthy:
    """A way to be healthy. `aim` is how many pages a group-month may bring; None where none was set."""

    name: str
    share: float
    failures: Failures
    aim: float | None
    tenfold: bool = False


HEALTHY = (
    Healthy("half the budget, single failures", 0.5, singles, 0.01),
    Healthy("half the budget, batches of eight", 0.5, batches, 0.01),
    Healthy("half the budget, a vendor's minutes of eight", 0.5, vendor_minutes, 0.01),
    Healthy("half the budget, batches of all sizes", 0.5, imports, None),
    Healthy("half the budget, ten times the traffic on one day", 0.5, singles, 0.01, tenfold=True),
    Healthy("at the budget, single failures", 1.0, singles, 0.05),
    Healthy("at the budget, batches of eight", 1.0, batches, None),
)


@dataclass(frozen=True, slots=True)
class Alarms:
    """What one or many months brought."""

    months: int = 0
    pages: int = 0
    tickets: int = 0
    workbook_pages: int = 0

    def __add__(self, other: "Alarms") -> "Alarms":
        return Alarms(
            self.months + other.months,
            self.pages + other.pages,
            self.tickets + other.tickets,
            self.workbook_pages + other.workbook_pages,
        )


def walk_of(healthy: Healthy, number: int, months: int) -> Walk:
    """One of many months: the rates are spread evenly by their logarithm, the targets take turns."""
    chances = Random(f"{healthy.name} {number}")
    target = objective(TARGETS[number % len(TARGETS)])
    place = (number // len(TARGETS) + 0.5) / (-(-months // len(TARGETS)))
    rate = SLOWEST * (FASTEST / SLOWEST) ** place
    bad = rate * float(target.error_budget) * healthy.share
    slots = BEFORE + MONTH
    good, failures = good_units(chances, rate - bad, slots), healthy.failures(chances, bad, slots)
    if healthy.tenfold:
        since = BEFORE + chances.randrange(30) * SLOTS_A_DAY
        good[since : since + SLOTS_A_DAY] = good_units(chances, 10 * (rate - bad), SLOTS_A_DAY)
        more = healthy.failures(chances, 9 * bad, SLOTS_A_DAY)
        failures += [Run({since + slot: bad for slot, bad in run.slots.items()}, run.named) for run in more]
    return Walk(target, month(good, failures), round(rate * 24 * PERIOD.days))


def alarms_of(number: int, *, healthy: Healthy, months: int) -> Alarms:
    walk = walk_of(healthy, number, months)
    begun = [told.after for told in walk.told() if told.happening in ("fired", "escalated")]
    return Alarms(1, begun.count("page"), begun.count("ticket"), walk.workbook_pages())


def alarms(healthy: Healthy, months: int, workers: int = 1) -> Alarms:
    """What so many healthy group-months bring, the same ones each time."""
    one = partial(alarms_of, healthy=healthy, months=months)
    if workers == 1:
        return sum(map(one, range(months)), Alarms())
    with ProcessPoolExecutor(workers) as pool:
        return sum(pool.map(one, range(months), chunksize=4), Alarms())


def poisson_interval(count: int) -> tuple[float, float]:
    """The means between which such a count is no surprise at 95 % (Garwood's exact interval)."""
    low = 0.0 if not count else _mean_at(count - 1, 0.975)
    return low, _mean_at(count, 0.025)


def _mean_at(count: int, chance: float) -> float:
    """The mean at which at most `count` events have this chance."""
    low, high = 0.0, 2.0 * count + 20
    for _ in range(60):
        middle = (low + high) / 2
        at_most = sum(exp(number * log(middle) - middle - lgamma(number + 1)) for number in range(count + 1))
        low, high = (middle, high) if at_most > chance else (low, middle)
    return low


# ── outages ─────────────────────────────────────────────────────────────────────────────────────────────────────────

RATES = (3, 15, 60, 600)
KNOWN = {3: (26, 28, 49), 15: (8, 9, 22), 60: (4, 6, 23), 600: (3, 4, 22)}
"""Median minutes to page, by the three targets, as they were measured when the gate was designed."""

LASTS = 8 * SLOTS_AN_HOUR


def minutes_to_page(number: int, *, target: str, rate: float) -> float:
    """From an outage's first second, somewhere in the day, to the page; infinite when there was none for eight hours.

    Before it, half of the budget was being spent.
    """
    chances = Random(f"{target} {rate} {number}")
    what = objective(target)
    bad = rate * float(what.error_budget) / 2
    hours_s = (DAY_ENDS_H - 1 - DAY_BEGINS_H) * 3_600
    onset_s = BEFORE * SLOT_S + DAY_BEGINS_H * 3_600 + chances.random() * hours_s
    slots = int(onset_s // SLOT_S)
    good = good_units(chances, rate - bad, slots) + [0] * (LASTS + 1)
    failures = singles(chances, bad, slots) + by_minute(_all_from(chances, rate, onset_s, (slots + LASTS) * SLOT_S))
    walk = Walk(what, month(good, failures), round(rate * 24 * PERIOD.days))
    onset = BEGINS + timedelta(seconds=onset_s)
    paged = next((told.at for told in walk.told() if told.after == "page" and told.at > onset), None)
    return float("inf") if paged is None else (paged - onset) / timedelta(minutes=1)


def _all_from(chances: Random, rate: float, at_s: float, until_s: float) -> Iterator[float]:
    """Every lead by day in a stretch of time."""
    while (at_s := at_s + chances.expovariate(by_day(rate) / 3_600)) < until_s:
        yield at_s


def median_to_page(target: str, rate: float, outages: int, workers: int = 1) -> float:
    one = partial(minutes_to_page, target=target, rate=rate)
    if workers == 1:
        return statistics.median(map(one, range(outages)))
    with ProcessPoolExecutor(workers) as pool:
        return statistics.median(pool.map(one, range(outages), chunksize=8))


# ── telling ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def run(months: int = MONTHS, outages: int = OUTAGES) -> None:
    workers = os.cpu_count() or 1
    say(f"\nalarms: {months} healthy group-months each, 3 to 600 leads an hour, targets 99.5, 99 and 95 %")
    for healthy in HEALTHY:
        say(_said(healthy, alarms(healthy, months, workers=workers)))
    say(f"\n  median minutes to page a total outage by day, {outages} outages a cell (in brackets as first measured)")
    say("  leads an hour" + "".join(f"{float(target):>14.1%}" for target in TARGETS))
    for rate in RATES:
        medians = (median_to_page(target, rate, outages, workers) for target in TARGETS)
        cells = (f"{median:>9.1f} ({known})" for median, known in zip(medians, KNOWN[rate], strict=True))
        say(f"  {rate:>13}" + "".join(cells))


def _said(healthy: Healthy, found: Alarms) -> str:
    rate, (low, high) = found.pages / found.months, (bound / found.months for bound in poisson_interval(found.pages))
    aim = "" if healthy.aim is None else f", aim {healthy.aim}: {'kept' if rate <= healthy.aim else 'MISSED'}"
    return (
        f"  {healthy.name}: {found.pages} pages, {rate:.4f} a group-month ({low:.4f} to {high:.4f}{aim});"
        f" {found.tickets} tickets; by the workbook's rule {found.workbook_pages:,} pages"
    )
