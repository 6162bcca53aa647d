"""The two signals leadtrace takes, and their protobuf messages."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from collector.errors import Undecodable

_REMOVED_FIELD: Final = 1000


@dataclass(frozen=True, slots=True)
class Signal:
    """One OTLP signal: its request is resources, of scopes, of records."""

    name: str
    service: str
    request: type[Message]
    response: type[Message]
    resource: type[Message]
    scope: type[Message]
    record: type[Message]
    resources_field: str
    scopes_field: str
    records_field: str
    rejected_field: str
    removed_field: str
    """Where spans or logs stood before OTLP 0.15; ignoring it as unknown would lose them in silence."""

    @property
    def path(self) -> str:
        return f"/v1/{self.name}"

    @property
    def noun(self) -> str:
        return "spans" if self.name == "traces" else "log records"

    def resources(self, request: Any) -> Any:
        return getattr(request, self.resources_field)

    def scopes(self, request: Any) -> Iterator[Any]:
        for resource in self.resources(request):
            yield from getattr(resource, self.scopes_field)

    def records(self, scope: Any) -> Any:
        return getattr(scope, self.records_field)


TRACES: Final = Signal(
    name="traces",
    service="opentelemetry.proto.collector.trace.v1.TraceService",
    request=ExportTraceServiceRequest,
    response=ExportTraceServiceResponse,
    resource=ResourceSpans,
    scope=ScopeSpans,
    record=Span,
    resources_field="resource_spans",
    scopes_field="scope_spans",
    records_field="spans",
    rejected_field="rejected_spans",
    removed_field="instrumentation_library_spans",
)
LOGS: Final = Signal(
    name="logs",
    service="opentelemetry.proto.collector.logs.v1.LogsService",
    request=ExportLogsServiceRequest,
    response=ExportLogsServiceResponse,
    resource=ResourceLogs,
    scope=ScopeLogs,
    record=LogRecord,
    resources_field="resource_logs",
    scopes_field="scope_logs",
    records_field="log_records",
    rejected_field="rejected_log_records",
    removed_field="instrumentation_library_logs",
)
SIGNALS: Final = {signal.name: signal for signal in (TRACES, LOGS)}


def parse(signal: Signal, body: bytes) -> Message:
    """The request in a protobuf body. Raises DecodeError, and Undecodable for what OTLP took away long ago."""
    message = signal.request()
    message.ParseFromString(body)
    for resource in signal.resources(message):
        if not getattr(resource, signal.scopes_field) and _has_removed_field(resource):
            raise removed(signal)
    return message


def _has_removed_field(resource: Message) -> bool:
    return any(field.field_number == _REMOVED_FIELD for field in _unknown_fields(resource))


def _unknown_fields(message: Message) -> Iterator[Any]:
    unknown: Any = UnknownFieldSet(message)  # iterable, though its stub does not say so
    yield from unknown


def removed(signal: Signal) -> Undecodable:
    return Undecodable(
        f"the request has {signal.removed_field}, which OTLP removed; update the exporter to send {signal.scopes_field}"
    )
