"""What vendors answer, and what a person who reads the trace would say: Salesforce, HubSpot, Marketo, Outreach, sources of
company data, retries, and calls that fail beside the point."""

# fmt: off

import pytest
from stories_of_stacks import ABSENT, LEADS, PROSPECTS, TOKEN, Stories, before_crm, check, enrolled, synced
from telling_spans import body, client, rpc, server, span

from model.flowfile import read_flow

tells = Stories()


@tells("entered")
def an_expired_session_is_refreshed_and_the_write_repeated():
    outer = server("sfdc-sync", "POST /lead", at=4, took=3)
    expired = client("sfdc-sync", f"POST {LEADS}", 401, at=4.1, parent=outer, attributes=body([{"errorCode": "INVALID_SESSION_ID"}]))
    token = client("sfdc-sync", f"POST {TOKEN}", at=4.5, parent=outer)
    return [*before_crm(), outer, expired, token, client("sfdc-sync", f"POST {LEADS}", 201, at=5, parent=outer), *enrolled()]


@tells("blocked", "crm.auth", "salesforce")
def a_revoked_refresh_token():
    outer = server("sfdc-sync", "POST /lead", 500, at=4, took=3)
    expired = client("sfdc-sync", f"POST {LEADS}", 401, at=4.1, parent=outer)
    token = client("sfdc-sync", f"POST {TOKEN}", 400, at=4.5, parent=outer)
    return [*before_crm(), outer, expired, token]


@tells("blocked", "crm.row_lock", "salesforce", after_s=1200)
def a_row_lock_that_outlasts_the_retries():
    outer = server("sfdc-sync", "POST /lead", 500, at=4, took=9)
    locked = body([{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}])
    return [*before_crm(), outer, *(client("sfdc-sync", f"POST {LEADS}", 400, resend=n, at=4.1 + n, parent=outer, attributes=locked) for n in range(3))]


@tells("blocked", "crm.validation_rule", "salesforce")
def a_collections_call_that_answers_200_and_refuses_the_record():
    outer = server("sfdc-sync", "POST /lead", at=4, took=1)
    refused = body([{"success": False, "errors": [{"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Phone needed", "fields": []}]}])
    return [*before_crm(), outer, client("sfdc-sync", "POST https://acme.my.salesforce.com/services/data/v61.0/composite/sobjects", 200, at=4.1, parent=outer, attributes=refused)]


@tells("entered")
def a_duplicate_that_is_updated_instead():
    outer = server("sfdc-sync", "POST /lead", at=4, took=2)
    there = client("sfdc-sync", f"POST {LEADS}", 409, at=4.1, parent=outer)
    return [*before_crm(), outer, there, client("sfdc-sync", f"PATCH {LEADS}/00Q7", 204, at=5, parent=outer), *enrolled()]


@tells("blocked", ABSENT, "cadence", "“cadence”")
def a_duplicate_that_was_updated_is_not_why_the_sequence_stays_silent():
    return [hop for hop in a_duplicate_that_is_updated_instead() if hop.service != "outreach-sync"]


@tells("blocked", "crm.rate_limit", "salesforce", after_s=1200)
def the_older_convention_and_a_rate_limit():
    outer = server("sfdc-sync", "POST /lead", 502, at=4, took=2, old=True)
    return [*before_crm(), outer, client("sfdc-sync", "POST https://api.hubapi.com/crm/v3/objects/contacts", 429, at=4.1, parent=outer, old=True)]


@tells("entered")
def a_search_by_post_then_a_conflict_then_an_update():
    outer = server("outreach-sync", "POST /enrol", at=30, took=3)
    found = client("outreach-sync", "POST https://api.hubapi.com/crm/v3/objects/contacts/search", 200, at=30.1, parent=outer, attributes=body({"total": 0, "results": []}))
    clash = client(
        "outreach-sync",
        "POST https://api.hubapi.com/crm/v3/objects/contacts",
        409,
        at=30.5,
        parent=outer,
        attributes=body({"status": "error", "category": "CONFLICT", "message": "Contact already exists. Existing ID: 7"}),
    )
    put = client("outreach-sync", "PATCH https://api.hubapi.com/crm/v3/objects/contacts/7", 200, at=31, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, found, clash, put]


@tells("blocked", "crm.record_skipped_in_200", "salesforce", "reported as successful")
def a_207_of_which_our_record_failed():
    outer = server("sfdc-sync", "POST /lead", at=4, took=1)
    answer = {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [{"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid"}]}
    return [*before_crm(), outer, client("sfdc-sync", "POST https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert", 207, at=4.1, parent=outer, attributes=body(answer))]


MARKETO = "https://123-abc-456.mktorest.com/rest/v1/leads.json"

@tells("blocked", "crm.rate_limit", "salesforce", after_s=1200)
def marketo_answers_200_and_means_a_rate_limit():
    outer = server("sfdc-sync", "POST /lead", at=4, took=1)
    answer = {"requestId": "e42b#14272d07d78", "success": False, "errors": [{"code": "606", "message": "Max rate limit '100' exceeded with in '20' secs"}]}
    return [*before_crm(), outer, client("sfdc-sync", f"POST {MARKETO}", 200, at=4.1, parent=outer, attributes=body(answer))]


@tells("entered")
def marketo_answers_200_and_means_an_expired_token_which_is_renewed():
    outer = server("sfdc-sync", "POST /lead", at=4, took=3)
    expired = client("sfdc-sync", f"POST {MARKETO}", 200, at=4.1, parent=outer, attributes=body({"requestId": "a", "success": False, "errors": [{"code": "602", "message": "Access token expired"}]}))
    token = client("sfdc-sync", "GET https://123-abc-456.mktorest.com/identity/oauth/token", 200, at=4.6, parent=outer)
    done = client("sfdc-sync", f"POST {MARKETO}", 200, at=5, parent=outer, attributes=body({"requestId": "b", "success": True, "result": [{"id": 50, "status": "created"}]}))
    return [*before_crm(), outer, expired, token, done, *enrolled()]


@tells("blocked", "delivery.http_error", "cadence", words="answered with an error")
def outreach_refuses_the_prospect_for_good():
    outer = server("outreach-sync", "POST /enrol", 422, at=30, took=1)
    refused = client("outreach-sync", f"POST {PROSPECTS}", 422, at=30.1, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, refused]


@tells("skipped", "reentry.already_active", "cadence")
def the_tool_says_in_a_green_answer_that_the_lead_is_in_already():
    outer = server("outreach-sync", "POST /enrol", at=30, took=1)
    answer = body({"status": "skipped", "reason": "ALREADY_ENROLLED"})
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, client("outreach-sync", f"POST {PROSPECTS}", 200, at=30.1, parent=outer, attributes=answer)]


@tells("entered")
def a_chat_notice_that_fails_after_the_enrolment():
    outer = server("outreach-sync", "POST /enrol", at=30, took=2)
    enrol = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.1, parent=outer)
    chat = client("outreach-sync", "POST https://hooks.slack.com/services/T0/B0/x", 500, at=31, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, enrol, chat]


@tells("blocked", "delivery.http_error", "salesforce", after_s=3600)
def a_chat_notice_that_works_does_not_stand_in_for_a_write_that_failed():
    outer = server("sfdc-sync", "POST /lead", at=4, took=2)
    write = client("sfdc-sync", f"POST {LEADS}", 503, at=4.1, parent=outer)
    chat = client("sfdc-sync", "POST https://hooks.slack.com/services/T0/B0/x", 200, at=5, parent=outer)
    return [*before_crm(), outer, write, chat]


@tells("entered")
def a_second_source_answers_for_the_first():
    hops = [hop for hop in before_crm() if hop.service != "clearbit-gw"]
    outer = server("clearbit-gw", "GET /companies/find", at=2, took=0.9)
    first = client("clearbit-gw", "GET https://company.clearbit.com/v2/companies/find", 0, at=2.1, parent=outer, message="context deadline exceeded", attributes={"error.type": "timeout"})
    second = client("clearbit-gw", "GET https://api.zoominfo.com/enrich/company", 200, at=2.5, parent=outer)
    return [*hops, outer, first, second, server("sfdc-sync", "POST /lead", at=4), *enrolled()]


@tells("skipped", "eligible.criteria_not_met", "grade", "before that, the lookup")
def a_low_score_because_both_sources_were_away():
    hops = [hop for hop in before_crm() if hop.service not in {"clearbit-gw", "grader"}]
    outer = server("clearbit-gw", "GET /companies/find", 502, at=2, took=0.9)
    calls = [client("clearbit-gw", f"GET https://{host}/find", 503, at=2.1 + n / 10, parent=outer) for n, host in enumerate(("a.example", "b.example"))]
    return [*hops, outer, *calls, span("grader", "grade lead", at=3, attributes={"lead.score": "12"})]


@tells("entered")
def a_company_that_nobody_knows_is_no_failure_of_the_flow():
    hops = [hop for hop in before_crm() if hop.service != "clearbit-gw"]
    outer = server("clearbit-gw", "GET /companies/find", 404, at=2, took=0.9)
    first = client("clearbit-gw", "GET https://company.clearbit.com/v2/companies/find", 404, at=2.1, parent=outer)
    return [*hops, outer, first, server("sfdc-sync", "POST /lead", at=4), *enrolled()]


@tells("entered")
def retries_as_sibling_spans_of_which_the_last_works():
    outer = server("outreach-sync", "POST /enrol", at=30, took=9)
    tries = [client("outreach-sync", f"POST {PROSPECTS}", code, resend=n, at=30.1 + 2 * n, parent=outer) for n, code in enumerate((503, 503, 201))]
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, *tries]


@tells("pending", "pending.processing", "salesforce", words="a retry may still succeed", after_s=60)
def retries_that_still_have_time():
    outer = server("sfdc-sync", "POST /lead", 503, at=4, took=2)
    return [*before_crm(), outer, client("sfdc-sync", f"POST {LEADS}", 503, at=4.1, parent=outer)]


@tells("blocked", "delivery.refused", "salesforce")
def a_circuit_breaker_that_opened_after_the_failures():
    first = server("sfdc-sync", "POST /lead", 503, at=4, took=2)
    call = client("sfdc-sync", f"POST {LEADS}", 503, at=4.1, parent=first)
    second = server(
        "sfdc-sync",
        "POST /lead",
        503,
        at=10,
        exceptions=[("io.github.resilience4j.circuitbreaker.CallNotPermittedException", "CircuitBreaker 'salesforce' is OPEN and does not permit further calls")],
        attributes={"error.type": "503"},
    )
    return [*before_crm(), first, call, second]


@tells("entered")
def the_caller_gave_up_and_asked_again_while_the_first_write_went_through():
    hops = before_crm()
    gave_up = client("grader", "POST https://sfdc-sync.internal/lead", 0, at=4, took=5, parent=hops[-1], attributes={"error.type": "java.net.http.HttpTimeoutException"})
    slow = server("sfdc-sync", "POST /lead", 201, at=4.1, took=8, parent=gave_up)
    return [*hops, gave_up, slow, *enrolled()]


@tells("entered")
def a_hedged_request_that_was_cancelled():
    outer = server("outreach-sync", "POST /enrol", at=30, took=2)
    won = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.1, parent=outer)
    lost = client("outreach-sync", f"POST {PROSPECTS}", 0, at=30.2, parent=outer, message="context canceled", attributes={"error.type": "context canceled"})
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, won, lost]


@tells("entered")
def a_cache_a_flag_service_and_analytics_that_fail_beside_the_point():
    outer = server("outreach-sync", "POST /enrol", at=30, took=3)
    cache = span("outreach-sync", "GET", "client", at=30.1, parent=outer, status="error", message="Connection reset by peer", attributes={"db.system.name": "redis"})
    flags = rpc("outreach-sync", "flagd.evaluation.v1.Service/ResolveBoolean", "client", 14, at=30.2, parent=outer)
    enrol = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.5, parent=outer)
    track = client("outreach-sync", "POST https://api.segment.io/v1/track", 400, at=31, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, cache, flags, enrol, track]


@tells("blocked", "delivery.http_error", "cadence")
def an_analytics_call_that_works_is_not_the_enrolment_that_failed():
    outer = server("outreach-sync", "POST /enrol", 502, at=30, took=2)
    refused = client("outreach-sync", f"POST {PROSPECTS}", 500, at=30.1, parent=outer)
    return [*synced(), outer, refused, client("outreach-sync", "POST https://api.segment.io/v1/track", 200, at=31, parent=outer)]


@tells("blocked", "delivery.timeout", "cadence")
def a_token_is_not_the_enrolment():
    outer = server("outreach-sync", "POST /enrol", 504, at=30, took=20)
    token = client("outreach-sync", "POST https://api.outreach.io/oauth/token", 200, at=30.1, parent=outer)
    return [*synced(), outer, token, client("outreach-sync", f"POST {PROSPECTS}", 0, at=31, took=15, parent=outer, attributes={"error.type": "ReadTimeout"})]


@tells("entered")
def a_record_of_the_enrolment_that_could_not_be_kept():
    outer = server("outreach-sync", "POST /enrol", 500, at=30, took=2)
    done = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.1, parent=outer)
    kept = span("outreach-sync", "INSERT enrolments", "client", at=31, parent=outer, status="error", attributes={"db.system": "postgresql", "error.type": "OperationalError"})
    return [*synced(), outer, done, kept]


@tells("entered")
def a_conflict_that_shows_that_the_try_which_timed_out_had_gone_through():
    first = span("outreach-sync", "process e", "consumer", at=30, took=31, status="error")
    slow = client("outreach-sync", f"POST {PROSPECTS}", 0, at=30.1, took=30, parent=first, attributes={"error.type": "ReadTimeout"})
    second = span("outreach-sync", "process e", "consumer", at=70, took=1)
    return [*synced(), first, slow, second, client("outreach-sync", f"POST {PROSPECTS}", 409, at=70.1, parent=second)]


@tells("blocked", "crm.validation_rule", "salesforce")
def a_word_of_success_that_is_taken_back():
    said = span("sfdc-sync", "write", "server", at=4, attributes={"lead.outcome": "ok"})
    back = {"lead.outcome": "failed", "lead.reason": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "lead.system": "salesforce"}
    return [*before_crm(), said, span("sfdc-sync", "bulk result", "consumer", at=60, attributes=back)]


@tells("blocked", "unknown.vendor_unspecified", "salesforce", "signal: killed")
def a_function_that_ran_out_of_memory():
    words = "RequestId: 7c1 Error: Runtime exited with error: signal: killed"
    return [*before_crm(), span("sfdc-sync", "sfdc-sync", "server", at=4, took=30, status="error", message=words)]


BY_ADDRESS = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: addresses}
spec:
  goal: enrol
  deadline: 5m
  steps:
    - {name: form, kind: capture, match: [{service: app, kind: server}]}
    - {name: crm, kind: crm, after: [form], match: [{attributes: {server.address: "*.salesforce.com"}}]}
    - {name: enrol, kind: sequence, after: [crm], match: [{attributes: {server.address: "api.outreach.io"}}]}
""")


@tells("entered", flow=BY_ADDRESS)
def one_service_that_calls_them_all():
    form = server("app", "POST /lead", 202, at=0, took=3)
    return [form, client("app", f"POST {LEADS}", 201, at=1, parent=form), client("app", f"POST {PROSPECTS}", 201, at=2, parent=form)]


@tells("blocked", ABSENT, "crm", flow=BY_ADDRESS)
def a_token_and_nothing_more():
    form = server("app", "POST /lead", 202, at=0, took=3)
    return [form, client("app", f"POST {TOKEN}", 200, at=1, parent=form)]


@tells("blocked", ABSENT, "enrol", flow=BY_ADDRESS)
def a_lookup_and_nothing_more():
    form = server("app", "POST /lead", 202, at=0, took=3)
    found = client("app", "GET https://api.outreach.io/api/v2/prospects", 200, at=2, parent=form)
    return [form, client("app", f"POST {LEADS}", 201, at=1, parent=form), found]


@pytest.mark.parametrize(("tell", "said"), tells.told)
def test_it_says_what_a_person_would_say(tell, said):
    check(tell, said)
