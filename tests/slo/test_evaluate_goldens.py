"""Detection and reset of shared/slo.md on the shipped engine: evaluated every 30 seconds.

Traffic is so heavy that chance has no say: the lightest tier fires at the budget itself, where the gate asks for more
failures than can be luck, and how many more falls with the root of the traffic."""

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import outages
import pytest
from outages import DAY, INTERVAL, START, Outage, Run

from model.objective import Tier
from slo.burn import detection, reset, tiers_for
from slo.states import STAY_CLEAR

TIERS = tiers_for(30 * DAY)
OUTAGES = [("0.999", "1"), ("0.99", "1"), ("0.99", "0.2"), ("0.99", "0.05"), ("0.95", "1"), ("0.95", "0.5")]
CELLS = [pytest.param(tier, *outage, id=f"{outage} {tier.name}") for outage in OUTAGES for tier in TIERS]
DENSE = timedelta(microseconds=10)
FIRST = timedelta(seconds=17)  # the engine's clock has no reason to agree with the outage's


def _run_until(run: Run, outage: Outage, since: timedelta, until: timedelta, happening: str) -> timedelta | None:
    """From START to the first transition of this kind."""
    now = START + FIRST + (since - FIRST) // INTERVAL * INTERVAL
    for _ in run.every(now, START + until, lambda now: [outage.counts(now)]):
        found = [one for one in run.told if one.happening == happening]
        if found:
            return found[0].at - START
    return None


@pytest.mark.parametrize(("tier", "target", "errors"), CELLS)
def test_the_engine_detects_and_clears_within_one_evaluation_of_the_table(tier: Tier, target: str, errors: str) -> None:
    told = detection(tier, Fraction(target), Fraction(errors))
    cleared = reset(tier, Fraction(target), Fraction(errors))
    run = Run(outages.objective(target, tiers=[tier]))
    outage = Outage(Fraction(errors), every=DENSE)
    if told is None or cleared is None:
        assert _run_until(run, outage, timedelta(), 2 * tier.long, "fired") is None
        return

    fired = _run_until(run, outage, timedelta(), told + 2 * INTERVAL, "fired")

    assert fired is not None
    assert told <= fired <= told + INTERVAL + outage.every / float(errors)
    lasted = max(told + INTERVAL, tier.short)
    ended = _run_until(
        run, Outage(Fraction(errors), until=START + lasted, every=DENSE), lasted, lasted + 2 * tier.short, "resolved"
    )
    assert ended is not None
    first_clear = ended - STAY_CLEAR - lasted
    assert cleared - outage.every / float(errors) <= first_clear <= cleared + INTERVAL


def test_all_tiers_together_tell_one_incident_that_eases_before_it_ends() -> None:
    run = Run(outages.objective("0.99"))
    outage = Outage(Fraction(1), until=START + timedelta(minutes=60))
    for _ in run.every(START, START + timedelta(days=4), lambda now: [outage.counts(now)]):
        pass

    assert run.happenings == ["fired", "eased", "resolved"]
    assert len({one.incident for one in run.told}) == 1
    assert all(before.after == after.before for before, after in pairwise(run.told))
