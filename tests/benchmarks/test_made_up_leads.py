"""What is measured must be what it claims to be: made-up leads are leads that the judge understands."""

from datetime import UTC, datetime

import pytest

from benchmarks import crowd, journeys
from benchmarks.measure import Figures, flows
from lineage.ask import Library, why
from lineage.flowbook import FlowBook
from lineage.judging import Bench, settle_leads
from model.causes import ABSENT, built_in_codes

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def test_the_same_arguments_give_the_same_requests():
    assert list(journeys.requests(4_000)) == list(journeys.requests(4_000))
    assert list(journeys.requests(4_000)) != list(journeys.requests(4_000, seed=2))


def test_requests_hold_as_many_spans_as_they_say(store):
    made = list(journeys.requests(3_000))
    store.land("traces", b"".join(body for body, _ in made), "all")
    assert store.command("SELECT count() FROM timeline") == sum(count for _, count in made)


@pytest.mark.parametrize(
    ("number", "status", "cause"),
    [
        pytest.param(0, "blocked", "crm.rate_limit", id="stopped at the CRM"),
        pytest.param(1, "blocked", ABSENT, id="not heard of after the score"),
        pytest.param(2, "entered", None, id="entered"),
    ],
)
@pytest.mark.parametrize(
    ("stops", "file"),
    [
        pytest.param(journeys.STOPS, "flow.yaml", id="ten hops"),
        pytest.param(journeys.BRIEF, "flow_of_six.yaml", id="six hops"),
    ],
)
def test_a_made_up_journey_has_the_fate_it_was_given(store, number, status, cause, stops, file):
    store.land("traces", b"".join(body for body, _ in journeys.requests(2_000, stops=stops)), "all")
    answer = why(Library(store, lambda: flows(file)), journeys.lead_id(number), now=NOW)
    assert answer.status == status
    assert answer.contributing == []
    assert answer.cause == cause


def test_a_crowd_made_by_the_engine_is_judged_like_one_that_came_in(store):
    leads = crowd.build(store, 1_000)
    asked = crowd.some_leads(store, leads, leads)
    settle_leads(store, asked, Bench(FlowBook(flows()), built_in_codes()), NOW)
    library = Library(store, flows)
    said = [why(library, lead, now=NOW).status for lead in asked]
    assert said.count("blocked") == leads // 10
    assert said.count("entered") == leads - leads // 10


def test_percentiles_are_the_takes_themselves():
    figures = Figures([float(take) for take in range(1, 101)])
    assert (figures.percentile(50), figures.percentile(99), figures.percentile(100)) == (50, 99, 100)
    assert Figures([7.0]).percentile(50) == 7
