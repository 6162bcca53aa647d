"""When did it begin? Estimated from the units of slots of time, as a CUSUM chart would.

Each slot adds its bad units less what separates a kept target from the present trouble; the trouble began after the
lowest point of the sum. The reference between two rates is the one that tells Poisson counts apart soonest
(Lucas, Counted Data CUSUM's, Technometrics 1985): (p1 - p0) / ln(p1 / p0).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import log

from model.budget import Slot

_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60)
MOST_SLOTS = 400
LEAST_RISE = 2.0
"""The present error rate is taken for at least so many times what is allowed: less could not be told apart."""


def step_for(length: timedelta) -> timedelta:
    """The finest step of whole minutes that cuts this length into at most MOST_SLOTS."""
    steps = (timedelta(minutes=minutes) for minutes in _STEPS_MIN)
    return next((step for step in steps if length <= MOST_SLOTS * step), timedelta(hours=1))


def onset_slot(slots: Sequence[Slot], allowed: float, present: float) -> datetime | None:
    """The slot in which the trouble that lasts until the end began; None where nothing is bad.

    `allowed` and `present` are shares of bad units: the target's and the trouble's.
    """
    low = max(allowed, 1e-6)
    high = min(max(present, LEAST_RISE * low), 1.0)
    reference = (high - low) / log(high / low) if high > low else high
    lowest, total, began = 0.0, 0.0, 0
    for number, slot in enumerate(slots):
        if total <= lowest:
            lowest, began = total, number
        total += slot.bad - reference * (slot.good + slot.bad)
    while began and slots[began - 1].bad:  # the first failures may hide among many good units
        began -= 1
    return next((slot.at for slot in slots[began:] if slot.bad), None)
