"""Merged leads: one entry has one verdict, under the lead that goes on, and a merge that is taken back restores both."""

from datetime import UTC, datetime, timedelta

import pytest
from otlp_requests import START, logs, span, traces
from telling_hops import FLOWS

from lineage import identity as identity_room
from lineage.ask import Library, NotFoundError, journey_of, search, why
from lineage.identity import Identity, Merges, read_merges
from lineage.rejudge import preview
from lineage.settle import Settler
from lineage.tally import funnel
from store.counts import Slice
from store.merges import MergeSaid

ALL = Slice("webinar", START - timedelta(days=1), START + timedelta(days=1))


class World:
    """Lands requests, settles until nothing is left, and asks."""

    def __init__(self, store) -> None:
        self.store = store
        self.library = Library(store, lambda: FLOWS)
        self._settler = Settler(store, lambda: FLOWS)
        self._segments = iter(range(10_000))

    def tell(self, *spans):
        self.land("traces", traces(*spans))

    def land(self, signal, body):
        self.store.land(signal, body, f"segment-{next(self._segments)}")
        while self._settler.tick():
            pass

    @property
    def verdicts(self):
        """What is stored and not withdrawn: (lead, entry, status, cause)."""
        with self.store.client() as client:
            asked = "SELECT lead_id, entry, status, cause FROM verdicts FINAL WHERE gone = 0 ORDER BY entry, lead_id"
            return [tuple(row) for row in client.query(asked).result_rows]

    def why(self, lead, **how):
        return why(self.library, lead, now=now(), **how)

    def journey(self, lead):
        return journey_of(self.library, lead, now=now())


def now():
    return datetime.now(UTC)


@pytest.fixture
def world(store):
    return World(store)


def captured(lead, entry, at=0.0):
    return span("POST /signup", service="forms", lead=lead, entry=entry, flow="webinar", at=at, trace=trace(entry))


def merged(lead, into, at, **how):
    words = {"lead.event": "IdentityMerged", "lead.merged_into": into}
    return span("merge", service="mdm", lead=lead, at=at, trace=trace(f"{lead} {into} {at}"), attributes=words, **how)


def unmerged(lead, at):
    words = {"lead.event": "IdentityUnmerged"}
    return span("unmerge", service="mdm", lead=lead, at=at, trace=trace(f"{lead} {at}"), attributes=words)


def enrolled(lead, entry, at):
    words = {"lead.event": "SequenceEnrolled"}
    return span("enrol", service="sender", lead=lead, entry=entry, at=at, trace=trace(entry), attributes=words)


def trace(of):
    return of.encode().hex()[:32].ljust(32, "0")


# ── what becomes of entries ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_entry_that_goes_on_under_the_other_id_is_one_entry_with_one_verdict(world):
    world.tell(captured("L-9", "c-9"), merged("L-9", "L-1", 5), enrolled("L-1", "c-9", 9))
    assert world.verdicts == [("L-1", "c-9", "entered", "")]
    assert world.why("L-1").headline == "L-1 (came in as L-9) entered the sequence 9.1 s after capture."
    assert funnel(world.library, ALL).by_status["entered"] == funnel(world.library, ALL).entries == 1


def test_an_entry_of_which_nothing_is_heard_under_the_other_id_stopped_at_the_merge(world):
    world.tell(captured("L-1", "c-1"), enrolled("L-1", "c-1", 1), captured("L-9", "c-9", 2), merged("L-9", "L-1", 5))
    assert world.verdicts == [
        ("L-1", "c-1", "entered", ""),
        ("L-1", "c-9", "skipped", "identity.merged_away"),
    ]
    said = world.why("L-1", entry="c-9").headline
    assert said.startswith("L-1 (came in as L-9) never entered the sequence: the lead was merged into another record")
    assert said.endswith("(it goes on as L-1).")


def test_a_merge_that_is_told_late_moves_the_verdict_and_says_so(world):
    world.tell(captured("L-9", "c-9"), captured("L-1", "c-1", 1), enrolled("L-1", "c-1", 3))
    assert ("L-9", "c-9", "blocked", "observability.expected_but_absent") in world.verdicts
    world.tell(merged("L-9", "L-1", 5))
    assert [row[0] for row in world.verdicts] == ["L-1", "L-1"]
    before, after = world.why("L-9").history
    assert (before.status, after.status) == ("blocked", "skipped")
    assert after.why == "L-9 was merged into L-1"


def test_a_merge_that_is_taken_back_restores_both(world):
    world.tell(captured("L-9", "c-9"), merged("L-9", "L-1", 5), captured("L-1", "c-1", 6), enrolled("L-1", "c-1", 9))
    world.tell(unmerged("L-9", 20))
    assert world.verdicts == [
        ("L-1", "c-1", "entered", ""),
        ("L-9", "c-9", "blocked", "observability.expected_but_absent"),
    ]
    assert world.why("L-9").lead == "L-9"
    assert [hop.lead for hop in world.journey("L-1").hops] == ["L-1", "L-1"]
    (once,) = world.journey("L-9").merges
    assert (once.lead, once.into) == ("L-9", "L-1")
    assert (once.at, once.until) == (START + timedelta(seconds=5), START + timedelta(seconds=20))
    assert [said.status for said in world.why("L-9").history] == ["skipped", "blocked"]
    assert world.why("L-9").history[-1].why == "L-9 was taken out of L-1 again"


def test_merged_again_after_it_was_taken_back(world):
    world.tell(captured("L-9", "c-9"), merged("L-9", "L-1", 5), unmerged("L-9", 20), merged("L-9", "L-1", 30))
    assert [row[0] for row in world.verdicts] == ["L-1"]
    (once,) = world.journey("L-1").merges
    assert (once.at, once.until) == (START + timedelta(seconds=30), None)


def test_a_chain_of_merges_ends_at_the_last_and_an_unmerge_in_its_middle_parts_it(world):
    world.tell(captured("A", "c-a"), merged("A", "B", 5), captured("B", "c-b", 6), merged("B", "C", 10))
    world.tell(captured("C", "c-c", 11), enrolled("C", "c-c", 12))
    assert {row[0] for row in world.verdicts} == {"C"}
    assert {world.why(lead).lead for lead in "ABC"} == {"C"}
    assert world.why("A").entry == "c-a"
    assert "it goes on as C" in world.why("A").headline
    world.tell(unmerged("B", 50))
    assert [row[:2] for row in world.verdicts] == [("B", "c-a"), ("B", "c-b"), ("C", "c-c")]


def test_leads_merged_in_a_circle_are_one_lead_under_the_newest_merges_survivor(world):
    world.tell(captured("A", "c-a"), merged("A", "B", 5), merged("B", "C", 10), merged("C", "A", 15))
    assert world.verdicts == [("A", "c-a", "blocked", "observability.expected_but_absent")]  # and not merged away
    assert {world.why(lead, entry="c-a").lead for lead in "ABC"} == {"A"}


def test_a_lead_merged_into_itself_is_not_merged(world):
    world.tell(captured("A", "c-a"), merged("A", "A", 5), enrolled("A", "c-a", 9))
    assert world.verdicts == [("A", "c-a", "entered", "")]
    assert world.journey("A").merges == []


def test_a_lead_merged_into_one_that_nobody_spoke_of_is_known_by_both_ids(world):
    world.tell(captured("L-9", "c-9"), merged("L-9", "L-unheard", 5))
    assert world.verdicts == [("L-unheard", "c-9", "skipped", "identity.merged_away")]
    assert world.why("L-unheard").headline == world.why("L-9").headline


def test_a_hop_without_any_id_of_its_own_follows_the_entry_that_the_merge_handed_over(world):
    words = {"lead.event": "SequenceEnrolled"}
    loose = span("enrol", service="sender", lead="L-1", at=9, trace=trace("loose"), attributes=words)
    world.tell(captured("L-9", "c-9"), merged("L-9", "L-1", 5), loose)
    assert world.verdicts == [("L-1", "c-9", "entered", "")]


def test_a_merged_lead_s_own_loose_hops_stay_its_own(world):
    """Others were merged into the same lead; what comes in as this one has nothing to do with theirs."""
    loose = span("sync", service="writer", lead="L-8", at=9, trace=trace("sync"))
    world.tell(captured("L-9", "c-9"), merged("L-9", "L-1", 5), merged("L-8", "L-1", 7), loose)
    assert {(hop.name, hop.entry) for hop in world.journey("L-1").hops} >= {("sync", "L-8"), ("POST /signup", "c-9")}


def test_what_happened_before_the_merge_stays_with_its_own_entry(world):
    """A nightly sync of the old record, before anybody knew that the two are one."""
    world.tell(
        captured("L-9", "c-9"), span("sync", service="writer", lead="L-1", at=2, trace=trace("sync"), error=True)
    )
    world.tell(merged("L-9", "L-1", 5))
    hops = {hop.name: hop.entry for hop in world.journey("L-1").hops}
    assert (hops["POST /signup"], hops["sync"]) == ("c-9", "L-1")


def test_a_merge_told_by_an_event_without_a_lead_of_its_own_counts(world):
    request = logs("IdentityMerged", at=5, trace=trace("c-9"), lead__merged_into="L-1")
    world.tell(captured("L-9", "c-9"))
    world.land("logs", request)
    assert world.why("L-9").lead == "L-1"


def test_every_entry_has_one_verdict_whatever_the_order_of_arrival(world):
    spans = [captured("L-9", "c-9"), merged("L-9", "L-1", 5), captured("L-1", "c-1", 6), enrolled("L-1", "c-9", 9)]
    for one in reversed(spans):
        world.tell(one)
    expected = world.verdicts
    assert [row[:3] for row in expected] == [("L-1", "c-1", "blocked"), ("L-1", "c-9", "entered")]
    assert funnel(world.library, ALL).entries == 2


# ── what people see ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_id_finds_the_lead_that_goes_on_with_the_hops_of_both(world):
    world.tell(captured("L-9", "c-9"), merged("L-9", "L-1", 5), captured("L-1", "c-1", 6), enrolled("L-1", "c-1", 9))
    one, other = world.journey("L-9"), world.journey("L-1")
    assert (one.lead, one.asked, other.asked) == ("L-1", "L-9", "L-1")
    assert one.hops == other.hops
    assert [(hop.lead, hop.entry) for hop in one.hops] == [
        ("L-9", "c-9"), ("L-9", "c-9"), ("L-1", "c-1"), ("L-1", "c-1")
    ]  # fmt: skip
    assert [(entry.entry, entry.came_as) for entry in one.entries] == [("c-1", []), ("c-9", ["L-9"])]
    assert one.keys["lead"] == ["L-1", "L-9"]
    assert (world.why("L-9").entry, world.why("L-1").entry) == ("c-9", "c-1")
    world.tell(captured("L-9", "c-late", 60))
    assert world.why("L-1").entry == "c-1"
    assert world.why("L-1", entry="c-late").lead == "L-1"


def test_search_finds_the_lead_that_goes_on_once(world):
    world.tell(captured("L-91", "c-9"), captured("L-92", "c-8", 1), merged("L-91", "L-92", 5))
    (found,) = search(world.library, "L-9", now=now()).leads
    assert (found.lead, len(found.entries)) == ("L-92", 2)
    assert found.found_as == ""
    assert search(world.library, "L-91", now=now()).leads[0].found_as == "L-91"


def test_what_was_merged_away_does_not_stand_before_what_became_of_the_lead_itself(world):
    world.tell(captured("L-1", "c-1"), enrolled("L-1", "c-1", 1), captured("L-9", "c-9", 2), merged("L-9", "L-1", 5))
    latest = {asked: search(world.library, asked, now=now()).leads[0].entries[0].entry for asked in ("L-1", "L-9")}
    assert latest == {"L-1": "c-1", "L-9": "c-9"}


def test_a_key_of_two_leads_names_one_once_they_are_merged(world):
    for lead, at in (("L-1", 0), ("L-9", 1)):
        made = captured(lead, f"c-{lead}", at)
        made.attributes = {"lead.crm.id": "00Q7"}
        world.tell(made)
    with pytest.raises(NotFoundError, match="belongs to 2 leads: L-1, L-9"):
        world.journey("00Q7")
    assert [(one.lead, one.by) for one in world.journey("L-9").duplicates] == [("L-1", "crm")]
    world.tell(merged("L-9", "L-1", 5))
    assert world.journey("00Q7").lead == "L-1"
    assert world.journey("L-9").duplicates == []


def test_an_edited_flow_is_previewed_on_merged_leads_as_well(world):
    world.tell(captured("L-9", "c-9"), merged("L-9", "L-1", 5), enrolled("L-1", "c-9", 9))
    found = preview(world.library, FLOWS["webinar"], ALL.since, now=now())
    assert (found.entries, found.same) == (1, 1)


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_very_many_merged_into_one_the_later_stay_on_their_own(world, monkeypatch):
    monkeypatch.setattr(identity_room, "MAX_MERGED", 3)
    for number in range(6):
        world.tell(captured(f"L-{number}", f"c-{number}", number), merged(f"L-{number}", "L-all", 10 + number))
    assert [(lead, cause) for lead, _, _, cause in world.verdicts] == [
        *[("L-all", "identity.merged_away")] * 3,
        *[(f"L-{number}", "identity.merged_away") for number in (3, 4, 5)],
    ]
    world.tell(captured("L-early", "c-early", 1), merged("L-early", "L-all", 2))
    assert sorted(entry for lead, entry, _, _ in world.verdicts if lead == "L-all") == ["c-0", "c-1", "c-early"]
    assert len(world.verdicts) == 7


def said(merged, survivor, at):
    moment = START + timedelta(seconds=at)
    return MergeSaid(merged, survivor, moment, moment)


def known(*merges):
    """What the store would give of these merges."""
    found = {}
    for one in merges:
        for lead in filter(None, (one.merged, one.survivor)):
            found.setdefault(lead, []).append(one)
    return Merges(found)


def test_a_chain_that_is_too_long_is_not_followed():
    chain = known(*(said(f"L-{number}", f"L-{number + 1}", number) for number in range(50)))
    assert chain.identity("L-5") == Identity("L-5")
    assert chain.identity("L-40").lead == "L-50"
    assert {chain.identity(f"L-{number}").lead for number in range(30, 51)} == {"L-50"}


def test_in_any_order_of_telling_each_lead_belongs_to_exactly_one():
    merges = [said("A", "B", 1), said("B", "A", 2), said("C", "B", 3), said("D", "", 5), said("D", "C", 4)]
    for turn in range(len(merges)):
        found = known(*merges[turn:], *merges[:turn])
        assert [found.identity(lead).lead for lead in "ABCD"] == ["A", "A", "A", "D"]
        assert found.identity("C").ids == ("A", "B", "C")


def test_reading_a_circle_ends(world):
    world.tell(merged("A", "B", 1), merged("B", "A", 2))
    assert read_merges(world.store, ["A"]).identity("B").lead == "A"
