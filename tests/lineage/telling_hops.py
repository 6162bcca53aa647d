"""Tells journeys in tests: `hop("crm", at=3, status=429)` is what the CRM step's system said three seconds in."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lineage.journey import Journey, journeys
from lineage.verdict import judge
from model.flow import Flow
from model.flowfile import read_flow
from model.hop import Hop, SpanEvent
from model.verdict import Verdict

START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
START_NS = int(START.timestamp()) * 1_000_000_000

FLOW_YAML = """
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: webinar, title: Webinar sign-up, owner: growth}
spec:
  goal: enrol
  deadline: 15m
  steps:
    - {name: capture, kind: capture, owner: web, match: [{service: forms}]}
    - {name: consent, kind: consent, after: [capture], within: 30s, owner: privacy, match: [{service: permissions}]}
    - {name: enrich, kind: enrich, after: [capture], within: 2m, required: false, match: [{service: lookup}]}
    - {name: score, kind: score, after: [enrich], within: 1m, gate: {attribute: lead.score, at_least: 60}, match: [{service: scorer}]}
    - {name: crm, kind: crm, after: [score, consent], within: 2m, owner: revops, match: [{service: writer}]}
    - {name: enrol, kind: sequence, after: [crm], within: 5m, owner: sales, match: [{event: SequenceEnrolled}]}
"""
FLOW = read_flow(FLOW_YAML, "webinar.yaml")
FLOWS = {FLOW.name: FLOW}

_numbers = itertools.count(1)

# What each step's system sends when all is well.
_SYSTEMS = {
    "capture": ("forms", "POST /signup", {}),
    "consent": ("permissions", "POST /check", {}),
    "enrich": ("lookup", "POST /enrich", {}),
    "score": ("scorer", "score", {"lead.score": "80"}),
    "crm": ("writer", "POST /write", {}),
    "enrol": ("sender", "enrol", {"lead.event": "SequenceEnrolled"}),
}


def hop(
    step: str = "",
    *,
    at: float,
    took: float = 0.1,
    service: str = "",
    name: str = "",
    kind: str = "server",
    error: str = "",
    http: int = 0,
    event: str = "",
    exception: str = "",
    parent: Hop | None = None,
    trace: str = "a" * 32,
    hop_id: str = "",
    entry: str | None = "c-1",
    lead: str = "L-1",
    signal: str = "span",
    links: Sequence[tuple[str, str]] = (),
    attributes: dict[str, str] | None = None,
    **words: Any,
) -> Hop:
    """A hop `at` seconds after the start. Other words become `lead.*` attributes: `outcome="skipped"`, `score=40`."""
    usual_service, usual_name, usual = _SYSTEMS.get(step, (service, name, {}))
    said = {**usual, **{f"lead.{key}": str(value) for key, value in words.items()}, **(attributes or {})}
    if http:
        said["http.response.status_code"] = str(http)
    if error:
        said["error.type"] = error
    if event:
        said["lead.event"] = event
    if entry:
        said.setdefault("lead.correlation_id", entry)
    failed = bool(error or exception or http >= 500 or (http >= 400 and kind == "client"))
    at_ns = START_NS + int(at * 1e9)
    return Hop(
        lead=lead,
        trace_id=parent.trace_id if parent else trace,
        hop_id=hop_id or f"{next(_numbers):016x}",
        parent_id=parent.hop_id if parent else "",
        signal=signal,
        at_ns=at_ns,
        duration_ns=int(took * 1e9),
        service=service or usual_service,
        name=name or usual_name,
        kind=kind,
        status="error" if failed else "unset",
        attributes=said,
        events=(SpanEvent(at_ns, "exception", {"exception.type": exception}),) if exception else (),
        links=tuple(links),
    )


def healthy(until: str = "enrol", but: Sequence[str] = ()) -> list[Hop]:
    """A journey on which all went well, one second a step, up to and with `until`; without the steps in `but`."""
    steps = list(_SYSTEMS)
    return [
        hop(step, at=float(number)) for number, step in enumerate(steps[: steps.index(until) + 1]) if step not in but
    ]


def journey(hops: Sequence[Hop]) -> Journey:
    """The only entry among the hops."""
    (found,) = journeys("L-1", hops, FLOWS)
    return found


def verdict(hops: Sequence[Hop], *, after: timedelta = timedelta(days=1), flow: Flow = FLOW) -> Verdict:
    """What the judge says `after` the start; a day later unless told otherwise, when all deadlines have passed."""
    return judge(journey(hops), flow, START + after)


def said(of: Verdict) -> tuple[str, str, str]:
    return (of.status.value, of.cause, of.step)
