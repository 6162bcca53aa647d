"""Made-up leads on their way through ten hops, as the OTLP requests that stock SDKs would send.

One in ten leads stops at the CRM, one in ten after its score. A request holds the spans of one service, 500 each as an
SDK's batch would, so a lead's hops are spread over many requests. Ids come in no order, as real ones do; some
attributes are the same for many hops, others for none (ports, ids in URLs). The same arguments give the same bytes.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SPANS_A_REQUEST = 500
BEGINS_NS = 1_790_000_000_000_000_000
MS = 1_000_000
CAMPAIGNS = 40
SERVER, CLIENT, CONSUMER = 2, 3, 5  # kinds of spans, as OTLP numbers them


@dataclass(frozen=True, slots=True)
class Stop:
    """One hop of the way: which service speaks, what it calls its span, and after how long."""

    service: str
    name: str
    kind: int
    after_ms: int
    parent: int | None = None
    event: str = ""


STOPS = (
    Stop("web-forms", "POST /forms/{form}", SERVER, 0, event="FormSubmitted"),
    Stop("consent", "POST /consents", SERVER, 60, 0),
    Stop("identity", "POST /identities", SERVER, 90, 0),
    Stop("enrichment", "POST /enrichments", SERVER, 150, 0),
    Stop("enrichment", "POST", CLIENT, 155, 3),
    Stop("scoring", "score lead", CONSUMER, 420, 3, event="ScoreChanged"),
    Stop("routing", "POST /routes", SERVER, 500, 5),
    Stop("crm-writer", "POST /leads", SERVER, 640, 6),
    Stop("crm-writer", "POST", CLIENT, 650, 7),
    Stop("sequencer", "POST /enrolments", SERVER, 1_100, 7, event="SequenceEnrolled"),
)
SERVICES = tuple(dict.fromkeys(stop.service for stop in STOPS))


def lead_id(number: int) -> str:
    """Ids that come in no order, each its own: multiplying by an odd number loses nothing."""
    return f"L-{number * 0x9E3779B97F4A7C15 % 2**64:016x}"


def requests(spans: int, *, seed: int = 1, first_lead: int = 0) -> Iterator[tuple[bytes, int]]:
    """Serialized requests and how many spans each holds, until there are at least `spans`."""
    made = 0
    wave = 0
    while made < spans:
        first = first_lead + wave * SPANS_A_REQUEST
        leads = range(first, first + SPANS_A_REQUEST)
        for service in SERVICES:
            body, count = _request(service, leads, seed)
            made += count
            yield body, count
        wave += 1


def _request(service: str, leads: range, seed: int) -> tuple[bytes, int]:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.extend(_resource(service))
    scope = resource.scope_spans.add()
    scope.scope.name, scope.scope.version = "opentelemetry.instrumentation.fastapi", "0.60b0"
    for number in leads:
        scope.spans.extend(_spans_of(number, service, seed))
    return request.SerializeToString(), len(scope.spans)


def _spans_of(number: int, service: str, seed: int) -> Iterator[Span]:
    chance = random.Random(f"{seed}/{number}")
    trace_id, base = chance.randbytes(16), chance.getrandbits(56)
    lead = {
        "lead.id": lead_id(number),
        "lead.correlation_id": chance.randbytes(16).hex(),
        "lead.flow": "demo-request",
        "lead.campaign": f"campaign-{chance.randrange(CAMPAIGNS)}",
    }
    score = 60 + chance.randrange(40)
    begins_ns = BEGINS_NS + number * 3 * MS + chance.randrange(MS)
    fate = number % 10
    for at, stop in enumerate(STOPS):
        if stop.service != service or (fate == 0 and at == 9) or (fate == 1 and at > 5):
            continue
        status = 429 if fate == 0 and at in (7, 8) else 200
        start_ns = begins_ns + stop.after_ms * MS
        span = Span(
            trace_id=trace_id,
            span_id=(base * 256 + at).to_bytes(8),
            parent_span_id=(base * 256 + stop.parent).to_bytes(8) if stop.parent is not None else b"",
            name=stop.name,
            kind=stop.kind,  # type: ignore[arg-type]
            start_time_unix_nano=start_ns,
            end_time_unix_nano=start_ns + chance.randrange(2, 80) * MS,
            attributes=_attributes(lead, stop, status, chance.randrange(30_000, 60_000), score),
        )
        if status == 429 and stop.kind == CLIENT:
            span.status.code = 2  # type: ignore[assignment]
        yield span


def _attributes(lead: Mapping[str, str], stop: Stop, status: int, port: int, score: int) -> list[KeyValue]:
    said: dict[str, str | int] = {**lead, "http.request.method": "POST", "http.response.status_code": status}
    path = stop.name.rpartition("/")[2]
    if stop.kind == CLIENT:
        said |= {
            "url.full": f"https://{stop.service}.acme.example/{path}/{lead['lead.id']}",
            "server.address": f"{stop.service}.acme.example",
        }
    else:
        said |= {"url.path": f"/{path}", "client.port": port}
    if stop.event:
        said["lead.event"] = stop.event
    if stop.event == "ScoreChanged":
        said["lead.score"] = score
    return [_pair(key, value) for key, value in said.items()]


def _resource(service: str) -> list[KeyValue]:
    said = {
        "service.name": service,
        "service.version": "2.4.1",
        "service.instance.id": f"{service}-7f9c4d5b6-x2x7q",
        "deployment.environment.name": "production",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": "1.40.0",
    }
    return [_pair(key, value) for key, value in said.items()]


def _pair(key: str, value: str | int) -> KeyValue:
    told = AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
    return KeyValue(key=key, value=told)
