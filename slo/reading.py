"""How one group stands in each tier of its objective: pure, exact, finite.

Firing (shared/slo.md): on both windows `bad/total > B(1-T)` or `bad > share x (1-T) x N`, and the gate on the long one.
The second way catches what a ratio cannot: by day, when most leads come, half an outage may spend a month's budget.
N is what the period would bring: a group that is younger than the period is counted as if it went on as it began.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil, log, log1p

from model.alert import Burn
from model.budget import Count, GroupCounts
from model.objective import Gate, Group, Objective, Severity, Tier
from slo.burn import ratio
from slo.gate import Withheld, alpha_for, withheld

SHORTEST_RECORD = timedelta(days=1)
"""A group's first day counts as a whole one: an hour of a morning says little about a month."""

MEND_DOUBT = 0.05
"""So unlikely must a run of good units be while the trouble lasts, before it is taken for its end."""

QUIET_FOR = timedelta(days=3)
"""So long at least nothing must have come of a group, while its feeds spoke, before its incident is closed unmended."""

NOTHING = Count()


@dataclass(frozen=True, slots=True)
class Threshold:
    """A tier for comparisons: above either number the budget burns too fast.

    `ratio` of bad units is (numerator, denominator); the shares are of what the period allows.
    """

    tier: Tier
    ratio: tuple[int, int]
    long_share: Fraction
    short_share: Fraction


@dataclass(frozen=True, slots=True)
class Rules:
    """What an objective asks of each of its groups; made once an evaluation."""

    target: Fraction
    error_budget: Fraction
    gate: Gate
    alpha: float
    period: timedelta
    thresholds: tuple[Threshold, ...]

    def named(self, tier: str) -> Threshold | None:
        return next((one for one in self.thresholds if one.tier.name == tier), None)


def rules_of(objective: Objective, groups: int) -> Rules:
    """The rules for an evaluation that looks at so many groups."""
    return Rules(
        target=objective.target,
        error_budget=objective.error_budget,
        gate=objective.gate,
        alpha=alpha_for(objective.gate, groups),
        period=objective.window.length,
        thresholds=tuple(_threshold(tier, objective) for tier in objective.tiers),
    )


def _threshold(tier: Tier, objective: Objective) -> Threshold:
    return Threshold(
        tier=tier,
        ratio=(tier.burn * objective.error_budget).as_integer_ratio(),
        long_share=tier.burn * ratio(tier.long, objective.window.length),
        short_share=tier.burn * ratio(tier.short, objective.window.length),
    )


@dataclass(frozen=True, slots=True)
class TierReading:
    """One tier of one group. It fires when both windows are over and nothing withholds it."""

    tier: Tier
    long: Count
    short: Count
    long_over: bool
    short_over: bool
    withheld: Withheld
    chance: float

    @property
    def over(self) -> bool:
        return self.long_over and self.short_over

    @property
    def fires(self) -> bool:
        return self.over and not self.withheld


@dataclass(frozen=True, slots=True)
class Reading:
    """One group at one moment. `allowed` is how many of the period's units may be bad."""

    rules: Rules
    counts: GroupCounts
    allowed: Fraction

    @property
    def group(self) -> Group:
        return self.counts.group

    def window(self, length: timedelta) -> Count:
        return self.counts.windows.get(length, NOTHING)

    def tiers(self) -> tuple[TierReading, ...]:
        """Every tier, the most urgent first."""
        return tuple(self._tier(threshold) for threshold in self.rules.thresholds)

    def fires(self) -> TierReading | None:
        """The most urgent tier that fires."""
        least = self.rules.gate.min_failure_units
        asked = (one for one in self.rules.thresholds if self.window(one.tier.long).failure_units >= least)
        return next((reading for reading in map(self._tier, asked) if reading.fires), None)

    def severity(self, tier: Tier) -> Severity:
        """How urgent this tier is here: a group of few failures a period never pages alone."""
        return tier.severity if self.allowed >= self.rules.gate.min_budget_failures else "ticket"

    def _tier(self, threshold: Threshold) -> TierReading:
        tier, long, short = threshold.tier, self.window(threshold.tier.long), self.window(threshold.tier.short)
        long_over = self._over(long, threshold, threshold.long_share)
        short_over = self._over(short, threshold, threshold.short_share)
        why: tuple[Withheld, float] = ("", 1.0)
        if long_over and short_over:
            why = withheld(long, self.rules.error_budget, self.rules.gate, self.rules.alpha)
        return TierReading(tier, long, short, long_over, short_over, *why)

    def _over(self, count: Count, threshold: Threshold, share: Fraction) -> bool:
        """Does a window with this count burn too fast, by its ratio or by what it spent of the whole period?"""
        if not count.bad:
            return False
        numerator, denominator = threshold.ratio
        return count.bad * denominator > numerator * count.total or count.bad > share * self.allowed

    def is_clear(self, threshold: Threshold) -> bool:
        """Is the trouble that fired this tier measured to be over? Silence says nothing.

        The short window must be under its threshold and have enough units to tell: so many that a run of them would be
        unlikely while the share of bad units in the long window went on. Where it has too few, a longer one speaks,
        and the long window in any case.
        """
        tier = threshold.tier
        if self._over(self.window(tier.short), threshold, threshold.short_share):
            return False
        return any(self._tells(length, threshold) for length in self._lengths(tier))

    def _tells(self, length: timedelta, threshold: Threshold) -> bool:
        count, tier = self.window(length), threshold.tier
        share = threshold.short_share * ratio(length, tier.short)
        enough = 1 if length == tier.long else _units_to_tell(self.window(tier.long))
        return count.total >= enough and not self._over(count, threshold, share)

    def _lengths(self, tier: Tier) -> list[timedelta]:
        return sorted(length for length in self.counts.windows if tier.short <= length <= tier.long)

    def is_quiet(self) -> bool:
        """Came nothing for days? An hour without a unit is a night, so shorter windows do not tell; the period does."""
        long = [count for length, count in self.counts.windows.items() if length >= QUIET_FOR]
        return not any(count.total for count in long or [self.counts.period])

    def burn(self, reading: TierReading) -> Burn:
        """The reading as people are told it."""
        return Burn(
            tier=reading.tier.name,
            severity=self.severity(reading.tier),
            long=reading.long,
            short=reading.short,
            long_burn=burn_of(reading.long, self.rules.error_budget),
            short_burn=burn_of(reading.short, self.rules.error_budget),
            threshold=float(reading.tier.burn),
            group=self.group,
            chance=reading.chance,
        )


def read(rules: Rules, counts: GroupCounts, now: datetime) -> Reading:
    """How a group stands at `now`, when its windows end."""
    return Reading(rules, counts, rules.error_budget * expected_total(counts, rules.period, now))


def expected_total(counts: GroupCounts, period: timedelta, now: datetime) -> Fraction:
    """How many units a whole period brings, by what the group had since its first one."""
    if counts.first_unit_at is None:
        return Fraction(counts.period.total)
    lived = max(now - counts.first_unit_at, min(SHORTEST_RECORD, period))
    return counts.period.total * max(ratio(period, lived), Fraction(1))


def burn_of(count: Count, error_budget: Fraction) -> float:
    """How many times too fast a budget burns in a window, 0 without units. Where none may fail, each counts 1."""
    if not count.bad or not count.total:
        return 0.0
    return float(count.bad / (error_budget * count.total)) if error_budget else float(count.bad)


def _units_to_tell(long: Count) -> int:
    """So many good units in a row have less than `MEND_DOUBT` chance while the long window's error share lasts."""
    if not long.bad or not long.good:
        return 1
    return ceil(log(MEND_DOUBT) / log1p(-long.bad / long.total))
