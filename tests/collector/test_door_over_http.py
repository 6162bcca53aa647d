"""What an OTLP/HTTP receiver must do, by the specification, over real sockets."""

import gzip
import json
import socket
import threading
import time
import zlib

import httpx
import pytest
import zstandard
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from prometheus_client import REGISTRY
from telemetry import JSON, PROTOBUF, SPAN_ID, TRACE_ID, Landing, log_record, logs, running, span, traces, wait_for

from collector.limits import DoorLimits, SpoolLimits
from store.errors import StoreUnavailable

HEX_SPAN = {"traceId": TRACE_ID.hex(), "spanId": SPAN_ID.hex(), "name": "POST /leads", "kind": 3}
SLACK = 3  # a shared, busy machine
JSON_TRACES = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [HEX_SPAN]}]}]}).encode()


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKERS = [
    pytest.param("", lambda body: body, id="no encoding"),
    pytest.param("identity", lambda body: body, id="identity"),
    pytest.param("none", lambda body: body, id="none"),
    pytest.param("gzip", gzip.compress, id="gzip"),
    pytest.param("GZIP", gzip.compress, id="gzip in capitals"),
    pytest.param("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:]), id="gzip of two members"),
    pytest.param("gzip", lambda body: gzip.compress(body) + b"\0\0\0", id="gzip padded with zeros"),
    pytest.param("deflate", zlib.compress, id="deflate"),
    pytest.param("deflate", raw_deflate, id="deflate without its wrapper"),
    pytest.param("zstd", lambda body: zstandard.ZstdCompressor().compress(body), id="zstd"),
    pytest.param(
        "zstd",
        lambda body: zstandard.ZstdCompressor().compress(body[:9]) + zstandard.ZstdCompressor().compress(body[9:]),
        id="zstd of two frames",
    ),
]


def test_a_span_is_in_the_store_within_two_seconds_of_its_acknowledgement(tmp_path):
    with running(tmp_path, spool=SpoolLimits()) as road:
        assert road.post_traces(traces(span())).status_code == 200
        acknowledged = time.monotonic()
        road.landed(1)
        assert time.monotonic() - acknowledged < 2 * SLACK


def test_success_is_200_without_partial_success(road):
    answer = road.post_traces(traces(span()))
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", PROTOBUF)
    answer = road.post("/v1/traces", JSON_TRACES, JSON)
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, {}, JSON)
    assert road.post_logs(logs(log_record())).content == b""


@pytest.mark.parametrize(("body", "content_type"), [(b"", PROTOBUF), (b"{}", JSON), (b'{"resourceSpans": []}', JSON)])
def test_an_empty_request_succeeds_and_stores_nothing(road, body, content_type):
    answer = road.post("/v1/traces", body, content_type)
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert road.collector.status().spool_bytes == 0


def test_what_is_stored_is_byte_for_byte_what_was_sent(road):
    body = traces(span(attributes={"lead.id": "L-1042"})).SerializeToString()
    road.post("/v1/traces", body)
    road.landed(1)
    assert [payload for _, payload in road.store.landed.values()] == [body]


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_every_encoding_is_taken_in_both_content_types(road, encoding, pack, content_type):
    body = JSON_TRACES if content_type == JSON else traces(span()).SerializeToString()
    headers = {"content_encoding": encoding} if encoding else {}
    assert road.post("/v1/traces", pack(body), content_type, **headers).status_code == 200
    assert road.landed(1)[0].name == "POST /leads"


def test_a_chunked_body_is_taken(road):
    body = traces(span()).SerializeToString()
    assert road.post("/v1/traces", (body[i : i + 7] for i in range(0, len(body), 7))).status_code == 200
    road.landed(1)


@pytest.mark.parametrize(
    "content_type", [f"{JSON}; charset=utf-8", "APPLICATION/JSON", f"{PROTOBUF}; x=y", "application/protobuf"]
)
def test_a_content_type_may_have_parameters_and_capitals(road, content_type):
    body = JSON_TRACES if "json" in content_type.lower() else traces(span()).SerializeToString()
    answer = road.post("/v1/traces", body, content_type)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == content_type.partition(";")[0].lower()


@pytest.mark.parametrize(
    ("method", "path", "content_type", "headers", "body", "status", "code"),
    [
        pytest.param("POST", "/v1/traces", PROTOBUF, {}, b"\xff\xff", 400, 3, id="not protobuf"),
        pytest.param("POST", "/v1/traces", JSON, {}, b"{", 400, 3, id="not JSON"),
        pytest.param("POST", "/v1/traces", JSON, {"content-encoding": "gzip"}, b"{}", 400, 3, id="not gzip"),
        pytest.param("POST", "/v1/traces", PROTOBUF, {"content-encoding": "br"}, b"", 415, 3, id="brotli"),
        pytest.param("POST", "/v1/traces", "text/plain", {}, b"", 415, 3, id="text"),
        pytest.param("POST", "/v1/traces", "", {}, b"", 415, 3, id="no content type"),
        pytest.param("POST", "/v1/metrics", PROTOBUF, {}, b"", 404, 5, id="metrics"),
        pytest.param("POST", "/v1/metrics", JSON, {}, b"", 404, 5, id="metrics in JSON"),
        pytest.param("POST", "/v1/traces/", PROTOBUF, {}, b"", 404, 5, id="unknown path"),
        pytest.param("PUT", "/v1/traces", PROTOBUF, {}, b"", 405, 12, id="wrong method"),
        pytest.param("GET", "/v1/logs", "", {}, b"", 405, 12, id="read"),
    ],
)
def test_every_refusal_is_a_google_rpc_status_in_the_requests_encoding(
    road, method, path, content_type, headers, body, status, code
):
    named = {"content-type": content_type} if content_type else {}
    answer = road.client.request(method, path, content=body, headers={**named, **headers})
    assert answer.status_code == status
    if content_type == PROTOBUF:
        assert answer.headers["content-type"] == PROTOBUF
        told = Status.FromString(answer.content)
        assert (told.code, bool(told.message)) == (code, True)
    else:
        assert answer.headers["content-type"] == JSON
        assert answer.json()["code"] == code
        assert answer.json()["message"]
    assert (answer.headers.get("allow") == "POST") == (status == 405)
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(("encoding", "pack"), [p for p in PACKERS if p.id in {"gzip", "deflate", "zstd"}])
def test_a_body_cut_short_in_its_compression_is_undecodable(road, encoding, pack):
    packed = pack(traces(*[span(name=str(i)) for i in range(50)]).SerializeToString())
    assert road.post("/v1/traces", packed[:-9], content_encoding=encoding).status_code == 400


def test_metrics_are_refused_with_a_sentence(road):
    told = Status.FromString(road.post("/v1/metrics", b"").content)
    assert told.message == "leadtrace takes traces and logs, not metrics; send metrics elsewhere"


def test_some_bad_spans_are_refused_by_partial_success_and_the_others_go_in(road):
    answer = road.post_traces(traces(span("good"), span("bad", trace_id=bytes(16)), span("worse", span_id=b"1")))
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 2)
    assert "1 with a trace_id that is not 16 bytes" in partial.error_message
    assert [s.name for s in road.landed(1)] == ["good"]


def test_a_log_record_with_a_wrong_trace_id_is_refused_and_one_without_goes_in(road):
    answer = road.post_logs(logs(log_record("in"), log_record("out", trace_id=b"short")))
    assert ExportLogsServiceResponse.FromString(answer.content).partial_success.rejected_log_records == 1
    assert [r.body.string_value for r in road.landed(1, "log_records")] == ["in"]


def test_partial_success_in_json_has_the_count_as_protobufs_json_has_it(road):
    bad = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**HEX_SPAN, "spanId": ""}]}]}]})
    assert road.post("/v1/traces", bad, JSON).json()["partialSuccess"]["rejectedSpans"] == "1"


def test_a_wrong_token_is_401_and_nothing_is_read(tmp_path):
    with running(tmp_path, authorize=lambda header: header == "Bearer right") as road:
        for headers in ({}, {"authorization": "Bearer wrong"}):
            answer = road.post_traces(traces(span()), **headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert Status.FromString(answer.content).code == 16
        assert road.post_traces(traces(span()), authorization="Bearer right").status_code == 200


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
def test_a_body_over_the_limit_is_413_before_and_after_decompression(tmp_path, encoding, pack):
    body = traces(span("x" * 5000)).SerializeToString()
    headers = {"content_encoding": encoding} if encoding else {}
    with running(tmp_path, door=DoorLimits(max_body_bytes=4000)) as road:
        answer = road.post("/v1/traces", pack(body), **headers)
        assert answer.status_code == 413
        assert Status.FromString(answer.content).code == 8
        assert "retry-after" not in answer.headers
    with running(tmp_path, door=DoorLimits(max_body_bytes=len(body) + 20)) as road:
        assert road.post("/v1/traces", pack(body), **headers).status_code == 200


def test_a_chunked_body_over_the_limit_is_413_though_no_length_was_told(tmp_path):
    with running(tmp_path, door=DoorLimits(max_body_bytes=4000)) as road:
        assert road.post("/v1/traces", (b"x" * 1000 for _ in range(6))).status_code == 413


def test_a_sender_that_waits_to_be_asked_is_refused_before_it_sends(tmp_path):
    with running(tmp_path) as road, socket.create_connection(("127.0.0.1", road.http_port)) as sender:
        sender.sendall(
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n"
            b"content-length: 99999999999\r\nexpect: 100-continue\r\n\r\n"
        )
        assert sender.recv(99).startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_come_is_408(tmp_path):
    with (
        running(tmp_path, door=DoorLimits(body_timeout_s=0.1)) as road,
        socket.create_connection(("127.0.0.1", road.http_port)) as sender,
    ):
        sender.sendall(
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 99\r\n\r\nx"
        )
        assert sender.recv(99).startswith(b"HTTP/1.1 408")


def test_a_sender_that_goes_away_leaves_nothing_behind(road):
    with socket.create_connection(("127.0.0.1", road.http_port)) as sender:
        sender.sendall(
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 99\r\n\r\nx"
        )
    assert road.post_traces(traces(span())).status_code == 200
    wait_for(lambda: road.collector.asgi_app._held._bytes == 0)


def test_too_many_bytes_in_flight_is_503_and_they_are_given_back(tmp_path):
    with (
        running(tmp_path, door=DoorLimits(max_held_bytes=3000)) as road,
        socket.create_connection(("127.0.0.1", road.http_port)) as slow,
    ):
        slow.sendall(
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 3000\r\n\r\n"
            + b"x" * 2900
        )
        wait_for(lambda: road.collector.asgi_app._held._bytes == 2900)
        answer = road.post_traces(traces(span("x" * 500)))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        slow.close()
        wait_for(lambda: road.collector.asgi_app._held._bytes == 0)
        assert road.post_traces(traces(span("x" * 500))).status_code == 200


def test_a_full_spool_is_503_with_retry_after_and_takes_again_when_the_store_is_back(tmp_path):
    def away(*_insert):
        raise StoreUnavailable("the engine is away")

    store = Landing()
    store.refuse = away
    with running(tmp_path, store=store, spool=SpoolLimits(max_bytes=3000, segment_age_s=0.02)) as road:
        answers = [road.post_traces(traces(span("x" * 500))) for _ in range(8)]
        accepted = sum(answer.status_code == 200 for answer in answers)
        refused = [answer for answer in answers if answer.status_code == 503]
        assert accepted + len(refused) == 8
        assert 3 <= accepted < 8
        told = Status.FromString(refused[0].content)
        assert (refused[0].headers["retry-after"], told.code) == ("2", 14)
        assert told.details[0].type_url.endswith("google.rpc.RetryInfo")
        store.refuse = lambda *_insert: None
        road.landed(accepted)
        wait_for(lambda: road.collector.status().spool_bytes == 0)
        assert road.post_traces(traces(span())).status_code == 200


def test_a_large_request_is_parsed_beside_the_event_loop_and_arrives_whole(tmp_path):
    with running(tmp_path, door=DoorLimits(off_loop_bytes=100)) as road:
        assert road.post_traces(traces(*[span(str(i)) for i in range(2000)])).status_code == 200
        assert [s.name for s in road.landed(2000)] == [str(i) for i in range(2000)]


def test_many_senders_at_once_lose_nothing(road):
    def send(sender: int) -> None:
        with httpx.Client(base_url=str(road.client.base_url)) as client:
            for number in range(20):
                body = traces(span(f"{sender}-{number}")).SerializeToString()
                answer = client.post("/v1/traces", content=body, headers={"content-type": PROTOBUF})
                assert answer.status_code == 200

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len({s.name for s in road.landed(160)}) == 160


def test_a_bug_is_500_and_says_nothing_of_the_request(road, monkeypatch, capsys):
    def break_down(*_args):
        raise ZeroDivisionError("ada@acme.com")

    monkeypatch.setattr("collector.door.remove_bad_records", break_down)
    answer = road.post_traces(traces(span(attributes={"lead.email": "ada@acme.com"})))
    assert (answer.status_code, Status.FromString(answer.content).code) == (500, 13)
    out = capsys.readouterr()
    assert "ZeroDivisionError" in out.out + out.err
    assert "ada@acme.com" not in answer.text + out.out + out.err


def test_counters_follow_what_was_taken_and_refused(road):
    def value(name, **labels):
        return REGISTRY.get_sample_value(name, labels) or 0

    before = [
        value("leadtrace_door_accepted_total", signal="traces"),
        value("leadtrace_door_refused_total", signal="traces", reason="span_id"),
        value("leadtrace_door_requests_total", transport="http", signal="traces", code="200"),
    ]
    road.post_traces(traces(span(), span(span_id=b"")))
    after = [
        value("leadtrace_door_accepted_total", signal="traces"),
        value("leadtrace_door_refused_total", signal="traces", reason="span_id"),
        value("leadtrace_door_requests_total", transport="http", signal="traces", code="200"),
    ]
    assert [a - b for a, b in zip(after, before, strict=True)] == [1, 1, 1]
    assert value("leadtrace_spool_bytes") > 0 or road.landed(1)


def test_events_made_in_this_process_take_the_same_road(road):
    receipt = road.collector.inject(
        "logs", logs(log_record("ada@acme.com filled the form", event_name="FormSubmitted"))
    )
    assert receipt.accepted == 1
    (record,) = road.landed(1, "log_records")
    assert record.event_name == "FormSubmitted"
    assert "acme" not in record.body.string_value
