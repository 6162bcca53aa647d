"""Measures: each number is what its definition says, and what the affected share is found."""

from datetime import UTC, datetime, timedelta

import pytest
from otlp_requests import START, span, traces
from telling_hops import FLOWS

from lineage.ask import Library
from lineage.measures import DEFINITIONS, alignment, differences, lift_of, unmapped_codes
from lineage.settle import Settler
from lineage.tally import funnel
from store.counts import Slice
from store.measures import Stopped

ALL = Slice("webinar", START - timedelta(days=1), START + timedelta(days=1))


@pytest.fixture
def library(store):
    return Library(store, lambda: FLOWS)


@pytest.fixture
def tell(store):
    numbers = iter(range(10_000))

    def told(*spans):
        store.land("traces", traces(*spans), f"s-{next(numbers)}")
        while Settler(store, lambda: FLOWS).tick():
            pass

    return told


def entry(lead, at, *, ends="entered", campaign="spring", version="1.0", **attributes):
    """One entry that entered 10 s after its capture, or that the CRM refused with a 401 after 2 s."""
    shared = {"lead": lead, "entry": lead, "flow": "webinar", "trace": f"{abs(hash(lead)) % 10**20:032x}"}
    yield span("POST /signup", service="forms", at=at, attributes={"lead.campaign": campaign, **attributes}, **shared)
    if ends == "entered":
        for number, service in enumerate(("permissions", "scorer", "writer")):
            extra = {"lead.score": 90} if service == "scorer" else {}
            yield span("work", service=service, at=at + 1 + number, attributes=extra, **shared)
        yield span("enrol", service="sender", at=at + 9.9, attributes={"lead.event": "SequenceEnrolled"}, **shared)
    else:
        yield span("POST", service="writer", kind="client", at=at + 2, version=version, error=True,
                   attributes={"http.response.status_code": 401}, **shared)  # fmt: skip


def test_alignment_numbers_are_what_their_definitions_say(library, tell):
    tell(*entry("L-1", 0), *entry("L-2", 10, ends="blocked"))
    tell(
        span("qualify", lead="L-1", entry="L-1", at=3, attributes={"lead.event": "CampaignQualified"}),
        span("accept", lead="L-1", entry="L-1", at=5, attributes={"lead.event": "StageMoved", "lead.stage": "SAL"}),
        span("qualify", lead="L-2", entry="L-2", at=13, attributes={"lead.event": "StageMoved", "lead.stage": "MQL"}),
        span("call", lead="L-1", entry="L-1", at=4, took=0, attributes={"lead.event": "LeadContacted"}),
        span("fix", lead="L-2", entry="L-2", at=60, attributes={"lead.event": "ManualIntervention"}),
    )
    found = alignment(library, ALL)
    (numbers,) = found.campaigns
    assert (numbers.entries, numbers.touched, numbers.complete, numbers.interventions) == (2, 1, 1, 1)
    assert numbers.response_p50_s == pytest.approx(4.0)
    assert (numbers.qualified, numbers.accepted, numbers.acceptance) == (2, 1, 0.5)
    assert numbers.complete_share == 0.5
    assert (found.quality.stopped, found.quality.explained, found.quality.explained_rate) == (1, 1, 1.0)
    assert found.quality.answers == 2
    assert set(found.definitions) == set(DEFINITIONS)


def test_a_touch_that_clocks_put_before_the_capture_is_no_response_time(library, tell):
    (captured, *rest) = entry("L-1", 0)
    early = span("call", lead="L-1", entry="L-1", trace=captured.trace, parent=captured.span_id, at=-60,
                 attributes={"lead.event": "LeadContacted"})  # fmt: skip
    tell(captured, early, *rest, *entry("L-2", 100))
    (numbers,) = alignment(library, ALL).campaigns
    assert (numbers.touched, numbers.response_p50_s) == (2, pytest.approx(10))


def test_an_integration_recovers_when_a_later_lead_passes_the_step(library, tell):
    tell(*entry("L-1", 0), *entry("L-2", 100, ends="blocked"), *entry("L-3", 160, ends="blocked"))
    (lasting,) = alignment(library, ALL).recoveries
    assert (lasting.step, lasting.cause, lasting.entries) == ("crm", "crm.auth", 2)
    assert lasting.recovered_after_s is None
    tell(*entry("L-4", 402))
    (over,) = alignment(library, ALL).recoveries
    assert over.recovered_after_s == pytest.approx(302.0)  # from 100, the first stopped, to 402, which passed


def test_a_lead_that_passes_before_an_absence_is_told_ends_the_fault_too(library, tell):
    """That nothing came of L-1 is known at its deadline, minutes after L-2 went through."""
    (capture, *_rest) = entry("L-1", 0)
    tell(capture, *entry("L-2", 20))
    (over,) = alignment(library, ALL).recoveries
    assert over.cause == "observability.expected_but_absent"
    assert over.last_stop > START + timedelta(seconds=20)
    assert over.recovered_after_s == pytest.approx(20.0)


def test_an_empty_flow_gives_no_numbers_and_no_error(library):
    found = alignment(library, ALL)
    assert (found.campaigns, found.recoveries, found.quality.explained_rate) == ([], [], None)


def test_what_the_affected_share_and_the_others_do_not_is_found(library, tell):
    broken = {"ends": "blocked", "form.version": "7"}
    whole = {"ends": "entered", "form.version": "6"}
    tell(*(
        hop
        for number in range(40)
        for hop in entry(f"L-{number}", number * 10.0, campaign="spring" if number % 2 else "autumn", version="2.0",
                         **{"form.colour": "blue"}, **(whole if number % 4 else broken))
    ))  # fmt: skip
    found = differences(library, ALL, Stopped("blocked", "crm.auth", "crm"))
    named = {(one.name, one.value): one for one in found}
    assert named[("form.version", "7")].share == 1.0
    assert named[("form.version", "7")].share_of_others == 0.0
    assert named[("form.version", "7")].low > 1
    assert ("campaign", "autumn") in named
    assert not {name for name, _ in named} & {"form.colour", "http.response.status_code", "lead.id"}


def test_what_nearly_all_of_the_others_have_as_well_sets_nobody_apart(library, tell):
    told = [
        entry(f"L-{number}", number * 10.0, ends="entered" if number < 120 else "blocked",
              **{"form.version": "6" if number < 12 else "7"})
        for number in range(140)
    ]  # fmt: skip
    tell(*(one for spans in told for one in spans))
    found = differences(library, ALL, Stopped("blocked", "crm.auth", "crm"))
    assert not [one for one in found if one.name == "form.version"]


def test_nothing_is_different_when_nothing_is_affected(library, tell):
    tell(*entry("L-1", 0))
    assert differences(library, ALL, Stopped("blocked", "crm.auth", "crm")) == []


@pytest.mark.parametrize("counts", [(1, 1, 0, 1), (5, 10, 5, 10), (0, 10, 0, 10), (10, 10, 0, 1000), (1, 100, 99, 100)])
def test_a_lift_is_a_finite_number_inside_its_interval(counts):
    low, lift, high = lift_of(*counts)
    assert 0 < low <= lift <= high < float("inf")


def test_an_unmapped_code_is_listed_with_the_line_that_would_map_it(library, tell):
    tell(*entry("L-1", 0, ends="x"))
    tell(span("w", service="writer", lead="L-2", entry="L-2", flow="webinar", at=1,
              attributes={"lead.outcome": "failed", "lead.reason": 'E,"77', "lead.system": "acme"}))  # fmt: skip
    (code,) = unmapped_codes(library)
    assert (code.system, code.code, code.leads) == ("acme", 'E,"77', 1)
    assert code.line == 'acme,"E,""77",<cause>'


def test_every_filter_of_a_funnel_adds_up(library, tell):
    ends = ["entered", "blocked", "blocked"]
    tell(*(hop for n in range(12) for hop in entry(f"L-{n}", n, ends=ends[n % 3], campaign="ab"[n % 2])))
    for campaign in ("", "a", "b", "nobody"):
        found = funnel(library, Slice("webinar", ALL.since, ALL.until, campaign))
        assert sum(found.by_status.values()) == found.entries
        assert sum(one.entries for one in found.causes) == found.entries - found.by_status["entered"]
        stopped = sum(one.stopped_here for one in found.steps)
        assert stopped == found.entries - found.by_status["entered"] - found.by_status["pending"]
    now = datetime.now(UTC)
    assert funnel(library, Slice("webinar", now, now + timedelta(days=1))).entries == 0
