"""A flow whose steps claim nothing, everything, or the same hop twice says so, in the API and on its page."""

import pytest
import web_world
from otlp_requests import span, traces
from serving import serving
from web_factory import web_app

from lineage import claims
from lineage.ask import Library
from lineage.settle import Settler
from model.flowfile import read_flow

FLOW = """
apiVersion: leadtrace/v1
kind: Flow
metadata: {{name: odd, title: An odd flow}}
spec:
  goal: enrol
  deadline: 10m
  steps:
    - {{name: capture, kind: capture, title: Form, match: [{capture}]}}
    - {{name: crm, kind: crm, title: CRM, after: [capture], match: [{crm}]}}
    - {{name: enrol, kind: sequence, title: Sequence, after: [crm], match: [{enrol}]}}
"""
WELL = {"capture": "{service: forms}", "crm": "{service: writer}", "enrol": "{event: SequenceEnrolled}"}


@pytest.fixture
def odd(store):
    """Lands ten leads that went all the way, and asks of a flow with these matchers."""
    spans = []
    for number in range(10):
        who = {"lead": f"L-{number}", "entry": f"c-{number}", "trace": f"{number + 1:032x}"}
        spans += [
            span("POST /signup", service="forms", at=0, **who),
            span("POST /leads", service="writer", at=1, **who),
            span("enrol", service="sender", at=2, attributes={"lead.event": "SequenceEnrolled"}, **who),
        ]
    store.land("traces", traces(*spans), "odd")

    def asked(**matchers):
        flow = read_flow(FLOW.format(**{**WELL, **matchers}))
        library = Library(store, lambda: {"odd": flow})
        settler = Settler(store, lambda: {"odd": flow})
        while settler.tick():
            pass
        with serving(web_app(library, clock=web_world.now)) as web:
            found = web.get("/api/v1/flows/odd/check").json()
            return found, web.get("/flows/odd").text

    return asked


def test_a_flow_that_fits_has_no_findings(odd):
    found, page = odd()
    assert (found["leads"], found["hops"], found["findings"]) == (10, 30, [])
    assert "Look at the flow file" not in page


def test_a_step_that_nothing_matches_is_told(odd):
    found, page = odd(crm="{service: crm-writer}")
    (finding,) = found["findings"]
    assert (finding["kind"], finding["step"]) == ("nothing", "crm")
    assert finding["says"] == "None of the 30 hops of the 10 leads heard of last belongs to the step “CRM”."
    assert finding["says"] in page


def test_a_flow_that_nothing_matches_says_that_once(odd):
    found, page = odd(capture="{service: a}", crm="{service: b}", enrol="{service: c}")
    assert [(one["kind"], one["step"]) for one in found["findings"]] == [("nothing", "")]
    assert "belongs to any step of this flow" in page


def test_a_step_that_everything_matches_is_told_and_takes_from_the_others(odd):
    found, page = odd(capture='{name: "*"}')
    assert [(one["kind"], one["step"], one["other"], one["hops"]) for one in found["findings"]] == [
        ("everything", "capture", "", 30),
        ("shared", "capture", "crm", 10),
        ("shared", "capture", "enrol", 10),
    ]
    assert "The step “Form” claims every one of the 30 hops" in page


def test_hops_that_two_steps_claim_are_told_with_who_gets_them(odd):
    found, _ = odd(enrol="{service: sender}", crm='{name: "[Pe]*"}', capture="{service: forms}")
    (first, second) = [one for one in found["findings"] if one["kind"] == "shared"]
    assert {(one["step"], one["other"], one["hops"]) for one in (first, second)} == {
        ("capture", "crm", 10),
        ("crm", "enrol", 10),
    }
    assert "fit both “CRM” and “Sequence”; they count for “CRM”, the first in the flow." in second["says"]


def test_of_a_few_hops_nothing_is_said(odd, monkeypatch):
    monkeypatch.setattr(claims, "FEWEST", 31)
    assert odd(crm="{service: crm-writer}")[0]["findings"] == []


def test_a_flow_without_a_file_has_nothing_to_check(odd, store):
    with serving(web_app(Library(store, dict), clock=web_world.now)) as web:
        assert web.get("/api/v1/flows/odd/check").status_code == 404
