"""What the judge reads of hops is what is known of them: the same words, shared by hops that say the same."""

import itertools

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp_requests import logs, span, traces

from model.hop import Hop
from store.hops import hops_of_leads
from store.hops_to_judge import hops_to_judge

READ = ["lead.flow", "lead.event", "lead.outcome", "lead.reason", "lead.score", "server.address", "tags"]
ODD = ['"', "\\", "\\n", "\n", "\x01", "é", "☃ 😀", "{}", "[1]", '{"a": "b"}', "','", "`x`", "/", "\\u0041", " "]

_numbers = itertools.count(1)


def land(store, *requests):
    for signal, body in requests:
        store.land(signal, body, f"s-{next(_numbers)}")


def read(store, leads, names=READ, **bounds):
    return {lead: rows.hops() for page in hops_to_judge(store, leads, names, **bounds) for lead, rows in page}


def said(hop: Hop, names):
    """All that the rules may read of a hop, where of its attributes they read those named."""
    return (
        hop.lead, hop.trace_id, hop.hop_id, hop.parent_id, hop.signal, hop.at_ns, hop.duration_ns, hop.service, hop.name,
        hop.kind, hop.status, hop.status_message, hop.entry, hop.flow, hop.event, hop.outcome, hop.reason, hop.links,
        {key: value for key, value in hop.attributes.items() if key in {*names, "url.full", "http.url"}},
        [(event.name, {key: text for key, text in event.attributes.items() if key in names}) for event in hop.events],
    )  # fmt: skip


def assert_same(store, leads, names=READ):
    whole, judged = hops_of_leads(store, leads), read(store, leads, names)
    for lead in leads:
        assert [said(hop, names) for hop in judged[lead]] == [said(hop, names) for hop in whole[lead]]


def test_it_says_what_is_known_of_the_hop(store):
    told = {
        "lead.event": "FormSubmitted",
        "lead.score": 61.5,
        "server.address": "crm",
        "url.full": "https://crm/leads/7?x",
    }
    land(
        store,
        ("traces", traces(span("x", lead="L-1", entry="c-1", flow="f", attributes={**told, "client.port": 7}, links=[("b" * 32, "c" * 16)]))),
        ("traces", traces(span("y", lead="L-1", at=1, took=2, kind="client", parent="d" * 16, error=True, attributes={"http.url": "http://old"}))),
        ("logs", logs("StageMoved", at=2, lead__id="L-1", lead__reason="sold", body="it moved")),
    )  # fmt: skip
    assert_same(store, ["L-1"])
    (first, _, event) = read(store, ["L-1"])["L-1"]
    assert "client.port" not in first.attributes
    assert "body" not in event.attributes
    assert_same(store, ["L-1"], [*READ, "body", "client.port"])


@pytest.mark.parametrize("odd", ODD)
def test_odd_signs_stay_what_they_are(store, odd):
    words = {"lead.reason": f"a{odd}b", "lead.event": odd, "url.full": f"https://h/{odd}"}
    land(
        store,
        ("traces", traces(span(f"n{odd}", service=f"s{odd}", lead="L-1", entry=f"e{odd}", attributes=words))),
        ("logs", logs(f"E{odd}", lead__id="L-1", lead__reason=odd, body=odd)),
    )
    assert_same(store, ["L-1"], [*READ, "body"])


def test_of_a_spans_events_it_says_what_the_rules_read(store):
    request = ExportTraceServiceRequest.FromString(traces(span("x", lead="L-1")))
    made = request.resource_spans[0].scope_spans[0].spans[0]
    made.status.code, made.status.message = 2, 'it "failed"\n'
    for name in ("exception", "note"):
        event = made.events.add(name=name, time_unix_nano=7)
        for key in ("exception.type", "exception.message", "exception.stacktrace"):
            event.attributes.add(key=key).value.string_value = f'{key} "x"\n'
    land(store, ("traces", request.SerializeToString()))
    assert_same(store, ["L-1"])
    (hop,) = read(store, ["L-1"])["L-1"]
    assert all("exception.stacktrace" not in event.attributes for event in hop.events)


def test_lists_are_readable(store):
    land(store, ("traces", traces(span("x", lead="L-1", attributes={"tags": ["a", 'b"']}))))
    assert_same(store, ["L-1"])


def test_adopted_hops_are_like_others(store):
    land(store, ("traces", traces(span("x", lead="L-1", attributes={"lead.reason": "r"}))))
    store.command(
        'INSERT INTO timeline SELECT * REPLACE (\'adopted\' AS hop_id, \'{"a":{"k":"v"},"e":[],"l":[]}\' AS payload) FROM timeline'
    )
    assert_same(store, ["L-1"])


def test_hops_that_say_the_same_share_a_shape_whatever_their_ids_times_and_urls(store):
    spans = [
        span("x", lead=f"L-{n % 2}", entry=f"c-{n}", at=n, trace=f"{n:032x}",
             attributes={"lead.reason": "r", "url.full": f"https://crm:443/leads/{n}", "client.port": n})
        for n in range(1, 5)
    ]  # fmt: skip
    other = span("x", lead="L-1", at=9, attributes={"lead.reason": "other"})
    land(store, ("traces", traces(*spans, other)))
    *same, last = read(store, ["L-0"])["L-0"] + read(store, ["L-1"])["L-1"]
    assert len({hop.shape for hop in same}) == 1
    assert len({hop.attributes["url.full"] for hop in same}) == 4
    assert last.shape is not same[0].shape


def test_hops_whose_paths_differ_in_ids_alone_share_a_shape_where_only_the_gist_is_read(store):
    paths = ["/v1/leads/L-7", "/v1/leads/0x8?at=9", "/v1/leads/9", "/health", "/oauth2/token"]
    spans = [span("x", lead="L-1", at=n, attributes={"url.path": path}) for n, path in enumerate(paths)]
    land(store, ("traces", traces(*spans)))
    gist = read(store, ["L-1"], [*READ, "url.path"], paths=["url.path", "http.target"])["L-1"]
    assert [hop.attributes["url.path"] for hop in gist] == ["/*/leads/*"] * 3 + ["/health", "/oauth/token"]
    assert len({hop.shape for hop in gist}) == 3
    assert [hop.attributes["url.path"] for hop in read(store, ["L-1"], [*READ, "url.path"])["L-1"]] == paths


def test_leads_that_nobody_spoke_of_have_no_hops(store):
    land(store, ("traces", traces(span("x", lead="L-2"))))
    assert {lead: len(hops) for lead, hops in read(store, ["L-3", "L-1", "L-2", "L-2"]).items()} == {
        "L-1": 0,
        "L-2": 1,
        "L-3": 0,
    }


def test_a_page_holds_whole_leads_and_no_more_hops_than_it_may(store):
    counts = {"L-1": 3, "L-2": 9, "L-3": 0, "L-4": 1, "L-5": 4, "L-6": 5, "L-7": 5, "L-8": 2}
    spans = [span(f"n{n}", lead=lead, at=n) for lead, count in counts.items() for n in range(count)]
    land(store, ("traces", traces(*spans)))
    pages = [
        [(lead, len(hops)) for lead, hops in page]
        for page in hops_to_judge(store, list(counts), READ, most=6, hops_a_page=7)
    ]
    assert [one for page in pages for one in page] == [(lead, min(count, 6)) for lead, count in counts.items()]
    assert all(sum(count for _, count in page) <= 7 for page in pages)
    assert len(pages) > 3


def test_of_a_lead_with_too_many_hops_the_earliest_are_read(store):
    land(store, ("traces", traces(*(span(f"n{n}", lead="L-1", at=n) for n in range(50)))))
    assert [hop.name for hop in read(store, ["L-1"], most=3, hops_a_page=10)["L-1"]] == ["n0", "n1", "n2"]


def test_a_hop_that_was_sent_twice_is_read_once(store):
    body = traces(span("x", lead="L-1"))
    land(store, ("traces", body), ("traces", body))
    assert len(read(store, ["L-1"])["L-1"]) == 1
