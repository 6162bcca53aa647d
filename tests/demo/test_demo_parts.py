"""The parts that need no running stack: the plan, the outbox, the flow file."""

import asyncio
import contextlib
import sqlite3
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import httpx
import pytest
import yaml
from opentelemetry.sdk.trace import TracerProvider

import demo
from demo.faults import FAULTS
from demo.messages import Lead
from demo.outbox import Outbox
from demo.plan import Plan
from demo.services.outbox_relay import OutboxRelay
from demo.vendor_client import LONGEST_WAIT_S, _wait_s

FLOW = yaml.safe_load((Path(demo.__file__).parent / "flows" / "demo-request.yaml").read_text())
STEPS = {step["name"]: step for step in FLOW["spec"]["steps"]}


def lead(**overrides) -> Lead:
    known = {
        "email": "ada@acme.example", "name": "Ada", "phone": "+1 202 555 0001", "company": "Acme", "title": "VP Marketing",
        "country": "DE", "company_size": 10, "consent": True, "campaign": "pricing-page", "source": "linkedin",
        "lead_id": "L-1001", "correlation_id": "c1", "flow": "demo-request",
    }  # fmt: skip
    return Lead.model_validate({**known, **overrides})


@pytest.fixture
def outbox(tmp_path):
    with contextlib.closing(Outbox(tmp_path / "forms.sqlite")) as outbox:
        yield outbox


def test_the_same_seed_plans_the_same_visitors():
    one, other = Plan(60, seed=3), Plan(60, seed=3)
    assert one.before + one.after == other.before + other.after
    assert one.before != Plan(60, seed=4).before


def test_a_plan_of_as_many_leads_as_faults_has_each_of_them():
    plan = Plan(len(FAULTS), seed=1)
    assert Counter(visitor.fault.name for visitor in plan.before + plan.after) == {fault.name: 1 for fault in FAULTS}


def test_no_two_people_share_an_email():
    plan = Plan(400, seed=7)
    assert len({visitor.person.email for visitor in plan.before + plan.after}) == 400


def test_rate_limits_come_after_the_roll_out_and_mostly_to_one_campaign():
    plan = Plan(240, seed=7)
    assert not [visitor for visitor in plan.before if visitor.fault.late]
    campaigns = Counter(visitor.campaign for visitor in plan.after if visitor.fault.name == "crm-rate-limit")
    assert campaigns["pricing-page"] > 2 * campaigns["spring-webinar"] > 0


def test_a_lead_and_its_announcement_are_saved_together_or_not_at_all(outbox):
    outbox.save(lead(), {"traceparent": "t"})
    with pytest.raises(sqlite3.IntegrityError):
        outbox.save(lead(email="other@acme.example"), {})
    assert [row.headers for row in outbox.unpublished(10)] == [{"traceparent": "t"}]
    assert outbox.lead_id_of("other@acme.example") is None


class FlakyBus:
    """Stands for the relay's service: the bus refuses the first message."""

    tracer = TracerProvider().get_tracer("test")

    def __init__(self):
        self.taken = []
        self.refusals = 1

    async def publish(self, topic, lead):
        if self.refusals:
            self.refusals -= 1
            raise httpx.ConnectError("bus is down")
        self.taken.append((topic, lead.correlation_id))


def test_the_relay_announces_a_lead_again_when_the_bus_refused_it(outbox):
    service = FlakyBus()
    outbox.save(lead(), {})
    outbox.save(lead(correlation_id="c2"), {})

    async def relay_until_empty():
        relaying = asyncio.create_task(OutboxRelay(service, outbox).run())
        async with asyncio.timeout(5):
            while outbox.waiting():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)

    asyncio.run(relay_until_empty())
    assert service.taken == [("LeadCreated", "c1"), ("LeadCreated", "c2")]


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        pytest.param("1", LONGEST_WAIT_S, id="capped"),
        pytest.param("0", 0, id="at once"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", LONGEST_WAIT_S, id="a date"),
    ],
)
def test_retry_after_is_respected_up_to_a_cap(retry_after, seconds):
    assert _wait_s(httpx.Response(429, headers={"retry-after": retry_after})) == seconds


def test_the_flow_has_a_goal_and_knows_every_step_it_mentions():
    assert FLOW["spec"]["goal"] in STEPS
    assert {name for step in STEPS.values() for name in step.get("after", [])} <= STEPS.keys()
    assert {fault.expect.step for fault in FAULTS} - {None} <= STEPS.keys()


@pytest.mark.parametrize("step", STEPS)
def test_each_step_matches_spans_that_stock_instrumentation_really_emits(drive, step):
    for entry in drive.entries("healthy"):
        spans = drive.spans_of(entry)
        for matcher in STEPS[step]["match"]:
            assert [span for span in spans if matches(matcher, span)], (step, matcher)


def matches(matcher, span) -> bool:
    wanted = {"service": span.service, "name": span.name, "event": span.get("lead.event")}
    attributes = matcher.get("attributes", {})
    return all(fnmatch(str(wanted[key]), pattern) for key, pattern in matcher.items() if key != "attributes") and all(
        fnmatch(str(span.get(key)), pattern) for key, pattern in attributes.items()
    )
