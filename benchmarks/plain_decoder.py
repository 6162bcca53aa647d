"""The other way in: decode OTLP in Python with opentelemetry-proto, build columns, insert columns.

It is the rival in the benchmarks and the oracle in the tests, so it takes the plain road and shares nothing with
store/schema.sql but the tables: a request becomes the rows that the schema's views would have made of it.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from store import schema
from store.engine import Store

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
EPOCH = datetime.fromtimestamp(0, UTC)
MAX_FIXED_DIGITS = 21
MIN_FIXED_POINT = -6

Attributes = dict[str, str]
Row = tuple[Any, ...]

COLUMNS = {
    "spans": (
        "trace_id", "span_id", "parent_span_id", "trace_state", "ts", "duration_ns", "service", "service_version",
        "name", "kind", "status", "status_message", "scope", "attributes", "resource_text", "events", "links",
        "lead_id", "correlation_id",
    ),
    "events": (
        "trace_id", "span_id", "event_id", "ts", "service", "service_version", "event_name", "severity", "body",
        "scope", "attributes", "resource_text", "lead_id", "correlation_id",
    ),
    "timeline": (
        "lead_id", "ts", "hop_id", "trace_id", "parent_id", "signal", "kind", "status", "status_message",
        "duration_ns", "service", "service_version", "name", "payload",
    ),
    "lead_traces": ("trace_id", "lead_id"),
    "trace_links": ("trace_id", "span_id", "other_trace_id", "other_span_id"),
    "lead_keys": ("search", "kind", "lead_id", "key", "mask", "seen_at"),
    "agenda": ("at", "lead_id", "trace_id"),
    "service_versions": ("service", "service_version", "first_seen", "last_seen"),
}  # fmt: skip


@dataclass(slots=True)
class Tables:
    """The rows of a request, a list a table."""

    spans: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    timeline: list[Row] = field(default_factory=list)
    lead_traces: dict[tuple[str, str], None] = field(default_factory=dict)
    trace_links: dict[tuple[str, str, str, str], None] = field(default_factory=dict)
    lead_keys: dict[tuple[str, str, str], tuple[str, str, int]] = field(default_factory=dict)
    agenda: dict[tuple[str, str], None] = field(default_factory=dict)
    service_versions: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def rows(self, table: str, now: datetime) -> list[Row]:
        """The rows of one table, in the order of its COLUMNS."""
        match table:
            case "lead_keys":
                return [(*key, *said[:2], _seconds(said[2])) for key, said in self.lead_keys.items()]
            case "agenda":
                return [(now, *line) for line in self.agenda]
            case "service_versions":
                return [(*key, *map(_seconds, seen)) for key, seen in self.service_versions.items()]
            case _:
                return list(getattr(self, table))


def create(store: Store) -> None:
    """The tables without the views: what this decoder fills."""
    for statement in schema.current():
        if statement.startswith("CREATE TABLE") and "ENGINE = Null" not in statement:
            store.command(statement)


def land(store: Store, signal: str, payload: bytes, token: str) -> None:
    """What `Store.land` does, the plain way."""
    tables = decode_traces(payload) if signal == "traces" else decode_logs(payload)
    insert(store, tables, token)


def insert(store: Store, tables: Tables, token: str) -> None:
    """Insert every table's columns, each under the request's token."""
    now = datetime.now(UTC)
    for table, names in COLUMNS.items():
        if rows := tables.rows(table, now):
            with store.client() as client:
                client.insert(
                    table,
                    [list(column) for column in zip(*rows, strict=True)],
                    column_names=names,
                    column_oriented=True,
                    settings={"insert_deduplication_token": token, "optimize_on_insert": 0},
                )


def decode_traces(payload: bytes) -> Tables:
    request = ExportTraceServiceRequest.FromString(payload)
    tables = Tables()
    for resource_spans in request.resource_spans:
        resource = attributes_of(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            scope = f"{scope_spans.scope.name} {scope_spans.scope.version}".rstrip(" ")
            for span in scope_spans.spans:
                _add_span(tables, span, resource, scope)
    return tables


def decode_logs(payload: bytes) -> Tables:
    request = ExportLogsServiceRequest.FromString(payload)
    tables = Tables()
    for resource_logs in request.resource_logs:
        resource = attributes_of(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            scope = f"{scope_logs.scope.name} {scope_logs.scope.version}".rstrip(" ")
            for record in scope_logs.log_records:
                _add_event(tables, record, resource, scope)
    return tables


def _add_span(tables: Tables, span: Any, resource: Attributes, scope: str) -> None:
    trace_id, span_id = span.trace_id.hex(), span.span_id.hex()
    parent_id = span.parent_span_id.hex() if span.parent_span_id.strip(b"\0") else ""
    at_ns = span.start_time_unix_nano
    duration_ns = max(span.end_time_unix_nano - at_ns, 0)
    service, version = resource.get("service.name", ""), resource.get("service.version", "")
    kind = KINDS[span.kind] if 0 <= span.kind < len(KINDS) else KINDS[0]
    status = STATUSES[span.status.code] if 0 <= span.status.code < len(STATUSES) else STATUSES[0]
    attributes = attributes_of(span.attributes)
    events = [(one.time_unix_nano, one.name, attributes_of(one.attributes)) for one in span.events]
    links = [(one.trace_id.hex(), one.span_id.hex()) for one in span.links if one.trace_id.strip(b"\0")]
    lead, entry = attributes.get("lead.id", ""), attributes.get("lead.correlation_id", "")
    tables.spans.append(
        (
            trace_id, span_id, parent_id, span.trace_state, at_ns, duration_ns, service, version, span.name, kind,
            status, span.status.message, scope, attributes, _json(resource), events, links, lead, entry,
        )
    )  # fmt: skip
    if lead:
        payload: dict[str, Any] = {"a": attributes}
        if events:
            payload["e"] = [{"at": at, "name": name, "a": said} for at, name, said in events]
        if links:
            payload["l"] = [{"trace": trace, "span": linked} for trace, linked in links]
        tables.timeline.append(
            (
                lead, at_ns, span_id, trace_id, parent_id, "span", kind, status, span.status.message, duration_ns,
                service, version, span.name, _json(payload),
            )
        )  # fmt: skip
    for other_trace, other_span in links:
        if other_trace != trace_id:
            tables.trace_links[(trace_id, span_id, other_trace, other_span)] = None
            tables.trace_links[(other_trace, other_span, trace_id, span_id)] = None
    if version:
        first, last = tables.service_versions.get((service, version), (at_ns, at_ns))
        tables.service_versions[(service, version)] = (min(first, at_ns), max(last, at_ns))
    _mention(tables, trace_id, attributes, at_ns)


def _add_event(tables: Tables, record: Any, resource: Attributes, scope: str) -> None:
    trace_id, span_id = record.trace_id.hex(), record.span_id.hex()
    at_ns = record.time_unix_nano or record.observed_time_unix_nano or int(datetime.now(UTC).timestamp() * 1e9)
    service, version = resource.get("service.name", ""), resource.get("service.version", "")
    attributes = attributes_of(record.attributes)
    body = text_of(record.body)
    name = record.event_name or attributes.get("event.name", "")
    event_id = _event_id(record, service, body, attributes)
    lead, entry = attributes.get("lead.id", ""), attributes.get("lead.correlation_id", "")
    tables.events.append(
        (
            trace_id, span_id, event_id, at_ns, service, version, name, record.severity_text, body, scope, attributes,
            _json(resource), lead, entry,
        )
    )  # fmt: skip
    if lead:
        tables.timeline.append(
            (
                lead, at_ns, event_id, trace_id, span_id, "event", KINDS[0], STATUSES[0], "", 0, service, version, name,
                _json({"a": attributes, "b": body}),
            )
        )  # fmt: skip
    _mention(tables, trace_id, attributes, at_ns)


def _event_id(record: Any, service: str, body: str, attributes: Attributes) -> str:
    """An id by content. The engine hashes otherwise, so ids differ between the roads, but group rows the same way."""
    said = (service, record.time_unix_nano, record.trace_id, record.span_id, record.event_name, record.severity_number)
    return f"{hash((*said, body, tuple(attributes.items()))) & (1 << 128) - 1:032x}"


def _mention(tables: Tables, trace_id: str, attributes: Mapping[str, str], at_ns: int) -> None:
    lead = attributes.get("lead.id", "")
    if lead or trace_id:
        tables.agenda[(lead, trace_id)] = None
    if not lead:
        return
    if trace_id:
        tables.lead_traces[(trace_id, lead)] = None
    for kind, key, mask in _keys(lead, attributes):
        known = tables.lead_keys.get((key.lower(), kind, lead), ("", "", at_ns))
        said = (max(known[0], key), max(known[1], mask), max(known[2], at_ns))
        tables.lead_keys[(key.lower(), kind, lead)] = said


def _keys(lead: str, attributes: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(kind, key, mask) of every key that a hop tells of its lead."""
    yield "lead", lead, ""
    if entry := attributes.get("lead.correlation_id"):
        yield "entry", entry, ""
    for kind in ("email", "phone"):
        if key := attributes.get(f"lead.{kind}.token"):
            yield kind, key, attributes.get(f"lead.{kind}.mask", "")
    if key := attributes.get("lead.crm.id"):
        yield "crm", key, ""


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def attributes_of(pairs: Iterable[KeyValue]) -> Attributes:
    """Of a key given twice the first counts."""
    said: Attributes = {}
    for pair in pairs:
        if pair.key not in said:
            said[pair.key] = text_of(pair.value)
    return said


def text_of(value: AnyValue) -> str:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return str(value.int_value)
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "double_value":
            return text_of_double(value.double_value)
        case "array_value":
            return f"otlp-array:{b64encode(value.array_value.SerializeToString()).decode()}"
        case "kvlist_value":
            return f"otlp-kvlist:{b64encode(value.kvlist_value.SerializeToString()).decode()}"
        case "bytes_value":
            return f"otlp-bytes:{b64encode(value.bytes_value).decode()}"
    return ""


def text_of_double(value: float) -> str:
    """As the engine writes it: the shortest digits that read back the same, an exponent only far from 1."""
    if not isfinite(value):
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    sign, parts, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, parts))
    point = len(digits) + int(exponent)
    return ("-" if sign else "") + (_fixed(digits, point) if value else "0")


def _fixed(digits: str, point: int) -> str:
    if not MIN_FIXED_POINT < point <= MAX_FIXED_DIGITS:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{digits[0]}{rest}e{point - 1}"
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def _seconds(at_ns: int) -> datetime:
    """To the millisecond, as the columns keep it."""
    return EPOCH + timedelta(milliseconds=at_ns // 1_000_000)


def _json(said: Any) -> str:
    return _encoder()(said)


@cache
def _encoder() -> Any:
    return json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
