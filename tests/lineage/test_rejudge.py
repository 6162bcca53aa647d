"""Judging again by an edited flow file: looked at first, then chosen."""

from datetime import UTC, datetime, timedelta

import pytest
from otlp_requests import START, span, traces
from telling_hops import FLOW_YAML, FLOWS

from lineage.ask import Library, NotFoundError
from lineage.rejudge import apply, preview
from lineage.settle import Settler
from model.flowfile import read_flow
from store import agenda
from store.changes import flow_edits_between
from store.verdicts import verdicts_of_leads

STRICT = read_flow(FLOW_YAML.replace("at_least: 60", "at_least: 90"))
SINCE = START - timedelta(hours=1)


@pytest.fixture
def world(store):
    """Ten leads that scored 80 and came to the CRM, judged by a flow whose gate is 60."""
    flows = [FLOWS]
    settler = Settler(store, lambda: flows[-1])
    settler.tick()
    store.command(
        "ALTER TABLE flow_versions UPDATE applies_at = toDateTime64('2026-01-01', 3, 'UTC') WHERE 1 SETTINGS mutations_sync = 2"
    )
    for number in range(10):
        shared = {"lead": f"L-{number}", "entry": f"c-{number}", "flow": "webinar", "trace": f"{number + 1:032x}"}
        store.land("traces", traces(
            span("POST /signup", service="forms", at=number, **shared),
            span("check", service="permissions", at=number + 0.1, **shared),
            span("score", service="scorer", at=number + 0.2, attributes={"lead.score": 80}, **shared),
        ), f"s-{number}")  # fmt: skip
    settler.tick()
    return flows, settler, Library(store, lambda: flows[-1])


def steps(store):
    return {one[0].verdict.step for one in verdicts_of_leads(store, [f"L-{n}" for n in range(10)]).values()}


def test_a_preview_says_what_would_turn_and_changes_nothing(world, store):
    _, _, library = world
    found = preview(library, STRICT, SINCE, now=datetime.now(UTC))
    assert (found.entries, found.same, found.cut) == (10, 0, False)
    (turn,) = found.turns
    assert turn.was == "blocked observability.expected_but_absent at crm"
    assert turn.would_be == "skipped eligible.criteria_not_met at score"
    assert (turn.entries, len(turn.examples)) == (10, 5)
    assert steps(store) == {"crm"}


def test_a_preview_of_the_same_file_turns_nothing(world):
    _, _, library = world
    found = preview(library, FLOWS["webinar"], SINCE, now=datetime.now(UTC))
    assert (found.entries, found.same, found.turns) == (10, 10, [])


def test_an_edit_alone_turns_nothing_and_applying_it_turns_the_entries(world, store):
    flows, settler, library = world
    flows.append({"webinar": STRICT})
    agenda.remind(store, [(agenda.engine_now(store), f"L-{n}") for n in range(10)])
    settler.tick()
    assert steps(store) == {"crm"}
    now = datetime.now(UTC)
    assert apply(library, "webinar", SINCE, now=now) == 10
    fresh = Settler(store, lambda: flows[-1])
    fresh.settle([agenda.Due(now, f"L-{n}", "") for n in range(10)], now + timedelta(seconds=10))
    assert steps(store) == {"score"}


def test_an_edit_is_one_change_however_often_it_is_applied_to_earlier_entries(world, store):
    flows, settler, library = world
    flows.append({"webinar": STRICT})
    now = agenda.engine_now(store)
    agenda.remind(store, [(now, "L-0")])
    settler.tick()
    apply(library, "webinar", SINCE, now=now + timedelta(seconds=5))
    found = flow_edits_between(store, "webinar", now - timedelta(hours=1), now + timedelta(hours=1))
    assert [one.what for one in found] == [f"the flow file was edited (version {STRICT.version})"]


def test_applying_a_flow_that_no_file_describes_says_so(world):
    _, _, library = world
    with pytest.raises(NotFoundError, match="The flows are: webinar"):
        apply(library, "nobody", SINCE, now=datetime.now(UTC))
