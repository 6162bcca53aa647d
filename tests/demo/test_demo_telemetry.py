"""What a customer's stock instrumentation says about each planted fault."""

from datetime import datetime

import pytest

from demo.faults import FAULTS

LEAD_KEYS = {"lead.id", "lead.correlation_id", "lead.flow", "lead.campaign", "lead.segment", "lead.source"}


def statuses(spans):
    return [span.get("http.status_code") for span in spans]


def exceptions(span):
    return [event.attributes["exception.type"] for event in span.events if event.name == "exception"]


def only(spans):
    assert len(spans) == 1, [(span.service, span.name) for span in spans]
    return spans[0]


def servers(drive, entry, service, name):
    return [s for s in drive.spans_of(entry, service) if s.kind == "server" and s.name == name]


def test_every_service_exports_under_its_own_name_and_version(drive):
    exported = {(span.service, span.version) for span in drive.spans}
    assert exported == {(service["name"], service["version"]) for service in drive.truth["services"]}
    assert len({name for name, _ in exported}) == 9


def test_vendors_and_the_bus_stay_unseen(drive):
    assert not {span.service for span in drive.spans} & {"crm-api", "enrichment-api", "bus"}
    assert not [span for span in drive.spans if span.kind == "server" and "/topics/" in span.name]


def test_the_baggage_set_at_capture_is_on_every_span_from_there_on(drive):
    for entry in drive.entries("healthy"):
        for span in drive.spans_of(entry):
            if "/people" in f"{span.name}{span.get('http.url')}":
                continue  # asked before anyone knew which lead this is
            assert span.attributes.keys() >= LEAD_KEYS, (span.service, span.name)
            assert span.get("lead.id") == entry["lead"]
            assert span.get("lead.campaign") == entry["campaign"]


def test_a_healthy_lead_is_one_trace_from_the_form_to_the_sequence(drive):
    for entry in drive.entries("healthy"):
        spans = drive.spans_of(entry)
        assert len({span.trace_id for span in spans}) == 1
        assert {s["name"] for s in drive.truth["services"]} == {span.service for span in spans}
        assert not [span.name for span in spans if span.failed]
        assert {"FormSubmitted", "ConsentGranted", "ScoreChanged", "LeadRouted", "CrmWritten", "SequenceEnrolled"} <= {
            span.get("lead.event") for span in spans
        }


def test_the_relay_continues_the_stored_trace_as_consumer_and_producer(drive):
    entry = drive.entries("healthy")[0]
    saved = only([s for s in drive.spans_of(entry, "web-forms") if s.name == "INSERT leads"])
    received = only([s for s in drive.spans_of(entry, "outbox-relay") if s.kind == "consumer"])
    sent = only([s for s in drive.spans_of(entry, "outbox-relay") if s.kind == "producer"])
    heard = only(servers(drive, entry, "consent", "POST /consents"))
    assert (received.parent_id, sent.parent_id, heard.parent_id) == (saved.span_id, received.span_id, sent.span_id)
    assert sent.get("messaging.destination.name") == heard.get("messaging.destination.name") == "LeadCreated"
    assert sent.get("messaging.message.id") == heard.get("messaging.message.id")


def test_a_rate_limited_write_is_four_429_attempts_with_the_vendors_code(drive):
    for entry in drive.entries("crm-rate-limit"):
        calls = drive.vendor_calls(entry, "crm-api")
        assert statuses(calls) == [429] * 4
        assert [call.get("lead.attempt") for call in calls] == [1, 2, 3, 4]
        assert all(call.failed and "REQUEST_LIMIT_EXCEEDED" in call.get("http.response.body.text") for call in calls)
        assert only(servers(drive, entry, "crm-writer", "POST /leads")).failed
        assert not drive.spans_of(entry, "sequencer")


def test_a_write_limited_once_goes_through_on_the_second_attempt(drive):
    for entry in drive.entries("crm-rate-limit-once"):
        assert statuses(drive.vendor_calls(entry, "crm-api")) == [429, 200]
        assert only(drive.spans_of(entry, "sequencer")[:1]).get("lead.event") == "SequenceEnrolled"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("crm-auth", 401, "INVALID_SESSION_ID"), ("crm-validation", 422, "FIELD_CUSTOM_VALIDATION_EXCEPTION")],
)
def test_a_refusal_that_retries_cannot_mend_is_one_attempt(drive, fault, status, code):
    for entry in drive.entries(fault):
        call = only(drive.vendor_calls(entry, "crm-api"))
        assert call.failed
        assert call.get("http.status_code") == status
        assert code in call.get("http.response.body.text")


def test_a_record_skipped_inside_a_200_leaves_only_green_spans(drive):
    for entry in drive.entries("crm-skipped-in-200"):
        assert not [span.name for span in drive.spans_of(entry) if span.failed]
        call = only(drive.vendor_calls(entry, "crm-api"))
        assert call.get("http.status_code") == 200
        assert '"status":"skipped","reasons":[{"code":"1004"' in call.get("http.response.body.text")
        assert not drive.spans_of(entry, "sequencer")


def test_a_hanging_crm_is_a_read_timeout_on_every_attempt(drive):
    for entry in drive.entries("crm-timeout"):
        calls = drive.vendor_calls(entry, "crm-api")
        assert [exceptions(call) for call in calls] == [["httpx.ReadTimeout"]] * 4
        assert statuses(calls) == [None] * 4


@pytest.mark.parametrize("fault", ["enrichment-down", "enrichment-timeout"])
def test_a_failed_enrichment_leaves_a_score_under_the_gate(drive, fault):
    for entry in drive.entries(fault):
        assert [call.failed for call in drive.vendor_calls(entry, "enrichment-api")] == [True, True]
        assert not only(servers(drive, entry, "enrichment", "POST /enrichments")).failed
        score = only([span for span in drive.spans_of(entry) if span.get("lead.event") == "ScoreChanged"])
        assert score.get("lead.score") < 60
        assert not drive.spans_of(entry, "routing")


def test_a_low_score_stops_the_lead_without_any_failure(drive):
    for entry in drive.entries("low-score"):
        spans = drive.spans_of(entry)
        assert not [span.name for span in spans if span.failed]
        assert only([span for span in spans if span.get("lead.event") == "ScoreChanged"]).get("lead.score") < 60
        assert not drive.spans_of(entry, "routing")


def test_an_unticked_box_is_a_business_decision_of_consent(drive):
    for entry in drive.entries("consent-not-given"):
        decision = only(servers(drive, entry, "consent", "POST /consents"))
        assert (decision.get("lead.outcome"), decision.get("lead.reason")) == ("skipped", "consent.missing")
        assert not drive.spans_of(entry, "routing")


def test_an_unsubscription_midway_is_seen_before_the_sequencer_refuses(drive):
    for entry in drive.entries("consent-withdrawn"):
        [left] = [s for s in drive.spans if s.get("lead.event") == "Unsubscribed" and s.get("lead.id") == entry["lead"]]
        granted = only([s for s in drive.spans_of(entry) if s.get("lead.event") == "ConsentGranted"])
        refused = only(servers(drive, entry, "sequencer", "POST /enrolments"))
        assert granted.start_ns < left.start_ns < refused.start_ns
        assert refused.get("lead.event") == "EnrollmentSkipped"
        assert refused.get("lead.reason") == "consent.opted_out_all"


def test_a_paused_sequence_is_a_409_with_a_reason(drive):
    for entry in drive.entries("sequence-paused"):
        refused = only(servers(drive, entry, "sequencer", "POST /enrolments"))
        assert refused.get("http.status_code") == 409
        assert refused.get("lead.event") == "EnrollmentSkipped"
        assert (refused.get("lead.outcome"), refused.get("lead.reason")) == ("skipped", "campaign.paused")


def test_a_dropped_message_leaves_a_sender_and_no_receiver(drive):
    for entry in drive.entries("message-dropped"):
        spans = drive.spans_of(entry)
        assert only([s for s in spans if s.name == "send LeadQualified"]).failed is False
        assert not [span.name for span in spans if span.failed]
        assert not {span.service for span in spans} & {"routing", "crm-writer", "sequencer"}


def test_a_bug_in_routing_is_a_500_with_the_exception_and_the_persons_email_in_it(drive):
    for entry in drive.entries("routing-bug"):
        crash = only(servers(drive, entry, "routing", "POST /routes"))
        assert crash.failed
        assert crash.get("http.status_code") == 500
        assert exceptions(crash) == ["LookupError"]
        assert entry["emails"][0] in crash.events[0].attributes["exception.message"]
        assert not drive.spans_of(entry, "crm-writer")


def test_a_person_who_submits_twice_is_one_lead_with_two_entries(drive):
    entries = drive.entries("duplicate-submit")
    assert len(entries) == 2 * len({entry["lead"] for entry in entries})
    assert len(entries) == len({entry["correlation_id"] for entry in entries})
    for entry in entries:
        assert only(servers(drive, entry, "sequencer", "POST /enrolments")).get("lead.event") == "SequenceEnrolled"


def test_a_new_crm_writer_appears_before_the_first_429(drive):
    [change] = drive.truth["changes"]
    rolled_out_ns = datetime.fromisoformat(change["at"]).timestamp() * 1e9
    limited = [span for span in drive.spans if span.get("http.status_code") == 429]
    assert change["what"] == "crm-writer 2.4.1"
    assert {span.version for span in drive.spans if span.service == "crm-writer"} == {"2.4.0", "2.4.1"}
    assert {span.version for span in limited} == {"2.4.1"}
    assert min(span.start_ns for span in limited) > rolled_out_ns - 1e6


def test_no_span_reveals_a_planted_fault_by_name(drive):
    everything = b"\n".join(drive.received.raw)
    words = {fault.name for fault in FAULTS} | {str(fault.fields.get("sandbox", fault.name)) for fault in FAULTS}
    assert not [word for word in words | {"sandbox", "winter-nurture"} if word.encode() in everything]


def test_personal_data_leaks_where_real_code_leaks_it(drive):
    emails = {email for entry in drive.truth["leads"] for email in entry["emails"]}
    leaks = {key for span in drive.spans for key, value in span.attributes.items() if str(value) in emails}
    queries = {s.get("http.url") for s in drive.spans if "/people" in str(s.get("http.url"))}
    assert leaks == {"lead.email"}
    assert all("?email=" in url for url in queries)
    assert {url.partition("?email=")[2].replace("%40", "@") for url in queries} == emails


def test_the_headers_asked_for_reach_the_collector(drive):
    assert {headers["authorization"] for headers in drive.received.headers} == {"Bearer k1"}
