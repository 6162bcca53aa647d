"""Rules of the judge about what only looks like trouble, and about trouble that no step names."""

from datetime import timedelta

import pytest
from telling_hops import FLOW_YAML, START, healthy, hop, journey, said, verdict

from lineage.errors import named_error
from lineage.verdict import judge
from model.flowfile import read_flow
from model.verdict import Contribution, Status

ABSENT = "observability.expected_but_absent"
# The same flow, of which only events tell the last steps: their systems have no names here.
BY_EVENTS = read_flow(
    FLOW_YAML.replace("[{service: writer}]", "[{event: CrmWritten}]").replace("[{service: permissions}]", "[{event: Consented}]")
)  # fmt: skip


def written(at: float, **how):
    """A green handling of the CRM message, and one call of it."""
    outer = hop("crm", at=at, took=1.0, http=200)
    return outer, hop(service="writer", name="POST", kind="client", at=at + 0.1, parent=outer, **how)


def call(parent, at, url="https://crm.example/leads", **how):
    host = url.split("/")[2]
    return hop(service="writer", name="POST", kind="client", at=at, parent=parent,
               attributes={"url.full": url, "server.address": host, **how.pop("attributes", {})}, **how)  # fmt: skip


# ── systems that the flow does not name ─────────────────────────────────────────────────────────────────────────────


def test_a_stray_failure_is_not_mended_by_another_systems_success():
    broken = hop(service="relay", name="publish", kind="producer", at=4, error="ECONNREFUSED")
    other = hop(service="billing", name="invoice", kind="consumer", at=6, outcome="ok")
    assert said(verdict([*healthy("score"), broken, other])) == ("blocked", "delivery.refused", "crm")


def test_a_stray_failure_is_mended_by_its_own_systems_retry():
    broken = hop(service="relay", name="publish", kind="producer", at=4, error="ECONNREFUSED")
    again = hop(service="relay", name="publish", kind="producer", at=6)
    assert said(verdict([*healthy("score"), broken, again])) == ("blocked", ABSENT, "crm")


def test_a_final_refusal_by_a_system_without_a_name_stops_at_once_where_events_tell_the_step():
    refused = hop(service="crm-edge", name="POST /records", at=4, http=422)
    found = verdict([*healthy("score", but=["consent"]), refused], flow=BY_EVENTS, after=timedelta(seconds=6))
    assert found.status is Status.BLOCKED
    assert found.evidence[0].service == "crm-edge"


def test_a_dead_letter_without_a_reason_takes_the_last_one_before_it():
    tries = [hop(service="crm-edge", name="process", kind="consumer", at=at, http=503) for at in (4, 8)]
    dead = hop(service="crm-edge", name="send dlq", kind="producer", at=9, outcome="dead_lettered")
    found = verdict([*healthy("score"), *tries, dead], flow=BY_EVENTS)
    assert (found.status.value, found.cause) == ("blocked", "delivery.http_error")


def test_a_stray_not_yet_is_pending_until_its_time_is_up():
    held = hop(service="crm-edge", name="POST", at=4, outcome="skipped", reason="pending.window")
    hops = [*healthy("score"), held]
    early = verdict(hops, after=timedelta(seconds=30))
    assert said(early) == ("pending", "pending.window", "crm")
    assert said(verdict(hops)) == ("blocked", "pending.window", "crm")


def test_a_capture_that_answers_with_another_systems_error_is_done():
    flow = read_flow(FLOW_YAML.replace("[{service: forms}]", "[{event: FormSubmitted}]"))
    outer = hop(service="forms", name="POST /signup", at=0, took=9, http=502, event="FormSubmitted")
    broken = hop(service="crm-edge", name="POST", kind="server", at=4, http=503, parent=outer)
    hops = [outer, *healthy("score", but=["capture"]), broken]
    assert said(verdict(hops, flow=flow)) == ("blocked", "delivery.http_error", "crm")


def test_a_call_of_a_system_that_the_flow_names_belongs_to_its_step_although_its_handling_was_lost():
    flow = read_flow(FLOW_YAML.replace("[{service: writer}]", '[{service: writer, name: "POST /write"}]'))
    lost = hop(service="writer", name="POST", kind="client", at=4, http=422)
    found = verdict([*healthy("score"), lost], flow=flow)
    assert said(found) == ("blocked", "crm.validation_rule", "crm")
    beside = hop(service="writer", name="POST /exports", kind="server", at=4, http=422)
    assert flow.step_of_system(beside) is None


def test_two_steps_of_one_system_claim_nothing_that_neither_names():
    flow = read_flow(FLOW_YAML.replace("[{service: permissions}]", '[{service: writer, name: "ask"}]'))
    assert flow.step_of_system(hop(service="writer", name="other", kind="client", at=1)) is None


# ── errors by name ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("TLS handshake timeout", "timeout"),
        ("ConnectionError: SSLError(CertificateVerifyFailed)", "tls"),
        ("secure_connection_error", "tls"),
        ("No connection could be made because the target machine actively refused it.", "refused"),
        ("[Errno -2] Name or service not known", "refused"),
        ("Error: socket hang up", "refused"),
        ("write EPIPE", "refused"),
        ("httpx.ReadError", "refused"),
        ("http.client.IncompleteRead: 0 bytes read", "refused"),
        ("CircuitBreaker 'crm' is OPEN and does not permit further calls", "refused"),
        ("javax.net.ssl.SSLHandshakeException", "tls"),
        ("OpenSSL::SSL::SSLError", "tls"),
        ("rustls::Error", "tls"),
        ("ValueError: lossless hassle at the outlsworth office", ""),
        ("KeyError: 'company_size'", ""),
    ],
)
def test_an_error_is_named_by_its_words(words, name):
    assert named_error(words) == name


# ── what a handling that calls itself a success has seen ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("system", ["redis", "postgresql"])
def test_a_datastore_that_failed_within_a_green_handling_stops_nobody(system):
    outer, kept = written(4, error="LOADING", attributes={"db.system.name": system})
    assert said(verdict([*healthy("score"), outer, kept])) == ("blocked", ABSENT, "enrol")


def enrolled_beside(failed_url):
    """An enrolment that went well, and another call that failed beside it."""
    outer = hop("enrol", service="sender", at=6, took=2, http=200, attributes={"lead.event": ""})
    calls = [
        hop(
            service="sender",
            name="POST",
            kind="client",
            at=at,
            http=status,
            parent=outer,
            attributes={"server.address": host},
        )
        for at, status, host in ((6.1, 201, "seq.example"), (7, 503, failed_url))
    ]
    return [*healthy("crm"), outer, *calls]


def test_at_the_goal_a_failed_call_beside_a_write_that_went_well_elsewhere_stops_nobody():
    flow = read_flow(FLOW_YAML.replace("[{event: SequenceEnrolled}]", "[{service: sender}]"))
    assert verdict(enrolled_beside("audit.internal"), flow=flow).status is Status.ENTERED
    assert verdict(enrolled_beside("seq.example"), flow=flow).status is Status.BLOCKED


def test_before_the_goal_a_failed_call_beside_a_write_is_told_only_if_the_lead_did_not_go_on():
    outer = hop("crm", at=4, took=2, http=200)
    hops = [*healthy("score"), outer, call(outer, 4.1, http=201), call(outer, 5, "https://audit.internal/e", http=503)]
    assert said(verdict(hops)) == ("blocked", "delivery.http_error", "crm")
    went_on = verdict([*hops, hop("enrol", at=7)])
    assert went_on.status is Status.ENTERED


def test_a_token_is_no_write():
    outer = hop("crm", at=4, took=2, http=200)
    token = call(outer, 4.1, "https://login.example/oauth/token", http=200)
    hops = [*healthy("score"), outer, token, call(outer, 5, http=422)]
    assert said(verdict(hops)) == ("blocked", "crm.validation_rule", "crm")


def test_a_failed_call_to_the_system_that_was_written_to_still_stands():
    outer = hop("crm", at=4, took=2, http=200)
    hops = [
        *healthy("score"),
        outer,
        call(outer, 4.1, http=201),
        call(outer, 5, "https://crm.example/members", http=422),
    ]
    assert said(verdict(hops)) == ("blocked", "crm.validation_rule", "crm")


def test_a_failure_that_its_handling_calls_a_success_waits_for_what_comes_next():
    hops = [*healthy("score"), *written(4, http=422)]
    assert said(verdict(hops, after=timedelta(minutes=4))) == ("pending", "pending.processing", "crm")
    assert said(verdict(hops, after=timedelta(minutes=6))) == ("blocked", "crm.validation_rule", "crm")


def test_a_failure_that_its_handling_calls_a_success_yields_to_one_that_nobody_denies():
    asked = hop("consent", at=1, took=0.5, http=200)
    denied = hop(service="permissions", name="POST", kind="client", at=1.1, http=503, parent=asked)
    hops = [*healthy("enrich", but=["consent"]), asked, denied, hop("score", at=3, score=12)]
    found = verdict(hops)
    assert said(found) == ("skipped", "eligible.criteria_not_met", "score")
    assert Contribution("delivery.http_error", "consent") in found.contributing


# ── retries ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [(400, "UNABLE_TO_LOCK_ROW", "crm.row_lock"), (403, "REQUEST_LIMIT_EXCEEDED", "crm.rate_limit")],
)
def test_a_code_that_asks_to_try_again_is_not_final_whatever_the_status(status, code, cause):
    outer = hop("crm", at=4, took=1, http=502)
    body = {"http.response.body": f'[{{"errorCode": "{code}"}}]', "lead.system": "salesforce"}
    hops = [*healthy("score"), outer, call(outer, 4.1, http=status, attributes=body)]
    assert verdict(hops, after=timedelta(seconds=20)).status is Status.PENDING
    assert said(verdict(hops)) == ("blocked", cause, "crm")


# ── the goal ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_in_a_database_is_no_goal():
    flow = read_flow(FLOW_YAML.replace("[{event: SequenceEnrolled}]", "[{service: sender}]"))
    kept = hop(service="sender", name="SELECT members", kind="client", at=5, attributes={"db.system": "mysql"})
    assert said(verdict([*healthy("crm"), kept], flow=flow)) == ("blocked", ABSENT, "enrol")
    done = hop(service="sender", name="POST /members", at=6)
    assert verdict([*healthy("crm"), kept, done], flow=flow).status is Status.ENTERED


def test_a_record_in_a_database_completes_a_step_only_where_the_step_means_it():
    kept = hop(service="writer", name="INSERT leads", kind="client", at=4, attributes={"db.system": "mysql"})
    assert said(verdict([*healthy("score"), kept])) == ("blocked", ABSENT, "crm")
    meant = read_flow(FLOW_YAML.replace("[{service: writer}]", '[{service: writer, name: "INSERT *"}]'))
    assert said(verdict([*healthy("score"), kept], flow=meant)) == ("blocked", ABSENT, "enrol")


def test_thousands_of_calls_below_one_handling_are_weighed_in_a_single_pass():
    outer = hop("crm", at=4, took=4000, http=200)
    calls = [
        call(outer, 4 + n / 10, f"https://host-{n}.example/leads", http=503 if n % 2 else 200) for n in range(5000)
    ]
    found = judge(journey([*healthy("score"), outer, *calls]), BY_EVENTS, START + timedelta(days=1))
    assert found.hops == 5005


def test_thousands_of_refusals_and_successes_are_weighed_in_bounded_work():
    flow = read_flow(FLOW_YAML.replace("[{event: SequenceEnrolled}]", "[{service: sender}]"))
    refused = [
        hop(service="sender", name="enrol", at=5 + n, took=0.5, outcome="skipped", reason="campaign.paused")
        for n in range(4000)
    ]
    taken = [hop(service="sender", name=f"try {n}", at=5.6 + n, took=0.2) for n in range(4000)]
    found = judge(journey([*healthy("crm"), *refused, *taken]), flow, START + timedelta(days=1))
    assert found.status is Status.ENTERED


def test_probes_of_a_process_say_nothing_but_writing_a_status_does():
    probe = hop(service="writer", name="GET /status", at=4, http=503)
    assert said(verdict([*healthy("score"), probe])) == ("blocked", ABSENT, "crm")
    write = hop(service="writer", name="PATCH /leads/7/status", at=4, http=500)
    assert said(verdict([*healthy("score"), write])) == ("blocked", "delivery.http_error", "crm")
