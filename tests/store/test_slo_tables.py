"""What budgets are counted from is filled as telemetry comes in."""

from otlp_requests import START, logs, span, traces

from lineage.adopt import Adopter

EVENTS = "SELECT lead_id, event, ok, system, record, idempotency_key, campaign FROM lead_events ORDER BY ts, event"


def asked(store, query):
    with store.client() as client:
        return client.query(query).result_rows


def test_events_of_leads_are_kept_from_spans_and_from_logs(store):
    said = {"lead.event": "CrmWritten", "lead.system": "salesforce", "lead.crm.id": "003A", "lead.campaign": "spring"}
    store.land("traces", traces(
        span("POST", lead="L-1", at=1, attributes={**said, "messaging.message.id": "m-1"}),
        span("POST", lead="L-1", at=2, attributes={**said, "lead.idempotency_key": "k-1", "lead.outcome": "Failed"}),
        span("POST", lead="L-1", at=3, attributes={**said, "http.response.status_code": 429}),
        span("POST", lead="L-1", at=4, attributes=said, error=True),
        span("GET", lead="L-1", at=5),
        span("POST", at=6, attributes=said),
    ), "s-1")  # fmt: skip
    store.land("logs", logs("ScoreChanged", at=7, lead__id="L-1"), "s-2")
    store.land("logs", logs("", at=8, lead__id="L-1"), "s-3")
    assert asked(store, EVENTS) == [
        ("L-1", "CrmWritten", True, "salesforce", "003A", "m-1", "spring"),
        ("L-1", "CrmWritten", False, "salesforce", "003A", "k-1", "spring"),
        ("L-1", "CrmWritten", False, "salesforce", "003A", "", "spring"),
        ("L-1", "CrmWritten", False, "salesforce", "003A", "", "spring"),
        ("L-1", "ScoreChanged", True, "", "", "", ""),
    ]


def test_an_event_without_a_lead_counts_once_it_is_adopted(store):
    store.land("traces", traces(
        span("root", lead="L-1", span_id="a" * 16),
        span("write", parent="a" * 16, at=1, attributes={"lead.event": "CrmWritten"}),
    ), "s-1")  # fmt: skip
    assert asked(store, EVENTS) == []
    Adopter(store).adopt(["a" * 32])
    assert [row[:2] for row in asked(store, EVENTS)] == [("L-1", "CrmWritten")]


def test_the_minutes_in_which_a_service_spoke_are_kept_and_none_of_the_future(store):
    store.land("traces", traces(
        span("a", service="forms", at=10), span("b", service="forms", at=50), span("c", service="forms", at=70),
        span("d", service="fast", at=60 * 60 * 24 * 365 * 100),
    ), "s-1")  # fmt: skip
    store.land("logs", logs("Said", service="writer", at=10), "s-2")
    rows = asked(store, "SELECT service, minute FROM feed_minutes FINAL ORDER BY service, minute")
    assert [(service, (minute - START).total_seconds()) for service, minute in rows if service != "fast"] == [
        ("forms", 0), ("forms", 60), ("writer", 0)]  # fmt: skip
    assert asked(store, "SELECT count() FROM feed_minutes WHERE minute > now()") == [(0,)]


def test_the_same_segment_twice_adds_no_event_and_no_minute(store):
    body = traces(span("x", lead="L-1", attributes={"lead.event": "CrmWritten"}))
    for _ in range(2):
        store.land("traces", body, "segment-1")
    assert asked(store, "SELECT count() FROM lead_events") == [(1,)]
    assert asked(store, "SELECT count() FROM feed_minutes") == [(1,)]
