"""What stock SDKs of seven languages record when a call fails, and who is to blame where a flow names few systems."""

# fmt: off

from datetime import timedelta

import pytest
from stories_of_stacks import ABSENT, LEADS, ON_A_BUS, PROSPECTS, Stories, before_crm, check, enrolled, synced
from telling_hops import START
from telling_spans import body, client, log, message, server, span

from lineage.journey import journeys
from lineage.verdict import judge
from model.flowfile import read_flow

tells = Stories()

FLOW = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: plain, owner: growth}
spec:
  goal: enrol
  deadline: 1h
  steps:
    - {name: form, kind: capture, match: [{service: site}]}
    - {name: crm, kind: crm, after: [form], match: [{service: writer}]}
    - {name: enrol, kind: sequence, after: [crm], match: [{service: sender}]}
""")


def cause_of(type_: str, message: str, **crm) -> str:
    """The cause where the CRM step's handler raised this and nothing else is told of the call."""
    hops = [server("site", "POST /form", at=0), span("writer", "work", "consumer", at=1, status="error", exceptions=[(type_, message)], **crm)]
    (found,) = journeys("L-7", hops, {FLOW.name: FLOW})
    return judge(found, FLOW, START + timedelta(days=1)).cause


STATUS_429 = [
    ("org.springframework.web.client.HttpClientErrorException$TooManyRequests", '429 Too Many Requests: "{}"'),
    ("feign.FeignException$TooManyRequests", "[429 Too Many Requests] during [POST] to [https://crm] [Api#create(Lead)]: []"),
    ("httpx.HTTPStatusError", "Client error '429 Too Many Requests' for url 'https://crm'"),
    ("aiohttp.client_exceptions.ClientResponseError", "429, message='Too Many Requests', url='https://crm'"),
    ("requests.exceptions.RetryError", "Max retries exceeded (Caused by ResponseError('too many 429 error responses'))"),
    ("AxiosError", "Request failed with status code 429"),
    ("HTTPError", "Response code 429 (Too Many Requests)"),
    ("StatusCodeError", '429 - {"message":"slow down"}'),
    ("System.Net.Http.HttpRequestException", "Response status code does not indicate success: 429 (Too Many Requests)."),
    ("*googleapi.Error", "googleapi: Error 429: Quota exceeded"),
    ("RestClient::TooManyRequests", "429 Too Many Requests"),
    ("GuzzleHttp\\Exception\\ClientException", "Client error: `POST https://crm` resulted in a `429 Too Many Requests` response:\n{}"),
    ("io.grpc.StatusRuntimeException", "RESOURCE_EXHAUSTED: quota"),
    ("*status.Error", "rpc error: code = ResourceExhausted desc = quota"),
    ("Error", "8 RESOURCE_EXHAUSTED: quota"),
    ("grpc._channel._InactiveRpcError", "<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.RESOURCE_EXHAUSTED"),
    ("Grpc.Core.RpcException", 'Status(StatusCode="ResourceExhausted", Detail="quota")'),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "message"), STATUS_429, ids=lambda word: word[:40])
def test_a_status_is_read_out_of_what_an_sdk_raises(type_, message):
    assert cause_of(type_, message) == "crm.rate_limit"


@pytest.mark.parametrize(("type_", "message"), STATUS_429[:3], ids=lambda word: word[:40])
def test_a_handler_that_answers_500_is_told_by_what_the_sdk_raised(type_, message):
    assert cause_of(type_, message, attributes={"http.response.status_code": 500}) == "crm.rate_limit"


@pytest.mark.parametrize(
    ("type_", "message", "cause"),
    [
        ("pybreaker.CircuitBreakerError", "Timeout not elapsed yet, circuit breaker still open", "delivery.refused"),
        ("Error", "Breaker is open", "delivery.refused"),
        ("aiohttp.client_exceptions.ClientConnectorError", "Cannot connect to host crm:443 ssl:default [Connect call failed]", "delivery.refused"),
        ("aiohttp.client_exceptions.ClientConnectorCertificateError", "Cannot connect to host crm:443 ssl:True [SSLCertVerificationError]", "delivery.tls"),
        ("SocketError", "other side closed", "delivery.refused"),
        ("*url.Error", 'Post "https://crm": EOF', "delivery.refused"),
        ("*url.Error", "lookup crm on 10.0.0.10:53: no such host", "delivery.refused"),
        ("System.Net.Http.HttpIOException", "The response ended prematurely. (ResponseEnded)", "delivery.refused"),
        ("Faraday::ConnectionFailed", "Failed to open TCP connection", "delivery.refused"),
        ("EOFError", "end of file reached", "delivery.refused"),
        ("Symfony\\Component\\HttpClient\\Exception\\TransportException", "Could not resolve host: crm", "delivery.refused"),
        ("Error", "write EPROTO 1408F10B", "delivery.tls"),
        ("Net::OpenTimeout", "execution expired", "delivery.timeout"),
        ("System.Threading.Tasks.TaskCanceledException", "A task was canceled.", "delivery.timeout"),
        ("celery.exceptions.SoftTimeLimitExceeded", "SoftTimeLimitExceeded()", "delivery.timeout"),
        ("ValueError", "not enough values to unpack (expected 429, got 2)", "unknown.vendor_unspecified"),
        ("requests.exceptions.HTTPError", "400 Client Error: Bad Request for url: https://crm/timeouts", "crm.bad_value"),
    ],
    ids=lambda word: word[:40],
)  # fmt: skip
def test_an_error_is_told_by_its_name(type_, message, cause):
    assert cause_of(type_, message) == cause


SKIPPED = body({"status": "skipped", "reason": "FrequencyCapping"})


@tells("skipped", "cap.frequency", "cadence")
def a_refusal_that_each_delivery_of_the_message_meets_again():
    handled = [message("outreach-sync", "process", "enrol", at=30 + 10 * n) for n in range(3)]
    return [*synced(), *handled, *(client("outreach-sync", "POST https://api.iterable.com/x", at=one.at_ns / 1e9 - START.timestamp() + 0.01, parent=one, attributes=SKIPPED) for one in handled)]


@tells("entered")
def a_refusal_that_the_second_delivery_does_not_meet():
    handled = [message("outreach-sync", "process", "enrol", at=30 + 10 * n) for n in range(2)]
    told = [client("outreach-sync", "POST https://api.iterable.com/x", at=30.01 + 10 * n, parent=one, attributes=attributes) for n, (one, attributes) in enumerate(zip(handled, (SKIPPED, {}), strict=True))]
    return [*synced(), *handled, *told]


@tells("blocked", "delivery.http_error", "salesforce", after_s=4000)
def a_worker_that_calls_itself_well_and_sets_the_message_aside():
    job = message("sfdc-sync", "process", "leads", at=4, took=2)
    refused = client("sfdc-sync", f"POST {LEADS}", 503, at=4.1, parent=job)
    return [*before_crm(), job, refused, message("sfdc-sync", "send", "leads-dlq", at=5, parent=job)]


@tells("skipped", "reentry.already_active", "cadence")
def an_answer_that_lists_the_lead_among_those_it_skipped():
    outer = server("outreach-sync", "POST /enrol", at=30, took=1)
    answer = {"contacts": [], "emailer_campaign": {"id": "9"}, "skipped_contact_ids": {"7": "contacts_active_in_other_campaigns"}}
    return [*synced(), outer, client("outreach-sync", "POST https://api.apollo.io/v1/emailer_campaigns/9/add_contact_ids", at=30.1, parent=outer, attributes=body(answer))]


@tells("entered")
def an_answer_that_lists_the_lead_and_others_that_it_skipped():
    outer = server("outreach-sync", "POST /enrol", at=30, took=1)
    answer = {"contacts": [{"id": "7"}], "skipped_contact_ids": {"8": "contacts_active_in_other_campaigns"}}
    return [*synced(), outer, client("outreach-sync", "POST https://api.apollo.io/v1/emailer_campaigns/9/add_contact_ids", at=30.1, parent=outer, attributes=body(answer))]


@tells("entered")
def an_answer_that_lists_the_fields_it_skipped():
    outer = server("outreach-sync", "POST /enrol", at=30, took=1)
    answer = {"id": "7", "skipped_fields": ["phone"]}
    return [*synced(), outer, client("outreach-sync", f"POST {PROSPECTS}", at=30.1, parent=outer, attributes=body(answer))]


@tells("blocked", "capture.signature_failed", "form")
def a_form_whose_refusal_sounds_like_a_crms():
    return [server("site-bff", "POST /api/contact-sales", 401, at=0, attributes=body({"code": "INVALID_TOKEN"}))]


# ── systems that the flow does not name ─────────────────────────────────────────────────────────────────────────────

HALF_ON_A_BUS = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: half, owner: growth}
spec:
  goal: enrol
  deadline: 1h
  steps:
    - {name: form, kind: capture, match: [{service: site}]}
    - {name: crm, kind: crm, after: [form], match: [{service: writer}]}
    - {name: enrol, kind: sequence, after: [crm], within: 10m, match: [{event: SequenceEnrolled}]}
""")


def written(**crm):
    return [server("site", "POST /form", at=0), server("writer", "POST /lead", at=1, took=1, **crm)]


@tells("blocked", "delivery.timeout", "enrol", flow=HALF_ON_A_BUS)
def who_sends_a_message_on_is_not_to_blame_for_what_becomes_of_it():
    form, lead = written()
    sent = message("writer", "send", "enrol", at=1.5, parent=lead)
    return [form, lead, sent, message("nurture", "process", "enrol", at=2, parent=sent, status="error", exceptions=[("TimeoutError", "")])]


@tells("skipped", "cap.frequency", "enrol", flow=HALF_ON_A_BUS)
def a_refusal_says_more_than_a_failed_side_call_before_it():
    form, lead = written()
    tracked = client("writer", "POST https://api.mixpanel.com/track", 500, at=1.2, parent=lead)
    written_ = client("writer", f"POST {LEADS}", 201, at=1.1, parent=lead)
    return [form, lead, written_, tracked, message("nurture", "process", "enrol", at=9, attributes={"lead.outcome": "rejected", "lead.reason": "FrequencyCapping", "lead.system": "iterable"})]


@tells("blocked", "crm.auth", "crm", "", flow=ON_A_BUS, after_s=4000)
def a_side_call_whose_handling_went_on_to_tell_its_step_done_does_not_matter_later():
    signup = server("app", "POST /signup", at=0, took=2)
    tracked = client("app", "POST https://api.mixpanel.com/track", 429, at=0.5, parent=signup)
    job = message("app", "process", "crm", at=5, took=1, status="error")
    return [signup, tracked, log("app", "FormSubmitted", at=1, parent=signup), job, client("app", f"POST {LEADS}", 401, at=5.1, parent=job)]


@tells("skipped", "eligible.criteria_not_met", "enrol", flow=HALF_ON_A_BUS)
def a_handler_that_fails_since_the_vendor_refused_says_nothing_of_its_own():
    job = message("nurture", "process", "enrol", at=9, took=1, status="error", exceptions=[("Error", "vendor rejected the lead")])
    return [*written(), job, client("nurture", "POST https://api.example.com/enrol", at=9.1, parent=job, attributes=body({"status": "declined"}))]


OPTIONAL_ON_A_BUS = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: optional, owner: growth}
spec:
  goal: enrol
  deadline: 1h
  steps:
    - {name: form, kind: capture, match: [{service: site}]}
    - {name: enrich, kind: enrich, after: [form], within: 2m, required: false, match: [{event: Enriched}]}
    - {name: enrol, kind: sequence, after: [enrich], within: 10m, match: [{event: SequenceEnrolled}]}
""")


@tells("pending", "pending.processing", "enrol", flow=OPTIONAL_ON_A_BUS, after_s=60)
def a_system_of_no_step_that_may_be_an_optional_ones():
    return [server("site", "POST /form", at=0), message("lookup", "process", "enrich", at=1, attributes={"lead.outcome": "failed", "lead.reason": "no match"})]


@tells("entered", flow=OPTIONAL_ON_A_BUS)
def an_optional_step_that_failed_and_was_gone_past():
    return [*a_system_of_no_step_that_may_be_an_optional_ones(), log("nurture", "SequenceEnrolled", at=200)]


MONOLITH = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: monolith, owner: growth}
spec:
  goal: enrol
  deadline: 1h
  steps:
    - {name: form, kind: capture, match: [{service: app, name: "POST /form"}]}
    - {name: crm, kind: crm, after: [form], within: 10m, match: [{event: CrmWritten}]}
    - {name: grade, kind: score, after: [form], within: 10m, match: [{event: Graded}]}
    - {name: enrol, kind: sequence, after: [crm, grade], within: 10m, match: [{event: SequenceEnrolled}]}
""")


@tells("blocked", "crm.validation_rule", "crm", flow=MONOLITH, after_s=4000)
def a_job_of_a_service_that_does_several_things():
    form = server("app", "POST /form", at=0)
    sent = message("app", "send", "crm", at=0.05, parent=form)
    job = message("app", "process", "crm", at=1, took=1, parent=sent, status="error")
    return [form, sent, job, client("app", f"POST {LEADS}", 422, at=1.1, parent=job), span("app", "grade", at=2, attributes={"lead.event": "Graded"})]


@tells("blocked", ABSENT, "grade", flow=MONOLITH)
def a_silent_step_explains_more_than_a_side_call_that_failed_in_parallel():
    form = server("app", "POST /form", at=0)
    crm = span("app", "write", at=1, took=1, attributes={"lead.event": "CrmWritten"})
    return [form, crm, client("app", "POST https://api.mixpanel.com/track", 500, at=1.5, parent=crm)]


ALL_EVENTS = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: all-events, owner: growth}
spec:
  goal: enrol
  deadline: 1h
  steps:
    - {name: form, kind: capture, match: [{event: FormSubmitted}]}
    - {name: crm, kind: crm, after: [form], within: 10m, match: [{event: CrmWritten}]}
    - {name: grade, kind: score, after: [form], within: 10m, match: [{event: Graded}]}
    - {name: enrol, kind: sequence, after: [crm, grade], within: 10m, match: [{event: SequenceEnrolled}]}
""")


@tells("skipped", "consent.do_not_contact", "crm", flow=ALL_EVENTS)
def a_refusal_of_a_step_while_the_same_system_does_another():
    refused = log("app", "WriteRefused", at=1, lead__outcome="skipped", lead__reason="consent.do_not_contact")
    return [log("app", "FormSubmitted", at=0), refused, log("app", "Graded", at=2)]


@tells("skipped", "consent.do_not_contact", "crm", flow=ALL_EVENTS)
def a_refusal_in_the_one_task_that_does_every_step():
    events = ["FormSubmitted", "Refused", "Graded"]
    tasks = [span("app", "task", "consumer", at=at, attributes={"lead.event": event}) for at, event in enumerate(events)]
    tasks[1].attributes.update({"lead.outcome": "skipped", "lead.reason": "consent.do_not_contact"})
    return tasks


@tells("blocked", ABSENT, "crm", flow=ALL_EVENTS)
def a_failure_of_a_step_that_the_silent_one_does_not_wait_for():
    failed = span("app", "grade", "consumer", at=1, attributes={"lead.outcome": "failed", "lead.reason": "crm.rate_limit"})
    return [log("app", "FormSubmitted", at=0), failed, span("app", "grade", "consumer", at=2, attributes={"lead.event": "Graded"})]


@tells("skipped", "cap.frequency", "enrol", flow=ALL_EVENTS)
def a_span_named_for_what_the_vendor_then_refused():
    done = [log("app", event, at=at) for at, event in enumerate(("FormSubmitted", "CrmWritten", "Graded"))]
    enrol = span("app", "enrol", "consumer", at=4, took=1, attributes={"lead.event": "SequenceEnrolled"})
    return [*done, enrol, client("app", "POST https://api.iterable.com/x", at=4.1, parent=enrol, attributes=SKIPPED)]


@tells("entered", flow=ALL_EVENTS)
def a_span_named_for_what_was_done_at_the_second_try():
    done = [log("app", event, at=at) for at, event in enumerate(("FormSubmitted", "CrmWritten", "Graded"))]
    enrol = span("app", "enrol", "consumer", at=4, took=1, attributes={"lead.event": "SequenceEnrolled"})
    return [*done, enrol, log("app", "attempt", at=4.1, parent=enrol, lead__outcome="retrying", lead__reason="delivery.timeout")]


@tells("entered")
def a_log_record_named_for_a_failure_beside_what_was_done():
    outer = server("outreach-sync", "POST /enrol", at=30, took=1)
    return [*synced(), outer, client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.1, parent=outer), log("outreach-sync", "cache.refresh_failed", at=30.5, parent=outer)]


@tells("blocked", ABSENT, "enrol", flow=ALL_EVENTS)
def a_failure_that_the_same_system_left_behind():
    failed = log("app", "WriteFailed", at=1, lead__outcome="failed", lead__reason="crm.rate_limit")
    return [log("app", "FormSubmitted", at=0), failed, log("app", "CrmWritten", at=2), log("app", "Graded", at=3)]


@tells("skipped", "reentry.already_active", "crm", flow=ALL_EVENTS)
def a_refusal_by_what_the_system_took_in_next():
    form = server("app", "POST /form", at=0, attributes={"lead.event": "FormSubmitted"})
    refused = {"lead.outcome": "skipped", "lead.reason": "reentry.already_active"}
    return [form, span("app", "write", "consumer", at=1, parent=form, attributes=refused)]


@tells("blocked", "crm.rate_limit", "crm", flow=FLOW)
def what_is_logged_within_a_span_that_failed():
    job = span("writer", "work", "consumer", at=1, took=1, attributes={"lead.outcome": "failed", "lead.reason": "crm.rate_limit"})
    return [server("site", "POST /form", at=0), job, log("writer", "request.finished", at=1.5, parent=job)]


@tells("entered")
def a_record_that_the_vendor_denies_to_read_is_no_refusal():
    outer = server("sfdc-sync", "POST /lead", at=4, took=1)
    read = client("sfdc-sync", "GET https://api.example.com/leads/7", at=4.1, parent=outer, attributes=body({"status": "denied"}))
    return [*before_crm(), outer, read, client("sfdc-sync", f"POST {LEADS}", 201, at=4.5, parent=outer), *enrolled()]


@tells("blocked", "crm.auth", "salesforce", after_s=20)
def a_refused_token_whose_handling_failed_over_it():
    outer = server("sfdc-sync", "POST /lead", 500, at=4, took=3)
    return [*before_crm(), outer, client("sfdc-sync", f"POST {LEADS}", 401, at=4.1, parent=outer)]


@tells("pending", "pending.processing", "salesforce", after_s=5)
def a_refused_token_whose_handling_may_still_get_a_new_one():
    return [hop for hop in a_refused_token_whose_handling_failed_over_it() if hop.name != "POST /lead"]


@tells("blocked", "crm.auth", "salesforce", after_s=4000)
def a_refused_token_whose_handling_was_never_heard_of():
    return a_refused_token_whose_handling_may_still_get_a_new_one()


@pytest.mark.parametrize(("tell", "said"), tells.told)
def test_it_says_what_a_person_would_say(tell, said):
    check(tell, said)
