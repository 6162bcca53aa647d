"""Whatever the bytes, the door takes or refuses: it never breaks, never stores a bad id, never loses count."""

import os
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telemetry import KEY, attributes_of, log_record, logs, span, traces

from collector.door import JSON, PROTOBUF, Door, Export
from collector.errors import DoorError
from collector.held import HeldBytes
from collector.limits import MIB, DoorLimits
from collector.otlp import LOGS, SIGNALS, TRACES
from collector.scrub import Scrubber
from model.personal import DEFAULT_PERSONAL_KEYS

pytestmark = pytest.mark.torture
MANY = 20_000 if os.environ.get("LEADTRACE_TORTURE") == "long" else 400
DOOR = Door(None, Scrubber(KEY, DEFAULT_PERSONAL_KEYS), DoorLimits(max_body_bytes=MIB))
ATTRIBUTES = {"lead.email": "ada@acme.com", "n": 7, "deep": {"er": ["ada@acme.com", ""]}, "raw": b"\xff"}
GOOD = {
    "traces": traces(span(attributes=ATTRIBUTES, links=[{}], events=[{"name": "e"}]), span("two")).SerializeToString(),
    "logs": logs(log_record("ada@acme.com", attributes=ATTRIBUTES), log_record("two")).SerializeToString(),
}


def prepared(export: Export):
    with HeldBytes(64 * MIB).hold() as hold:
        try:
            return DOOR._prepare(export, hold)
        except DoorError:
            return None


def is_sound(signal, ready) -> bool:
    """What would be stored parses, holds as many records as were accepted, and only good ids."""
    request = signal.request()
    request.ParseFromString(ready.payload)
    records = [record for scope in signal.scopes(request) for record in signal.records(scope)]
    ids = {len(record.trace_id) for record in records}
    return len(records) == ready.receipt.accepted and ids <= ({16} if signal is TRACES else {0, 16})


@given(st.sampled_from(sorted(SIGNALS)), st.data())
@settings(max_examples=MANY)
def test_a_request_with_damaged_bytes_is_taken_soundly_or_refused(name, data):
    body = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)) | st.just(len(body)))
    ready = prepared(Export(SIGNALS[name], bytes(body[:cut])))
    assert ready is None or is_sound(SIGNALS[name], ready)


@given(
    st.sampled_from([TRACES, LOGS]),
    st.sampled_from([PROTOBUF, JSON]),
    st.sampled_from(["identity", "gzip", "deflate", "zstd"]),
    st.binary(max_size=80),
)
@settings(max_examples=MANY)
def test_noise_is_refused_or_empty(signal, media, encoding, noise):
    ready = prepared(Export(signal, noise, media, encoding))
    assert ready is None or is_sound(signal, ready)


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 255))
@settings(max_examples=MANY)
def test_damage_inside_a_packed_body_is_refused_or_unpacks_to_something_bounded(noise, place, byte):
    packed = bytearray(zlib.compress(GOOD["traces"] + noise))
    packed[place % len(packed)] = byte
    ready = prepared(Export(TRACES, bytes(packed), encoding="deflate"))
    assert ready is None or is_sound(TRACES, ready)


@given(st.text(max_size=20), st.sampled_from(["ada@acme.com", "ada%40acme.com", "Ada@ACME.com"]), st.text(max_size=20))
@settings(max_examples=MANY)
def test_an_address_among_any_text_never_reaches_the_payload(before, address, after):
    text = f"{before} {address} {after}".encode("utf-8", "ignore").decode()
    ready = prepared(Export(TRACES, traces(span(text, attributes={"url.full": text})).SerializeToString()))
    assert address.encode() not in ready.payload
    request = TRACES.request.FromString(ready.payload)
    (stored,) = request.resource_spans[0].scope_spans[0].spans
    assert KEY.token("email", "ada@acme.com") in attributes_of(stored)["url.full"]
