"""Lists of ids that are too long for one bound value: a ClickHouse server takes 128 KiB of each at most."""

import pytest
from otlp_requests import span, traces

from store.binding import bound
from store.engine import sql
from store.hops import hops_of_leads, orphans_of_traces
from store.leads import search, sharing

SERVER_TAKES = 128 * 1024
LONG = [f"{'long' * 50}-{n}" for n in range(2_000)]


@pytest.mark.parametrize(
    "leads",
    [
        pytest.param(LONG, id="long ids"),
        pytest.param([f"ü☃'\\\n{'é' * 70}{n}" for n in range(2_000)], id="signs of several bytes and escapes"),
        pytest.param([f"L-{n}" for n in range(100_000)], id="many ids"),
        pytest.param(["x" * 99_000, "y" * 99_000], id="few very long ones"),
        pytest.param(["é☃\\'" * 100_000], id="one beyond all bounds"),
        pytest.param(["L-1", "x" * 300_000, "L-2"], id="one beyond all bounds among others"),
    ],
)
def test_no_bound_value_is_longer_than_a_server_takes(leads):
    text, sent = bound("SELECT 1 WHERE lead_id IN {leads:Array(String)}", {"leads": leads})
    assert len(sent) > 1
    assert max(len(str(value).encode()) for value in sent.values()) < SERVER_TAKES
    assert all(f"{{{name}:Array(String)}}" in text or f"{{{name}:String}}" in text for name in sent)


def test_numbers_are_split_as_texts_are():
    _, sent = bound("SELECT {moments:Array(Int64)}", {"moments": [1_790_000_000_000] * 20_000})
    assert sum(len(part) for part in sent.values()) == 20_000
    assert max(len(str(part)) for part in sent.values()) < SERVER_TAKES


def test_a_list_that_fits_leaves_the_query_as_it_is():
    query = sql("hops_to_judge")
    text, sent = bound(query, {"leads": ["L-1"], "read": ["lead.id"], "most": 1, "rows": 2})
    assert (text, list(sent)) == (query, ["leads", "read", "most", "rows"])


def test_an_empty_list_stays_one(store):
    assert hops_of_leads(store, []) == {}


def test_each_of_thousands_of_long_ids_is_found(store):
    spoken = LONG[::500]
    store.land("traces", traces(*(span("x", lead=lead) for lead in spoken)), "s")
    assert sorted(hops_of_leads(store, LONG)) == sorted(spoken)


def test_a_list_that_stands_in_a_query_twice_is_put_together_twice(store):
    traces_of = [f"{n:032x}" for n in range(5_000)]
    store.land("traces", traces(*(span("x", trace=trace) for trace in traces_of[-3:])), "s")
    assert {one.trace_id for one in orphans_of_traces(store, traces_of, most=10)} == set(traces_of[-3:])


@pytest.mark.parametrize("lead", ["x" * 300_000, "é☃\\'\n" * 50_000], ids=["plain", "with escapes"])
def test_a_lead_whose_id_is_longer_than_any_bound_value_is_found(store, lead):
    store.land("traces", traces(span("x", lead=lead), span("x", lead="L-1"), span("x", lead="L-2")), "s")
    assert sorted(hops_of_leads(store, ["L-1", lead, "L-2"])) == sorted(["L-1", lead, "L-2"])
    assert list(hops_of_leads(store, [lead])) == [lead]
    assert [hit.exact for hit in search(store, lead, skip=0, most=5)] == [True]


def test_ids_that_are_left_out_are_left_out_however_many(store):
    assert sharing(store, LONG, [], most=5) == []
