"""The gate before an alert: could this be chance? Asked of failure units, since failures come in batches.

A vendor that is away for a minute and eats eight leads failed once. Tests on single leads would page for it; a test
that counts failure units among single leads would not see an outage where every minute fails and hundreds of leads with
it. So both are scaled: units and failures are divided by the size of the batches that they come in, the *design effect*
of samples in clusters (sum of squared sizes over sum of sizes; Kish, Survey Sampling, 1965). One batch counts once
however large, beside any number of single failures.
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


def withheld(count: Count, error_budget: Fraction, gate: Gate, alpha: float) -> tuple[Withheld, float]:
    """Why the burn in a long window is not told, and how likely it is by chance (1 where that was not asked)."""
    if count.failure_units < gate.min_failure_units:
        return "too_few_failure_units", 1.0
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

    For `n` and `k` that are no integers, the incomplete beta function I_p(k, n - k + 1), which the binomial tail is for
    those that are.
    """
    if k <= 0 or p >= 1:
        return 1.0
    if k > n or p <= 0:
        return 0.0
    if k <= n * p:
        return 1.0 - _beta(n - k + 1, k, 1 - p)
    return _beta(k, n - k + 1, p)


def _beta(a: float, b: float, x: Fraction) -> float:
    """The incomplete beta function I_x(a, b), for an `a` above the mean.

    The first term comes from logarithms, the others by their ratio (the hypergeometric series, DLMF 8.17.8), which is
    below 1 from the start: no term overflows, and the sum ends as soon as the rest cannot change it.
    """
    step, term, total = float(x), 1.0, 1.0
    i = 0
    while term > total * _NEGLIGIBLE:
        term *= (a + b + i) / (a + 1 + i) * step
        total += term
        i += 1
    first = a * _log(x) + b * _log(1 - x) + lgamma(a + b) - lgamma(a + 1) - lgamma(b)
    return exp(first + log(total))


def _log(p: Fraction) -> float:
    """Of numerator and denominator apart: neither a tiny `p` nor one next to 1 becomes 0 or 1 on the way."""
    return log(p.numerator) - log(p.denominator)
