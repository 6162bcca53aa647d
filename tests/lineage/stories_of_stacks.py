"""Stories of real stacks: flows as companies write them, what went well before, and how a story is asked about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from telling_hops import START
from telling_spans import client, message, server, span

from lineage.journey import journeys
from lineage.verdict import judge
from model.flow import Flow
from model.flowfile import read_flow
from model.hop import Hop
from model.verdict import Verdict

ABSENT = "observability.expected_but_absent"

# Services named outright, as most people begin.

# Services named outright, as most people begin.
INBOUND = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: inbound, owner: growth}
spec:
  goal: cadence
  deadline: 30m
  steps:
    - {name: form, kind: capture, match: [{service: site-bff, name: "POST /api/contact-sales"}]}
    - {name: permission, kind: consent, after: [form], within: 1m, match: [{service: onetrust-proxy}]}
    - {name: firmographics, kind: enrich, after: [form], within: 2m, required: false, match: [{service: clearbit-gw}]}
    - {name: grade, kind: score, after: [firmographics], within: 2m, gate: {attribute: lead.score, at_least: 50}, match: [{service: grader}]}
    - {name: salesforce, kind: crm, after: [grade, permission], within: 5m, owner: revops, match: [{service: sfdc-sync}]}
    - {name: cadence, kind: sequence, after: [salesforce], within: 10m, match: [{service: outreach-sync}]}
""")

# Only what the systems say happened, as teams with an event bus do.
ON_A_BUS = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: bus, owner: growth}
spec:
  goal: nurture
  deadline: 2h
  steps:
    - {name: signup, kind: capture, match: [{event: FormSubmitted}]}
    - {name: crm, kind: crm, after: [signup], within: 10m, match: [{event: CrmWritten}]}
    - {name: nurture, kind: sequence, after: [crm], within: 30m, match: [{event: SequenceEnrolled}]}
""")

FORM = "POST /api/contact-sales"
LEADS = "https://acme.my.salesforce.com/services/data/v61.0/sobjects/Lead"
TOKEN = "https://acme.my.salesforce.com/services/oauth2/token"
PROSPECTS = "https://api.outreach.io/api/v2/sequenceStates"


@dataclass(frozen=True)
class Said:
    status: str
    cause: str = ""
    step: str = ""
    words: str = ""
    after_s: float = 86_400
    flow: Flow = INBOUND


Tell = Callable[[], Sequence[Hop]]


Tell = Callable[[], Sequence[Hop]]


class Stories:
    """Collects the stories of a module: `@tells("blocked", "crm.auth", "salesforce")` says what must be said of one."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def __call__(self, *given: str, **more: Any) -> Callable[[Tell], Tell]:
        def kept(tell: Tell) -> Tell:
            said = Said(*given, **more)
            self.told.append(pytest.param(tell, said, id=f"{tell.__name__}@{said.after_s:.0f}"))
            return tell

        return kept


def ask(hops: Sequence[Hop], said: Said) -> Verdict:
    (found,) = journeys("L-7", hops, {said.flow.name: said.flow})
    return judge(found, said.flow, START + timedelta(seconds=said.after_s))


def check(tell: Tell, said: Said) -> None:
    found = ask(tell(), said)
    assert (found.status.value, found.cause) == (said.status, said.cause), found.headline
    assert said.step in {"", found.step}
    assert said.words in found.headline


def before_crm() -> list[Hop]:
    """A lead that was captured, allowed, enriched and graded, all well."""
    return [
        server("site-bff", FORM, 202, at=0),
        server("onetrust-proxy", "POST /v1/consent/check", at=1),
        server("clearbit-gw", "GET /companies/find", at=2),
        span("grader", "grade lead", at=3, attributes={"lead.score": "71"}),
    ]


def synced() -> list[Hop]:
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4)]


def enrolled(at: float = 30) -> list[Hop]:
    outer = server("outreach-sync", "POST /enrol", at=at, took=1)
    return [outer, client("outreach-sync", f"POST {PROSPECTS}", 201, at=at + 0.1, parent=outer)]


def published() -> tuple[Hop, Hop]:
    grade = before_crm()[-1]
    return grade, message("grader", "send", "lead.graded", at=3.05, took=0.01, parent=grade)
