"""The gate before an alert: could this be chance? Asked of failure units, since failures come in batches.

A vendor that is away for a minute and eats eight leads failed once. Tests on single leads would page for it; a test
that counts failure units among single leads would not see an outage where every minute fails and hundreds of leads with
it. So both are scaled: units and failures are divided by the size of the batches that they come in, the *design effect*
of samples in clusters (sum of squared sizes over sum of sizes; Kish, Survey Sampling, 1965). One batch counts once
however large, beside any number of single failures.

A vendor's minute seldom begins on the stroke of the clock, and would be two failures of half its size: of months at
half their budget, one in 14 then had a page for two such minutes. So the counting takes what failed in two neighbouring
minutes, and in none beside them, as one; three in a row are an outage that goes on.
"""

from collections.abc import Iterable
from fractions import Fraction
from itertools import count as count_from
from math import ceil, exp, floor, lgamma, log
from typing import Literal

from model.budget import Count
from model.objective import Gate

Withheld = Literal["", "too_few_failure_units", "may_be_chance"]
"""Why a burn is not told: '' when it is."""

FALSE_ALARMS_OVER_GROUPS = 0.01
_NEGLIGIBLE = 1e-17
_HALF = Fraction(1, 2)


def alpha_for(gate: Gate, groups: int) -> float:
    """The chance below which a burn is told: the gate's, and less where many groups are asked at once."""
    return min(gate.alpha, FALSE_ALARMS_OVER_GROUPS / max(groups, 1))


def withheld(count: Count, error_budget: Fraction, gate: Gate, alpha: float) -> tuple[Withheld, float]:
    """Why the burn in a long window is not told, and how likely it is by chance (1 where that was not asked)."""
    if count.failure_units < gate.min_failure_units:
        return "too_few_failure_units", 1.0
    if count.bad <= error_budget * count.total:
        return "may_be_chance", 1.0
    likely = chance(count, error_budget)
    return ("" if likely < alpha else "may_be_chance"), likely


def chance(count: Count, error_budget: Fraction) -> float:
    """How often this many failures or more would come up, in batches of this size, if the objective were just kept."""
    if not count.bad:
        return 1.0
    size = batch_size(count)
    return binomial_tail(float(count.total / size), float(count.bad / size), error_budget)


def batch_size(count: Count) -> Fraction:
    """How many bad units a failure takes with it, large ones weighing more. Where only the number of failure units is
    known, all have one size.
    """
    if count.squares:
        return Fraction(count.squares, count.bad)
    return Fraction(count.bad, max(count.failure_units, 1))


def binomial_tail(n: float, k: float, p: Fraction) -> float:
    """P(X >= k) for X binomial in `n` trials of probability `p`; relative error below 1e-6 up to n = 10 million.

    Above the mean, `n` and `k` need not be whole: the incomplete beta function I_p(k, n - k + 1) goes between the
    numbers that are (by the series DLMF 8.17.8). Up to the mean, where nothing is unusual, it takes whole numbers.
    """
    if k <= 0:
        return 1.0
    if k > n or p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    if k > n * p and p <= _HALF:
        step = float(p)
        return _pmf(n, k, p) * float(1 - p) * _sum((n + 1 + i) / (k + 1 + i) * step for i in count_from(0))
    n, k = ceil(n), floor(k)
    return _whole(n, k, p) if k > n * p else 1.0 - _whole(n, n - k + 1, 1 - p)


def _whole(n: int, k: int, p: Fraction) -> float:
    """The tail above the mean, as the sum of its at most n - k + 1 terms."""
    if k > n:
        return 0.0
    odds = float(p / (1 - p))
    return _pmf(n, k, p) * _sum((n - i) / (i + 1) * odds for i in range(k, n))


def _sum(ratios: Iterable[float]) -> float:
    """1 and all that follows, each term given by its ratio to the one before, until the rest cannot change the sum."""
    term = total = 1.0
    for ratio in ratios:
        term *= ratio
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return total


def _pmf(n: float, k: float, p: Fraction) -> float:
    """P(X = k), by logarithms, so that nothing overflows."""
    choose = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return exp(choose + k * _log(p) + (n - k) * _log(1 - p))


def _log(p: Fraction) -> float:
    """Of numerator and denominator apart: neither a tiny `p` nor one next to 1 becomes 0 or 1 on the way."""
    return log(p.numerator) - log(p.denominator)
