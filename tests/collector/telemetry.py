"""Factories: OTLP requests in a line, a running collector, a store that can be away."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import uvicorn
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.limits import DoorLimits, LoaderLimits, SpoolLimits
from collector.serve import Collector
from model.personal import PersonalKey

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
TRACE_ID = bytes.fromhex("5b8efff798038103d269b633813fc60c")
SPAN_ID = bytes.fromhex("eee19b7ec3c1b174")
KEY = PersonalKey(b"a key for tests, of 32 bytes and more")
REQUESTS = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}


def span(name="POST /leads", *, trace_id=TRACE_ID, span_id=SPAN_ID, attributes=None, **fields) -> Span:
    made = Span(name=name, trace_id=trace_id, span_id=span_id, kind=3, **fields)
    add_attributes(made.attributes, attributes or {})
    return made


def log_record(body="FormSubmitted", *, attributes=None, **fields) -> LogRecord:
    made = LogRecord(**fields)
    made.body.string_value = body
    add_attributes(made.attributes, attributes or {})
    return made


def traces(*spans: Span, resource=None) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    add_attributes(resource_spans.resource.attributes, resource or {"service.name": "crm-writer"})
    resource_spans.scope_spans.add().spans.extend(spans)
    return request


def logs(*records: LogRecord) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.extend(records)
    return request


def add_attributes(attributes, values: dict) -> None:
    for key, value in values.items():
        added = attributes.add(key=key).value
        match value:
            case bool():
                added.bool_value = value
            case int():
                added.int_value = value
            case bytes():
                added.bytes_value = value
            case list():
                for element in value:
                    added.array_value.values.add().string_value = element
            case dict():
                add_attributes(added.kvlist_value.values, value)
            case _:
                added.string_value = value


def attributes_of(holder) -> dict:
    return {attribute.key: attribute.value.string_value for attribute in holder.attributes}


class Landing:
    """A store that remembers what landed, deduplicates by token as ClickHouse does, and can be told to refuse."""

    def __init__(self) -> None:
        self.landed: dict[str, tuple[str, bytes]] = {}
        self.tries: list[str] = []
        self.refuse = lambda _signal, _payload, _token: None

    def __call__(self, signal: str, payload: bytes, token: str) -> None:
        self.tries.append(token)
        self.refuse(signal, payload, token)
        self.landed.setdefault(token, (signal, payload))

    def requests(self, signal: str) -> list:
        return [REQUESTS[signal].FromString(payload) for kind, payload in self.landed.values() if kind == signal]

    def spans(self) -> list[Span]:
        return [
            s for r in self.requests("traces") for rs in r.resource_spans for ss in rs.scope_spans for s in ss.spans
        ]

    def log_records(self) -> list[LogRecord]:
        return [
            s for r in self.requests("logs") for rs in r.resource_logs for sl in rs.scope_logs for s in sl.log_records
        ]


class Running:
    """A collector behind real HTTP and real gRPC, on free loopback ports, in an event loop of its own."""

    def __init__(self, collector: Collector, store: Landing) -> None:
        self.collector = collector
        self.store = store
        self.http_port = 0
        self.grpc_port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self.http_port = listening.getsockname()[1]
        config = uvicorn.Config(self.collector.asgi_app, log_level="warning", access_log=False, timeout_keep_alive=60)
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None
        self.grpc_port = await self.collector.start_grpc("127.0.0.1:0")
        serving = asyncio.create_task(self._server.serve([listening]))
        while not self._server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        self._ready.set()
        await serving
        await self.collector.stop_grpc(0)
        listening.close()

    def __enter__(self) -> Self:
        self.collector.start()
        self._thread.start()
        assert self._ready.wait(10)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.http_port}", timeout=20)
        return self

    def __exit__(self, *_exc) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join()
        self.collector.stop(drain_s=2)

    def post(self, path: str, content, content_type: str = PROTOBUF, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, content=content, headers={"content-type": content_type, **named})

    def post_traces(self, request, **headers: str) -> httpx.Response:
        return self.post("/v1/traces", request.SerializeToString(), **headers)

    def post_logs(self, request, **headers: str) -> httpx.Response:
        return self.post("/v1/logs", request.SerializeToString(), **headers)

    def landed(self, count: int, what: str = "spans", timeout_s: float = 20.0) -> list:
        """Wait until so many spans or log records are in the store."""
        wait_for(lambda: len(getattr(self.store, what)()) >= count, timeout_s)
        found = getattr(self.store, what)()
        assert len(found) == count
        return found


def wait_for(condition, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


@contextlib.contextmanager
def running(
    folder: Path,
    *,
    store: Landing | None = None,
    authorize=lambda _header: True,
    door: DoorLimits | None = None,
    spool: SpoolLimits | None = None,
    **options,
) -> Iterator[Running]:
    store = store or Landing()
    collector = Collector(
        spool_dir=folder / "spool",
        quarantine_dir=folder / "quarantine",
        personal=KEY,
        land=store,
        authorize=authorize,
        door_limits=door or DoorLimits(),
        spool_limits=spool or SpoolLimits(segment_age_s=0.05),
        loader_limits=LoaderLimits(first_retry_s=0.01, max_retry_s=0.05),
        **options,
    )
    with Running(collector, store) as road:
        yield road
