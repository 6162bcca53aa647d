"""What really happens to leads: consent too late, values too late, leaving again, clocks that differ, tried twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from telling_hops import FLOW, FLOW_YAML, FLOWS, START, healthy, hop, journey, said, verdict

from lineage.journey import journeys
from lineage.verdict import judge
from model.flowfile import read_flow
from model.verdict import Contribution, Status, ThenNow
from store.verdicts import body_of, verdict_of

ABSENT = "observability.expected_but_absent"
LATE = "enrich.value_arrived_late"
SIZED = read_flow(FLOW_YAML.replace("{attribute: lead.score, at_least: 60}", "{attribute: company.size, at_least: 50}"))


def sized(size, *more):
    """A lead that was checked when its company's size was this, and what came after."""
    checked = hop("score", at=3, attributes={"company.size": str(size)})
    return [*healthy("enrich"), checked, *more]


def size_came(at, size, step="enrich"):
    return hop(step, at=at, attributes={"company.size": str(size)})


# ── then and now ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_value_that_came_after_the_check_is_told_beside_the_one_that_decided():
    found = verdict(sized(0, size_came(9, 120)), flow=SIZED)
    assert said(found) == ("blocked", LATE, "score")
    at, later = START + timedelta(seconds=3), START + timedelta(seconds=9)
    assert found.then_and_now == (ThenNow("score", "company.size", "0", "120", at, later),)
    assert found.since == at
    assert "company.size was 0, needed at least 50, and became 120 6 s later" in found.headline
    assert any(
        "company.size was 0 when it decided, and is 120 since 2026-03-02 09:00:09 UTC" in note for note in found.notes
    )


def test_a_value_that_still_fails_is_no_excuse_and_is_told_all_the_same():
    found = verdict(sized(0, size_came(9, 30)), flow=SIZED)
    assert said(found) == ("skipped", "eligible.criteria_not_met", "score")
    assert [(one.then, one.now) for one in found.then_and_now] == [("0", "30")]


def test_a_value_that_never_changed_has_no_then_and_now():
    assert verdict(sized(0), flow=SIZED).then_and_now == ()
    assert verdict(sized(0, size_came(9, 0)), flow=SIZED).then_and_now == ()


def test_a_value_that_was_there_before_the_check_did_not_come_late():
    found = verdict([*sized(0), size_came(1, 120)], flow=SIZED)
    assert said(found) == ("skipped", "eligible.criteria_not_met", "score")


def test_what_led_to_the_check_is_never_late_whatever_its_clock_says():
    form = hop("capture", at=300, took=9, attributes={"company.size": "90"})
    checked = hop("score", at=3, parent=form, attributes={"company.size": "0"})
    assert said(verdict([form, checked], flow=SIZED))[1] == "eligible.criteria_not_met"


def test_a_refusal_in_words_tells_the_values_that_changed_since():
    refused = hop(service="sender", at=5, event="EnrollmentSkipped", reason="eligible.criteria_not_met")
    hops = [
        *healthy("crm", but=["score"]),
        hop("score", at=3, score=70),
        refused,
        hop(service="mirror", at=60, score=95),
    ]
    found = verdict(hops)
    assert said(found) == ("skipped", "eligible.criteria_not_met", "enrol")
    assert [(one.step, one.then, one.now) for one in found.then_and_now] == [("score", "70", "95")]


def test_a_check_that_ran_again_and_passed_is_not_late():
    found = verdict(sized(0, hop("score", at=40, attributes={"company.size": "120"})), flow=SIZED)
    assert said(found) == ("blocked", ABSENT, "crm")


def test_then_and_now_survive_the_store():
    found = verdict(sized(0, size_came(9, 120)), flow=SIZED)
    assert verdict_of(body_of(found)) == found


# ── consent ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_consent_that_came_after_the_decision_changes_nothing_and_is_told():
    hops = [
        *healthy("capture"),
        hop("consent", at=1, outcome="skipped", reason="consent.missing"),
        hop(service="prefs", at=301, event="ConsentGranted"),
    ]
    found = verdict(hops)
    assert said(found) == ("skipped", "consent.missing", "consent")
    assert "it was given 5 min later" in found.headline
    assert "consent: consent was given 5 min after it was found missing" in found.notes


def test_consent_that_came_after_a_later_step_refused_for_it_is_told_as_well():
    refused = hop("enrol", at=5, event="EnrollmentSkipped", reason="consent.missing")
    found = verdict([*healthy("crm"), refused, hop(service="prefs", at=65, event="ConsentGranted")])
    assert said(found) == ("skipped", "consent.missing", "enrol")
    assert "enrol: consent was given 1 min after it was found missing" in found.notes


def test_consent_that_came_after_another_refusal_has_nothing_to_do_with_it():
    refused = hop("enrol", at=5, event="EnrollmentSkipped", reason="campaign.paused")
    found = verdict([*healthy("crm"), refused, hop(service="prefs", at=65, event="ConsentGranted")])
    assert not any("consent was given" in note for note in found.notes)


def test_consent_that_came_before_the_decision_is_not_late():
    hops = [
        *healthy("capture"),
        hop(service="prefs", at=0.5, event="ConsentGranted"),
        hop("consent", at=1, outcome="skipped", reason="consent.missing"),
    ]
    assert "later" not in verdict(hops).headline


def test_a_lead_that_unsubscribes_midway_stops_there_although_the_rest_goes_on():
    hops = [*healthy("score"), hop(service="prefs", at=3.2, event="Unsubscribed"), hop("crm", at=4)]
    assert said(verdict(hops, after=timedelta(seconds=9))) == ("skipped", "consent.opted_out_all", "consent")


# ── after the goal ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("how", "note"),
    [
        ({"event": "Unsubscribed"}, "it unsubscribed"),
        ({"event": "SequenceExited", "reason": "exit.replied", "outcome": "ok"}, "the lead had already replied"),
        ({"event": "SequenceExited"}, "the sequence let it go"),
        ({"event": "SequenceExited", "reason": "SEQ_DONE"}, "the sequence let it go (“SEQ_DONE”)"),
        ({"event": "ExitedProgram", "outcome": "skipped", "reason": "exit.bounced"}, "a message to the lead bounced"),
    ],
)
def test_a_lead_that_leaves_the_sequence_again_has_entered_and_the_note_says_when_and_why_it_left(how, note):
    left = hop(service="sender", name="exit", at=605.1, **how)
    found = verdict([*healthy(), left])
    assert found.status is Status.ENTERED
    assert f"it left the sequence again 10 min after it entered: {note}" in found.notes


def test_a_lead_that_came_back_has_not_left():
    hops = [
        *healthy(),
        hop(service="prefs", at=60, event="Unsubscribed"),
        hop(service="prefs", at=90, event="ConsentGranted"),
    ]
    assert not any("left the sequence" in note for note in verdict(hops).notes)


# ── paused, duplicate ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_campaign_that_was_paused_and_resumed_takes_the_lead():
    paused = hop(service="sender", name="enrol", at=5, event="EnrollmentSkipped", reason="campaign.paused")
    assert said(verdict([*healthy("crm"), paused])) == ("skipped", "campaign.paused", "enrol")
    assert verdict([*healthy("crm"), paused, hop("enrol", at=400)]).status is Status.ENTERED


def test_a_duplicate_lead_is_turned_away_by_policy():
    hops = [*healthy("score"), hop("crm", at=4, outcome="skipped", reason="identity.duplicate")]
    assert said(verdict(hops)) == ("skipped", "identity.duplicate", "crm")


def test_a_duplicate_of_a_lead_that_was_written_already_is_a_footnote():
    hops = [*healthy("crm"), hop("crm", at=9, outcome="skipped", reason="identity.duplicate")]
    found = verdict(hops)
    assert said(found) == ("blocked", ABSENT, "enrol")
    assert "crm: “Duplicate lead” happened, and another try did it" in found.notes


# ── two entries, two flows ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_lead_that_tries_twice_has_two_verdicts():
    first = [*healthy("consent"), hop("score", at=3, score=12)]
    again = [replace(one, at_ns=one.at_ns + 86_400 * 10**9, trace_id="b" * 32, hop_id=f"{n:016d}",
                     attributes={**one.attributes, "lead.correlation_id": "c-2"}) for n, one in enumerate(healthy())]  # fmt: skip
    told = {one.entry: judge(one, FLOW, START + timedelta(days=3)) for one in journeys("L-1", [*first, *again], FLOWS)}
    assert {entry: said(one)[:2] for entry, one in told.items()} == {
        "c-1": ("skipped", "eligible.criteria_not_met"),
        "c-2": ("entered", ""),
    }


def test_one_lead_in_two_flows_is_judged_in_each_by_its_own_systems():
    other = read_flow(
        FLOW_YAML.replace("name: webinar,", "name: digest,").replace("[{service: writer}]", "[{service: lister}]")
    )
    hops = [
        *healthy(but=["crm", "enrol"]),
        hop("crm", at=4, http=422),
        hop(service="lister", name="POST /members", at=5),
    ]
    made = journey(hops)
    found = [judge(made, one, START + timedelta(days=1), others=[rest]) for one, rest in ((FLOW, other), (other, FLOW))]
    assert [said(one) for one in found] == [("blocked", "crm.validation_rule", "crm"), ("blocked", ABSENT, "enrol")]


# ── clocks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_clock_that_is_behind_is_told_with_by_how_much_and_decides_nothing():
    call = hop(service="scorer", name="POST", kind="client", at=3.2, took=0.5)
    early = hop("crm", at=3.2 - 140, took=0.3, parent=call)
    found = verdict([*healthy("score"), call, early, hop("enrol", at=6)])
    assert said(found) == ("entered", "", "enrol")
    assert "clocks differ: writer says that it began 2 min 20 s before scorer called it" in found.notes


def test_a_capture_whose_clock_is_ahead_of_the_goal_does_not_say_how_long_it_took():
    captured, *rest = healthy()
    ahead = replace(captured, at_ns=captured.at_ns + 120 * 10**9)
    found = verdict([ahead, *(replace(one, parent_id=ahead.hop_id) for one in rest)])
    assert found.headline == "L-1 entered the sequence."
    assert any("clocks differ" in note for note in found.notes)


def test_an_entry_whose_capture_left_no_trace_does_not_say_how_long_it_took():
    assert verdict(healthy(but=["capture"])).headline == "L-1 entered the sequence."


def test_clocks_that_differ_by_a_little_are_not_worth_a_word():
    call = hop(service="scorer", name="POST", kind="client", at=3.2, took=0.5)
    hops = [*healthy("score"), call, hop("crm", at=3.15, took=0.3, parent=call), hop("enrol", at=6)]
    assert not any("clocks" in note for note in verdict(hops).notes)


# ── what failed beside the point ────────────────────────────────────────────────────────────────────────────────────


def test_what_failed_beside_the_point_is_a_footnote_that_says_so():
    outer = hop("crm", at=4, took=1, http=200)
    kept = hop(
        service="writer",
        name="SET",
        kind="client",
        at=4.1,
        parent=outer,
        error="LOADING",
        attributes={"db.system": "redis"},
    )
    found = verdict([*healthy("score"), outer, kept, hop("enrol", at=6)])
    assert found.contributing == ()
    assert "crm: “Reason unknown” happened beside the point and stopped nothing" in found.notes


def test_a_failure_before_the_gate_is_told_as_what_came_before():
    hops = [*healthy("consent"), hop("enrich", at=2, error="ReadTimeout"), hop("score", at=3, score=41)]
    found = verdict(hops)
    assert found.contributing == (Contribution("enrich.lookup_failed", "enrich"),)
    assert found.headline.endswith("; before that, the lookup of extra data for the lead failed (at enrich).")
