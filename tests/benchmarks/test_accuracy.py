"""How often the verdict is right on leads whose truth was planted; the whole measurement is `python -m benchmarks.accuracy`."""

import random

import pytest

from benchmarks.accuracy.judged import hops, verdicts
from benchmarks.accuracy.measure import cases, measured
from benchmarks.accuracy.noise import QUIET, Noise
from benchmarks.accuracy.plots import lead

LEADS = 2_000
RIGHT_STATUS, RIGHT_CAUSE, HEALTHY_BLOCKED = 0.999, 0.99, 0
"""The aims; docs/benchmarks.md has what is measured."""


@pytest.fixture(scope="module")
def tally():
    return measured(LEADS, 1, Noise())


def test_the_status_is_right(tally):
    assert tally.status_share >= RIGHT_STATUS, tally.status


def test_the_first_cause_is_right(tally):
    assert tally.cause_share >= RIGHT_CAUSE, tally.confusions.most_common(10)


def test_no_healthy_lead_is_called_blocked(tally):
    assert tally.healthy_blocked <= HEALTHY_BLOCKED, [one.case.lead for one in tally.misses if one.healthy]


def test_at_least_sixty_causes_are_planted(tally):
    assert len(tally.causes) >= 60


def test_the_order_of_arrival_and_doubles_change_no_verdict():
    chance = random.Random(7)
    for case in cases(200, 7, Noise(doubles=0.3, share=1.0)):
        given = verdicts(case)
        seen = hops(case, doubles=True)
        chance.shuffle(seen)
        assert verdicts(case, order=seen) == given, case.lead


def test_the_same_seed_makes_the_same_leads():
    assert [one.said for one in cases(20, 3, QUIET)] == [one.said for one in cases(20, 3, QUIET)]


def test_the_truth_is_decided_before_the_noise():
    quiet, loud = ([one.truths for one in cases(50, 5, noise)] for noise in (QUIET, Noise(share=1.0)))
    assert quiet == loud


def test_a_lead_can_be_made_again_by_its_number():
    assert lead(11, 1).said == lead(11, 1).said
