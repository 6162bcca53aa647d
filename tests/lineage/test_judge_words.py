"""What a person would say of the words in telemetry: errors, bodies, events, the answers of the systems in the flow."""

# fmt: off

from dataclasses import replace

import pytest
from stories_of_stacks import FORM, PROSPECTS, Stories, before_crm, check, enrolled, synced
from telling_spans import body, client, log, message, server, span

from model.flowfile import read_flow
from model.hop import SpanEvent

tells = Stories()


@tells("pending", "pending.processing", "salesforce", after_s=60)
def a_throttled_call_that_is_told_by_400():
    outer = server("sfdc-sync", "POST /lead", 500, at=4)
    return [
        *before_crm(),
        outer,
        client("sfdc-sync", "POST https://dynamodb.us-east-1.amazonaws.com/", 400, at=4.01, took=0.05, parent=outer, attributes={"error.type": "ThrottlingException", "rpc.system": "aws-api"}),
    ]


@tells("blocked", "crm.rate_limit", "salesforce")
def an_sdk_that_tells_the_status_in_its_exception():
    task = message(
        "sfdc-sync", "process", "lead.graded", at=5, status="error", exceptions=[("hubspot.crm.contacts.exceptions.ApiException", "(429)\nReason: Too Many Requests\nHTTP response headers: ...")]
    )
    return [*before_crm(), task]


@tells("blocked", "crm.validation_rule", "salesforce", after_s=60)
def an_sdk_that_tells_the_vendors_code_in_its_exception():
    task = message(
        "sfdc-sync",
        "process",
        "lead.graded",
        at=5,
        status="error",
        exceptions=[
            (
                "simple_salesforce.exceptions.SalesforceMalformedRequest",
                "Malformed request https://acme.my.salesforce.com/. Response content: [{'message': 'Phone needed', 'errorCode': 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'fields': []}]",
            )
        ],
    )
    return [*before_crm(), task]


@tells("blocked", "crm.auth", "salesforce", after_s=60)
def dotnet_tells_the_status_in_a_sentence():
    task = message("sfdc-sync", "process", "lead.graded", at=5, status="error", message="Response status code does not indicate success: 401 (Unauthorized).")
    return [*before_crm(), task]


@tells("blocked", "crm.permission", "salesforce", after_s=60)
def python_requests_tells_the_status_in_a_sentence():
    task = message("sfdc-sync", "process", "lead.graded", at=5, status="error", exceptions=[("requests.exceptions.HTTPError", "403 Client Error: Forbidden for url: https://acme.my.salesforce.com/x")])
    return [*before_crm(), task]


@tells("blocked", "unknown.vendor_unspecified", "salesforce", "“TypeError”")
def an_error_type_that_says_nothing_yields_to_the_exception():
    task = message(
        "sfdc-sync", "process", "lead.graded", at=5, status="error", attributes={"error.type": "_OTHER"}, exceptions=[("TypeError", "Cannot read properties of undefined (reading 'email')")]
    )
    return [*before_crm(), task]


@tells("skipped", "consent.missing", "permission")
def a_span_event_that_says_rejected():
    asked = server("onetrust-proxy", "POST /v1/consent/check", at=1)
    told = replace(asked, events=(SpanEvent(asked.at_ns, "consent.rejected", {}),))
    return [before_crm()[0], told]


@tells("skipped", "reentry.already_active", "cadence")
def a_span_event_with_the_conventions_words():
    outer = server("outreach-sync", "POST /enrol", at=30)
    told = replace(outer, events=(SpanEvent(outer.at_ns, "result", {"lead.outcome": "skipped", "lead.reason": "reentry.already_active"}),))
    return [*synced(), told]


REFUSALS = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: refusals}
spec:
  goal: nurture
  deadline: 2h
  steps:
    - {name: signup, kind: capture, match: [{event: FormSubmitted}]}
    - {name: optin, kind: consent, after: [signup], within: 10m, match: [{event: optin_checked}, {event: optin_denied}]}
    - {name: nurture, kind: sequence, after: [optin], within: 30m, match: [{event: ProgramJoined}, {event: ProgramEntryRejected}, {event: program_entry_failed}]}
""")


@tells("skipped", "consent.missing", "optin", flow=REFUSALS)
def an_event_whose_name_says_denied():
    return [log("web", "FormSubmitted", at=0), log("prefs", "optin_denied", at=3)]


@tells("skipped", "eligible.criteria_not_met", "nurture", flow=REFUSALS)
def an_event_whose_name_says_rejected():
    return [log("web", "FormSubmitted", at=0), log("prefs", "optin_checked", at=3), log("drip", "ProgramEntryRejected", at=9)]


@tells("blocked", "unknown.vendor_unspecified", "nurture", "program_entry_failed", flow=REFUSALS)
def an_event_whose_name_says_failed():
    return [log("web", "FormSubmitted", at=0), log("prefs", "optin_checked", at=3), log("drip", "program_entry_failed", at=9)]


@tells("entered", flow=REFUSALS)
def an_event_whose_name_says_failed_and_one_that_says_joined():
    return [*an_event_whose_name_says_failed(), log("drip", "ProgramJoined", at=60)]


@tells("skipped", "eligible.criteria_not_met", "cadence")
def a_plain_body_that_says_skipped():
    outer = server("outreach-sync", "POST /enrol", at=30)
    return [*synced(), outer, client("outreach-sync", f"POST {PROSPECTS}", 200, at=30.01, took=0.05, parent=outer, attributes={"http.response.body": "skipped"})]


@tells("skipped", "reentry.already_active", "cadence")
def a_body_on_an_event_of_the_span():
    outer = server("outreach-sync", "POST /enrol", at=30)
    answer = SpanEvent(outer.at_ns, "http.response", body({"status": "rejected", "code": "ALREADY_ENROLLED"}))
    return [*synced(), replace(outer, events=(answer,))]


@tells("skipped", "campaign.paused", "cadence")
def a_log_record_that_says_skipped_while_the_request_is_answered_green():
    outer = server("outreach-sync", "POST /enrol", at=30, took=1)
    return [*synced(), outer, log("outreach-sync", "EnrollmentSkipped", at=30.5, lead__reason="campaign.paused")]


@tells("entered")
def a_lead_that_was_turned_away_while_paused_and_taken_the_next_day():
    refused = server("outreach-sync", "POST /enrol", at=30)
    no = client("outreach-sync", f"POST {PROSPECTS}", 200, at=30.02, took=0.05, parent=refused, attributes=body({"status": "skipped", "reason": "campaign.paused"}))
    return [*synced(), refused, no, *enrolled(600)]


@tells("blocked", "capture.transform_failed", "form")
def a_form_that_could_not_be_kept():
    outer = server("site-bff", FORM, 500, at=0, took=1, exceptions=[("psycopg.errors.UndefinedColumn", 'column "utm" does not exist')])
    insert = span(
        "site-bff", "INSERT submissions", "client", at=0.1, parent=outer, status="error", attributes={"db.system.name": "postgresql", "db.response.status_code": "42703", "error.type": "42703"}
    )
    return [outer, insert]


@tells("blocked", "capture.signature_failed", "form", after_s=10)
def a_webhook_whose_signature_is_wrong():
    return [server("site-bff", FORM, 401, at=0)]


@tells("entered")
def a_form_that_was_corrected_and_sent_again():
    return [server("site-bff", FORM, 422, at=-20), *synced(), *enrolled()]


@tells("pending", "pending.processing", "cadence", after_s=60)
def an_analytics_service_that_refuses_the_leads_event_stops_nobody():
    done = server("sfdc-sync", "POST /lead", at=4)
    return [*before_crm(), done, server("analytics-proxy", "POST /track", 400, at=5)]


@tells("entered")
def a_handled_exception_on_a_green_span():
    caught = server("sfdc-sync", "POST /lead", at=4, exceptions=[("com.acme.PhoneFormatException", "not a number: n/a")])
    return [*before_crm(), caught, *enrolled()]


@tells("entered")
def a_404_that_the_developer_marked_as_fine():
    outer = server("outreach-sync", "POST /enrol", at=30, took=2)
    gone = client("outreach-sync", "DELETE https://api.outreach.io/api/v2/sequenceStates/9", 404, at=30.1, parent=outer, status="ok")
    enrol = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.5, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, gone, enrol]


@pytest.mark.parametrize(("tell", "said"), tells.told)
def test_it_says_what_a_person_would_say(tell, said):
    check(tell, said)
