"""The gate before an alert: could this be chance? Asked of failure units, since failures come in batches.

A vendor that is away for a minute and eats eight leads failed once. Tests on single leads would page for it.
"""

from fractions import Fraction
from math import exp, lgamma, log
from typing import Literal

from model.budget import Count
from model.objective import Gate

Withheld = Literal["", "too_few_failure_units", "may_be_chance"]
"""Why a burn is not told: '' when it is."""

FALSE_ALARMS_OVER_GROUPS = 0.01
_NEGLIGIBLE = 1e-17


def alpha_for(gate: Gate, groups: int) -> float:
    """The chance below which a burn is told: the gate's, and less where many groups are asked at once."""
    return min(gate.alpha, FALSE_ALARMS_OVER_GROUPS / max(groups, 1))


def chance(count: Count, error_budget: Fraction) -> float:
    """How often as many failure units or more would come up if the objective were just kept."""
    return binomial_tail(count.good + count.failure_units, count.failure_units, error_budget)


def withheld(count: Count, error_budget: Fraction, gate: Gate, alpha: float) -> tuple[Withheld, float]:
    """Why the burn in a long window is not told, and how likely it is by chance (1 where that was not asked)."""
    if count.failure_units < gate.min_failure_units:
        return "too_few_failure_units", 1.0
    likely = chance(count, error_budget)
    return ("" if likely < alpha else "may_be_chance"), likely


def binomial_tail(n: int, k: int, p: Fraction) -> float:
    """P(X >= k) for X binomial in `n` trials of probability `p`; relative error below 1e-6 up to n = 10 million.

    The first term comes from logarithms, the others by their ratio, which falls below 1 from the mean on: no term
    overflows, and the sum ends as soon as the rest cannot change it.
    """
    if k <= 0 or p >= 1:
        return 1.0
    if k > n or p <= 0:
        return 0.0
    if k <= n * p:
        return 1.0 - _upper(n, n - k + 1, 1 - p)
    return _upper(n, k, p)


def _upper(n: int, k: int, p: Fraction) -> float:
    """The tail from a `k` above the mean."""
    odds = float(p / (1 - p))
    term = total = 1.0
    for i in range(k, n):
        term *= (n - i) / (i + 1) * odds
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return exp(_log_pmf(n, k, p) + log(total))


def _log_pmf(n: int, k: int, p: Fraction) -> float:
    choose = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return choose + k * _log(p) + (n - k) * _log(1 - p)


def _log(p: Fraction) -> float:
    """Of numerator and denominator apart: neither a tiny `p` nor one next to 1 becomes 0 or 1 on the way."""
    return log(p.numerator) - log(p.denominator)
