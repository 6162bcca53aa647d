"""What changed: the change that overlaps the cause stands first, what touches something else is not shown."""

from datetime import UTC, datetime, timedelta

import pytest
from otlp_requests import START, span, traces
from telling_hops import FLOWS

from lineage.ask import Library, why
from lineage.settle import Settler
from store import changes
from store.changes import Change, ToldChange


@pytest.fixture
def answered(store):
    """Eight leads blocked at the CRM between 100 s and 800 s after the start; the answer for the first."""
    for number in range(8):
        lead, at = f"L-{number}", 100.0 * (number + 1)
        store.land("traces", traces(
            span("POST /signup", service="forms", lead=lead, entry=lead, flow="webinar", trace=f"{number + 1:032x}", at=at,
                 attributes={"lead.campaign": "spring"}),
            span("POST", service="writer", kind="client", lead=lead, entry=lead, trace=f"{number + 1:032x}", at=at + 1,
                 version="2.0" if number else "1.9", attributes={"http.response.status_code": 401}, error=True),
        ), f"s-{number}")  # fmt: skip
    store.land("traces", traces(span("warm", service="writer", version="1.9", at=-4000)), "old")

    def ask(lead="L-5"):
        Settler(store, lambda: FLOWS).tick()
        return [(one.kind, one.what) for one in why(Library(store, lambda: FLOWS), lead, now=datetime.now(UTC)).changes]

    return ask


def tell(store, *told):
    changes.record(
        store,
        [
            ToldChange("test", str(at), Change(START + timedelta(seconds=at), kind, what, **touches))
            for at, kind, what, touches in told
        ],
    )


def test_a_new_version_of_the_failing_service_is_noticed_by_itself(answered):
    assert answered() == [("version", "writer 2.0 first seen")]


def test_a_change_that_was_told_is_shown_when_the_cause_began_after_it(answered, store):
    tell(store, (50, "token", "the CRM password was changed", {}), (750, "deploy", "too late to explain it", {}))
    assert answered("L-7") == [("version", "writer 2.0 first seen"), ("token", "the CRM password was changed")]


def test_a_change_of_another_service_flow_or_campaign_is_not_shown(answered, store):
    tell(
        store,
        (50, "deploy", "another service", {"service": "forms"}),
        (51, "flow", "another flow", {"flow": "other"}),
        (52, "campaign", "another campaign", {"campaign": "autumn"}),
        (53, "campaign", "this campaign", {"campaign": "spring"}),
    )
    assert ("campaign", "this campaign") in answered()
    assert not {"another service", "another flow", "another campaign"} & {what for _, what in answered()}


def test_a_first_contract_is_no_change_and_its_next_version_is(answered, store):
    store.land(
        "traces", traces(span("x", service="writer", at=-3000, attributes={"lead.contract": "LeadCreated@1"})), "c-1"
    )
    store.land(
        "traces", traces(span("x", service="writer", at=60, attributes={"lead.contract": "LeadCreated@2"})), "c-2"
    )
    assert ("contract", "writer began to send LeadCreated@2") in answered()
