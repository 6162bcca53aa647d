"""What real stacks send, and what a person who reads the trace would say.

Each story is spans as stock instrumentation makes them: Salesforce, HubSpot, Marketo, Outreach and Segment called over
HTTP by today's conventions and the older ones, gRPC, Kafka, SQS, RabbitMQ, Celery, Temporal; retries, redeliveries,
sampled-out parents, handled exceptions, circuit breakers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from telling_hops import START
from telling_spans import body, client, log, message, rpc, server, span

from lineage.journey import journeys
from lineage.verdict import judge
from model.flow import Flow
from model.flowfile import read_flow
from model.hop import Hop, SpanEvent
from model.verdict import Verdict

ABSENT = "observability.expected_but_absent"

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
STORIES: list[tuple[Tell, Said]] = []


def story(*given: str, **more) -> Callable[[Tell], Tell]:
    def kept(tell: Tell) -> Tell:
        STORIES.append((tell, Said(*given, **more)))
        return tell

    return kept


def ask(hops: Sequence[Hop], said: Said) -> Verdict:
    (found,) = journeys("L-7", hops, {said.flow.name: said.flow})
    return judge(found, said.flow, START + timedelta(seconds=said.after_s))


def before_crm() -> list[Hop]:
    """A lead that was captured, allowed, enriched and graded, all well."""
    return [
        server("site-bff", FORM, 202, at=0),
        server("onetrust-proxy", "POST /v1/consent/check", at=1),
        server("clearbit-gw", "GET /companies/find", at=2),
        span("grader", "grade lead", at=3, attributes={"lead.score": "71"}),
    ]


def enrolled(at: float = 30) -> list[Hop]:
    outer = server("outreach-sync", "POST /enrol", at=at, took=1)
    return [outer, client("outreach-sync", f"POST {PROSPECTS}", 201, at=at + 0.1, parent=outer)]


# ── Salesforce ──────────────────────────────────────────────────────────────────────────────────────────────────────


@story("entered")
def an_expired_session_is_refreshed_and_the_write_repeated():
    outer = server("sfdc-sync", "POST /lead", at=4, took=3)
    expired = client(
        "sfdc-sync", f"POST {LEADS}", 401, at=4.1, parent=outer, attributes=body([{"errorCode": "INVALID_SESSION_ID"}])
    )
    token = client("sfdc-sync", f"POST {TOKEN}", at=4.5, parent=outer)
    return [
        *before_crm(),
        outer,
        expired,
        token,
        client("sfdc-sync", f"POST {LEADS}", 201, at=5, parent=outer),
        *enrolled(),
    ]


@story("blocked", "crm.auth", "salesforce")
def a_revoked_refresh_token():
    outer = server("sfdc-sync", "POST /lead", 500, at=4, took=3)
    expired = client("sfdc-sync", f"POST {LEADS}", 401, at=4.1, parent=outer)
    token = client("sfdc-sync", f"POST {TOKEN}", 400, at=4.5, parent=outer)
    return [*before_crm(), outer, expired, token]


@story("blocked", "crm.row_lock", "salesforce", after_s=1200)
def a_row_lock_that_outlasts_the_retries():
    outer = server("sfdc-sync", "POST /lead", 500, at=4, took=9)
    locked = body([{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}])
    return [
        *before_crm(),
        outer,
        *(
            client("sfdc-sync", f"POST {LEADS}", 400, resend=n, at=4.1 + n, parent=outer, attributes=locked)
            for n in range(3)
        ),
    ]


@story("blocked", "crm.validation_rule", "salesforce")
def a_collections_call_that_answers_200_and_refuses_the_record():
    outer = server("sfdc-sync", "POST /lead", at=4, took=1)
    refused = body(
        [
            {
                "success": False,
                "errors": [
                    {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Phone needed", "fields": []}
                ],
            }
        ]
    )
    return [
        *before_crm(),
        outer,
        client(
            "sfdc-sync",
            "POST https://acme.my.salesforce.com/services/data/v61.0/composite/sobjects",
            200,
            at=4.1,
            parent=outer,
            attributes=refused,
        ),
    ]


@story("entered")
def a_duplicate_that_is_updated_instead():
    outer = server("sfdc-sync", "POST /lead", at=4, took=2)
    there = client("sfdc-sync", f"POST {LEADS}", 409, at=4.1, parent=outer)
    return [
        *before_crm(),
        outer,
        there,
        client("sfdc-sync", f"PATCH {LEADS}/00Q7", 204, at=5, parent=outer),
        *enrolled(),
    ]


@story("blocked", ABSENT, "cadence", "“cadence”")
def a_duplicate_that_was_updated_is_not_why_the_sequence_stays_silent():
    return [hop for hop in a_duplicate_that_is_updated_instead() if hop.service != "outreach-sync"]


# ── HubSpot ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@story("blocked", "crm.rate_limit", "salesforce", after_s=1200)
def the_older_convention_and_a_rate_limit():
    outer = server("sfdc-sync", "POST /lead", 502, at=4, took=2, old=True)
    return [
        *before_crm(),
        outer,
        client("sfdc-sync", "POST https://api.hubapi.com/crm/v3/objects/contacts", 429, at=4.1, parent=outer, old=True),
    ]


@story("entered")
def a_search_by_post_then_a_conflict_then_an_update():
    outer = server("outreach-sync", "POST /enrol", at=30, took=3)
    found = client(
        "outreach-sync",
        "POST https://api.hubapi.com/crm/v3/objects/contacts/search",
        200,
        at=30.1,
        parent=outer,
        attributes=body({"total": 0, "results": []}),
    )
    clash = client(
        "outreach-sync",
        "POST https://api.hubapi.com/crm/v3/objects/contacts",
        409,
        at=30.5,
        parent=outer,
        attributes=body(
            {"status": "error", "category": "CONFLICT", "message": "Contact already exists. Existing ID: 7"}
        ),
    )
    put = client("outreach-sync", "PATCH https://api.hubapi.com/crm/v3/objects/contacts/7", 200, at=31, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, found, clash, put]


@story("blocked", "crm.record_skipped_in_200", "salesforce", "reported as successful")
def a_207_of_which_our_record_failed():
    outer = server("sfdc-sync", "POST /lead", at=4, took=1)
    answer = {
        "status": "COMPLETE",
        "results": [],
        "numErrors": 1,
        "errors": [{"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid"}],
    }
    return [
        *before_crm(),
        outer,
        client(
            "sfdc-sync",
            "POST https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert",
            207,
            at=4.1,
            parent=outer,
            attributes=body(answer),
        ),
    ]


# ── Marketo ─────────────────────────────────────────────────────────────────────────────────────────────────────────

MARKETO = "https://123-abc-456.mktorest.com/rest/v1/leads.json"


@story("blocked", "crm.rate_limit", "salesforce", after_s=1200)
def marketo_answers_200_and_means_a_rate_limit():
    outer = server("sfdc-sync", "POST /lead", at=4, took=1)
    answer = {
        "requestId": "e42b#14272d07d78",
        "success": False,
        "errors": [{"code": "606", "message": "Max rate limit '100' exceeded with in '20' secs"}],
    }
    return [
        *before_crm(),
        outer,
        client("sfdc-sync", f"POST {MARKETO}", 200, at=4.1, parent=outer, attributes=body(answer)),
    ]


@story("entered")
def marketo_answers_200_and_means_an_expired_token_which_is_renewed():
    outer = server("sfdc-sync", "POST /lead", at=4, took=3)
    expired = client(
        "sfdc-sync",
        f"POST {MARKETO}",
        200,
        at=4.1,
        parent=outer,
        attributes=body(
            {"requestId": "a", "success": False, "errors": [{"code": "602", "message": "Access token expired"}]}
        ),
    )
    token = client("sfdc-sync", "GET https://123-abc-456.mktorest.com/identity/oauth/token", 200, at=4.6, parent=outer)
    done = client(
        "sfdc-sync",
        f"POST {MARKETO}",
        200,
        at=5,
        parent=outer,
        attributes=body({"requestId": "b", "success": True, "result": [{"id": 50, "status": "created"}]}),
    )
    return [*before_crm(), outer, expired, token, done, *enrolled()]


# ── the sequence tool ───────────────────────────────────────────────────────────────────────────────────────────────


@story("blocked", "delivery.http_error", "cadence", words="answered with an error")
def outreach_refuses_the_prospect_for_good():
    outer = server("outreach-sync", "POST /enrol", 422, at=30, took=1)
    refused = client("outreach-sync", f"POST {PROSPECTS}", 422, at=30.1, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, refused]


@story("skipped", "reentry.already_active", "cadence")
def the_tool_says_in_a_green_answer_that_the_lead_is_in_already():
    outer = server("outreach-sync", "POST /enrol", at=30, took=1)
    answer = body({"status": "skipped", "reason": "ALREADY_ENROLLED"})
    return [
        *before_crm(),
        server("sfdc-sync", "POST /lead", at=4),
        outer,
        client("outreach-sync", f"POST {PROSPECTS}", 200, at=30.1, parent=outer, attributes=answer),
    ]


@story("entered")
def a_chat_notice_that_fails_after_the_enrolment():
    outer = server("outreach-sync", "POST /enrol", at=30, took=2)
    enrol = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.1, parent=outer)
    chat = client("outreach-sync", "POST https://hooks.slack.com/services/T0/B0/x", 500, at=31, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, enrol, chat]


@story("blocked", "delivery.http_error", "salesforce", after_s=3600)
def a_chat_notice_that_works_does_not_stand_in_for_a_write_that_failed():
    outer = server("sfdc-sync", "POST /lead", at=4, took=2)
    write = client("sfdc-sync", f"POST {LEADS}", 503, at=4.1, parent=outer)
    chat = client("sfdc-sync", "POST https://hooks.slack.com/services/T0/B0/x", 200, at=5, parent=outer)
    return [*before_crm(), outer, write, chat]


# ── enrichment ──────────────────────────────────────────────────────────────────────────────────────────────────────


@story("entered")
def a_second_source_answers_for_the_first():
    hops = [hop for hop in before_crm() if hop.service != "clearbit-gw"]
    outer = server("clearbit-gw", "GET /companies/find", at=2, took=0.9)
    first = client(
        "clearbit-gw",
        "GET https://company.clearbit.com/v2/companies/find",
        0,
        at=2.1,
        parent=outer,
        message="context deadline exceeded",
        attributes={"error.type": "timeout"},
    )
    second = client("clearbit-gw", "GET https://api.zoominfo.com/enrich/company", 200, at=2.5, parent=outer)
    return [*hops, outer, first, second, server("sfdc-sync", "POST /lead", at=4), *enrolled()]


@story("skipped", "eligible.criteria_not_met", "grade", "before that, the lookup")
def a_low_score_because_both_sources_were_away():
    hops = [hop for hop in before_crm() if hop.service not in {"clearbit-gw", "grader"}]
    outer = server("clearbit-gw", "GET /companies/find", 502, at=2, took=0.9)
    calls = [
        client("clearbit-gw", f"GET https://{host}/find", 503, at=2.1 + n / 10, parent=outer)
        for n, host in enumerate(("a.example", "b.example"))
    ]
    return [*hops, outer, *calls, span("grader", "grade lead", at=3, attributes={"lead.score": "12"})]


@story("entered")
def a_company_that_nobody_knows_is_no_failure_of_the_flow():
    hops = [hop for hop in before_crm() if hop.service != "clearbit-gw"]
    outer = server("clearbit-gw", "GET /companies/find", 404, at=2, took=0.9)
    first = client("clearbit-gw", "GET https://company.clearbit.com/v2/companies/find", 404, at=2.1, parent=outer)
    return [*hops, outer, first, server("sfdc-sync", "POST /lead", at=4), *enrolled()]


# ── retries ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@story("entered")
def retries_as_sibling_spans_of_which_the_last_works():
    outer = server("outreach-sync", "POST /enrol", at=30, took=9)
    tries = [
        client("outreach-sync", f"POST {PROSPECTS}", code, resend=n, at=30.1 + 2 * n, parent=outer)
        for n, code in enumerate((503, 503, 201))
    ]
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, *tries]


@story("pending", "pending.processing", "salesforce", words="a retry may still succeed", after_s=60)
def retries_that_still_have_time():
    outer = server("sfdc-sync", "POST /lead", 503, at=4, took=2)
    return [*before_crm(), outer, client("sfdc-sync", f"POST {LEADS}", 503, at=4.1, parent=outer)]


@story("blocked", "delivery.refused", "salesforce")
def a_circuit_breaker_that_opened_after_the_failures():
    first = server("sfdc-sync", "POST /lead", 503, at=4, took=2)
    call = client("sfdc-sync", f"POST {LEADS}", 503, at=4.1, parent=first)
    second = server(
        "sfdc-sync",
        "POST /lead",
        503,
        at=10,
        exceptions=[
            (
                "io.github.resilience4j.circuitbreaker.CallNotPermittedException",
                "CircuitBreaker 'salesforce' is OPEN and does not permit further calls",
            )
        ],
        attributes={"error.type": "503"},
    )
    return [*before_crm(), first, call, second]


@story("entered")
def the_caller_gave_up_and_asked_again_while_the_first_write_went_through():
    hops = before_crm()
    gave_up = client(
        "grader",
        "POST https://sfdc-sync.internal/lead",
        0,
        at=4,
        took=5,
        parent=hops[-1],
        attributes={"error.type": "java.net.http.HttpTimeoutException"},
    )
    slow = server("sfdc-sync", "POST /lead", 201, at=4.1, took=8, parent=gave_up)
    return [*hops, gave_up, slow, *enrolled()]


@story("entered")
def a_hedged_request_that_was_cancelled():
    outer = server("outreach-sync", "POST /enrol", at=30, took=2)
    won = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.1, parent=outer)
    lost = client(
        "outreach-sync",
        f"POST {PROSPECTS}",
        0,
        at=30.2,
        parent=outer,
        message="context canceled",
        attributes={"error.type": "context canceled"},
    )
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, won, lost]


@story("entered")
def a_handled_exception_on_a_green_span():
    caught = server(
        "sfdc-sync", "POST /lead", at=4, exceptions=[("com.acme.PhoneFormatException", "not a number: n/a")]
    )
    return [*before_crm(), caught, *enrolled()]


@story("entered")
def a_404_that_the_developer_marked_as_fine():
    outer = server("outreach-sync", "POST /enrol", at=30, took=2)
    gone = client(
        "outreach-sync",
        "DELETE https://api.outreach.io/api/v2/sequenceStates/9",
        404,
        at=30.1,
        parent=outer,
        status="ok",
    )
    enrol = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.5, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, gone, enrol]


# ── queues ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def published() -> tuple[Hop, Hop]:
    grade = before_crm()[-1]
    return grade, message("grader", "send", "lead.graded", at=3.05, took=0.01, parent=grade)


@story("blocked", ABSENT, "salesforce", words="lead.graded")
def a_message_that_was_published_and_never_consumed():
    grade, sent = published()
    return [*before_crm()[:-1], grade, sent]


@story("blocked", ABSENT, "salesforce", words="lead.graded")
def a_message_that_was_received_and_never_processed():
    grade, sent = published()
    polled = message("sfdc-sync", "receive", "lead.graded", at=5, links=[sent])
    return [*before_crm()[:-1], grade, sent, polled]


@story("entered")
def a_message_that_is_redelivered_and_works_in_the_end():
    grade, sent = published()
    tries = [
        message(
            "sfdc-sync",
            "process",
            "lead.graded",
            at=at,
            took=3,
            links=[sent],
            status="error" if bad else "unset",
            exceptions=[("requests.exceptions.ReadTimeout", "HTTPSConnectionPool: Read timed out.")] if bad else (),
        )
        for at, bad in ((5, True), (40, True), (80, False))
    ]
    return [*before_crm()[:-1], grade, sent, *tries, *enrolled(90)]


@story("blocked", "delivery.timeout", "salesforce", words="did not answer in time")
def a_message_that_goes_to_the_dead_letter_topic_by_a_handler_that_calls_itself_green():
    grade, sent = published()
    outer = message(
        "sfdc-sync",
        "process",
        "lead.graded",
        at=5,
        took=3,
        links=[sent],
        exceptions=[("requests.exceptions.ReadTimeout", "HTTPSConnectionPool: Read timed out.")],
    )
    return [
        *before_crm()[:-1],
        grade,
        sent,
        outer,
        message("sfdc-sync", "send", "lead.graded.DLT", at=7.9, parent=outer),
    ]


@story("blocked", "delivery.timeout", "salesforce", after_s=60)
def a_dead_letter_is_said_at_once_and_who_archives_it_repairs_nothing():
    grade, sent = published()
    outer = message(
        "sfdc-sync",
        "process",
        "lead.graded",
        system="aws_sqs",
        at=5,
        took=3,
        links=[sent],
        status="error",
        exceptions=[("botocore.exceptions.ReadTimeoutError", "Read timeout on endpoint URL")],
    )
    aside = message("sfdc-sync", "process", "lead-graded-dlq", system="aws_sqs", at=20, links=[sent])
    return [*before_crm()[:-1], grade, sent, outer, aside]


@story("blocked", "delivery.http_error", "salesforce", after_s=1200)
def a_green_poll_does_not_make_up_for_a_failed_handling():
    grade, sent = published()
    poll = message("sfdc-sync", "receive", "lead.graded", at=4, took=0.01)
    outer = message("sfdc-sync", "process", "lead.graded", at=5, took=3, links=[sent], status="error")
    call = client("sfdc-sync", f"POST {LEADS}", 503, at=5.1, parent=outer)
    again = message("sfdc-sync", "receive", "lead.graded", at=15, took=0.01)
    return [*before_crm()[:-1], grade, sent, poll, outer, call, again]


@story("pending", "pending.processing", "salesforce", after_s=40)
def a_celery_task_that_asked_for_another_try():
    grade, sent = published()
    task = span(
        "sfdc-sync",
        "run/tasks.push_lead",
        "consumer",
        at=5,
        links=[sent],
        attributes={
            "celery.action": "run",
            "celery.state": "RETRY",
            "celery.task_name": "tasks.push_lead",
            "celery.retry.reason": "ConnectTimeout('timed out')",
        },
    )
    return [*before_crm()[:-1], grade, sent, task]


@story("blocked", "delivery.timeout", "salesforce")
def a_celery_task_that_asked_for_another_try_which_never_came():
    return a_celery_task_that_asked_for_another_try()


@story("entered")
def a_temporal_activity_that_failed_twice():
    flow = span("workflows", "RunWorkflow:InboundLead", at=0.2, took=60, attributes={"temporalWorkflowID": "inbound-7"})
    started = span("workflows", "StartActivity:PushToSalesforce", "client", at=4, took=0.1, parent=flow)
    tries = [
        span(
            "sfdc-sync",
            "RunActivity:PushToSalesforce",
            "server",
            at=at,
            parent=started,
            status="error" if bad else "unset",
            exceptions=[("temporalio.exceptions.ApplicationError", "UNABLE_TO_LOCK_ROW")] if bad else (),
        )
        for at, bad in ((4.1, True), (6.1, True), (10.1, False))
    ]
    return [*before_crm(), flow, started, *tries, *enrolled()]


# ── gRPC ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", [14, "UNAVAILABLE"])
def test_grpc_says_the_same_by_number_and_by_name(code):
    outer = server("sfdc-sync", "POST /lead", 502, at=4, took=1)
    hops = [*before_crm(), outer, rpc("sfdc-sync", "crm.v1.Leads/Upsert", "client", code, at=4.1, parent=outer)]
    found = ask(hops, Said("blocked"))
    assert (found.status.value, found.cause, found.step) == ("blocked", "delivery.http_error", "salesforce")


@story("blocked", "crm.permission", "salesforce", after_s=10)
def grpc_denies_and_is_final():
    outer = server("sfdc-sync", "POST /lead", 500, at=4, took=1)
    return [
        *before_crm(),
        outer,
        rpc("sfdc-sync", "crm.v1.Leads/Upsert", "client", "PERMISSION_DENIED", at=4.1, parent=outer),
    ]


@story("entered")
def grpc_cancels_a_watch_that_nobody_needs():
    outer = server("outreach-sync", "POST /enrol", at=30, took=2)
    watch = rpc("outreach-sync", "flags.v1.Flags/EventStream", "client", 1, at=30.1, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, watch]


# ── databases and things beside ─────────────────────────────────────────────────────────────────────────────────────


@story("blocked", "capture.transform_failed", "form")
def a_form_that_could_not_be_kept():
    outer = server(
        "site-bff",
        FORM,
        500,
        at=0,
        took=1,
        exceptions=[("psycopg.errors.UndefinedColumn", 'column "utm" does not exist')],
    )
    insert = span(
        "site-bff",
        "INSERT submissions",
        "client",
        at=0.1,
        parent=outer,
        status="error",
        attributes={"db.system.name": "postgresql", "db.response.status_code": "42703", "error.type": "42703"},
    )
    return [outer, insert]


@story("entered")
def a_cache_a_flag_service_and_analytics_that_fail_beside_the_point():
    outer = server("outreach-sync", "POST /enrol", at=30, took=3)
    cache = span(
        "outreach-sync",
        "GET",
        "client",
        at=30.1,
        parent=outer,
        status="error",
        message="Connection reset by peer",
        attributes={"db.system.name": "redis"},
    )
    flags = rpc("outreach-sync", "flagd.evaluation.v1.Service/ResolveBoolean", "client", 14, at=30.2, parent=outer)
    enrol = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.5, parent=outer)
    track = client("outreach-sync", "POST https://api.segment.io/v1/track", 400, at=31, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, cache, flags, enrol, track]


@story("pending", "pending.processing", "cadence", after_s=60)
def an_analytics_service_that_refuses_the_leads_event_stops_nobody():
    done = server("sfdc-sync", "POST /lead", at=4)
    return [*before_crm(), done, server("analytics-proxy", "POST /track", 400, at=5)]


@story("blocked", "crm.validation_rule", "salesforce")
def a_call_whose_parent_was_sampled_out():
    hops = before_crm()
    lost = server("sfdc-sync", "POST /lead", 500, at=4)
    return [*hops, client("sfdc-sync", f"POST {LEADS}", 422, at=4.1, parent=lost)]


# ── events alone ────────────────────────────────────────────────────────────────────────────────────────────────────


@story("entered", flow=ON_A_BUS)
def events_in_order():
    return [log("web", "FormSubmitted", at=0), log("sync", "CrmWritten", at=5), log("drip", "SequenceEnrolled", at=9)]


@story("blocked", "delivery.tls", "crm", flow=ON_A_BUS)
def a_worker_that_no_step_names_met_a_bad_certificate():
    worker = message("hubspot-worker", "process", "signups", at=3, took=2, status="error")
    call = client(
        "hubspot-worker",
        "POST https://api.hubapi.com/crm/v3/objects/contacts",
        0,
        at=3.1,
        parent=worker,
        message="unable to verify the first certificate",
        attributes={"error.type": "UNABLE_TO_VERIFY_LEAF_SIGNATURE"},
    )
    return [log("web", "FormSubmitted", at=0), worker, call]


@story("blocked", ABSENT, "crm", flow=ON_A_BUS)
def a_worker_that_failed_and_then_worked_is_not_why_nothing_was_said():
    worker = message(
        "hubspot-worker", "process", "signups", at=3, took=2, status="error", exceptions=[("TimeoutError", "")]
    )
    return [log("web", "FormSubmitted", at=0), worker, message("hubspot-worker", "process", "signups", at=20)]


@story("blocked", "delivery.http_error", "crm", flow=ON_A_BUS)
def an_exception_that_is_told_as_a_log_record():
    worker = message("hubspot-worker", "process", "signups", at=3, took=2, status="error")
    call = client("hubspot-worker", "POST https://api.hubapi.com/crm/v3/objects/contacts", 500, at=3.1, parent=worker)
    return [
        log("web", "FormSubmitted", at=0),
        worker,
        call,
        log(
            "hubspot-worker",
            "exception",
            at=4.9,
            parent=worker,
            exception__type="ApiException",
            exception__message="(500)",
        ),
    ]


# ── more of the same ────────────────────────────────────────────────────────────────────────────────────────────────────────


def synced() -> list[Hop]:
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4)]


@story("blocked", "delivery.http_error", "cadence")
def an_analytics_call_that_works_is_not_the_enrolment_that_failed():
    outer = server("outreach-sync", "POST /enrol", 502, at=30, took=2)
    refused = client("outreach-sync", f"POST {PROSPECTS}", 500, at=30.1, parent=outer)
    return [*synced(), outer, refused, client("outreach-sync", "POST https://api.segment.io/v1/track", 200, at=31, parent=outer)]


@story("blocked", "delivery.timeout", "cadence")
def a_token_is_not_the_enrolment():
    outer = server("outreach-sync", "POST /enrol", 504, at=30, took=20)
    token = client("outreach-sync", "POST https://api.outreach.io/oauth/token", 200, at=30.1, parent=outer)
    return [*synced(), outer, token, client("outreach-sync", f"POST {PROSPECTS}", 0, at=31, took=15, parent=outer, attributes={"error.type": "ReadTimeout"})]


@story("entered")
def a_record_of_the_enrolment_that_could_not_be_kept():
    outer = server("outreach-sync", "POST /enrol", 500, at=30, took=2)
    done = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.1, parent=outer)
    kept = span("outreach-sync", "INSERT enrolments", "client", at=31, parent=outer, status="error", attributes={"db.system": "postgresql", "error.type": "OperationalError"})
    return [*synced(), outer, done, kept]


@story("entered")
def a_lead_that_was_turned_away_while_paused_and_taken_the_next_day():
    refused = server("outreach-sync", "POST /enrol", at=30)
    no = client("outreach-sync", f"POST {PROSPECTS}", 200, at=30.02, took=0.05, parent=refused, attributes=body({"status": "skipped", "reason": "campaign.paused"}))
    return [*synced(), refused, no, *enrolled(600)]


@story("skipped", "campaign.paused", "cadence")
def a_log_record_that_says_skipped_while_the_request_is_answered_green():
    outer = server("outreach-sync", "POST /enrol", at=30, took=1)
    return [*synced(), outer, log("outreach-sync", "EnrollmentSkipped", at=30.5, lead__reason="campaign.paused")]


@story("pending", "pending.processing", "cadence", after_s=60)
def a_message_that_is_delivered_twice_fails_the_second_time_as_the_lead_is_there():
    first = message("sfdc-sync", "process", "lead.graded", at=5)
    write = client("sfdc-sync", f"POST {LEADS}", 201, at=5.01, took=0.05, parent=first)
    second = message("sfdc-sync", "process", "lead.graded", at=9, status="error")
    clash = client("sfdc-sync", f"POST {LEADS}", 409, at=9.01, took=0.05, parent=second)
    return [*before_crm(), first, write, second, clash]


@story("blocked", ABSENT, "cadence")
def a_second_delivery_that_fails_is_not_why_the_next_step_never_came():
    first = message("sfdc-sync", "process", "lead.graded", at=5)
    write = client("sfdc-sync", f"POST {LEADS}", 201, at=5.01, took=0.05, parent=first)
    second = message("sfdc-sync", "process", "lead.graded", at=9, status="error")
    return [*before_crm(), first, write, second, client("sfdc-sync", f"POST {LEADS}", 503, at=9.01, took=0.05, parent=second)]


@story("pending", "pending.processing", "salesforce", after_s=60)
def a_throttled_call_that_is_told_by_400():
    outer = server("sfdc-sync", "POST /lead", 500, at=4)
    return [*before_crm(), outer, client("sfdc-sync", "POST https://dynamodb.us-east-1.amazonaws.com/", 400, at=4.01, took=0.05, parent=outer, attributes={"error.type": "ThrottlingException", "rpc.system": "aws-api"})]


@story("blocked", "crm.rate_limit", "salesforce")
def an_sdk_that_tells_the_status_in_its_exception():
    task = message("sfdc-sync", "process", "lead.graded", at=5, status="error", exceptions=[("hubspot.crm.contacts.exceptions.ApiException", "(429)\nReason: Too Many Requests\nHTTP response headers: ...")])
    return [*before_crm(), task]


@story("blocked", "crm.validation_rule", "salesforce", after_s=60)
def an_sdk_that_tells_the_vendors_code_in_its_exception():
    task = message("sfdc-sync", "process", "lead.graded", at=5, status="error", exceptions=[("simple_salesforce.exceptions.SalesforceMalformedRequest", "Malformed request https://acme.my.salesforce.com/. Response content: [{'message': 'Phone needed', 'errorCode': 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'fields': []}]")])
    return [*before_crm(), task]


@story("blocked", "crm.auth", "salesforce", after_s=60)
def dotnet_tells_the_status_in_a_sentence():
    task = message("sfdc-sync", "process", "lead.graded", at=5, status="error", message="Response status code does not indicate success: 401 (Unauthorized).")
    return [*before_crm(), task]


@story("blocked", "crm.permission", "salesforce", after_s=60)
def python_requests_tells_the_status_in_a_sentence():
    task = message("sfdc-sync", "process", "lead.graded", at=5, status="error", exceptions=[("requests.exceptions.HTTPError", "403 Client Error: Forbidden for url: https://acme.my.salesforce.com/x")])
    return [*before_crm(), task]


@story("blocked", "unknown.vendor_unspecified", "salesforce", "“TypeError”")
def an_error_type_that_says_nothing_yields_to_the_exception():
    task = message("sfdc-sync", "process", "lead.graded", at=5, status="error", attributes={"error.type": "_OTHER"}, exceptions=[("TypeError", "Cannot read properties of undefined (reading 'email')")])
    return [*before_crm(), task]


@story("skipped", "consent.missing", "permission")
def a_span_event_that_says_rejected():
    asked = server("onetrust-proxy", "POST /v1/consent/check", at=1)
    told = Hop(**{**{name: getattr(asked, name) for name in asked.__dataclass_fields__}, "events": (SpanEvent(asked.at_ns, "consent.rejected", {}),)})
    return [before_crm()[0], told]


@story("skipped", "reentry.already_active", "cadence")
def a_span_event_with_the_conventions_words():
    outer = server("outreach-sync", "POST /enrol", at=30)
    told = Hop(**{**{name: getattr(outer, name) for name in outer.__dataclass_fields__}, "events": (SpanEvent(outer.at_ns, "result", {"lead.outcome": "skipped", "lead.reason": "reentry.already_active"}),)})
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


@story("skipped", "consent.missing", "optin", flow=REFUSALS)
def an_event_whose_name_says_denied():
    return [log("web", "FormSubmitted", at=0), log("prefs", "optin_denied", at=3)]


@story("skipped", "eligible.criteria_not_met", "nurture", flow=REFUSALS)
def an_event_whose_name_says_rejected():
    return [log("web", "FormSubmitted", at=0), log("prefs", "optin_checked", at=3), log("drip", "ProgramEntryRejected", at=9)]


@story("blocked", "unknown.vendor_unspecified", "nurture", "program_entry_failed", flow=REFUSALS)
def an_event_whose_name_says_failed():
    return [log("web", "FormSubmitted", at=0), log("prefs", "optin_checked", at=3), log("drip", "program_entry_failed", at=9)]


@story("entered", flow=REFUSALS)
def an_event_whose_name_says_failed_and_one_that_says_joined():
    return [*an_event_whose_name_says_failed(), log("drip", "ProgramJoined", at=60)]


@story("blocked", "delivery.timeout", "cadence")
def an_orchestrator_that_gave_up_on_a_slow_but_successful_write():
    root = span("lead-saga", "lead saga", at=0.1, took=12, status="error")
    gave_up = client("lead-saga", "POST https://sfdc-sync.internal/lead", 0, at=4, took=5, parent=root, attributes={"error.type": "java.net.http.HttpTimeoutException"})
    return [*before_crm(), root, gave_up, server("sfdc-sync", "POST /lead", 201, at=4.1, took=8, parent=gave_up)]


@story("blocked", "capture.signature_failed", "form", after_s=10)
def a_webhook_whose_signature_is_wrong():
    return [server("site-bff", FORM, 401, at=0)]


@story("entered")
def a_form_that_was_corrected_and_sent_again():
    return [server("site-bff", FORM, 422, at=-20), *synced(), *enrolled()]


@story("entered")
def a_batch_consumer_that_links_to_many_messages():
    grade, sent = published()
    batch = message("sfdc-sync", "process", "lead.graded", at=6, took=2, links=[sent, before_crm()[0]], attributes={"messaging.batch.message_count": "50"})
    return [*before_crm()[:-1], grade, sent, batch, *enrolled(40)]


@pytest.mark.parametrize(
    ("tell", "said"), [pytest.param(tell, said, id=tell.__name__ + f"@{said.after_s:.0f}") for tell, said in STORIES]
)
def test_it_says_what_a_person_would_say(tell, said):
    found = ask(tell(), said)
    assert (found.status.value, found.cause) == (said.status, said.cause), found.headline
    assert said.step in {"", found.step}
    assert said.words in found.headline
