"""Stock OpenTelemetry SDKs, configured as their own documents say, point at leadtrace and are understood."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from live import Live, wait_for
from opentelemetry import baggage, context, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

JS = Path(__file__).parent / "js"


def exporter(server: Live, protocol: str):
    if protocol == "grpc":
        return GrpcExporter(endpoint=server.otlp_grpc, insecure=True, headers=server.bearer())
    return HttpExporter(endpoint=f"{server.otlp_http}/v1/traces", headers=server.bearer())


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_pythons_sdk_with_baggage_is_understood(server, protocol):
    lead = f"L-py-{protocol}"
    provider = TracerProvider(resource=Resource({"service.name": "web-forms", "service.version": "1.4.0"}))
    provider.add_span_processor(BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS))
    provider.add_span_processor(BatchSpanProcessor(exporter(server, protocol)))
    tracer = provider.get_tracer("forms")
    began = datetime.now(UTC)

    of_lead = baggage.set_baggage("lead.correlation_id", f"c-{lead}", baggage.set_baggage("lead.id", lead))
    attached = context.attach(of_lead)
    try:
        with tracer.start_as_current_span("POST /forms", kind=trace.SpanKind.SERVER) as capture:
            capture.set_attribute("lead.event", "FormSubmitted")
            with tracer.start_as_current_span("lookup") as lookup:
                lookup.add_event("found", {"size": 85})
                lookup.set_attributes({"a.list": ["x", "y"], "a.number": 85, "a.share": 0.25, "a.truth": True})
    finally:
        context.detach(attached)
    assert provider.force_flush()
    provider.shutdown()

    hops = wait_for(lambda: _hops(server, lead, 2), "both spans")
    assert [hop["span_id"] for hop in hops] == [_id(capture), _id(lookup)]
    assert [hop["parent_span_id"] for hop in hops] == ["", _id(capture)]
    assert {hop["trace_id"] for hop in hops} == {format(capture.get_span_context().trace_id, "032x")}
    assert {(hop["service"], hop["service_version"], hop["entry"]) for hop in hops} == {
        ("web-forms", "1.4.0", f"c-{lead}")
    }
    assert began <= datetime.fromisoformat(hops[0]["at"]) <= datetime.now(UTC)
    told = hops[1]["attributes"]
    assert (told["a.number"], told["a.share"], told["a.truth"]) == ("85", "0.25", "true")
    assert [(event["name"], event["attributes"]) for event in hops[1]["events"]] == [("found", {"size": "85"})]
    wait_for(lambda: server.why(lead), "the answer")


def _id(span: trace.Span) -> str:
    return format(span.get_span_context().span_id, "016x")


def _hops(server: Live, lead: str, count: int) -> list[dict]:
    answer = server.get(f"/api/v1/leads/{lead}")
    hops = answer.json()["hops"] if answer.status_code == 200 else []
    return hops if len(hops) == count else []


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_pythons_sdk_is_told_when_its_token_is_wrong(server, protocol, caplog):
    headers = {"authorization": "Bearer lti_00000000_wrong"}
    if protocol == "grpc":
        sending = GrpcExporter(endpoint=server.otlp_grpc, insecure=True, headers=headers)
    else:
        sending = HttpExporter(endpoint=f"{server.otlp_http}/v1/traces", headers=headers)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(sending))
    provider.get_tracer("forms").start_span("refused").end()
    provider.shutdown()
    assert any(word in caplog.text for word in ("UNAUTHENTICATED", "401"))


# ── JavaScript ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Path:
    """The SDK in a folder of its own, from the committed lock; skips where there is no way to get it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not here")
    folder = tmp_path_factory.mktemp("js")
    for name in ("package.json", "package-lock.json", "send.mjs"):
        shutil.copy(JS / name, folder)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry does not answer")
    unreachable = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "E403", "network")
    if done.returncode != 0 and any(word in done.stderr for word in unreachable):
        pytest.skip("the npm registry cannot be reached")
    assert done.returncode == 0, done.stderr
    return folder


def test_javascripts_sdk_is_understood_to_the_letter(server, installed):
    sending = {
        **{key: value for key, value in os.environ.items() if not key.startswith("OTEL_")},
        "OTEL_EXPORTER_OTLP_ENDPOINT": server.otlp_http,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{server.token}",
    }
    done = subprocess.run(
        ["node", "send.mjs"], cwd=installed, env=sending, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    sent = json.loads(done.stdout)

    capture, write = wait_for(lambda: _hops(server, "L-js", 2), "both spans")
    assert {key: capture[key] for key in ("trace_id", "span_id")} == sent["capture"]
    assert {key: write[key] for key in ("trace_id", "span_id")} == sent["write"]
    assert write["parent_span_id"] == capture["span_id"]
    assert (capture["kind"], write["kind"], write["status"]) == ("server", "client", "error")
    assert (capture["service"], capture["service_version"], capture["entry"]) == ("web-forms", "3.2.1", "c-js")
    told = capture["attributes"]
    assert (told["form.fields"], told["form.share"], told["form.valid"]) == ("7", "0.5", "true")
    assert write["attributes"]["http.response.status_code"] == "429"
    assert [(event["name"], event["attributes"]) for event in capture["events"]] == [("validated", {"rule": "naïve ✓"})]


def test_the_lock_names_no_registry():
    """Whoever installs takes the packages from where he is told to, not from where this was written."""
    lock = json.loads((JS / "package-lock.json").read_text())
    packages = [one for path, one in lock["packages"].items() if path]
    assert packages
    assert all("resolved" not in one and one["integrity"].startswith("sha512-") for one in packages)
