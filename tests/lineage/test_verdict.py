"""The judge, rule by rule. Every test tells what happened to one lead and what must be said of it."""

import random
from datetime import timedelta

import pytest
from telling_hops import FLOW, START, healthy, hop, journey, said, verdict

from lineage.verdict import judge, seen
from model.flowfile import read_flow
from model.verdict import Contribution, Status

ABSENT = "observability.expected_but_absent"


def failed_call(at: float, **how):
    """A handling of the CRM message whose call to the vendor failed; the error is handed up."""
    outer = hop("crm", at=at, took=1.0, http=500)
    return [outer, hop(service="writer", name="POST", kind="client", at=at + 0.1, parent=outer, **how)]


# ── the goal ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lead_that_reaches_the_goal_in_time_entered():
    found = verdict(healthy())
    assert said(found) == ("entered", "", "enrol")
    assert not found.late
    assert found.reached == ("capture", "consent", "enrich", "score", "crm", "enrol")
    assert [at.second for at in found.reached_at] == [0, 1, 2, 3, 4, 5]
    assert found.headline == "L-1 entered the sequence 5.1 s after capture."


def test_a_lead_that_reaches_the_goal_after_its_deadline_entered_late():
    found = verdict([*healthy("crm"), hop("enrol", at=16 * 60)])
    assert found.status is Status.ENTERED
    assert found.late
    assert "later than the 15 min it should take" in found.headline


def test_a_goal_counts_even_when_earlier_steps_failed():
    found = verdict([*healthy("score"), *failed_call(4, http=429), hop("enrol", at=9)])
    assert found.status is Status.ENTERED
    assert Contribution("crm.rate_limit", "crm") in found.contributing


def test_a_goal_counts_after_an_unsubscription_that_came_later():
    found = verdict([*healthy(), hop(service="prefs", at=60, event="Unsubscribed")])
    assert found.status is Status.ENTERED


# ── waiting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lead_on_its_way_is_pending_until_the_next_step_is_due():
    found = verdict(healthy("crm"), after=timedelta(seconds=30))
    assert said(found) == ("pending", "pending.processing", "enrol")
    assert found.due_at == START + timedelta(seconds=4.1, minutes=5)


def test_a_step_that_does_not_come_by_its_deadline_is_absent():
    found = verdict(healthy("crm"), after=timedelta(minutes=6))
    assert said(found) == ("blocked", ABSENT, "enrol")
    assert found.since == START + timedelta(seconds=4.1, minutes=5)
    assert [one.service for one in found.evidence] == ["writer"]


def test_a_lead_with_no_hop_after_capture_is_lost_at_consent():
    assert said(verdict(healthy("capture"))) == ("blocked", ABSENT, "consent")


def test_an_optional_step_may_be_missing():
    assert verdict(healthy(but=["enrich"])).status is Status.ENTERED
    assert said(verdict(healthy("consent"))) == ("blocked", ABSENT, "score")


def test_a_step_without_hops_is_a_gap_and_no_fault_when_later_steps_happened():
    found = verdict(healthy(but=["crm"]))
    assert found.status is Status.ENTERED
    assert found.contributing == (Contribution("observability.instrumentation_gap", "crm"),)
    assert "crm: left no trace although a later step happened (instrumentation gap)" in found.notes


@pytest.mark.parametrize("minutes", [0, 1, 2, 5, 14, 15, 16, 60])
def test_pending_never_outlives_the_deadline(minutes):
    for until in ("capture", "consent", "score", "crm"):
        found = verdict(healthy(until), after=timedelta(minutes=minutes))
        assert (found.status is Status.PENDING) == (found.due_at is not None)
        if found.due_at is not None:
            assert found.due_at > START + timedelta(minutes=minutes)
            assert found.due_at <= found.deadline_at


# ── failures ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        pytest.param({"http": 429}, "crm.rate_limit", id="429"),
        pytest.param({"http": 401}, "crm.auth", id="401"),
        pytest.param({"http": 403}, "crm.permission", id="403"),
        pytest.param({"http": 409}, "crm.duplicate_rule", id="409"),
        pytest.param({"http": 422}, "crm.validation_rule", id="422"),
        pytest.param({"http": 400}, "crm.bad_value", id="400"),
        pytest.param({"http": 503}, "delivery.http_error", id="503"),
        pytest.param({"http": 504}, "delivery.timeout", id="504"),
        pytest.param({"error": "ReadTimeout"}, "delivery.timeout", id="httpx read timeout"),
        pytest.param({"exception": "httpx.ReadTimeout"}, "delivery.timeout", id="exception without a message"),
        pytest.param({"error": "java.net.SocketTimeoutException"}, "delivery.timeout", id="java timeout"),
        pytest.param({"error": "ECONNREFUSED"}, "delivery.refused", id="node refused"),
        pytest.param({"error": "CERT_HAS_EXPIRED"}, "delivery.tls", id="tls"),
        pytest.param(
            {"http": 400, "system": "salesforce", "reason": "REQUEST_LIMIT_EXCEEDED"}, "crm.rate_limit", id="code"
        ),
        pytest.param({"error": "KeyError"}, "unknown.vendor_unspecified", id="an exception nobody can place"),
    ],
)
def test_a_write_that_failed_for_good_blocks_at_the_crm(how, cause):
    found = verdict([*healthy("score"), *failed_call(4, **how)])
    assert said(found) == ("blocked", cause, "crm")
    assert found.owner == "revops"


def test_the_cause_is_the_deepest_failure_not_the_error_it_was_handed_up_as():
    caller = hop(service="bus", name="deliver", kind="client", at=3.9, took=2, http=502)
    outer = hop("crm", at=4, took=1, http=502, parent=caller)
    call = hop(service="writer", name="POST", kind="client", at=4.1, http=429, parent=outer)
    assert said(verdict([*healthy("score"), caller, outer, call])) == ("blocked", "crm.rate_limit", "crm")


def test_a_failure_below_a_green_span_still_stops_the_lead():
    outer = hop("crm", at=4, took=1, http=200)
    call = hop(service="writer", name="POST", kind="client", at=4.1, http=429, parent=outer)
    assert said(verdict([*healthy("score"), outer, call])) == ("blocked", "crm.rate_limit", "crm")


def test_a_failure_that_a_retry_may_mend_is_pending_until_the_step_is_due():
    hops = [*healthy("score"), *failed_call(4, http=429)]
    early = verdict(hops, after=timedelta(seconds=20))
    assert said(early) == ("pending", "pending.processing", "crm")
    assert early.contributing == (Contribution("crm.rate_limit", "crm"),)
    assert "a retry may still succeed" in early.headline
    assert said(verdict(hops, after=timedelta(minutes=3))) == ("blocked", "crm.rate_limit", "crm")


def test_a_failure_that_no_retry_mends_is_said_at_once():
    found = verdict([*healthy("score"), *failed_call(4, http=422)], after=timedelta(seconds=5))
    assert said(found) == ("blocked", "crm.validation_rule", "crm")


def test_a_retry_that_ended_well_is_a_footnote():
    outer = hop("crm", at=4, took=2, http=200)
    calls = [
        hop(service="writer", name="POST", kind="client", at=4.1, http=429, parent=outer),
        hop(service="writer", name="POST", kind="client", at=4.9, http=200, parent=outer),
    ]
    found = verdict([*healthy("score"), outer, *calls, hop("enrol", at=8)])
    assert said(found) == ("entered", "", "enrol")
    assert found.contributing == ()
    assert any("mended by a later try" in note for note in found.notes)


def test_a_message_that_is_handled_again_and_well_repairs_the_first_handling():
    found = verdict([*healthy("score"), *failed_call(4, http=503), hop("crm", at=30)], after=timedelta(minutes=1))
    assert said(found) == ("pending", "pending.processing", "enrol")


def test_another_call_that_went_well_repairs_nothing():
    outer = hop("crm", at=4, took=2, http=200)
    refused = hop(service="writer", name="POST", kind="client", at=4.1, http=422, parent=outer)
    audit = hop(service="writer", name="PUT /audit", kind="client", at=4.9, http=200, parent=outer)
    assert said(verdict([*healthy("score"), outer, refused, audit])) == ("blocked", "crm.validation_rule", "crm")


def test_retries_that_ran_out_are_a_footnote_to_the_reason():
    set_aside = hop(service="broker", name="dlq", at=40, attributes={"lead.step": "crm"}, outcome="dead_lettered")
    found = verdict(
        [*healthy("score"), *failed_call(4, http=503), *failed_call(20, http=503), set_aside],
        after=timedelta(minutes=1),
    )
    assert said(found) == ("blocked", "delivery.http_error", "crm")
    assert any("dead letter" in note for note in found.notes)


def test_a_dead_letter_without_any_reason_is_retries_exhausted():
    set_aside = hop(service="broker", name="dlq", at=40, attributes={"lead.step": "crm"}, event="DeadLettered")
    assert said(verdict([*healthy("score"), set_aside])) == ("blocked", "delivery.retries_exhausted", "crm")


def test_a_failing_optional_step_contributes_to_the_gate_that_failed():
    hops = [*healthy("consent"), hop("enrich", at=2, error="ReadTimeout"), hop("score", at=3, score=41)]
    found = verdict(hops)
    assert said(found) == ("skipped", "eligible.criteria_not_met", "score")
    assert found.contributing == (Contribution("enrich.lookup_failed", "enrich"),)
    assert "score was 41, needed at least 60" in found.headline


def test_a_failure_of_a_system_the_flow_does_not_name_explains_the_step_that_never_came():
    stray = hop(service="relay", name="publish", kind="producer", at=4, error="ECONNREFUSED")
    assert said(verdict([*healthy("score"), stray])) == ("blocked", "delivery.refused", "crm")


def test_a_vendors_code_that_nobody_mapped_is_shown_raw():
    found = verdict([*healthy("score"), hop("crm", at=4, outcome="failed", reason="E_WEIRD_77", system="acme-crm")])
    assert said(found) == ("blocked", "unknown.vendor_unspecified", "crm")
    assert found.raw_reason == "E_WEIRD_77"
    assert "E_WEIRD_77" in found.headline


# ── a green span whose body says no ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param('{"success":true,"result":[{"status":"skipped","reasons":[{"code":"1004","message":"Lead not found"}]}]}',
                     ("blocked", "crm.record_skipped_in_200", "crm"), id="Marketo skips the record"),
        pytest.param('{"status":"error","category":"HUBSPOT_RATE_LIMIT_DAILY"}', ("blocked", "crm.rate_limit", "crm"), id="a known code"),
        pytest.param('{"status":"created","id":7}', ("blocked", ABSENT, "enrol"), id="created"),
        pytest.param('{"result":[', ("blocked", ABSENT, "enrol"), id="a cut body says nothing"),
        pytest.param("[" * 5000, ("blocked", ABSENT, "enrol"), id="a bottomless body says nothing"),
    ],
)  # fmt: skip
def test_what_a_200_says_inside_counts(body, expected):
    outer = hop("crm", at=4, took=1, http=200)
    call = hop(service="writer", name="POST", kind="client", at=4.1, http=200, parent=outer,
               attributes={"http.response.body.text": body})  # fmt: skip
    assert said(verdict([*healthy("score"), outer, call])) == expected


# ── policy ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_missing_consent_skips_the_lead():
    hops = [*healthy(but=["consent", "enrol"]), hop("consent", at=1, outcome="skipped", reason="consent.missing")]
    assert said(verdict(hops)) == ("skipped", "consent.missing", "consent")


def test_a_refusal_without_a_reason_at_consent_means_missing_consent():
    hops = [*healthy("capture"), hop("consent", at=1, outcome="rejected")]
    assert said(verdict(hops)) == ("skipped", "consent.missing", "consent")


def test_consent_withdrawn_before_the_goal_skips_the_lead():
    hops = [*healthy("crm"), hop(service="prefs", at=4.5, event="Unsubscribed")]
    assert said(verdict(hops)) == ("skipped", "consent.opted_out_all", "consent")


def test_consent_withdrawn_and_refused_by_the_sequencer_stopped_there():
    hops = [
        *healthy("crm"),
        hop(service="prefs", at=4.5, event="ConsentWithdrawn"),
        hop(service="sender", name="enrol", at=5, event="EnrollmentSkipped", reason="consent.opted_out_all"),
    ]
    assert said(verdict(hops)) == ("skipped", "consent.opted_out_all", "enrol")


def test_consent_given_again_mends_its_withdrawal():
    hops = [
        *healthy("crm"),
        hop(service="prefs", at=4.5, event="ConsentWithdrawn"),
        hop(service="prefs", at=4.7, event="ConsentGranted"),
        hop("enrol", at=5),
    ]
    assert verdict(hops[:-1]).cause == ABSENT
    assert verdict(hops).status is Status.ENTERED


def test_a_low_score_stops_the_lead_by_policy():
    assert said(verdict([*healthy("enrich"), hop("score", at=3, score=59.9)])) == (
        "skipped",
        "eligible.criteria_not_met",
        "score",
    )


def test_a_lead_that_passes_its_gate_later_is_judged_by_the_last_score():
    hops = [*healthy("enrich"), hop("score", at=3, score=10), hop("score", at=60, score=90)]
    assert verdict(hops, after=timedelta(seconds=70)).status is Status.PENDING


def test_a_paused_campaign_skips_the_lead():
    hops = [
        *healthy("crm"),
        hop(service="sender", at=5, event="EnrollmentSkipped", outcome="skipped", reason="campaign.paused"),
    ]
    assert said(verdict(hops)) == ("skipped", "campaign.paused", "enrol")


def test_a_campaign_that_failed_because_it_was_paused_is_a_fault():
    hops = [
        *healthy("crm"),
        hop(service="sender", at=5, attributes={"lead.step": "enrol"}, outcome="failed", reason="campaign.paused"),
    ]
    assert said(verdict(hops)) == ("blocked", "campaign.paused", "enrol")


def test_a_vendors_not_yet_is_pending_until_the_deadline_and_then_no_more():
    hops = [
        *healthy("capture"),
        hop("consent", at=1, outcome="skipped", reason="EMAIL_UNCONFIRMED", system="hubspot-email"),
    ]
    assert said(verdict(hops, after=timedelta(minutes=10))) == ("pending", "consent.double_optin_pending", "consent")
    assert said(verdict(hops)) == ("skipped", "consent.double_optin_pending", "consent")


def test_a_merged_lead_goes_on_under_the_other_id():
    found = verdict([*healthy("score"), hop(service="people", at=3.5, event="IdentityMerged", merged_into="L-9")])
    assert (found.status.value, found.cause) == ("skipped", "identity.merged_away")
    assert "it goes on as L-9" in found.headline


def test_an_unmerged_lead_is_judged_as_if_it_had_never_been_merged():
    hops = [
        *healthy(),
        hop(service="people", at=3.5, event="IdentityMerged", merged_into="L-9"),
        hop(service="people", at=3.9, event="IdentityUnmerged", merged_into="L-9"),
    ]
    assert verdict(hops).status is Status.ENTERED
    without_goal = [one for one in hops if one.event != "SequenceEnrolled"]
    assert said(verdict(without_goal)) == ("blocked", ABSENT, "enrol")


def test_of_two_obstacles_the_first_in_the_flow_leads_and_the_other_contributes():
    hops = [
        *healthy(but=["consent", "crm", "enrol"]),
        hop("consent", at=1, outcome="skipped", reason="consent.missing"),
    ]
    found = verdict([*hops, *failed_call(4, http=401)])
    assert said(found) == ("skipped", "consent.missing", "consent")
    assert found.contributing == (Contribution("crm.auth", "crm"),)


# ── flows that do not fit ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_entry_of_which_no_hop_belongs_to_a_step_is_unknown_not_blocked():
    found = verdict([hop(service="somewhere", name="x", at=0), hop(service="else", name="y", at=1)])
    assert found.status is Status.UNKNOWN
    assert "none of its 2 hops" in found.headline


def test_a_hop_that_names_its_step_belongs_there_whatever_the_matchers_say():
    assert (
        verdict(
            [*healthy("score"), hop(service="odd", at=4, attributes={"lead.step": "crm"}), hop("enrol", at=5)]
        ).contributing
        == ()
    )


def test_a_flow_of_two_steps_without_kinds_works():
    flow = read_flow(
        "{apiVersion: leadtrace/v1, kind: Flow, metadata: {name: webinar}, spec: {goal: b, deadline: 1m, steps: ["
        "{name: a, match: [{service: forms}]}, {name: b, after: [a], match: [{service: writer}]}]}}"
    )
    hops = [hop("capture", at=0), hop(service="writer", name="go", kind="client", at=1, http=429)]
    assert said(verdict(hops, flow=flow)) == ("blocked", "delivery.http_error", "b")


# ── the strip of steps ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_strip_shows_how_far_the_lead_came():
    hops = [*healthy("score"), *failed_call(4, http=422)]
    states = [(one.step.name, one.state) for one in seen(journey(hops), FLOW, START + timedelta(days=1)).steps]
    assert states == [
        ("capture", "done"),
        ("consent", "done"),
        ("enrich", "done"),
        ("score", "done"),
        ("crm", "failed"),
        ("enrol", "ahead"),
    ]


def test_the_strip_tells_waiting_from_absent_and_unseen():
    def states(hops, after):
        return [one.state for one in seen(journey(hops), FLOW, START + after).steps]

    assert states(healthy("crm"), timedelta(seconds=10))[-1] == "waiting"
    assert states(healthy("crm"), timedelta(days=1))[-1] == "absent"
    assert states(healthy(but=["crm"]), timedelta(days=1))[-2:] == ["unseen", "done"]


# ── what always holds ───────────────────────────────────────────────────────────────────────────────────────────────


def stories():
    yield healthy()
    yield [*healthy("score"), *failed_call(4, http=429), *failed_call(9, http=429)]
    yield [*healthy("score"), *failed_call(4, http=429), hop("crm", at=30), hop("enrol", at=31)]
    yield [*healthy("consent"), hop("enrich", at=2, error="ReadTimeout"), hop("score", at=3, score=41)]
    yield [*healthy("crm"), hop(service="prefs", at=4.5, event="Unsubscribed")]
    yield [*healthy("capture"), hop("consent", at=1, outcome="rejected")]


@pytest.mark.parametrize("story", list(stories()))
def test_the_order_of_arrival_never_changes_the_verdict(story):
    wanted = verdict(story)
    shuffler = random.Random(7)
    for _ in range(20):
        shuffled = shuffler.sample(story, len(story))
        assert verdict(shuffled) == wanted


@pytest.mark.parametrize("story", list(stories()))
def test_every_piece_of_evidence_is_a_hop_of_the_journey(story):
    keys = {one.key for one in story}
    for minutes in (0, 1, 5, 30):
        for one in verdict(story, after=timedelta(minutes=minutes)).evidence:
            assert (one.trace_id, one.span_id) in keys


@pytest.mark.parametrize("story", list(stories()))
def test_reaching_the_goal_is_never_undone_by_another_success(story):
    with_goal = [*story, hop("enrol", at=50)]
    more = [*with_goal, hop("crm", at=51), hop("consent", at=52)]
    stopped = verdict(with_goal).status
    assert verdict(more).status is stopped


def test_a_failing_lead_with_thousands_of_hops_is_judged_in_bounded_work():
    outer = hop("crm", at=4, took=4000, http=200)
    calls = [
        hop(service="writer", name="POST", kind="client", at=4 + n / 10, http=429, parent=outer) for n in range(5000)
    ]
    found = judge(journey([*healthy("score"), outer, *calls]), FLOW, START + timedelta(days=1))
    assert said(found) == ("blocked", "crm.rate_limit", "crm")
    assert len(found.evidence) == 10


def test_circular_parents_are_no_trap():
    first = hop("capture", at=0, hop_id="1" * 16)
    second = hop(service="x", at=1, hop_id="2" * 16, parent=first)
    looped = [first.__class__(**{**first.__dict__, "parent_id": second.hop_id}), second]
    assert verdict(looped).status is Status.BLOCKED
