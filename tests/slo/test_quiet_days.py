"""Days that page nobody, through the real counting and the alert loop: a backfill, and ingestion that stops."""

import pytest
from counting_world import ABSENT, at, entry
from nights import ENROLMENT, leads, night

from store import alerts

DAY = 1_440
SERVICES = ("forms", "router", "writer")


def absent(since, until):
    """A lead a minute of whom nothing more was heard, told once its 15 minutes are up."""
    return [
        entry(f"c-way-{at_}", "blocked", at=at_, after=15, cause=ABSENT, campaign="spring")
        for at_ in range(since, until)
    ]


@pytest.fixture
def on_call(store):
    with night(store, "pager") as made:
        made.world.wants(ENROLMENT)
        yield made


def test_a_backfill_of_30_days_with_an_outage_in_it_pages_nobody(on_call):
    """A lead every 20 minutes, one in 200 stopped, and ten days ago all of them for a day."""
    on_call.world.said(*leads(0, 120))
    on_call.tick(119)
    for day in range(-30, 0):
        minutes = range(day * DAY, (day + 1) * DAY, 20)
        stopped = {minute for minute in minutes if day == -10 or minute % 4_000 == 0}
        on_call.world.said(
            *(
                entry(f"c-old-{minute}", "blocked" if minute in stopped else "entered", at=minute, campaign="spring")
                for minute in minutes
            )
        )
        if day % 6 == 0 or day == -10:
            on_call.tick(120 + (30 + day) / 2)
    assert on_call.world.counts(ENROLMENT, 136)["spring",].period.bad > 72
    assert on_call.heard("pager") == []
    assert alerts.states(on_call.store) == []


def test_ingestion_that_stops_with_leads_on_their_way_pages_nobody_and_neither_does_its_return(on_call):
    """The last 15 minutes' leads are told to be stopped once their time is up, for nobody was heard of them."""
    world = on_call.world
    world.said(
        *leads(0, 115),
        *absent(115, 130),
    )
    for service in SERVICES:
        world.spoke(service, range(130))
    on_call.ticks(129, *range(132, 160, 6), 200, 300)
    assert [(one.key.kind, one.firing) for one in alerts.states(on_call.store)] == [("measurement_lost", "ticket")]
    world.said(*(entry(f"c-way-{at_}", at=at_, campaign="spring") for at_ in range(115, 130)), *leads(300, 330))
    for service in SERVICES:
        world.spoke(service, range(300, 330))
    on_call.ticks(*range(301, 330, 7))
    assert alerts.states(on_call.store) == []
    assert {one.severity for one in alerts.incidents(on_call.store, most=10)} == {"ticket"}
    assert on_call.heard("pager") == ["trigger", "resolve"]


def test_leads_that_nobody_heard_of_are_told_once_their_systems_are_heard_again(on_call):
    """What stopped during the silence does not count; what goes on stopping after it does."""
    world = on_call.world
    world.said(
        *leads(0, 120),
        *absent(170, 190),
    )
    for service in SERVICES:
        world.spoke(service, [*range(120), *range(160, 230)])
    on_call.ticks(140, 161, *range(185, 215, 7))
    assert "page" in {one.severity for one in alerts.incidents(on_call.store, most=10)}
    assert min(one.fired_at for one in alerts.incidents(on_call.store, most=10) if one.severity == "page") > at(185)
