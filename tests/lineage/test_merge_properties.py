"""However merges are told, in whatever order: each id belongs to one lead, and what is stored is what a fresh look says."""

import itertools
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from otlp_requests import START, span, traces
from telling_hops import FLOWS

from lineage.identity import Merges
from lineage.settle import Settler
from store.merges import MergeSaid

LEADS = "ABCDE"
_segments = itertools.count()


def said(merged, survivor, at):
    moment = START + timedelta(seconds=at)
    return MergeSaid(merged, survivor, moment, moment)


def known(merges):
    found = {lead: [] for lead in LEADS}
    for one in sorted(merges, key=lambda one: one.first_at):
        for lead in filter(None, (one.merged, one.survivor)):
            found[lead].append(one)
    return Merges(found)


MERGES = st.lists(
    st.tuples(st.sampled_from(LEADS), st.sampled_from([*LEADS, ""]), st.integers(0, 50)).filter(lambda one: one[0] != one[1]),
    max_size=12,
    unique_by=(lambda one: one[2], lambda one: one[:2]),
)  # fmt: skip


@given(MERGES)
def test_each_id_belongs_to_exactly_one_lead_which_is_its_own(told):
    merges = known([said(*one) for one in told])
    identities = {lead: merges.identity(lead) for lead in LEADS}
    for lead, identity in identities.items():
        assert lead in identity.ids
        assert identities[identity.lead] == identity
    ids = [one for identity in set(identities.values()) for one in identity.ids]
    assert sorted(ids) == list(LEADS)


@given(MERGES)
def test_whom_a_merge_was_told_of_is_looked_at_again(told):
    merges = known([said(*one) for one in told])
    for merged, survivor, _ in told:
        concerned = {one for identity in merges.concerned([merged]) for one in identity.ids}
        assert {merged, survivor or merged} <= concerned


# ── through the store ───────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def happening(draw):
    """A span that captures, merges, takes back or enrols; no two at the same moment."""
    kind = draw(st.sampled_from(["captured", "enrolled", "merged", "merged", "unmerged"]))
    return kind, draw(st.sampled_from("ABC")), draw(st.sampled_from("ABC"))


def told_as(number, kind, lead, other):
    trace = f"{number + 1:032x}"
    of_entry = {"lead": lead, "at": number, "trace": trace, "entry": f"c-{other}", "flow": "webinar"}
    match kind:
        case "captured":
            return span("POST /signup", service="forms", **of_entry)
        case "enrolled":
            return span("enrol", service="sender", attributes={"lead.event": "SequenceEnrolled"}, **of_entry)
        case "merged":
            words = {"lead.event": "IdentityMerged", "lead.merged_into": other}
        case _:
            words = {"lead.event": "IdentityUnmerged"}
    return span("identity", service="mdm", lead=lead, at=number, trace=trace, attributes=words)


def stored(store):
    with store.client() as client:
        asked = "SELECT lead_id, flow, entry, status, cause FROM verdicts FINAL WHERE gone = 0 ORDER BY ALL"
        return [tuple(row) for row in client.query(asked).result_rows]


def settled(store, requests):
    for table in ("spans", "timeline", "lead_traces", "lead_keys", "merges", "agenda", "cursors", "verdicts"):
        store.command(f"TRUNCATE TABLE {table}")
    settler = Settler(store, lambda: FLOWS)
    for spans in requests:
        store.land("traces", traces(*spans), f"segment-{next(_segments)}")
        while settler.tick():
            pass
    return stored(store)


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(happening(), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_what_is_stored_bit_by_bit_in_any_order_is_what_is_stored_at_once(store, happenings, chance):
    spans = [told_as(number, *one) for number, one in enumerate(happenings)]
    at_once = settled(store, [spans])
    shuffled = chance.sample(spans, len(spans))
    assert settled(store, [[one] for one in shuffled]) == at_once
    assert len({row[:3] for row in at_once}) == len(at_once)
