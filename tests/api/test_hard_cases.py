"""What the API answers of leads that were merged, told twice, told by clocks that differ, told in batches."""

from urllib.parse import quote

import hard_world as told
import pytest
import web_world
from serving import serving
from web_factory import web_app


@pytest.fixture(scope="module")
def hard(module_store):
    told.fill(module_store, web_world.now())
    with serving(web_app(told.library(module_store), clock=web_world.now)) as client:
        yield client


@pytest.fixture
def ask(hard):
    def asked(path, **params):
        answer = hard.get(f"/api/v1/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return asked


@pytest.mark.parametrize("asked", ["H-old", "H-new"])
def test_both_ids_of_a_merged_lead_answer_as_the_one_that_goes_on(ask, asked):
    journey, why = ask(f"leads/{asked}"), ask(f"leads/{asked}/why")
    assert (journey["lead"], journey["asked"]) == (why["lead"], why["asked"]) == ("H-new", asked)
    assert {hop["lead"] for hop in journey["hops"]} == {"H-old", "H-new"}
    assert [(entry["entry"], entry["status"], entry["came_as"]) for entry in journey["entries"]] == [
        ("H-old-1", "entered", ["H-old"]),
        ("H-new-1", "entered", []),
    ]
    ((merge,),) = (journey["merges"],)
    assert (merge["lead"], merge["into"], merge["until"]) == ("H-old", "H-new", None)
    assert (why["entry"], why["came_as"], why["merges"]) == ("H-old-1", ["H-old"], journey["merges"])


def test_search_for_a_merged_lead_finds_the_one_that_goes_on(ask):
    (found,) = ask("leads", q="H-old")["leads"]
    assert (found["lead"], found["found_as"]) == ("H-new", "H-old")


def test_a_chain_of_merges_ends_at_the_last(ask):
    assert {ask(f"leads/H-{one}")["lead"] for one in "abc"} == {"H-c"}
    assert [(one["lead"], one["into"]) for one in ask("leads/H-a")["merges"]] == [("H-a", "H-b"), ("H-b", "H-c")]
    assert ask("leads/H-a/why")["entry"] == "H-a-1"
    assert ask("leads/H-c/why", entry="H-b-1")["cause"] == "identity.merged_away"


def test_a_merge_that_was_taken_back_is_told_and_parts_the_two(ask):
    guest = ask("leads/H-guest")
    assert (guest["lead"], {hop["lead"] for hop in guest["hops"]}) == ("H-guest", {"H-guest"})
    assert guest["merges"][0]["until"] is not None
    assert [entry["entry"] for entry in ask("leads/H-host")["entries"]] == ["H-host-1"]


def test_each_entry_is_counted_once(ask):
    funnel = ask("flows/demo-request/funnel")
    assert funnel["entries"] == sum(funnel["by_status"].values()) == 15
    merged_away = next(one for one in funnel["causes"] if one["cause"] == "identity.merged_away")
    assert (merged_away["entries"], merged_away["leads"]) == (2, 1)


def test_a_lead_with_the_address_of_another_names_it(ask):
    (twin,) = ask("leads/H-twin-2")["duplicates"]
    assert (twin["lead"], twin["by"], twin["mask"]) == ("H-twin-1", "email", "g•••@acme.example")
    assert ask("leads/H-skew")["duplicates"] == []


def test_an_address_of_two_leads_names_neither(hard):
    answer = hard.get(f"/api/v1/leads/{quote(told.TWIN_ADDRESS)}")
    assert answer.status_code == 404
    assert "belongs to 2 leads: H-twin-1, H-twin-2" in answer.json()["detail"]


def test_a_hop_that_says_it_began_before_its_cause_says_by_how_much(ask):
    hops = ask("leads/H-skew")["hops"]
    (early,) = [hop for hop in hops if hop["early_ms"]]
    assert early["early_ms"] == pytest.approx(told.SKEW_S * 1000)
    assert hops[hops.index(early) - 1]["span_id"] == early["parent_span_id"]


@pytest.mark.parametrize("lead", told.BATCH)
def test_of_a_batch_each_lead_has_its_own_part_with_what_named_no_lead(ask, lead):
    journey = ask(f"leads/{lead}")
    assert [hop["name"] for hop in journey["hops"]][3:5] == ["POST /leads", "POST"]
    assert "lead.id" not in journey["hops"][4]["attributes"]
    assert "write batch" not in {hop["name"] for hop in journey["hops"]}
    assert set(journey["shared_traces"].values()) == {3}


def test_only_the_lead_that_failed_in_a_batch_is_blocked(ask):
    said = {lead: ask(f"leads/{lead}/why") for lead in told.BATCH}
    assert [why["status"] for why in said.values()] == ["entered", "blocked", "entered"]
    assert said["H-batch-2"]["cause"] == "crm.auth"
    assert said["H-batch-2"]["also_affected"]["leads"] == 0


def test_a_value_that_came_after_the_decision_stands_beside_the_one_that_decided(ask):
    why = ask("leads/H-late/why")
    assert (why["status"], why["cause"], why["step"]) == ("blocked", "enrich.value_arrived_late", "score")
    (changed,) = why["then_and_now"]
    assert (changed["step"], changed["attribute"]) == ("score", "lead.score")
    assert (changed["then"], changed["now"]) == ("41", "80")
    assert changed["then_at"] < changed["now_at"]
    assert ask("leads/H-skew/why")["then_and_now"] == []


def test_a_lead_that_left_after_it_entered_has_entered_and_says_when_it_left(ask):
    why = ask("leads/H-left/why")
    left = why["left_again"]
    assert (why["status"], left["event"], left["service"]) == ("entered", "Unsubscribed", "preferences")
    assert left["why"] == "it unsubscribed"
    assert why["left_again"]["at"] > why["entered_at"]
    assert ask("leads/H-host/why")["left_again"] is None
