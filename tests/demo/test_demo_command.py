"""The command: its truth file, its exits, its two protocols."""

import json
import re
import signal
import subprocess
from concurrent import futures

import grpc
import pytest
from demo_otlp_sink import Sink, spans_in
from demo_runs import DEMO, ENVIRONMENT, REPO, run_demo
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from demo.faults import FAULTS


def test_the_truth_names_every_entry_as_telemetry_does(drive):
    captured = {
        (
            s.get("lead.id"),
            s.get("lead.correlation_id"),
            s.get("lead.campaign"),
            s.get("lead.segment"),
            s.get("lead.email"),
        )
        for s in drive.spans
        if s.get("lead.event") == "FormSubmitted"
    }
    planted = {
        (e["lead"], e["correlation_id"], e["campaign"], e["segment"], e["emails"][0]) for e in drive.truth["leads"]
    }
    assert captured == planted
    assert all(re.fullmatch(r"L-\d{4,}", entry["lead"]) for entry in drive.truth["leads"])


def test_the_truth_holds_every_fault_with_its_expected_answer(drive):
    assert {entry["fault"] for entry in drive.truth["leads"]} == {fault.name for fault in FAULTS}
    expected = {fault.name: fault.expect.as_json() for fault in FAULTS}
    assert all(entry["expect"] == expected[entry["fault"]] for entry in drive.truth["leads"])
    assert drive.truth["flow"] == "demo-request"


def test_progress_is_printed(drive):
    assert "10 instrumented services up" in drive.output
    assert "48/48 leads sent" in drive.output


def test_an_unreachable_collector_is_told_at_once(tmp_path):
    done = run_demo("--otlp-http", "http://127.0.0.1:1", "--truth", tmp_path / "truth.json")
    assert done.returncode == 2
    assert done.stderr.startswith("demo: cannot send telemetry: nothing answers OTLP at http://127.0.0.1:1/v1/traces")
    assert not (tmp_path / "truth.json").exists()


@pytest.mark.parametrize(
    "wrong", [("--leads", "0"), ("--rate", "-1"), ("--protocol", "smoke"), ("--truth", "/no/such/folder/truth.json")]
)
def test_a_wrong_option_is_refused(wrong):
    assert run_demo(*wrong).returncode == 2


def test_a_stack_that_stays_stops_on_a_signal(tmp_path):
    truth = tmp_path / "truth.json"
    with Sink() as sink:
        command = [*DEMO, "--otlp-http", sink.url, "--leads", "1", "--stay", "--truth", str(truth)]
        with subprocess.Popen(
            command, cwd=REPO, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            line = next(line for line in process.stdout if "a lead every" in line)
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=20)
    assert "stop with Ctrl-C" in line
    assert (process.returncode, errors) == (0, "")
    assert len(json.loads(truth.read_text())["leads"]) == 1


class GrpcSink(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self):
        self.spans = []

    def Export(self, request, context):  # noqa: N802  (gRPC's name)
        self.spans.extend(spans_in(request))
        return ExportTraceServiceResponse()


def test_spans_go_by_grpc_when_asked(tmp_path):
    sink = GrpcSink()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(sink, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        target = ("--protocol", "grpc", "--otlp-grpc", f"127.0.0.1:{port}")
        done = run_demo(*target, "--leads", 1, "--truth", tmp_path / "truth.json")
    finally:
        server.stop(None).wait()
    assert (done.returncode, done.stderr) == (0, "")
    assert "SequenceEnrolled" in {span.get("lead.event") for span in sink.spans}
