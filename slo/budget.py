"""What is left of a budget, and how long it lasts. Exact; shares and lengths are made from integers.

The whole budget is what the target allows of the units that a period brings. A group that is younger than the period
is counted as if it went on as it began, as in the alerts (`slo/reading.py`).
"""

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from model.budget import Count
from slo.burn import ratio
from slo.reading import Reading


@dataclass(frozen=True, slots=True)
class Balance:
    """`left` is a share: 1 untouched, 0 spent, negative overspent; None before anything was counted.

    `lasts` is None when nothing is left, and when the budget is not spent faster than the period allows.
    """

    allowed: Fraction
    bad: int
    left: Fraction | None
    lasts: timedelta | None


def balance(reading: Reading, window: timedelta) -> Balance:
    """What is left of a group's budget; it lasts as long as it takes if all goes on as in `window`."""
    period = reading.counts.period
    if not period.total:
        return Balance(reading.allowed, 0, None, None)
    if not reading.allowed:  # a target of 100 %: each failure is as much as a whole budget
        return Balance(reading.allowed, period.bad, Fraction(-period.bad), None)
    left = 1 - period.bad / reading.allowed
    return Balance(reading.allowed, period.bad, left, _lasts(reading, left, reading.window(window), window))


def _lasts(reading: Reading, left: Fraction, recent: Count, window: timedelta) -> timedelta | None:
    if left <= 0 or not recent.bad:
        return None
    length = reading.rules.period
    spent = recent.bad / reading.allowed  # the share of the budget that went in the window
    if spent <= ratio(window, length):
        return None
    return window * float(left / spent)


def rate_window(reading: Reading, firing: str) -> timedelta:
    """The window that tells the present rate: that of the tier which fires, else the longest that is looked at."""
    tiers = reading.rules.thresholds
    named = next((one.tier.long for one in tiers if one.tier.name == firing), None)
    return named or max((one.tier.long for one in tiers), default=reading.rules.period)
