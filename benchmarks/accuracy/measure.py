"""Generates, spoils, asks and counts."""

import random
from collections.abc import Iterator

from benchmarks.accuracy.judged import answers, hops, verdicts
from benchmarks.accuracy.noise import Noise, noisy
from benchmarks.accuracy.plots import lead
from benchmarks.accuracy.report import Tally
from benchmarks.accuracy.told import Case


def cases(count: int, seed: int, noise: Noise, *, healthy: float = 0.75) -> Iterator[Case]:
    for number in range(count):
        yield noisy(lead(number, seed, healthy=healthy), noise, seed)


def measured(count: int, seed: int, noise: Noise, *, healthy: float = 0.75, shuffles: int = 20) -> Tally:
    """Judges `count` leads; every `shuffles`th again in other orders of arrival and with doubles left in."""
    tally = Tally()
    for number, case in enumerate(cases(count, seed, noise, healthy=healthy)):
        given = verdicts(case)
        for answer in answers(case, given):
            tally.add(answer)
        if number % shuffles == 0:
            seen = hops(case)
            random.Random(number).shuffle(seen)
            tally.reordered += verdicts(case, order=seen) != given
            tally.doubled += verdicts(case, order=hops(case, doubles=True)) != given
    return tally
