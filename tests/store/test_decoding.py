"""ClickHouse decodes OTLP itself; a plain decoder in Python, which shares no line with it, must make the same rows."""

import itertools
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from benchmarks import plain_decoder
from collector.check import remove_bad_records
from collector.errors import DoorError
from collector.otlp import SIGNALS, parse
from collector.otlp_json import parse_json
from store.engine import DATABASE, Store

REQUESTS = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
# What stands in each table once merges have done their work. An event's id is a hash, and the two roads hash otherwise.
STANDS = {
    "spans": "SELECT * EXCEPT (arrived_at, resource_text), resource FROM spans FINAL",
    "events": "SELECT * EXCEPT (arrived_at, resource_text, event_id), resource FROM events FINAL",
    "timeline": "SELECT * EXCEPT (arrived_at, hop_id), if(signal = 'span', hop_id, '') FROM timeline FINAL",
    "lead_traces": "SELECT * FROM lead_traces FINAL",
    "lead_keys": "SELECT * FROM lead_keys FINAL",
    "trace_links": "SELECT * FROM trace_links FINAL",
    "service_versions": "SELECT * FROM service_versions FINAL",
    "agenda": "SELECT DISTINCT lead_id, trace_id FROM agenda",
}
DEDUPED = [table for table in STANDS if table != "agenda"]
# Of a key spelt in two ways, one request keeps either spelling, and of two requests the later one's.
HOWEVER_CUT = {table: STANDS[table] for table in DEDUPED} | {
    "lead_keys": "SELECT * EXCEPT (key, mask) FROM lead_keys FINAL"
}
_numbers = itertools.count(1)


# ── both roads ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def plain_store(engine_path):
    """The same tables without the views: what the plain decoder fills."""
    made = Store(f"chdb://{engine_path}", database=f"{DATABASE}_plain")
    plain_decoder.create(made)
    yield made
    made.command(f"DROP DATABASE {made.database}")
    made.close()


def stands(store: Store, table: str, queries: dict[str, str] = STANDS) -> list[tuple]:
    with store.client() as client:
        rows = client.query(queries[table]).result_rows
    return sorted((tuple(map(_comparable, row)) for row in rows), key=repr)


def _comparable(cell):
    """Payloads by what they say, not by how they are spelt; a moment made up for an event without one as `now`."""
    if isinstance(cell, str) and cell.startswith('{"a":'):
        said = json.loads(cell)
        return repr((sorted(said["a"].items()), said.get("e") or [], said.get("l") or [], said.get("b")))
    if isinstance(cell, datetime) and abs(datetime.now(UTC) - cell) < timedelta(minutes=30):
        return "now"
    return sorted(cell.items()) if isinstance(cell, dict) else cell


def empty(*stores: Store) -> None:
    for store in stores:
        for table in STANDS:
            store.command(f"TRUNCATE TABLE {table}")


def token() -> str:
    return f"token-{next(_numbers)}"


def assert_same_rows(store: Store, plain_store: Store, signal: str, payload: bytes) -> None:
    empty(store, plain_store)
    store.land(signal, payload, token())
    plain_decoder.land(plain_store, signal, payload, token())
    for table in STANDS:
        assert stands(store, table) == stands(plain_store, table), table


# ── requests of every kind ──────────────────────────────────────────────────────────────────────────────────────────

NS = st.sampled_from([0, 1, 999, 1_790_000_000_123_456_789, 2**62, 2**63 - 1]) | st.integers(0, 2**62)
TEXT = st.text(max_size=12) | st.sampled_from(["", "'", '"', "\\", '\\"', "\n\t\0\x1f\x7f", "</a>", "é\u2028漢🦄", " "])
DOUBLE = st.floats() | st.sampled_from([0.0, -0.0, 1.0, 1e21, 1e22, 1e-6, 1e-7, 5e-324, 1.7976931348623157e308])
SCALAR = st.one_of(
    st.builds(AnyValue, string_value=TEXT),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.sampled_from([0, -1, 2**63 - 1, -(2**63)]) | st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, double_value=DOUBLE),
    st.builds(AnyValue, bytes_value=st.binary(max_size=6)),
    st.just(AnyValue()),
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.one_of(
        st.builds(lambda values: AnyValue(array_value=ArrayValue(values=values)), st.lists(inner, max_size=3)),
        st.builds(
            lambda pairs: AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in pairs])),
            st.lists(st.tuples(TEXT, inner), max_size=3),
        ),
    ),
    max_leaves=5,
)
LEADS = st.sampled_from(["L-1", "l-1", "L-2", "Ünal", "", 'a"b\\', "🦄"])
KNOWN = st.one_of(
    st.builds(lambda lead: KeyValue(key="lead.id", value=AnyValue(string_value=lead)), LEADS),
    *(
        st.builds(KeyValue, key=st.just(key), value=st.builds(AnyValue, string_value=st.sampled_from(["", "Aa", "aA"])))
        for key in ("lead.correlation_id", "lead.email.token", "lead.email.mask", "lead.phone.token", "lead.crm.id")
    ),
    st.builds(KeyValue, key=st.sampled_from(["event.name", "service.name", "service.version"]), value=SCALAR),
)
PAIRS = st.lists(KNOWN | st.builds(KeyValue, key=TEXT | st.sampled_from(["a", "b"]), value=VALUE), max_size=6)
RESOURCE = st.none() | st.builds(Resource, attributes=PAIRS)
SCOPE = st.none() | st.builds(InstrumentationScope, name=TEXT, version=TEXT, attributes=PAIRS)
TRACE = st.sampled_from([bytes([n]) * 16 for n in (1, 2, 255)])
SPAN_ID = st.binary(min_size=8, max_size=8)
EVENT = st.builds(Span.Event, time_unix_nano=NS, name=TEXT, attributes=PAIRS)
LINK = st.builds(Span.Link, trace_id=TRACE | st.just(b""), span_id=SPAN_ID | st.just(b""), attributes=PAIRS)
SPAN = st.builds(
    Span,
    trace_id=TRACE,
    span_id=SPAN_ID,
    parent_span_id=st.just(b"") | SPAN_ID,
    trace_state=TEXT,
    name=TEXT,
    kind=st.integers(-1, 7),
    start_time_unix_nano=NS,
    end_time_unix_nano=NS,
    attributes=PAIRS,
    events=st.lists(EVENT, max_size=2),
    links=st.lists(LINK, max_size=2),
    status=st.none() | st.builds(Status, message=TEXT, code=st.integers(-1, 4)),
)
RECORD = st.builds(
    LogRecord,
    time_unix_nano=NS,
    observed_time_unix_nano=NS,
    severity_number=st.integers(0, 24),
    severity_text=TEXT,
    event_name=TEXT,
    body=st.none() | VALUE,
    attributes=PAIRS,
    trace_id=TRACE | st.just(b""),
    span_id=SPAN_ID | st.just(b""),
)
SCOPE_SPANS = st.builds(ScopeSpans, scope=SCOPE, spans=st.lists(SPAN, max_size=3, unique_by=lambda one: one.span_id))
RESOURCE_SPANS = st.builds(ResourceSpans, resource=RESOURCE, scope_spans=st.lists(SCOPE_SPANS, max_size=2))
SCOPE_LOGS = st.builds(ScopeLogs, scope=SCOPE, log_records=st.lists(RECORD, max_size=3))
RESOURCE_LOGS = st.builds(ResourceLogs, resource=RESOURCE, scope_logs=st.lists(SCOPE_LOGS, max_size=2))
TRACES = st.builds(ExportTraceServiceRequest, resource_spans=st.lists(RESOURCE_SPANS, max_size=3))
LOGS = st.builds(ExportLogsServiceRequest, resource_logs=st.lists(RESOURCE_LOGS, max_size=3))
# Without shrinking: an example costs a dozen statements, and shrinking one took minutes.
thorough = settings(
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@thorough
@given(request=TRACES)
def test_a_request_of_spans_becomes_the_same_rows_on_both_roads(module_store, plain_store, request):
    assert_same_rows(module_store, plain_store, "traces", request.SerializeToString())


@thorough
@given(request=LOGS)
def test_a_request_of_log_records_becomes_the_same_rows_on_both_roads(module_store, plain_store, request):
    assert_same_rows(module_store, plain_store, "logs", request.SerializeToString())


@thorough
@given(values=st.lists(DOUBLE, min_size=1, max_size=50))
def test_a_double_is_written_the_same_way_on_both_roads(module_store, values):
    with module_store.client() as client:
        rows = client.query(
            "SELECT arrayMap(bits -> toString(reinterpretAsFloat64(bits)), {bits:Array(UInt64)})",
            parameters={"bits": [int.from_bytes(_double_bytes(value), "little") for value in values]},
        ).result_rows
    assert list(rows[0][0]) == [plain_decoder.text_of_double(value) for value in values]


def _double_bytes(value: float) -> bytes:
    return AnyValue(double_value=value).SerializeToString()[-8:]


# ── what differs must be told apart ─────────────────────────────────────────────────────────────────────────────────


def attribute(*pairs: tuple[str, AnyValue]) -> bytes:
    span = Span(
        trace_id=b"t" * 16, span_id=b"s" * 8, attributes=[KeyValue(key=key, value=value) for key, value in pairs]
    )
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])]
    ).SerializeToString()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(AnyValue(), "", id="absent"),
        pytest.param(AnyValue(string_value=""), "", id="empty text"),
        pytest.param(AnyValue(int_value=0), "0", id="zero"),
        pytest.param(AnyValue(double_value=0.0), "0", id="zero double"),
        pytest.param(AnyValue(double_value=float("nan")), "nan", id="not a number"),
        pytest.param(AnyValue(bool_value=False), "false", id="false"),
        pytest.param(AnyValue(int_value=-(2**63)), "-9223372036854775808", id="least integer"),
        pytest.param(AnyValue(bytes_value=b""), "otlp-bytes:", id="no bytes"),
        pytest.param(AnyValue(array_value=ArrayValue()), "otlp-array:", id="no elements"),
        pytest.param(AnyValue(kvlist_value=KeyValueList()), "otlp-kvlist:", id="no pairs"),
    ],
)
def test_zero_false_and_empty_are_told_from_absent(store, value, text):
    store.land("traces", attribute(("k", value)), "one")
    with store.client() as client:
        assert client.query("SELECT attributes FROM spans").result_rows == [({"k": text},)]


def test_of_a_key_given_twice_the_first_counts(store):
    twice = attribute(*((key, AnyValue(string_value=text)) for key, text in [("a", "1"), ("b", "2"), ("a", "3")]))
    store.land("traces", twice, "one")
    with store.client() as client:
        assert client.query("SELECT attributes FROM spans").result_rows == [({"a": "1", "b": "2"},)]


# ── again, and together ─────────────────────────────────────────────────────────────────────────────────────────────


def journey(lead: str, trace: bytes) -> dict[str, bytes]:
    """A trace with links and versions, and log records, that fill every table."""
    said = {"lead.id": lead, "lead.correlation_id": f"e-{lead}", "lead.email.token": f"tok-{lead}", "n": "1"}
    pairs = [KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in said.items()]
    resource = Resource(
        attributes=[
            KeyValue(key="service.name", value=AnyValue(string_value="crm")),
            KeyValue(key="service.version", value=AnyValue(string_value="1")),
        ]
    )
    spans = [
        Span(
            trace_id=trace,
            span_id=bytes([number]) * 8,
            start_time_unix_nano=10**18 + number,
            attributes=pairs,
            links=[Span.Link(trace_id=b"o" * 16, span_id=b"p" * 8)],
        )
        for number in (1, 2, 3)
    ]
    records = [LogRecord(time_unix_nano=10**18 + n, event_name="X", attributes=pairs, trace_id=trace) for n in (1, 2)]
    traces = ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=spans)])
    logs = ResourceLogs(resource=resource, scope_logs=[ScopeLogs(log_records=records)])
    return {
        "traces": ExportTraceServiceRequest(resource_spans=[traces]).SerializeToString(),
        "logs": ExportLogsServiceRequest(resource_logs=[logs]).SerializeToString(),
    }


def counted(store: Store) -> dict[str, int]:
    return {table: int(store.command(f"SELECT count() FROM {table}")) for table in STANDS}


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_the_same_token_twice_adds_nothing_to_any_table(store, signal):
    store.land(signal, journey("L-1", b"a" * 16)[signal], "same")
    before = counted(store)
    store.land(signal, journey("L-1", b"a" * 16)[signal], "same")
    assert counted(store) == before
    assert before["timeline"] > 0
    assert before["agenda"] > 0


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_the_same_request_under_another_token_adds_nothing_once_read(store, signal):
    payload = journey("L-1", b"a" * 16)[signal]
    store.land(signal, payload, "first")
    before = {table: stands(store, table) for table in DEDUPED}
    store.land(signal, payload, "second")
    assert {table: stands(store, table) for table in DEDUPED} == before
    assert len(stands(store, "timeline")) == {"traces": 3, "logs": 2}[signal]


@settings(thorough, max_examples=12)
@given(requests=st.lists(TRACES, min_size=2, max_size=4))
def test_requests_joined_are_the_same_as_each_alone(module_store, plain_store, requests):
    payloads = [one.SerializeToString() for one in requests]
    empty(module_store, plain_store)
    module_store.land("traces", b"".join(payloads), token())
    together = {table: stands(module_store, table, HOWEVER_CUT) for table in HOWEVER_CUT}
    empty(module_store)
    for payload in payloads:
        module_store.land("traces", payload, token())
    alone = {table: stands(module_store, table, HOWEVER_CUT) for table in HOWEVER_CUT}
    assert together == alone


def test_more_spans_than_a_block_holds_land_whole_and_once(store):
    payload = b"".join(journey("L-1", number.to_bytes(16))["traces"] for number in range(1, 30_001))
    for _ in range(2):
        store.land("traces", payload, "large")
    assert counted(store)["spans"] == counted(store)["timeline"] == 90_000
    assert store.command("SELECT count() FROM lead_traces FINAL") == 30_000


# ── requests that others wrote ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.shared
def test_the_requests_that_others_wrote_become_the_same_rows_on_both_roads(module_store, plain_store, shared_cases):
    landed = defaultdict(int)
    for path in sorted((shared_cases / "otlp").glob("*/*")):
        for signal, payload in _accepted(path):
            assert_same_rows(module_store, plain_store, signal, payload)
            landed[signal] += 1
    assert landed["traces"] >= 8
    assert landed["logs"] >= 2


def _accepted(path):
    """What the door would let in of a file, as the store is given it."""
    for name in REQUESTS:
        signal = SIGNALS[name]
        try:
            body = path.read_bytes()
            message = parse(signal, body) if path.suffix == ".binpb" else parse_json(signal, body)[0]
        except (DoorError, DecodeError):
            continue
        kept, _ = remove_bad_records(signal, message)
        if kept:
            yield name, message.SerializeToString()
