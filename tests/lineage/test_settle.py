"""The settle loop on a real engine: what comes in becomes verdicts, once and rightly."""

from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp_requests import logs, span, traces
from telling_hops import FLOW_YAML, FLOWS

from lineage import judging
from lineage.ask import Library, why
from lineage.flowbook import book
from lineage.settle import Pace, Settler
from model.causes import VendorCodes
from model.flowfile import read_flow
from store import agenda
from store.flow_versions import FlowVersion
from store.hops import hops_of_leads
from store.verdicts import verdicts_of_leads

LONG_AGO = timedelta(days=30)


@pytest.fixture
def settle(store):
    """Land requests, tick until nothing is left, and give a lead's verdicts as (flow, entry, status, cause, step)."""
    settler = Settler(store, lambda: FLOWS)
    numbers = iter(range(10_000))

    def settled(*requests, lead="L-1"):
        for signal, body in requests:
            store.land(signal, body, f"segment-{next(numbers)}")
        while settler.tick():
            pass
        found = verdicts_of_leads(store, [lead]).get(lead, [])
        return [
            (one.verdict.flow, one.verdict.entry, one.verdict.status.value, one.verdict.cause, one.verdict.step)
            for one in found
        ]

    settled.settler = settler
    return settled


def sent(*spans):
    return ("traces", traces(*spans))


def captured(lead="L-1", entry="c-1", **how):
    return span("POST /signup", service="forms", lead=lead, entry=entry, flow="webinar", **how)


def enrolled(lead="L-1", entry="c-1", **how):
    return span(
        "enrol", service="sender", at=9, lead=lead, entry=entry, attributes={"lead.event": "SequenceEnrolled"}, **how
    )


def test_what_comes_in_becomes_a_verdict(settle):
    assert settle(sent(captured(), enrolled())) == [("webinar", "c-1", "entered", "", "enrol")]


def test_a_late_hop_judges_again(settle):
    assert settle(sent(captured())) == [("webinar", "c-1", "blocked", "observability.expected_but_absent", "consent")]
    assert settle(sent(enrolled())) == [("webinar", "c-1", "entered", "", "enrol")]


def test_a_settled_lead_is_not_written_again_when_nothing_changed(settle, store):
    request = sent(captured(), enrolled())
    settle(request)
    versions = store.command("SELECT count() FROM verdicts")
    settle(request)
    assert store.command("SELECT count() FROM verdicts") == versions


def test_each_entry_and_each_flow_has_exactly_one_verdict(settle):
    found = settle(sent(captured(), captured(entry="c-2", trace="b" * 32, at=60), enrolled()))
    assert sorted((entry, status) for _, entry, status, _, _ in found) == [("c-1", "entered"), ("c-2", "blocked")]


def test_an_entry_of_a_flow_that_no_file_describes_is_unknown(settle):
    found = settle(sent(span("POST /x", lead="L-1", entry="c-9", flow="nobody-wrote-it")))
    assert found == [("nobody-wrote-it", "c-9", "unknown", "", "")]


def test_a_pending_verdict_is_settled_when_its_deadline_passes(store):
    settler = Settler(store, lambda: FLOWS)
    now = datetime.now(UTC)
    seconds_ago = (now - datetime(2026, 3, 2, 9, tzinfo=UTC)).total_seconds() - 5
    store.land("traces", traces(captured(at=seconds_ago)), "s-1")
    settler.tick()
    (written,) = verdicts_of_leads(store, ["L-1"])["L-1"]
    assert written.verdict.status == "pending"
    due = written.verdict.due_at
    assert due is not None
    before = agenda.end_of(due - timedelta(seconds=1))
    lines = agenda.due_after(store, before, due + timedelta(seconds=1), agenda.Shard(), most=10)
    assert [line.lead for line in lines] == ["L-1"]
    settler.settle(lines, due + timedelta(seconds=1))
    (written,) = verdicts_of_leads(store, ["L-1"])["L-1"]
    assert written.verdict.cause == "observability.expected_but_absent"


def test_an_event_counts_like_a_span(settle):
    found = settle(
        sent(captured(), span("POST /write", service="writer", at=4, lead="L-1", entry="c-1")),
        ("logs", logs("EnrollmentSkipped", service="sender", at=5, lead__id="L-1", lead__correlation_id="c-1",
                      lead__outcome="skipped", lead__reason="campaign.paused")),
    )  # fmt: skip
    assert found == [("webinar", "c-1", "skipped", "campaign.paused", "enrol")]


# ── hops that name no lead ──────────────────────────────────────────────────────────────────────────────────────────


def names(store, lead="L-1"):
    return [one.name for one in hops_of_leads(store, [lead]).get(lead, [])]


def test_spans_without_a_lead_join_the_lead_of_their_trace(settle, store):
    settle(sent(span("root", at=-1), captured(), span("vendor call", at=1)))
    assert names(store) == ["root", "POST /signup", "vendor call"]


def test_it_does_not_matter_which_came_first(settle, store):
    settle(sent(span("vendor call", at=1)))
    assert names(store) == []
    settle(sent(captured()))
    assert names(store) == ["POST /signup", "vendor call"]
    settle(sent(span("even later", at=2)))
    assert names(store) == ["POST /signup", "vendor call", "even later"]


def test_an_event_of_the_trace_joins_but_a_plain_log_line_does_not(settle, store):
    settle(
        sent(captured()),
        ("logs", logs("CrmWritten", at=3, trace="a" * 32)),
        ("logs", logs("", at=4, trace="a" * 32, body="line")),
    )
    assert names(store) == ["POST /signup", "CrmWritten"]


def test_in_a_trace_of_several_leads_a_span_belongs_to_its_ancestors_lead(settle, store):
    batch = span("batch")
    first = span("one", lead="L-1", at=1, parent=batch.span_id)
    second = span("two", lead="L-2", at=1, parent=batch.span_id)
    below = span("below two", at=2, parent=second.span_id)
    deeper = span("deeper", at=3, parent=below.span_id)
    settle(sent(batch, first, second, below, deeper))
    assert names(store, "L-1") == ["one"]
    assert names(store, "L-2") == ["two", "below two", "deeper"]


def test_a_trace_that_is_reached_by_a_link_joins_the_lead(settle, store):
    capture = captured()
    consumer = span("process", trace="b" * 32, at=5, links=[(capture.trace, capture.span_id)])
    below = span("write", trace="b" * 32, at=6, parent=consumer.span_id)
    settle(sent(consumer, below))
    settle(sent(capture))
    assert names(store) == ["POST /signup", "process", "write"]


def test_a_batch_that_links_to_many_leads_belongs_to_each(settle, store):
    first = captured()
    second = captured(lead="L-2", entry="c-2", trace="b" * 32)
    batch = span("nightly sync", trace="c" * 32, at=5, links=[(one.trace, one.span_id) for one in (first, second)])
    settle(sent(first, second), sent(batch))
    assert names(store, "L-1") == ["POST /signup", "nightly sync"]
    assert names(store, "L-2") == ["POST /signup", "nightly sync"]


def test_a_trace_that_knows_only_the_correlation_id_finds_the_lead(settle, store):
    settle(sent(captured()))
    settle(sent(span("by correlation", trace="d" * 32, at=2, entry="c-1")))
    assert names(store) == ["POST /signup", "by correlation"]


def test_adopting_twice_adds_nothing(settle, store):
    settle(sent(captured(), span("vendor call", at=1)))
    Settler(store, lambda: FLOWS).tick()
    assert names(store) == ["POST /signup", "vendor call"]


# ── the cursor ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_that_becomes_visible_behind_the_cursor_is_still_handled(settle, store):
    settle(sent(captured()))
    store.land("traces", traces(enrolled()), "late")
    past = agenda.engine_now(store) - timedelta(seconds=2)
    store.command("ALTER TABLE agenda UPDATE trace_id = trace_id WHERE 1 SETTINGS mutations_sync = 2")
    agenda.remind(store, [(past, "L-1")])
    assert settle() == [("webinar", "c-1", "entered", "", "enrol")]


def test_a_new_loop_goes_on_where_the_last_one_stopped(settle, store):
    settle(sent(captured()))
    cursor = agenda.cursor(store, agenda.Shard())
    assert cursor is not None
    store.land("traces", traces(enrolled()), "while nobody looked")
    Settler(store, lambda: FLOWS).tick()
    assert verdicts_of_leads(store, ["L-1"])["L-1"][0].verdict.status == "entered"


def test_more_lines_than_a_batch_holds_are_all_handled(store):
    settler = Settler(store, lambda: FLOWS, pace=Pace(lines_a_batch=10, ids_a_query=7))
    spans = [captured(lead=f"L-{n}", entry=f"c-{n}", trace=f"{n:032x}") for n in range(1, 60)]
    store.land("traces", traces(*spans), "many")
    while settler.tick():
        pass
    found = verdicts_of_leads(store, [f"L-{n}" for n in range(1, 60)])
    assert len(found) == 59


def test_two_shards_settle_every_lead_between_them(store):
    spans = [captured(lead=f"L-{n}", entry=f"c-{n}", trace=f"{n:032x}") for n in range(1, 30)]
    store.land("traces", traces(*spans), "many")
    leads = [f"L-{n}" for n in range(1, 30)]
    Settler(store, lambda: FLOWS, shard=agenda.Shard(0, 2)).tick()
    half = len(verdicts_of_leads(store, leads))
    assert 0 < half < 29
    Settler(store, lambda: FLOWS, shard=agenda.Shard(1, 2)).tick()
    assert len(verdicts_of_leads(store, leads)) == 29


# ── vendors' codes ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_mapping_a_code_judges_the_leads_again_that_it_stopped(store):
    codes = [VendorCodes([])]
    settler = Settler(store, lambda: FLOWS, lambda: codes[-1])
    refused = span("write", service="writer", at=4, lead="L-1", entry="c-1",
                   attributes={"lead.outcome": "failed", "lead.reason": "E77", "lead.system": "acme"})  # fmt: skip
    store.land("traces", traces(captured(), refused), "s-1")
    settler.tick()
    assert verdicts_of_leads(store, ["L-1"])["L-1"][0].verdict.cause == "unknown.vendor_unspecified"
    codes.append(VendorCodes([("acme", "E77", "crm.row_lock")]))
    settler.tick()
    settler.tick()
    assert verdicts_of_leads(store, ["L-1"])["L-1"][0].verdict.cause == "crm.row_lock"


# ── what was said before, and by which flow file ────────────────────────────────────────────────────────────────────


def told(store, flows, lead="L-1"):
    answer = why(Library(store, lambda: flows), lead, now=datetime.now(UTC))
    return [(one.status, one.step, one.why) for one in answer.history]


def test_what_was_said_before_is_kept_with_why_it_changed(settle, store):
    settle(sent(captured()))
    settle(sent(enrolled()))
    (first, second) = told(store, FLOWS)
    assert first == ("blocked", "consent", "")
    assert second[:2] == ("entered", "enrol")
    assert second[2].startswith("1 more hop arrived")


def test_an_edited_flow_file_does_not_change_what_was_said_of_leads_that_came_before(store):
    strict = read_flow(FLOW_YAML.replace("at_least: 60", "at_least: 90"))
    flows = [FLOWS]
    settler = Settler(store, lambda: flows[-1])
    now = datetime.now(UTC)
    moment = (now - datetime(2026, 3, 2, 9, tzinfo=UTC)).total_seconds()

    def scored(lead, trace, at):
        return [captured(lead=lead, entry=lead, trace=trace, at=at),
                span("check", service="permissions", lead=lead, entry=lead, trace=trace, at=at + 0.1),
                span("score", service="scorer", lead=lead, entry=lead, trace=trace, at=at + 0.2, attributes={"lead.score": 80})]  # fmt: skip

    def step_of(lead):
        return verdicts_of_leads(store, [lead])[lead][0].verdict.step

    settler.tick()
    store.land("traces", traces(*scored("L-1", "1" * 32, moment - 7200)), "before the edit")
    settler.tick()
    flows.append({strict.name: strict})
    settler.settle([], now)
    agenda.remind(store, [(agenda.engine_now(store), "L-1")])
    settler.tick()
    assert step_of("L-1") == "crm"  # 80 passes the gate that was in force at its capture
    store.land("traces", traces(*scored("L-2", "2" * 32, moment + 3600)), "after the edit")
    settler.tick()
    assert step_of("L-2") == "score"  # and fails the new one


def test_judging_again_by_the_new_version_is_a_version_that_applies_earlier():
    old, new = read_flow(FLOW_YAML), read_flow(FLOW_YAML.replace("60", "90"))
    at = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 11)]
    edited = book({new.name: new}, [kept(old, at[0], at[0]), kept(new, at[5], at[5])])
    assert edited.in_force("webinar", at[3]).version == old.version
    assert edited.in_force("webinar", at[7]).version == new.version
    assert edited.in_force("webinar", datetime(2025, 1, 1, tzinfo=UTC)).version == old.version
    again = book({new.name: new}, [kept(old, at[0], at[0]), kept(new, at[5], at[5]), kept(new, at[2], at[8])])
    assert again.in_force("webinar", at[3]).version == new.version
    assert again.in_force("webinar", at[1]).version == old.version
    put_back = book({old.name: old}, [kept(old, at[0], at[0]), kept(new, at[3], at[3]), kept(old, at[6], at[6])])
    assert [put_back.in_force("webinar", at[day]).version == old.version for day in (1, 4, 7)] == [True, False, True]


def kept(flow, applies_at, written_at):
    return FlowVersion(flow.name, flow.version, flow.text, applies_at, written_at)


# ── what must not hold the loop up ──────────────────────────────────────────────────────────────────────────────────


def test_senders_whose_clocks_are_years_ahead_do_not_stop_the_loop(settle, store):
    day = 86_400.0
    future = [captured(lead=f"F-{n}", entry=f"f-{n}", trace=f"{n + 1:032x}", at=(400 + n) * day) for n in range(150)]
    assert settle(sent(*future), sent(captured(), enrolled())) == [("webinar", "c-1", "entered", "", "enrol")]
    assert len(verdicts_of_leads(store, [f"F-{n}" for n in range(150)])) == 150
    assert store.command("SELECT count() FROM agenda WHERE at > now() + INTERVAL 2 DAY") == 0


def test_a_lead_that_the_judge_fails_on_does_not_hold_up_the_others(settle, monkeypatch):
    real = judging.judge_lead

    def fails_on_one(lead, *rest, **how):
        if lead == "L-bad":
            raise ZeroDivisionError("a bug")
        return real(lead, *rest, **how)

    monkeypatch.setattr(judging, "judge_lead", fails_on_one)
    requests = sent(captured(lead="L-bad", entry="c-bad", trace="9" * 32), captured(), enrolled())
    assert settle(requests) == [("webinar", "c-1", "entered", "", "enrol")]


def test_a_loop_that_breaks_is_told_and_goes_on(store, monkeypatch):
    settler = Settler(store, lambda: FLOWS, pace=Pace(idle=timedelta(milliseconds=5)))
    breaks = iter([True, True])
    real = settler.tick

    def tick():
        if next(breaks, False):
            raise ZeroDivisionError("a bug")
        settler.stop()
        return real()

    monkeypatch.setattr(settler, "tick", tick)
    store.land("traces", traces(captured(), enrolled()), "s")
    settler.run()
    assert verdicts_of_leads(store, ["L-1"])["L-1"][0].verdict.status == "entered"


def test_arrays_and_lists_of_a_journey_are_readable(settle, store):
    request = ExportTraceServiceRequest.FromString(traces(captured()))
    made = request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="tags")
    made.value.array_value.values.add(string_value="vip")
    store.land("traces", request.SerializeToString(), "s")
    assert hops_of_leads(store, ["L-1"])["L-1"][0].attributes["tags"] == '["vip"]'
