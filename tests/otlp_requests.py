"""Builds OTLP requests in tests: `traces(span("POST /leads", lead="L-1", at=3))`."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
START_NS = int(START.timestamp()) * 1_000_000_000
_KINDS = {"unspecified": 0, "internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_ids = itertools.count(1)

Value = str | bool | int | float | list[str]


@dataclass
class Span:
    name: str
    service: str = "svc"
    at: float = 0.0
    took: float = 0.1
    lead: str = ""
    entry: str = ""
    flow: str = ""
    trace: str = "a" * 32
    span_id: str = field(default_factory=lambda: f"{next(_ids):016x}")
    parent: str = ""
    kind: str = "server"
    error: bool = False
    version: str = ""
    attributes: Mapping[str, Value] = field(default_factory=dict)
    links: Sequence[tuple[str, str]] = ()

    @property
    def said(self) -> dict[str, Value]:
        words = {"lead.id": self.lead, "lead.correlation_id": self.entry, "lead.flow": self.flow}
        return {**{key: value for key, value in words.items() if value}, **self.attributes}


def span(name: str, **how) -> Span:
    return Span(name, **how)


def pair(key: str, value: Value) -> KeyValue:
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    if isinstance(value, list):
        texts = ArrayValue(values=[AnyValue(string_value=text) for text in value])
        return KeyValue(key=key, value=AnyValue(array_value=texts))
    return KeyValue(key=key, value=AnyValue(string_value=value))


def traces(*spans: Span) -> bytes:
    """One serialized request, a resource a service and version."""
    request = ExportTraceServiceRequest()
    for (service, version), members in _by_service(spans).items():
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.append(pair("service.name", service))
        if version:
            resource_spans.resource.attributes.append(pair("service.version", version))
        scope_spans = resource_spans.scope_spans.add()
        for one in members:
            made = scope_spans.spans.add(
                trace_id=bytes.fromhex(one.trace),
                span_id=bytes.fromhex(one.span_id),
                parent_span_id=bytes.fromhex(one.parent),
                name=one.name,
                kind=_KINDS[one.kind],
                start_time_unix_nano=START_NS + int(one.at * 1e9),
                end_time_unix_nano=START_NS + int((one.at + one.took) * 1e9),
            )
            made.attributes.extend(pair(key, value) for key, value in one.said.items())
            if one.error:
                made.status.code = 2
            for trace, target in one.links:
                made.links.add(trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(target))
    return request.SerializeToString()


def _by_service(spans: Sequence[Span]) -> dict[tuple[str, str], list[Span]]:
    grouped: dict[tuple[str, str], list[Span]] = {}
    for one in spans:
        grouped.setdefault((one.service, one.version), []).append(one)
    return grouped


def logs(
    event: str, *, service: str = "svc", at: float = 0.0, trace: str = "", body: str = "", **attributes: Value
) -> bytes:
    """One serialized request with one log record; `lead__id="L-1"` becomes the attribute `lead.id`."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.append(pair("service.name", service))
    record = resource_logs.scope_logs.add().log_records.add(
        event_name=event, time_unix_nano=START_NS + int(at * 1e9), trace_id=bytes.fromhex(trace)
    )
    if body:
        record.body.string_value = body
    record.attributes.extend(pair(key.replace("__", "."), value) for key, value in attributes.items())
    return request.SerializeToString()
