"""Made-up leads on their way through ten hops, as the OTLP requests that stock SDKs would send.

One in ten leads stops at the CRM, one in ten after its score. A request holds the spans of one service, 500 each as an
SDK's batch would, so a lead's hops are spread over many requests. Ids come in no order, as real ones do; some
attributes are the same for many hops, others for none (ports, ids in URLs). The same arguments give the same bytes.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
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
BRIEF = tuple(STOPS[at] for at in (0, 1, 3, 5, 7, 9))
"""One hop a step, as many as the flow of the README and the design has."""

STOPS_AT_THE_CRM, STOPS_AFTER_ITS_SCORE = 0, 1  # of ten leads
BEHIND_THE_SCORE = {"routing", "crm-writer", "sequencer"}


def lead_id(number: int) -> str:
    """Ids that come in no order, each its own: multiplying by an odd number loses nothing."""
    return f"L-{number * 0x9E3779B97F4A7C15 % 2**64:016x}"


def requests(
    spans: int, *, seed: int = 1, first_lead: int = 0, stops: Sequence[Stop] = STOPS
) -> Iterator[tuple[bytes, int]]:
    """Serialized requests and how many spans each holds, until there are at least `spans`: one of each service for some
    leads, then for the next.
    """
    made = 0
    wave = 0
    while made < spans:
        first = first_lead + wave * SPANS_A_REQUEST
        leads = range(first, first + SPANS_A_REQUEST)
        for service in services(stops):
            body, count = _request(service, leads, seed, stops)
            made += count
            yield body, count
        wave += 1


def services(stops: Sequence[Stop]) -> Sequence[str]:
    return tuple(dict.fromkeys(stop.service for stop in stops))


def _request(service: str, leads: range, seed: int, stops: Sequence[Stop]) -> tuple[bytes, int]:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.extend(_resource(service))
    scope = resource.scope_spans.add()
    scope.scope.name, scope.scope.version = "opentelemetry.instrumentation.fastapi", "0.60b0"
    for number in leads:
        scope.spans.extend(_spans_of(number, service, seed, stops))
    return request.SerializeToString(), len(scope.spans)


def _spans_of(number: int, service: str, seed: int, stops: Sequence[Stop]) -> Iterator[Span]:
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
    if (fate == STOPS_AT_THE_CRM and service == "sequencer") or (
        fate == STOPS_AFTER_ITS_SCORE and service in BEHIND_THE_SCORE
    ):
        return
    status = 429 if fate == STOPS_AT_THE_CRM and service == "crm-writer" else 200
    for stop in stops:
        if stop.service != service:
            continue
        start_ns = begins_ns + stop.after_ms * MS
        span = Span(
            trace_id=trace_id,
            span_id=(base * 256 + STOPS.index(stop)).to_bytes(8),
            parent_span_id=(base * 256 + parent).to_bytes(8) if (parent := _parent(stop, stops)) is not None else b"",
            name=stop.name,
            kind=stop.kind,  # type: ignore[arg-type]
            start_time_unix_nano=start_ns,
            end_time_unix_nano=start_ns + chance.randrange(2, 80) * MS,
            attributes=_attributes(lead, stop, status, chance.randrange(30_000, 60_000), score),
        )
        if status == 429 and stop.kind == CLIENT:
            span.status.code = 2  # type: ignore[assignment]
        yield span


def _parent(stop: Stop, stops: Sequence[Stop]) -> int | None:
    """The nearest hop above that is told."""
    above = stop.parent
    while above is not None and STOPS[above] not in stops:
        above = STOPS[above].parent
    return above


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
