"""Which hops make an entry, and in which order they stand."""

from telling_hops import FLOWS, healthy, hop

from lineage.journey import journeys


def entries(hops):
    return {one.entry: [each.hop_id for each in one.hops] for one in journeys("L-1", hops, FLOWS)}


def test_filling_the_form_twice_makes_two_entries():
    first = [hop("capture", at=0, entry="c-1", trace="a" * 32), hop("crm", at=1, entry="c-1", trace="a" * 32)]
    second = [hop("capture", at=60, entry="c-2", trace="b" * 32), hop("crm", at=61, entry="c-2", trace="b" * 32)]
    assert entries([*first, *second]) == {
        "c-1": [one.hop_id for one in first],
        "c-2": [one.hop_id for one in second],
    }


def test_a_hop_without_a_correlation_id_belongs_to_the_entry_of_its_trace():
    first = hop("capture", at=0, entry="c-1", trace="a" * 32)
    bare = hop(service="vendor", name="x", at=1, entry=None, trace="a" * 32)
    assert list(entries([first, bare])) == ["c-1"]


def test_in_a_shared_trace_a_hop_belongs_to_its_nearest_ancestors_entry():
    first = hop("capture", at=0, entry="c-1", trace="a" * 32)
    second = hop("capture", at=0, entry="c-2", trace="a" * 32)
    below_second = hop(service="db", name="insert", at=1, entry=None, parent=second)
    deeper = hop(service="db", name="fsync", at=2, entry=None, parent=below_second)
    assert entries([first, second, below_second, deeper])["c-2"] == [second.hop_id, below_second.hop_id, deeper.hop_id]


def test_a_hop_of_another_trace_joins_the_entry_that_its_link_points_into():
    first = hop("capture", at=0, entry="c-1", trace="a" * 32)
    other = hop("capture", at=50, entry="c-2", trace="b" * 32)
    linked = hop("crm", at=60, entry=None, trace="c" * 32, links=[(first.trace_id, first.hop_id)])
    assert linked.hop_id in entries([first, other, linked])["c-1"]


def test_a_hop_that_nothing_ties_belongs_to_the_entry_that_had_begun_last():
    first = hop("capture", at=0, entry="c-1", trace="a" * 32)
    second = hop("capture", at=100, entry="c-2", trace="b" * 32)
    between = hop(service="prefs", at=50, event="Unsubscribed", entry=None, trace="d" * 32)
    after = hop(service="prefs", at=150, event="Unsubscribed", entry=None, trace="e" * 32)
    before = hop(service="prefs", at=-5, event="Unsubscribed", entry=None, trace="f" * 32)
    found = entries([first, second, between, after, before])
    assert between.hop_id in found["c-1"]
    assert before.hop_id in found["c-1"]
    assert after.hop_id in found["c-2"]


def test_without_any_correlation_id_each_capture_begins_an_entry_named_by_its_trace():
    hops = [
        hop("capture", at=0, entry=None, trace="a" * 32),
        hop("crm", at=1, entry=None, trace="a" * 32),
        hop("capture", at=60, entry=None, trace="b" * 32),
        hop("crm", at=61, entry=None, trace="c" * 32),
    ]
    assert entries(hops) == {
        "a" * 32: [hops[0].hop_id, hops[1].hop_id],
        "b" * 32: [hops[2].hop_id, hops[3].hop_id],
    }


def test_a_lead_of_which_no_capture_was_seen_has_one_entry_named_by_itself():
    assert list(entries([hop("crm", at=1, entry=None)])) == ["L-1"]


def test_a_child_never_stands_before_its_parent_however_wrong_its_clock():
    parent = hop("crm", at=10)
    child = hop(service="vendor", name="x", at=-290, parent=parent)
    grandchild = hop(service="vendor", name="y", at=-289, parent=child)
    other = hop("capture", at=0)
    (journey,) = journeys("L-1", [grandchild, child, other, parent], FLOWS)
    assert [one.hop_id for one in journey.hops] == [one.hop_id for one in (other, parent, child, grandchild)]


def test_the_flows_of_an_entry_are_those_its_hops_name_else_those_whose_capture_it_shows():
    def flows_of(hops):
        return journeys("L-1", hops, FLOWS)[0].flows(FLOWS)

    assert flows_of([hop("capture", at=0, flow="webinar"), hop("crm", at=1, flow="other")]) == ["webinar", "other"]
    assert flows_of(healthy()) == ["webinar"]
    assert flows_of([hop(service="unheard-of", name="x", at=0)]) == []


def test_every_hop_stands_in_exactly_one_entry():
    hops = [*healthy(), *(hop(service="noise", name="n", at=n, entry=None, trace=f"{n:032x}") for n in range(1, 40))]
    made = journeys("L-1", hops, FLOWS)
    placed = [one.hop_id for journey in made for one in journey.hops]
    assert sorted(placed) == sorted(one.hop_id for one in hops)
