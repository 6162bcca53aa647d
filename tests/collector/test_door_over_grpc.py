"""The same promises over gRPC, and the stock Python exporters over both."""

import json
import os
import time
import urllib.request

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from telemetry import Landing, log_record, logs, running, span, traces

from collector.limits import DoorLimits, SpoolLimits
from store.errors import StoreUnavailable

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


def export(road, method: str, body: bytes, **options):
    with grpc.insecure_channel(f"127.0.0.1:{road.grpc_port}") as channel:
        return channel.unary_unary(method)(body, timeout=10, **options)


def refusal(road, method: str, body: bytes, **options) -> tuple[grpc.StatusCode, Status | None]:
    with pytest.raises(grpc.RpcError) as caught:
        export(road, method, body, **options)
    details = dict(caught.value.trailing_metadata() or ()).get("grpc-status-details-bin")
    return caught.value.code(), Status.FromString(details) if details else None


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_both_services_take_plain_and_gzip(road, compression):
    assert export(road, TRACES, traces(span()).SerializeToString(), compression=compression) == b""
    assert export(road, LOGS, logs(log_record()).SerializeToString(), compression=compression) == b""
    road.landed(1)
    road.landed(1, "log_records")


def test_an_empty_request_succeeds(road):
    assert export(road, TRACES, b"") == b""


def test_bad_spans_are_refused_by_partial_success(road):
    answer = export(road, TRACES, traces(span(), span(span_id=b"")).SerializeToString())
    assert ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans == 1
    road.landed(1)


def test_an_undecodable_request_is_an_invalid_argument(road):
    code, status = refusal(road, TRACES, b"\xff\xff")
    assert (code, status.code) == (grpc.StatusCode.INVALID_ARGUMENT, 3)


def test_a_wrong_token_is_unauthenticated(tmp_path):
    with running(tmp_path, authorize=lambda header: header == "Bearer right") as road:
        assert refusal(road, TRACES, b"")[0] == grpc.StatusCode.UNAUTHENTICATED
        assert export(road, TRACES, b"", metadata=(("authorization", "Bearer right"),)) == b""


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_too_large_is_resource_exhausted_without_retry_info_so_that_clients_drop_it(tmp_path, compression):
    with running(tmp_path, door=DoorLimits(max_body_bytes=4000)) as road:
        body = traces(span("x" * 5000)).SerializeToString()
        code, status = refusal(road, TRACES, body, compression=compression)
        assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert status is None or not status.details


def test_a_full_spool_is_unavailable_with_retry_info(tmp_path):
    def away(*_insert):
        raise StoreUnavailable("away")

    store = Landing()
    store.refuse = away
    with running(tmp_path, store=store, spool=SpoolLimits(max_bytes=100)) as road:
        code, status = refusal(road, TRACES, traces(span("x" * 200)).SerializeToString())
        retry = RetryInfo()
        assert code == grpc.StatusCode.UNAVAILABLE
        assert status.details[0].Unpack(retry)
        assert retry.retry_delay.seconds == 2


def test_a_sender_that_gives_up_while_waiting_leaves_the_door_open(tmp_path, monkeypatch):
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (time.sleep(0.2), real(descriptor)))
    with running(tmp_path) as road:
        with grpc.insecure_channel(f"127.0.0.1:{road.grpc_port}") as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(TRACES)(traces(span()).SerializeToString(), timeout=0.1)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert export(road, TRACES, traces(span()).SerializeToString()) == b""
        road.landed(2)  # the one given up was taken all the same: better twice than lost


def test_metrics_are_unimplemented(road):
    assert refusal(road, METRICS, b"")[0] == grpc.StatusCode.UNIMPLEMENTED


def exporters(road):
    http = f"http://127.0.0.1:{road.http_port}/v1/traces"
    return {
        "http": lambda: HttpExporter(http),
        "http gzip": lambda: HttpExporter(http, compression=Compression.Gzip),
        "grpc": lambda: GrpcExporter(f"127.0.0.1:{road.grpc_port}", insecure=True),
        "grpc gzip": lambda: GrpcExporter(
            f"127.0.0.1:{road.grpc_port}", insecure=True, compression=grpc.Compression.Gzip
        ),
    }


@pytest.mark.parametrize("transport", ["http", "http gzip", "grpc", "grpc gzip"])
def test_the_stock_exporters_deliver_every_kind_of_attribute(road, transport):
    provider = TracerProvider(resource=Resource({"service.name": "web-forms"}))
    provider.add_span_processor(SimpleSpanProcessor(exporters(road)[transport]()))
    tracer = provider.get_tracer("stock")
    with tracer.start_as_current_span("capture") as capture:
        capture.set_attributes({"lead.id": "L-1", "n": 7, "x": 1.5, "ok": True, "many": ["a", "b"]})
        with tracer.start_as_current_span("POST /leads") as inner:
            inner.record_exception(ValueError("no such contact: ada@acme.com"))
    provider.shutdown()
    inner, outer = sorted(road.landed(2), key=lambda s: s.name)
    assert inner.parent_span_id == outer.span_id
    assert {a.key for a in outer.attributes} >= {"lead.id", "n", "x", "ok", "many"}
    assert b"ada@acme.com" not in inner.SerializeToString()
    assert b"no such contact: tok_" in inner.SerializeToString()


def test_a_client_of_nothing_but_the_standard_library_is_enough(road):
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"eventName": "LeadCreated"}]}]}]}).encode()
    url = f"http://127.0.0.1:{road.http_port}/v1/logs"
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"{}"
    road.landed(1, "log_records")
