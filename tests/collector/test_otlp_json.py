"""JSON and protobuf say the same: whatever message, written as OTLP/JSON and read back, is the message."""

import base64
import contextlib
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from telemetry import REQUESTS, log_record, logs, span, traces

from collector.errors import DoorError
from collector.otlp import LOGS, TRACES
from collector.otlp_json import parse_json

IDS = {"trace_id", "span_id", "parent_span_id"}
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.one_of(
    text.map(lambda v: AnyValue(string_value=v)),
    st.booleans().map(lambda v: AnyValue(bool_value=v)),
    st.integers(-(2**63), 2**63 - 1).map(lambda v: AnyValue(int_value=v)),
    st.floats(allow_nan=False).map(lambda v: AnyValue(double_value=v)),
    st.binary(max_size=9).map(lambda v: AnyValue(bytes_value=v)),
    st.just(AnyValue()),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: AnyValue(array_value={"values": v})),
        st.dictionaries(text, inner, max_size=3).map(
            lambda v: AnyValue(kvlist_value={"values": [{"key": k, "value": x} for k, x in v.items()]})
        ),
    ),
    max_leaves=6,
)
attributes = st.dictionaries(text, values, max_size=4).map(lambda v: [{"key": k, "value": x} for k, x in v.items()])
times = st.integers(0, 2**63 - 1)
spans = st.builds(
    lambda **fields: _with_attributes(span, fields),
    name=text,
    trace_id=st.binary(min_size=16, max_size=16),
    span_id=st.binary(min_size=8, max_size=8),
    parent_span_id=st.sampled_from([b"", b"12345678"]),
    trace_state=text,
    flags=st.integers(0, 2**32 - 1),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    events=st.lists(
        st.fixed_dictionaries({"name": text, "time_unix_nano": times, "attributes": attributes}), max_size=2
    ),
    links=st.lists(st.fixed_dictionaries({"trace_id": st.binary(min_size=16, max_size=16)}), max_size=2),
    status=st.fixed_dictionaries({"code": st.integers(0, 2), "message": text}),
    attribute_list=attributes,
)
records = st.builds(
    lambda **fields: _with_attributes(log_record, fields),
    body=text,
    time_unix_nano=times,
    severity_number=st.integers(0, 24),
    severity_text=text,
    event_name=text,
    trace_id=st.sampled_from([b"", bytes(range(16))]),
    attribute_list=attributes,
)


def _with_attributes(make, fields):
    attribute_list = fields.pop("attribute_list")
    made = make(**fields)
    for attribute in attribute_list:
        made.attributes.add(**attribute)
    return made


def as_json(message, *, integers=str, names="camel") -> dict:
    """A message as OTLP/JSON, written without any library."""
    tree = {}
    for field, value in message.ListFields():
        name = field.json_name if names == "camel" else field.name
        made = [_json_value(v, field, integers, names) for v in (value if field.is_repeated else [value])]
        tree[name] = made if field.is_repeated else made[0]
    return tree


def _json_value(value, field, integers, names):
    if field.message_type:
        return as_json(value, integers=integers, names=names)
    if isinstance(value, bytes):
        return value.hex() if field.name in IDS else base64.b64encode(value).decode()
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if field.cpp_type in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64):
        return integers(value)
    return value


@given(st.lists(spans, max_size=3), st.sampled_from([str, int]), st.sampled_from(["camel", "snake"]))
@settings(max_examples=80)
def test_traces_read_from_json_are_the_traces_that_were_written(some, integers, names):
    request = traces(*some)
    read, lost = parse_json(TRACES, json.dumps(as_json(request, integers=integers, names=names)).encode())
    assert (read, lost) == (request, 0)


@given(st.lists(records, max_size=3), st.booleans())
@settings(max_examples=60)
def test_logs_read_from_json_are_the_logs_that_were_written(some, ascii_only):
    request = logs(*some)
    read, lost = parse_json(LOGS, json.dumps(as_json(request), ensure_ascii=ascii_only).encode())
    assert (read, lost) == (request, 0)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)
FIELDS = sorted({field.json_name for field in TRACES.record.DESCRIPTOR.fields})


@given(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6))
@settings(max_examples=200)
def test_no_json_however_odd_is_more_than_refused(members):
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [members]}]}]}).encode()
    try:
        message, lost = parse_json(TRACES, body)
    except DoorError:
        return
    assert REQUESTS["traces"].FromString(message.SerializeToString()) == message
    assert lost in (0, 1)


@given(st.binary(max_size=60))
@settings(max_examples=200)
def test_no_bytes_are_more_than_refused(body):
    with contextlib.suppress(DoorError):
        parse_json(TRACES, body)


@pytest.mark.parametrize("text_of_double", ["NaN", "Infinity", "-Infinity", "1e3", 7])
def test_doubles_may_be_words_and_integers(text_of_double):
    attribute = {"key": "x", "value": {"doubleValue": text_of_double}}
    body = {"resourceSpans": [{"resource": {"attributes": [attribute]}}]}
    message, _ = parse_json(TRACES, json.dumps(body).encode())
    (read,) = message.resource_spans[0].resource.attributes
    assert repr(read.value.double_value) == repr(float(text_of_double))


def test_bytes_may_be_url_safe_base64_without_padding():
    attribute = {"key": "x", "value": {"bytesValue": "-_8"}}
    body = {"resourceSpans": [{"resource": {"attributes": [attribute]}}]}
    message, _ = parse_json(TRACES, json.dumps(body).encode())
    assert message.resource_spans[0].resource.attributes[0].value.bytes_value == b"\xfb\xff"


def test_reading_json_takes_time_in_proportion_to_its_size():
    body = json.dumps(as_json(traces(*[span(attributes={"k": "v" * 50}) for _ in range(500)]))).encode()
    started = time.process_time()
    parse_json(TRACES, body)
    assert time.process_time() - started < 1
