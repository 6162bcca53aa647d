"""Requests that receivers are known to get wrong: each is taken or refused, never lost in silence."""

import base64
import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from telemetry import JSON, PROTOBUF, REQUESTS, SPAN_ID, TRACE_ID, log_record, logs, span, traces

CASES = Path(__file__).parents[3] / "shared" / "cases" / "otlp"
shared = [
    pytest.mark.shared,
    pytest.mark.skipif(not CASES.is_dir(), reason="the cases that others wrote are not beside this checkout"),
]

ACCEPTED, PARTLY, REFUSED = "accepted", "partly", "refused"
VERDICTS = {
    "collector-8720_protogo_snake_case_base64_ids.json": (REFUSED, "hex, not base64"),
    "collector-1899_js_0.11_base64_ids_instrumentationLibrarySpans.json": (REFUSED, "instrumentation_library_spans"),
    "swift-537_hex_text_then_base64.json": (REFUSED, "hex, not base64"),
    "rust-2065_link_ids_as_int_arrays.json": (REFUSED, "traceId must be hex"),
    "uppercase_hex_ids_ok.json": (ACCEPTED, ""),
    "enum_name_instead_of_int.json": (ACCEPTED, ""),
    "status_code_int_ok.json": (ACCEPTED, ""),
    "omitted_kind_ok.json": (ACCEPTED, ""),
    "duplicate_attribute_keys_same_value.json": (ACCEPTED, ""),
    "duplicate_log_attributes_different_values.json": (ACCEPTED, ""),
    "int64_as_string.json": (ACCEPTED, ""),
    "int64_as_number.json": (ACCEPTED, ""),
    "int64_number_above_2_53.json": (ACCEPTED, ""),
    "unknown_fields_ignored.json": (ACCEPTED, ""),
    "missing_kind_status_events_empty_arrays.json": (ACCEPTED, ""),
    "empty_ids_from_spec_example.json": (PARTLY, "trace_id that is not 16 bytes"),
    "empty_request.json": (ACCEPTED, ""),
    "huge_attribute_1MiB.json": (ACCEPTED, ""),
    "invalid_utf8_attribute.binpb": (PARTLY, "not UTF-8"),
    "hex_text_ids_in_protobuf.binpb": (PARTLY, "trace_id that is not 16 bytes"),
}


def verdict_on(road, signal: str, body: bytes, content_type: str) -> tuple[str, str]:
    answer = road.post(f"/v1/{signal}", body, content_type)
    if answer.status_code != 200:
        assert answer.status_code == 400
        is_json = content_type == JSON
        return REFUSED, answer.json()["message"] if is_json else Status.FromString(answer.content).message
    if content_type == JSON:
        partial = answer.json().get("partialSuccess", {}).get("errorMessage", "")
    else:
        partial = ExportTraceServiceResponse.FromString(answer.content).partial_success.error_message
    return PARTLY if partial else ACCEPTED, partial


@pytest.mark.parametrize("file", [pytest.param(file, marks=shared) for file in VERDICTS])
def test_every_known_edge_case_has_its_verdict(road, file):
    body = (CASES / "edge" / file).read_bytes()
    signal = "logs" if b"resourceLogs" in body else "traces"
    verdict, reason = verdict_on(road, signal, body, PROTOBUF if file.endswith("binpb") else JSON)
    assert (verdict, VERDICTS[file][1] in reason) == (VERDICTS[file][0], True), reason


@pytest.mark.parametrize("missing", [pytest.param("", marks=shared)])
def test_every_edge_case_of_the_manifest_has_a_verdict_here(missing):
    manifest = json.loads((CASES / "edge" / "manifest.json").read_text())
    assert {case["file"] for case in manifest} == set(VERDICTS)


@pytest.mark.parametrize("encoding", [JSON, PROTOBUF])
@pytest.mark.parametrize(
    ("file", "signal", "what"),
    [
        pytest.param("trace.json", "traces", "spans", marks=shared),
        pytest.param("logs.json", "logs", "log_records", marks=shared),
        pytest.param("events.json", "logs", "log_records", marks=shared),
    ],
)
def test_the_official_payloads_go_in_in_both_encodings(road, file, signal, what, encoding):
    tree = json.loads((CASES / "official" / file).read_bytes())
    expected = official_message(signal, tree)
    body = json.dumps(tree).encode() if encoding == JSON else expected.SerializeToString()
    assert verdict_on(road, signal, body, encoding) == (ACCEPTED, "")
    road.landed(1, what)
    assert road.store.requests(signal) == [expected]


@pytest.mark.parametrize("file", [pytest.param("metrics.json", marks=shared)])
def test_the_official_metrics_are_refused_as_a_signal(road, file):
    answer = road.post("/v1/metrics", (CASES / "official" / file).read_bytes(), JSON)
    assert (answer.status_code, answer.json()["code"]) == (404, 5)


def official_message(signal: str, tree: dict):
    """Protobuf's own reading, once the ids are base64."""

    def with_base64_ids(node):
        if isinstance(node, list):
            return [with_base64_ids(child) for child in node]
        if not isinstance(node, dict):
            return node
        ids = {"traceId", "spanId", "parentSpanId"}
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode() if key in ids else with_base64_ids(value)
            for key, value in node.items()
        }

    return json_format.ParseDict(with_base64_ids(tree), REQUESTS[signal]())


# The repository's own cases: it stands alone.


def one_span(**members) -> dict:
    base = {"traceId": TRACE_ID.hex(), "spanId": SPAN_ID.hex(), "name": "op"}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [{**base, **members}]}]}]}


def test_hex_ids_of_either_case_are_the_same_ids(road):
    for text in (TRACE_ID.hex(), TRACE_ID.hex().upper()):
        road.post("/v1/traces", json.dumps(one_span(traceId=text)), JSON)
    assert {s.trace_id for s in road.landed(2)} == {TRACE_ID}


@pytest.mark.parametrize(
    ("kind", "status", "number"),
    [("SPAN_KIND_SERVER", "STATUS_CODE_ERROR", 2), ("SERVER", "ERROR", 2), ("server", "error", 2), (2, 2, 2)],
)
def test_enum_names_are_what_their_numbers_are(road, kind, status, number):
    road.post("/v1/traces", json.dumps(one_span(kind=kind, status={"code": status})), JSON)
    (stored,) = road.landed(1)
    assert (stored.kind, stored.status.code) == (number, number)


@pytest.mark.parametrize("written", [9007199254740993, "9007199254740993", -9007199254740993, "-9007199254740993"])
def test_integers_beyond_two_to_the_53_are_exact(road, written):
    attribute = {"key": "n", "value": {"intValue": written}}
    road.post("/v1/traces", json.dumps(one_span(attributes=[attribute])), JSON)
    assert road.landed(1)[0].attributes[0].value.int_value == int(written)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(one_span(traceId="W47/95gDgQPSabYzgT/GDA=="), "traceId must be hex", id="base64 trace id"),
        pytest.param(one_span(spanId="5b 8e"), "spanId must be hex", id="spaces in an id"),
        pytest.param(one_span(traceId=[91, 142]), "traceId must be hex", id="an id of integers"),
        pytest.param(one_span(kind="SPAN_KIND_BARTENDER"), "kind has a name", id="an enum name nobody knows"),
        pytest.param(one_span(kind=2**40), "kind does not hold", id="an enum out of range"),
        pytest.param(one_span(name="\ud800"), "name does not hold", id="half a surrogate pair"),
        pytest.param(one_span(name=7), "name does not hold", id="a number for a name"),
        pytest.param(one_span(startTimeUnixNano=-1), "startTimeUnixNano does not hold", id="a time before time"),
        pytest.param(one_span(startTimeUnixNano="1.5"), "startTimeUnixNano does not hold", id="half a nanosecond"),
        pytest.param(one_span(startTimeUnixNano=True), "startTimeUnixNano does not hold", id="true for a time"),
        pytest.param(one_span(attributes={"a": 1}), "attributes must be a JSON array", id="attributes as an object"),
        pytest.param(
            one_span(attributes=[{"key": "k", "value": {"intValue": 1, "stringValue": "1"}}]),
            "this twice, or two values",
            id="two values in one",
        ),
        pytest.param(one_span(trace_id=TRACE_ID.hex()), "this twice, or two values", id="an id in two spellings"),
        pytest.param({"resourceSpans": {}}, "resourceSpans must be a JSON array", id="resources as an object"),
        pytest.param({"resourceSpans": [7]}, "must be a JSON object", id="a number for a resource"),
        pytest.param({"resourceLogs": []}, "resourceLogs", id="logs sent as traces"),
        pytest.param({"resourceSpans": [{"instrumentationLibrarySpans": []}]}, "OTLP removed", id="removed field"),
        pytest.param([], "must be a JSON object", id="an array"),
        pytest.param(None, "must be a JSON object", id="null"),
    ],
)
def test_json_that_is_not_otlp_is_400_with_its_reason(road, body, reason):
    verdict, told = verdict_on(road, "traces", json.dumps(body).encode(), JSON)
    assert verdict == REFUSED
    assert reason in told


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"[" * 100_000, "nested too deeply", id="brackets"),
        pytest.param(b'{"a":' * 100_000, "nested too deeply", id="objects"),
        pytest.param(b'{"resourceSpans": NaN}', "NaN", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "Infinity", id="minus infinity"),
        pytest.param(b'{"resourceSpans": [], "resourceSpans": []}', "same key twice", id="duplicate keys"),
        pytest.param(b'{"a": "\xff"}', "not UTF-8", id="not UTF-8"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "thousands of digits", id="a number without end"),
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b"{} {}", "not JSON", id="two bodies"),
    ],
)
def test_hostile_json_is_400_with_its_reason(road, body, reason):
    verdict, told = verdict_on(road, "traces", body, JSON)
    assert (verdict, reason in told) == (REFUSED, True), told


def test_values_nested_beyond_protobufs_depth_are_refused(road):
    value: dict = {"stringValue": "deep"}
    for _ in range(150):
        value = {"arrayValue": {"values": [value]}}
    body = json.dumps(one_span(attributes=[{"key": "k", "value": value}])).encode()
    assert verdict_on(road, "traces", body, JSON)[0] == REFUSED


def test_one_unreadable_span_in_json_is_lost_alone(road):
    tree = one_span()
    tree["resourceSpans"][0]["scopeSpans"][0]["spans"].append({"traceId": "zz"})
    assert verdict_on(road, "traces", json.dumps(tree).encode(), JSON)[0] == PARTLY
    road.landed(1)


def test_a_refusal_never_quotes_what_was_sent(road):
    body = json.dumps(one_span(kind="ada@acme.com", attributes=[{"key": "k", "value": "ada@acme.com"}])).encode()
    assert "acme" not in verdict_on(road, "traces", body, JSON)[1]


def test_null_members_are_as_if_they_were_not_there(road):
    body = json.dumps(one_span(kind=None, attributes=None, links=None)).encode()
    assert verdict_on(road, "traces", body, JSON) == (ACCEPTED, "")


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(span("b\0d"), id="an attribute"),
        pytest.param(span("xx", attributes={"k": "b\0d"}), id="deeper"),
    ],
)
def test_a_span_with_text_that_is_not_utf8_is_lost_alone(road, bad):
    body = traces(span("first"), bad, span("last")).SerializeToString().replace(b"b\0d", b"b\xffd")
    verdict, reason = verdict_on(road, "traces", body, PROTOBUF)
    assert (verdict, "1 spans refused" in reason) == (PARTLY, True)
    assert [s.name for s in road.landed(2)] == ["first", "last"]


def test_a_resource_with_text_that_is_not_utf8_loses_its_spans_and_no_others(road):
    bad, good = traces(span("out"), span("out"), resource={"service.name": "b\0d"}), traces(span("in"))
    body = bad.SerializeToString().replace(b"b\0d", b"b\xffd") + good.SerializeToString()
    assert "2 spans refused" in verdict_on(road, "traces", body, PROTOBUF)[1]
    assert [s.name for s in road.landed(1)] == ["in"]


def test_a_log_record_with_text_that_is_not_utf8_is_lost_alone(road):
    body = logs(log_record("in"), log_record("b\0d")).SerializeToString().replace(b"b\0d", b"b\xffd")
    answer = road.post("/v1/logs", body)
    assert answer.status_code == 200
    road.landed(1, "log_records")


def test_a_request_of_which_nothing_can_be_read_is_undecodable(road):
    body = traces(span("b\0d")).SerializeToString().replace(b"b\0d", b"b\xffd")
    assert verdict_on(road, "traces", body, PROTOBUF)[0] == REFUSED


def test_every_truncation_of_a_request_is_answered_and_none_is_a_bug(road):
    body = traces(span("one", attributes={"k": "v"}), span("two")).SerializeToString()
    for end in range(len(body)):
        assert road.post("/v1/traces", body[:end]).status_code in {200, 400}


def test_spans_in_the_field_that_otlp_removed_are_refused_not_ignored(road):
    inner = span().SerializeToString()
    old = b"\x12" + bytes([len(inner)]) + inner  # InstrumentationLibrarySpans.spans = 2
    field = b"\xc2\x3e" + bytes([len(old)]) + old  # ResourceSpans.instrumentation_library_spans = 1000
    verdict, reason = verdict_on(road, "traces", b"\x0a" + bytes([len(field)]) + field, PROTOBUF)
    assert (verdict, "instrumentation_library_spans" in reason) == (REFUSED, True)


def test_logs_sent_as_traces_in_protobuf_are_refused(road):
    verdict, _ = verdict_on(road, "traces", logs(log_record(time_unix_nano=5)).SerializeToString(), PROTOBUF)
    assert verdict != ACCEPTED


BIG = 2**63


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(span(trace_id=b""), "trace_id", id="no trace id"),
        pytest.param(span(trace_id=TRACE_ID.hex().encode()), "trace_id", id="trace id as text"),
        pytest.param(span(trace_id=bytes(16)), "trace_id", id="zero trace id"),
        pytest.param(span(span_id=bytes(8)), "span_id", id="zero span id"),
        pytest.param(span(span_id=b"1234567"), "span_id", id="short span id"),
        pytest.param(span(parent_span_id=b"1234"), "parent_span_id", id="short parent"),
        pytest.param(span(start_time_unix_nano=BIG), "2262", id="start too late"),
        pytest.param(span(end_time_unix_nano=BIG), "2262", id="end too late"),
        pytest.param(span(events=[{"time_unix_nano": BIG}]), "2262", id="event too late"),
        pytest.param(span(links=[{"trace_id": b"x", "span_id": SPAN_ID}]), "link", id="link to a short trace id"),
        pytest.param(span(links=[{"trace_id": TRACE_ID, "span_id": b"x"}]), "link", id="link to a short span id"),
    ],
)
def test_a_bad_span_is_refused_with_its_reason(road, bad, reason):
    verdict, told = verdict_on(road, "traces", traces(bad, span("good")).SerializeToString(), PROTOBUF)
    assert (verdict, reason in told) == (PARTLY, True)
    assert [s.name for s in road.landed(1)] == ["good"]


@pytest.mark.parametrize(
    "fine",
    [
        pytest.param(span(links=[{}]), id="a link without ids, kept for its attributes"),
        pytest.param(span(links=[{"trace_id": bytes(16), "span_id": bytes(8)}]), id="a link of zeros"),
        pytest.param(span(attributes={"": "", "b": b"\xff", "l": [], "m": {"n": {"o": [""]}}}), id="odd values"),
        pytest.param(span(start_time_unix_nano=2, end_time_unix_nano=1), id="an end before its start"),
        pytest.param(span(""), id="no name"),
    ],
)
def test_odd_but_legal_spans_go_in_unchanged(road, fine):
    assert verdict_on(road, "traces", traces(fine).SerializeToString(), PROTOBUF) == (ACCEPTED, "")
    assert road.landed(1) == [fine]
