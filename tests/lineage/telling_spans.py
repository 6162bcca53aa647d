"""Tells journeys as stock OpenTelemetry SDKs send them, by today's semantic conventions or the older ones, without a
word of leadtrace's beyond the baggage.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from telling_hops import START_NS

from model.hop import Hop, SpanEvent

_numbers = itertools.count(0x5000)
BAGGAGE = {"lead.id": "L-7", "lead.correlation_id": "c-7"}


def span(
    service: str,
    name: str,
    kind: str = "internal",
    *,
    at: float,
    took: float = 0.1,
    parent: Hop | None = None,
    trace: str = "",
    status: str = "unset",
    message: str = "",
    exceptions: Sequence[tuple[str, str]] = (),
    links: Sequence[Hop] = (),
    baggage: bool = True,
    signal: str = "span",
    attributes: Mapping[str, Any] | None = None,
) -> Hop:
    """A span `at` seconds after the start. Without a parent it begins the trace `trace`, or one of its own."""
    number = next(_numbers)
    said = {**(BAGGAGE if baggage else {}), **(attributes or {})}
    at_ns = START_NS + round(at * 1e6) * 1000
    return Hop(
        lead="L-7",
        trace_id=parent.trace_id if parent else trace or f"{number:032x}",
        hop_id=f"{number:016x}",
        parent_id=parent.hop_id if parent else "",
        signal=signal,
        at_ns=at_ns,
        duration_ns=int(took * 1e9),
        service=service,
        name=name,
        kind="unspecified" if signal == "event" else kind,
        status=status,
        status_message=message,
        attributes={key: value if isinstance(value, str) else json.dumps(value) for key, value in said.items()},
        events=tuple(
            SpanEvent(at_ns, "exception", {"exception.type": type_, "exception.message": text})
            for type_, text in exceptions
        ),
        links=tuple((one.trace_id, one.hop_id) for one in links),
    )


def server(service: str, route: str, code: int = 200, *, old: bool = False, **how: Any) -> Hop:
    """An HTTP server span. As the conventions say, only 5xx makes it an error."""
    method, _, path = route.partition(" ")
    said = _http(method, code, old=old) | {"http.route": path, ("http.target" if old else "url.path"): path}
    how.setdefault("status", "error" if code >= 500 else "unset")
    return _with(said, how, lambda given: span(service, route, "server", **given))


def client(service: str, call: str, code: int = 200, *, old: bool = False, resend: int = 0, **how: Any) -> Hop:
    """An HTTP client span: `POST https://host/path`. As the conventions say, 4xx and 5xx make it an error; 0 is no answer."""
    method, _, url = call.partition(" ")
    host = url.split("/")[2]
    said = _http(method, code, old=old) if code else {"http.method" if old else "http.request.method": method}
    said |= {"http.url": url, "net.peer.name": host} if old else {"url.full": url, "server.address": host}
    if resend:
        said["http.request.resend_count"] = str(resend)
    if code >= 400 and not old:
        said["error.type"] = str(code)
    how.setdefault("status", "error" if code >= 400 or not code else "unset")
    return _with(said, how, lambda given: span(service, f"HTTP {method}" if old else method, "client", **given))


def rpc(service: str, method: str, kind: str, code: int | str = 0, **how: Any) -> Hop:
    """A gRPC span; a number is told by the older convention, a name by the newer."""
    key = "rpc.grpc.status_code" if isinstance(code, int) else "rpc.response.status_code"
    said = {"rpc.system": "grpc", "rpc.method": method.rpartition("/")[2], key: str(code)}
    how.setdefault(
        "status", "error" if code not in {0, "OK"} and (kind == "client" or code in {2, 4, 12, 13, 14}) else "unset"
    )
    return _with(said, how, lambda given: span(service, method, kind, **given))


def message(
    service: str, operation: str, destination: str, *, system: str = "kafka", old: bool = False, **how: Any
) -> Hop:
    """A messaging span: `send` is a producer, `process` a consumer, `receive` a client."""
    kind = {"send": "producer", "publish": "producer", "process": "consumer", "receive": "client"}[operation]
    said = {"messaging.system": system, "messaging.destination.name": destination}
    said["messaging.operation" if old else "messaging.operation.type"] = operation
    return _with(said, how, lambda given: span(service, f"{operation} {destination}", how.pop("kind", kind), **given))


def log(service: str, name: str, *, at: float, parent: Hop | None = None, **attributes: Any) -> Hop:
    """A log record with an event name."""
    return span(
        service,
        name,
        at=at,
        took=0,
        parent=parent,
        signal="event",
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
    )


def body(answer: Any) -> dict[str, str]:
    return {"http.response.body": json.dumps(answer)}


def _http(method: str, code: int, *, old: bool) -> dict[str, str]:
    if old:
        return {"http.method": method, "http.status_code": str(code)}
    return {"http.request.method": method, "http.response.status_code": str(code)}


def _with(said: dict[str, str], how: dict[str, Any], make: Any) -> Hop:
    given = {**how, "attributes": {**said, **how.get("attributes", {})}}
    given.pop("kind", None)
    return make(given)
