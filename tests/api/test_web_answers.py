"""What the API answers, over real HTTP and a real engine: the shapes that DESIGN promises, and numbers that add up."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import web_world as told

WHY = {
    "lead", "flow", "entry", "status", "cause", "class", "step", "headline", "entered_at", "late", "captured_at", "since",
    "decided_at", "deadline_at", "owner", "playbook", "raw_reason", "evidence", "contributing", "also_affected", "changes",
}  # fmt: skip
HOP = {
    "trace_id", "span_id", "parent_span_id", "service", "name", "step", "at", "duration_ms", "outcome", "reason", "attempt",
}  # fmt: skip
STATUSES = {"entered", "skipped", "blocked", "pending", "unknown"}
FUNNEL = "/api/v1/flows/demo-request/funnel"
CAUSES = "/api/v1/flows/demo-request/causes"


def ok(web, path, **params):
    answer = web.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def lead_path(lead, rest=""):
    return f"/api/v1/leads/{quote(lead, safe='')}{rest}"


def moment(text):
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


# ── why ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_why_has_every_promised_key_and_proves_what_it_says(web):
    why = ok(web, lead_path("W-blocked", "/why"))
    assert why.keys() >= WHY
    assert (why["lead"], why["flow"], why["entry"]) == ("W-blocked", "demo-request", "W-blocked-1")
    assert (why["status"], why["cause"], why["class"], why["step"]) == ("blocked", "crm.rate_limit", "fault", "crm")
    assert (why["owner"], why["playbook"]) == ("revops", "https://playbooks.acme.example/crm")
    assert why["headline"].startswith("W-blocked never entered the sequence: the CRM refused the write")
    assert (why["entered_at"], why["late"]) == (None, False)
    assert moment(why["captured_at"]) < moment(why["since"]) < moment(why["deadline_at"])
    assert moment(why["since"]) < moment(why["decided_at"])
    assert [one["service"] for one in why["evidence"]] == ["crm-writer"] * 3
    for one in why["evidence"]:
        assert one.keys() == {"trace_id", "span_id", "service", "name", "at", "outcome"}
        assert one["outcome"] == "failed"
        spans = ok(web, f"/api/v1/traces/{one['trace_id']}")["spans"]
        assert one["span_id"] in {span["span_id"] for span in spans}


def test_why_says_how_many_others_and_what_changed_with_kind_and_link(web):
    why = ok(web, lead_path("W-blocked", "/why"))
    assert (
        why["also_affected"]["leads"] == 6
    )  # W-blocked-2 and -3, the three odd ids, and W-twice; not the one that healed
    assert moment(why["also_affected"]["since"]) < moment(why["since"])
    changes = {change["what"]: change for change in why["changes"]}
    assert changes[told.DEPLOYED]["kind"] == "deploy"
    assert changes[told.DEPLOYED]["link"] == "https://ci.example/7"
    assert changes["crm-writer 2.4.1 first seen"]["kind"] == "version"


@pytest.mark.parametrize(
    ("lead", "status", "cause", "step", "late"),
    [
        ("W-entered", "entered", None, "enrol", False),
        ("W-late", "entered", None, "enrol", True),
        ("W-skipped", "skipped", "consent.missing", "consent", False),
        ("W-pending", "pending", "pending.processing", "consent", False),
        ("W-merged", "skipped", "identity.merged_away", "capture", False),
        (told.UNMAPPED, "blocked", "unknown.vendor_unspecified", "crm", False),
        (told.LONG, "blocked", "observability.expected_but_absent", "consent", False),
    ],
)
def test_each_lead_has_the_verdict_it_was_told_to_have(web, lead, status, cause, step, late):
    why = ok(web, lead_path(lead, "/why"))
    assert (why["status"], why["cause"], why["step"], why["late"]) == (status, cause, step, late)
    assert (why["entered_at"] is not None) == (status == "entered")


def test_an_entry_that_no_flow_file_describes_is_unknown(web):
    why = ok(web, lead_path("W-unknown", "/why"))
    assert (why["status"], why["flow"], why["cause"], why["owner"]) == ("unknown", "no-such-flow", None, None)


def test_why_answers_for_the_latest_entry_and_for_the_one_asked(web):
    assert ok(web, lead_path("W-twice", "/why"))["entry"] == "W-twice-2"
    first = ok(web, lead_path("W-twice", "/why"), entry="W-twice-1")
    assert (first["entry"], first["status"]) == ("W-twice-1", "blocked")
    assert ok(web, lead_path("W-twice", "/why"), flow="demo-request", entry="")["entry"] == "W-twice-2"


def test_an_answer_that_changed_says_what_was_said_before(web):
    why = ok(web, lead_path(told.CHANGED, "/why"))
    before, now = why["history"]
    assert (before["status"], before["cause"], before["why"]) == ("blocked", "crm.rate_limit", "")
    assert (now["status"], now["headline"]) == (why["status"], why["headline"]) == ("entered", now["headline"])
    assert now["why"].startswith("2 more hops arrived")


@pytest.mark.parametrize("known_by", [told.ADDRESS, "00Q7", "W-entered-1", " W-entered ", told.ADDRESS.upper()])
def test_a_lead_is_known_by_its_address_crm_id_and_correlation_id(web, known_by):
    assert ok(web, lead_path(known_by, "/why"))["lead"] == "W-entered"


@pytest.mark.parametrize("lead", [told.WEIRD, told.SNOW, told.LOOKS_LIKE_WHY, told.HOSTILE])
def test_an_odd_lead_id_is_found_by_search_read_and_explained(web, lead):
    assert ok(web, lead_path(lead))["lead"] == lead
    assert ok(web, lead_path(lead, "/why"))["lead"] == lead
    assert ok(web, "/api/v1/leads", q=lead)["leads"][0]["lead"] == lead


# ── a journey, search, traces ───────────────────────────────────────────────────────────────────────────────────────


def test_a_journey_has_every_hop_once_in_order(web):
    journey = ok(web, lead_path("W-blocked"))
    assert journey.keys() >= {"lead", "keys", "entries", "hops", "cut"}
    hops = journey["hops"]
    assert all(hop.keys() >= HOP for hop in hops)
    assert len({(hop["trace_id"], hop["span_id"]) for hop in hops}) == len(hops) == 6
    assert [hop["at"] for hop in hops] == sorted(hop["at"] for hop in hops)
    assert [hop["step"] for hop in hops] == ["capture", "consent", "score", "crm", "crm", "crm"]
    assert [(hop["outcome"], hop["attempt"]) for hop in hops[3:]] == [("failed", 1), ("failed", 2), ("failed", 3)]
    assert hops[3]["duration_ms"] == pytest.approx(200)
    assert hops[3]["events"][0]["attributes"]["exception.message"] == "REQUEST_LIMIT_EXCEEDED"
    assert journey["cut"] is False
    (entry,) = journey["entries"]
    assert entry.keys() >= {"entry", "flow", "captured_at", "status", "cause"}


def test_two_entries_stand_latest_first_each_with_its_hops(web):
    journey = ok(web, lead_path("W-twice"))
    assert [(one["entry"], one["status"]) for one in journey["entries"]] == [
        ("W-twice-2", "entered"),
        ("W-twice-1", "blocked"),
    ]
    assert {hop["entry"] for hop in journey["hops"]} == {"W-twice-1", "W-twice-2"}


def test_a_long_journey_is_whole_and_one_beyond_the_bound_says_that_it_is_cut(web, monkeypatch):
    journey = ok(web, lead_path(told.LONG))
    assert (len(journey["hops"]), journey["cut"]) == (told.LONG_HOPS, False)
    monkeypatch.setattr("lineage.ask.SHOWN_HOPS", 100)
    journey = ok(web, lead_path(told.LONG))
    assert (len(journey["hops"]), journey["cut"]) == (100, True)


def test_an_address_is_masked_and_never_told(web):
    found = ok(web, "/api/v1/leads", q=told.ADDRESS)["leads"]
    assert [(one["lead"], one["mask"]) for one in found] == [("W-entered", "a•••@acme.example")]
    journey = web.get(lead_path("W-entered"))
    assert told.ADDRESS not in journey.text
    assert journey.json()["keys"]["crm"] == ["00Q7"]


def test_search_finds_the_start_of_an_id_the_exact_one_first(web):
    found = ok(web, "/api/v1/leads", q="W-blocked")
    assert found["leads"][0]["lead"] == "W-blocked"
    assert {one["lead"] for one in found["leads"]} == {"W-blocked", "W-blocked-2", "W-blocked-3"}
    one = found["leads"][0]
    assert one.keys() >= {"lead", "mask", "campaign", "last_seen", "entries"}
    assert (one["campaign"], one["entries"][0]["status"]) == ("pricing-page", "blocked")
    assert ok(web, "/api/v1/leads", q="nobody-at-all") == {"leads": [], "next": None}


def test_pages_of_search_hold_every_lead_once(web):
    first = ok(web, "/api/v1/leads")
    assert len(first["leads"]) == 25
    second = ok(web, "/api/v1/leads", cursor=first["next"])
    leads = [one["lead"] for page in (first, second) for one in page["leads"]]
    assert len(set(leads)) == len(leads) == 28  # one was merged into another
    assert second["next"] is None
    assert ok(web, "/api/v1/leads", cursor="9999") == {"leads": [], "next": None}


def test_a_trace_names_its_leads_and_has_every_span(web):
    trace_id = ok(web, lead_path("W-blocked"))["hops"][0]["trace_id"]
    trace = ok(web, f"/api/v1/traces/{trace_id.upper()}")
    assert (trace["trace_id"], trace["leads"], len(trace["spans"])) == (trace_id, ["W-blocked"], 6)
    assert trace["spans"][0]["resource"]["service.name"] == "web-forms"
    assert ok(web, "/api/v1/leads", q=trace_id)["leads"][0]["lead"] == "W-blocked"


# ── funnels ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def adds_up(funnel):
    assert funnel["by_status"].keys() == STATUSES
    entries = funnel["entries"]
    assert sum(funnel["by_status"].values()) == entries
    assert sum(one["entries"] for one in funnel["causes"]) == entries - funnel["by_status"]["entered"]
    ended_early = funnel["by_status"]["blocked"] + funnel["by_status"]["skipped"]
    assert sum(one["stopped_here"] for one in funnel["steps"]) == ended_early
    assert sum(sum(one["by_status"].values()) for one in funnel["over_time"]) == entries
    return entries


def test_a_funnel_adds_up_to_its_entries(web):
    funnel = ok(web, FUNNEL)
    assert funnel.keys() >= {"flow", "since", "until", "entries", "by_status", "steps", "causes"}
    assert adds_up(funnel) == 29
    assert funnel["by_status"] == {"entered": 16, "skipped": 2, "blocked": 10, "pending": 1, "unknown": 0}
    assert [one["step"] for one in funnel["steps"]] == ["capture", "consent", "score", "crm", "enrol"]
    assert funnel["steps"][0]["reached"] == 29
    limit = next(one for one in funnel["causes"] if one["cause"] == "crm.rate_limit")
    assert limit.keys() >= {"cause", "class", "step", "entries", "first_seen", "last_seen"}
    assert (limit["class"], limit["step"], limit["entries"]) == ("fault", "crm", 7)
    assert sum(part["entries"] for part in funnel["parts"]) == 29
    assert {one["source"]: one["entries"] for one in funnel["sources"]} == {"organic": 28, "partner": 1}
    assert limit["leads"] == 7


@pytest.mark.parametrize(
    ("asked", "entries"),
    [
        ({"campaign": "webinar"}, 13),
        ({"segment": "enterprise"}, 1),
        ({"campaign": "webinar", "segment": "enterprise"}, 0),
        ({"source": "partner"}, 1),
        ({"source": "organic", "campaign": "webinar"}, 12),
        ({"since": "30min"}, 13),
        ({"since": "1h", "until": "30m"}, 16),
        ({"campaign": told.EVIL}, 1),
    ],
)
def test_a_filtered_funnel_adds_up_too(web, asked, entries):
    assert adds_up(ok(web, FUNNEL, **asked)) == entries


def test_parts_of_a_time_add_up_to_the_whole(web):
    cut = (datetime.now(UTC) - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    before, after = ok(web, FUNNEL, until=cut), ok(web, FUNNEL, since=cut)
    assert before["entries"] + after["entries"] == 29
    assert before["until"] == after["since"] == cut


def test_a_flow_that_only_entries_name_is_all_unknown(web):
    funnel = ok(web, "/api/v1/flows/no-such-flow/funnel")
    assert adds_up(funnel) == funnel["by_status"]["unknown"] == 1


def test_the_causes_with_a_cause_asked_for_list_its_leads(web):
    assert ok(web, CAUSES)["leads"] is None
    asked = ok(web, CAUSES, cause="crm.rate_limit", step="crm", status="blocked")
    row = next(one for one in asked["causes"] if one["cause"] == "crm.rate_limit")
    assert len(asked["leads"]) == row["entries"] == 7
    assert {one["lead"] for one in asked["leads"]} >= {"W-blocked", "W-twice", told.WEIRD}
    assert told.CHANGED not in {one["lead"] for one in asked["leads"]}
    assert ok(web, CAUSES, status="skipped", campaign="webinar")["leads"] == []


def test_leads_behind_a_number_come_in_pages(web, monkeypatch):
    monkeypatch.setattr("lineage.tally.PAGE", 6)
    seen, cursor = [], ""
    while cursor is not None:
        page = ok(web, CAUSES, status="entered", **({"cursor": cursor} if cursor else {}))
        seen += [one["lead"] for one in page["leads"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 16


def test_every_flow_is_listed_with_its_steps_and_its_ends(web):
    flows = {flow["name"]: flow for flow in ok(web, "/api/v1/flows")["flows"]}
    assert flows.keys() == {"demo-request", "no-such-flow"}
    known = flows["demo-request"]
    assert (known["goal"], known["owner"], known["deadline_s"], known["known"]) == ("enrol", "growth", 600, True)
    assert [step["name"] for step in known["steps"]] == ["capture", "consent", "score", "crm", "enrol"]
    assert sum(known["by_status"].values()) == 29
    assert (flows["no-such-flow"]["known"], flows["no-such-flow"]["by_status"]["unknown"]) == (False, 1)


# ── what was measured, what was refused ─────────────────────────────────────────────────────────────────────────────


def test_alignment_defines_each_of_its_numbers(web):
    alignment = ok(web, "/api/v1/flows/demo-request/alignment", campaign="webinar")
    (webinar,) = alignment["campaigns"]
    assert (webinar["campaign"], webinar["entries"], webinar["complete"]) == ("webinar", 13, 13)
    assert webinar["response_p50_s"] == pytest.approx(2.04, abs=0.01)
    assert "explained_rate" in alignment["definitions"]
    assert alignment["recoveries"] == []


def test_differences_name_what_the_affected_share(web):
    asked = {"cause": "crm.rate_limit", "step": "crm", "status": "blocked"}
    found = ok(web, "/api/v1/flows/demo-request/differences", **asked)["differences"]
    form = next(one for one in found if one["name"] == "form.version")
    assert (form["value"], form["share"]) == ("7", 1.0)
    assert form["share_of_others"] < form["share"]
    assert 1 < form["low"] < form["lift"] < form["high"]


def test_unmapped_codes_come_with_the_line_that_maps_them(web):
    codes = {one["code"]: one for one in ok(web, "/api/v1/codes/unmapped")["codes"]}
    assert (codes["E,77"]["system"], codes["E,77"]["line"]) == ("acme-crm", 'acme-crm,"E,77",<cause>')


def test_refusals_are_told_newest_first(web):
    refusals = ok(web, "/api/v1/refusals")["refusals"]
    assert {(one["kind"], one["signal"], one["count"]) for one in refusals} == {
        ("refused", "traces", 3),
        ("quarantined", "logs", 1),
    }
    assert [one["at"] for one in refusals] == sorted((one["at"] for one in refusals), reverse=True)
