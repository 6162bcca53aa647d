"""Burn-rate arithmetic, exact: which tiers a budget's period has, what they ask of a target, how fast they tell.

Source: Google SRE Workbook, chapter 5, tables 5-6 and 5-8. A burn rate B = budget share x period / long window.
"""

from datetime import timedelta
from fractions import Fraction

from model.objective import Severity, Tier

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

WORKBOOK: tuple[tuple[Severity, timedelta, timedelta, Fraction], ...] = (
    ("page", _HOUR, 5 * _MINUTE, Fraction(2, 100)),
    ("page", 6 * _HOUR, 30 * _MINUTE, Fraction(5, 100)),
    ("ticket", 24 * _HOUR, 2 * _HOUR, Fraction(10, 100)),
    ("ticket", 3 * _DAY, 6 * _HOUR, Fraction(10, 100)),
)
"""Severity, long window, short window, share of the budget that the long window may spend."""

WORKBOOK_PERIOD = 30 * _DAY
SHORTEST_WITH_WORKBOOK_SHARES = 28 * _DAY


def tiers_for(length: timedelta) -> tuple[Tier, ...]:
    """The built-in tiers of a budget whose period has this length, the most urgent first.

    The workbook's shares hold from 28 days on. Over a shorter period they would give burn rates under 1, which alarm on
    a budget that is kept; there the burn rates of 30 days hold, the shares grow, and a tier that would need more than
    the whole budget is left out.
    """
    shares = [(tier, _share(tier[1], tier[3], length)) for tier in WORKBOOK]
    return tuple(
        Tier(severity, long, short, share, burn_rate(share, length, long))
        for (severity, long, short, _), share in shares
        if share <= 1
    )


def _share(long: timedelta, share: Fraction, length: timedelta) -> Fraction:
    if length >= SHORTEST_WITH_WORKBOOK_SHARES:
        return share
    return burn_rate(share, WORKBOOK_PERIOD, long) * ratio(long, length)


def burn_rate(share: Fraction, period: timedelta, long: timedelta) -> Fraction:
    """How many times too fast a budget burns when `long` spends `share` of what `period` allows."""
    return share * ratio(period, long)


def target_must_exceed(tier: Tier) -> Fraction:
    """The target above which this tier can fire; below, not even a total outage burns so fast. 0: any target."""
    return max(Fraction(0), 1 - 1 / tier.burn)


def is_possible(tier: Tier, target: Fraction) -> bool:
    """Can a total outage burn fast enough for this tier?"""
    return target > target_must_exceed(tier)


def detection(tier: Tier, target: Fraction, errors: Fraction) -> timedelta | None:
    """From the start of an outage with a share `errors` of bad units to the alert, on even traffic; None: never."""
    part = _threshold_over(tier, target, errors)
    return _times(tier.long, part) if part < 1 else None


def reset(tier: Tier, target: Fraction, errors: Fraction) -> timedelta | None:
    """From the end of such an outage to a clear short window, if it lasted that long at least; None: it never fired."""
    part = _threshold_over(tier, target, errors)
    return _times(tier.short, 1 - part) if part < 1 else None


def _threshold_over(tier: Tier, target: Fraction, errors: Fraction) -> Fraction:
    return tier.burn * (1 - target) / errors


def ratio(one: timedelta, other: timedelta) -> Fraction:
    """Exactly how many times `other` goes into `one`."""
    return Fraction(one // timedelta.resolution, other // timedelta.resolution)


def _times(length: timedelta, factor: Fraction) -> timedelta:
    """Rounded to the microsecond."""
    return timedelta(microseconds=round((length // timedelta.resolution) * factor))
