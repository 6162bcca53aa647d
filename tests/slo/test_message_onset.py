"""When it began: the onset of trouble, estimated from slots of units."""

from datetime import timedelta

import pytest
from telling_alerts import at

from model.budget import Slot
from slo.onset import MOST_SLOTS, onset_slot, step_for


def slots(*bad: int, of: int = 10) -> list[Slot]:
    return [Slot(at(minute), of - count, count) for minute, count in enumerate(bad)]


def began(*bad: int, present: float = 0.5, **how):
    found = onset_slot(slots(*bad, **how), 0.01, present)
    return None if found is None else (found - at(0)) / timedelta(minutes=1)


@pytest.mark.parametrize(
    ("bad", "minute"),
    [
        pytest.param((0, 0, 0, 5, 5, 5), 3, id="a step"),
        pytest.param((1, 0, 0, 0, 0, 0, 5, 6, 4), 6, id="a failure long before is none of it"),
        pytest.param((0, 0, 1, 5, 5, 5), 2, id="the first failures may be few"),
        pytest.param((5, 5, 5, 5), 0, id="from before the first slot on"),
        pytest.param((0, 5, 5, 0, 5, 5), 1, id="a moment without failures ends nothing"),
        pytest.param((9, 9, *[0] * 15, 5, 5, 5), 17, id="an earlier trouble is over"),
        pytest.param((0, 0, 0, 0), None, id="nothing is bad"),
        pytest.param((), None, id="nothing was counted"),
    ],
)
def test_the_slot_in_which_the_present_trouble_began(bad, minute):
    assert began(*bad) == minute


def test_an_onset_is_found_in_noise():
    assert began(*[0, 1] * 30, *[6] * 8, of=20, present=0.3) == 60 - 1  # the slot before has a failure too


def test_a_slow_burn_is_found_as_well():
    assert began(*[0] * 100, *[1, 0, 0] * 40, present=0.033) == 100


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_no_target_breaks_it(target):
    assert onset_slot(slots(0, 10, 10), target, 1.0) == at(1)


def test_slots_are_as_fine_as_their_number_allows():
    lengths = [timedelta(hours=2), timedelta(hours=12), timedelta(days=6), timedelta(days=90)]
    assert [step_for(one) for one in lengths] == [timedelta(minutes=m) for m in (1, 2, 30, 60)]
    assert lengths[2] / step_for(lengths[2]) <= MOST_SLOTS
