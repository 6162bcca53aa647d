"""Where telemetry goes, and the stock OpenTelemetry set-up every service shares."""

import uuid
from dataclasses import dataclass, field
from typing import Literal

import grpc
import httpx
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

EXPORT_EVERY_MS = 500
PROBE_TIMEOUT_S = 5.0

Protocol = Literal["http", "grpc"]


@dataclass(frozen=True)
class Otlp:
    """One OTLP destination; `http_url` is the base URL, without `/v1/traces`."""

    http_url: str = "http://127.0.0.1:4318"
    grpc_target: str = "127.0.0.1:4317"
    protocol: Protocol = "http"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def traces_url(self) -> str:
        return f"{self.http_url.rstrip('/')}/v1/traces"

    @property
    def destination(self) -> str:
        return self.traces_url if self.protocol == "http" else f"grpc://{self.grpc_target}"

    def exporter(self) -> SpanExporter:
        if self.protocol == "grpc":
            return GrpcSpanExporter(endpoint=self.grpc_target, insecure=True, headers=dict(self.headers))
        return HttpSpanExporter(endpoint=self.traces_url, headers=dict(self.headers))

    def refusal(self) -> str | None:
        """Why the destination would not take spans, in one sentence; None when it takes an empty request."""
        return self._http_refusal() if self.protocol == "http" else self._grpc_refusal()

    def _http_refusal(self) -> str | None:
        empty = ExportTraceServiceRequest().SerializeToString()
        headers = {**self.headers, "content-type": "application/x-protobuf"}
        try:
            answer = httpx.post(self.traces_url, content=empty, headers=headers, timeout=PROBE_TIMEOUT_S)
        except httpx.HTTPError as exc:
            return f"nothing answers OTLP at {self.traces_url}: {exc}"
        except httpx.InvalidURL as exc:
            return f"{self.traces_url} is not a URL: {exc}"
        if answer.is_success:
            return None
        return f"{self.traces_url} refused an empty request with {answer.status_code}: {answer.text[:200]}"

    def _grpc_refusal(self) -> str | None:
        try:
            with grpc.insecure_channel(self.grpc_target) as channel:
                export = TraceServiceStub(channel).Export  # type: ignore[no-untyped-call]
                export(ExportTraceServiceRequest(), metadata=tuple(self.headers.items()), timeout=PROBE_TIMEOUT_S)
        except grpc.RpcError as exc:
            return f"nothing takes OTLP at {self.destination}: {exc.code().name} {exc.details()}"
        return None


def provider_for(name: str, version: str, otlp: Otlp) -> TracerProvider:
    """A provider of one service: baggage copied on every span, spans sent in batches twice a second."""
    resource = Resource.create(
        {
            "service.name": name,
            "service.version": version,
            "service.instance.id": str(uuid.uuid4()),  # the SDK's default is one id a process, and we are ten in one
            "deployment.environment.name": "demo",
        }
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS))
    provider.add_span_processor(BatchSpanProcessor(otlp.exporter(), schedule_delay_millis=EXPORT_EVERY_MS))
    return provider
