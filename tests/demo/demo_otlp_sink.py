"""A tiny OTLP/HTTP receiver: parses what the demo exports and keeps it as plain spans."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass(frozen=True)
class Event:
    name: str
    attributes: dict


@dataclass(frozen=True)
class Span:
    service: str
    version: str
    name: str
    kind: str
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    start_ns: int
    failed: bool
    status_message: str
    attributes: dict
    events: tuple[Event, ...]

    def get(self, key):
        return self.attributes.get(key)


@dataclass
class Received:
    """Everything taken so far; `raw` are the request bodies as they came."""

    raw: list[bytes] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    def take(self, body, headers):
        self.raw.append(body)
        self.headers.append(headers)
        self.spans.extend(spans_in(ExportTraceServiceRequest.FromString(body)))


class Sink:
    def __init__(self):
        self.received = Received()
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                received.take(body, {key.lower(): value for key, value in self.headers.items()})
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def spans_in(request):
    for resource_spans in request.resource_spans:
        resource = _plain(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield _span(span, resource)


def _span(span, resource):
    return Span(
        service=resource["service.name"],
        version=resource["service.version"],
        name=span.name,
        kind=KINDS[span.kind],
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_span_id,
        start_ns=span.start_time_unix_nano,
        failed=span.status.code == 2,
        status_message=span.status.message,
        attributes=_plain(span.attributes),
        events=tuple(Event(event.name, _plain(event.attributes)) for event in span.events),
    )


def _plain(attributes):
    return {entry.key: getattr(entry.value, entry.value.WhichOneof("value")) for entry in attributes}
