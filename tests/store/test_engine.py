"""The connection: one for both sizes, its errors told apart by whether trying again helps."""

import threading

import pytest
from otlp_requests import span, traces

from store.engine import Store
from store.errors import InsertRefused, StoreUnavailable
from store.hops import hops_of_leads, trace
from store.values import readable


@pytest.mark.parametrize("url", ["", "postgres://x", "chdb://", "chdb:///", "/var/lib"])
def test_a_url_that_names_no_engine_is_refused_with_its_mend(url):
    with pytest.raises(ValueError, match="chdb:///"):
        Store(url)


def test_a_server_that_does_not_answer_is_unavailable_not_an_error_of_the_data():
    store = Store("clickhouse://nobody:x@127.0.0.1:9/leadtrace")
    with pytest.raises(StoreUnavailable) as caught:
        store.open()
    assert caught.value.retryable
    store.close()


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\xff" * 20, id="noise"),
        pytest.param(traces(span("x", lead="L-1"))[:-7], id="cut off"),
        pytest.param(b"\x0a\x02\x12\x7f", id="a length that lies"),
    ],
)
def test_bytes_that_are_no_otlp_are_refused_whole_and_for_good(store, payload):
    good = traces(span("before", lead="L-1"))
    with pytest.raises(InsertRefused) as caught:
        store.land("traces", good + payload, "poisoned")
    assert not caught.value.retryable
    assert store.command("SELECT count() FROM spans") == 0


def test_the_same_segment_twice_adds_nothing_anywhere(store):
    tables = ("spans", "timeline", "lead_traces", "lead_keys", "agenda", "service_versions")
    body = traces(*(span("x", lead=f"L-{n}", trace=f"{n + 1:032x}", version="1") for n in range(50)))

    def counts():
        return {table: store.command(f"SELECT count() FROM {table}") for table in tables}

    store.land("traces", body, "segment-1")
    once = counts()
    store.land("traces", body, "segment-1")
    assert counts() == once
    assert all(once.values())


def test_the_same_span_in_two_segments_is_read_once(store):
    body = traces(span("x", lead="L-1"))
    store.land("traces", body, "segment-1")
    store.land("traces", body, "segment-2")
    assert len(hops_of_leads(store, ["L-1"])["L-1"]) == 1
    found = trace(store, "a" * 32)
    assert found is not None
    assert len(found.spans) == 1


def test_many_threads_share_the_pool(store):
    store.land("traces", traces(*(span("x", lead=f"L-{n}") for n in range(20))), "s")
    seen, errors = [], []

    def ask(lead):
        try:
            seen.append(len(hops_of_leads(store, [lead])[lead]))
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(f"L-{n}",)) for n in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == []
    assert seen == [1] * 20


def test_a_lead_with_more_hops_than_are_read_gives_the_earliest(store):
    store.land("traces", traces(*(span(f"n{n}", lead="L-1", at=n) for n in range(50))), "s")
    assert [one.name for one in hops_of_leads(store, ["L-1"], most=3)["L-1"]] == ["n0", "n1", "n2"]


def test_names_that_look_like_sql_are_only_names(store):
    odd = "L-1' OR '1'='1 \\ ` \" {lead:String} \u2603"
    store.land("traces", traces(span("x", lead=odd)), "s")
    assert list(hops_of_leads(store, [odd, "L-1"])) == [odd]


def test_values_that_are_no_text_are_read_as_json():
    assert readable("plain") == "plain"
    assert readable("otlp-array:CgMKAXEKAhgH") == '["q", 7]'
    assert readable("otlp-array:not base64!") == "otlp-array:not base64!"


def test_a_parent_or_a_link_of_zeros_is_none(store):
    store.land(
        "traces",
        traces(span("x", lead="L-1", parent="0" * 16, links=[("0" * 32, "0" * 16), ("b" * 32, "c" * 16)])),
        "s",
    )
    (hop,) = hops_of_leads(store, ["L-1"])["L-1"]
    assert hop.parent_id == ""
    assert hop.links == (("b" * 32, "c" * 16),)
    assert store.command("SELECT count() FROM trace_links") == 2
