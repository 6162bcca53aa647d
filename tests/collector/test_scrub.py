"""Nothing personal reaches the disk, wherever in a request it stands."""

import json

import pytest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from telemetry import (
    JSON,
    KEY,
    SPAN_ID,
    TRACE_ID,
    add_attributes,
    attributes_of,
    log_record,
    logs,
    running,
    span,
    traces,
)

from collector.scrub import Scrubber
from model.personal import DEFAULT_PERSONAL_KEYS, Kind

ADA = KEY.token("email", "ada@acme.com")
SCRUBBER = Scrubber(KEY, DEFAULT_PERSONAL_KEYS)
PERSONAL = {"lead.email": "Ada@acme.com", "lead.phone": "+49 151 234542", "lead.name": "Ada Lovelace"}
CLEAN = {
    "lead.email.token": ADA,
    "lead.email.mask": "A•••@acme.com",
    "lead.phone.token": KEY.token("phone", "+49151234542"),
    "lead.phone.mask": "•••• 42",
    "lead.name.token": KEY.token("name", "ada lovelace"),
    "lead.name.mask": "A. L.",
}
SECRETS = (b"ada@", b"Ada@", b"ada%40", b"Lovelace", b"151")


def scrubbed(request):
    payload = request.SerializeToString()
    assert SCRUBBER.suspects(payload)
    SCRUBBER.scrub(request)
    assert not any(secret in request.SerializeToString() for secret in SECRETS)
    return request


def test_personal_attributes_become_tokens_and_masks():
    request = scrubbed(traces(span(attributes={**PERSONAL, "lead.id": "L-1"})))
    assert attributes_of(request.resource_spans[0].scope_spans[0].spans[0]) == {"lead.id": "L-1", **CLEAN}


def with_scope(request, scope):
    request.resource_spans[0].scope_spans[0].scope.CopyFrom(scope)
    return request


def scope_with_personal():
    scope = InstrumentationScope(name="ada@acme.com")
    add_attributes(scope.attributes, PERSONAL)
    return scope


def event_with_personal(**fields):
    made = span(events=[{"name": "ada@acme.com"}], **fields)
    add_attributes(made.events[0].attributes, PERSONAL)
    return made


def link_with_personal():
    made = span(links=[{"trace_state": "v=ada@acme.com"}])
    add_attributes(made.links[0].attributes, PERSONAL)
    return made


def kvlist_body():
    record = log_record()
    add_attributes(record.body.kvlist_value.values, {**PERSONAL, "deep": {"deeper": PERSONAL, "note": "ada@acme.com"}})
    return record


@pytest.mark.parametrize(
    "request_of",
    [
        pytest.param(lambda: traces(span(), resource=PERSONAL), id="resource"),
        pytest.param(lambda: with_scope(traces(span()), scope_with_personal()), id="scope"),
        pytest.param(lambda: traces(event_with_personal()), id="span event"),
        pytest.param(lambda: traces(link_with_personal()), id="span link"),
        pytest.param(lambda: traces(span("GET /leads/ada@acme.com")), id="span name"),
        pytest.param(lambda: traces(span(trace_state="x=ada@acme.com")), id="trace state"),
        pytest.param(lambda: traces(span(status={"message": "no ada@acme.com"})), id="status message"),
        pytest.param(lambda: traces(span(attributes={"url.full": "https://x.io/?e=ada%40acme.com"})), id="URL"),
        pytest.param(lambda: traces(span(attributes={"ada@acme.com": "x"})), id="attribute key"),
        pytest.param(lambda: traces(span(attributes={"http.request.header.to": ["x", "ada@acme.com"]})), id="array"),
        pytest.param(lambda: traces(span(attributes={"raw": b"\xff ada@acme.com"})), id="bytes"),
        pytest.param(lambda: traces(span(attributes={"a": {"b": {"c": "ada@acme.com"}}})), id="nested kvlist"),
        pytest.param(lambda: traces(span(attributes={"lead.email": ["ada@acme.com", "x@y.zz"]})), id="several"),
        pytest.param(lambda: traces(span(attributes={"lead.phone": 49151234542})), id="phone as a number"),
        pytest.param(lambda: traces(span(attributes={"lead.name": {"last": "Lovelace"}})), id="name as a kvlist"),
        pytest.param(lambda: traces(span(attributes={"lead.name": b"Lovelace"})), id="name as bytes"),
        pytest.param(lambda: logs(log_record("ada@acme.com filled the form")), id="log body"),
        pytest.param(lambda: logs(log_record(attributes=PERSONAL)), id="log attributes"),
        pytest.param(lambda: logs(kvlist_body()), id="kvlist log body"),
    ],
)
def test_personal_data_is_found_wherever_it_stands(request_of):
    scrubbed(request_of())


def test_nested_personal_keys_become_tokens_and_masks_too():
    (record,) = scrubbed(logs(kvlist_body())).resource_logs[0].scope_logs[0].log_records
    keys = [pair.key for pair in record.body.kvlist_value.values]
    assert keys == ["lead.email.token", "lead.phone.token", "lead.name.token", "deep",
                    "lead.email.mask", "lead.phone.mask", "lead.name.mask"]  # fmt: skip


def test_a_value_that_is_a_token_already_is_not_hashed_again_and_gets_no_mask():
    request = scrubbed(traces(span(attributes={"lead.email": ADA, "note": "ada@acme.com"})))
    assert attributes_of(request.resource_spans[0].scope_spans[0].spans[0]) == {"lead.email.token": ADA, "note": ADA}


def test_a_captured_baggage_header_keeps_its_keys_and_loses_its_persons():
    baggage = "lead.id=L-1,lead.email=ada%40acme.com,lead.phone=%2B49151234542,lead.name=Ada%20Lovelace;p=1"
    request = scrubbed(traces(span(attributes={"http.request.header.baggage": [baggage]})))
    (header,) = request.resource_spans[0].scope_spans[0].spans[0].attributes
    assert header.value.array_value.values[0].string_value == (
        f"lead.id=L-1,lead.email={ADA},lead.phone={CLEAN['lead.phone.token']},lead.name={CLEAN['lead.name.token']};p=1"
    )


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_an_empty_value_is_nobodys(blank):
    made = span(attributes={"note": "ada@acme.com"})
    made.attributes.add(key="lead.email")
    if blank is not None:
        made.attributes[1].value.string_value = blank
    stored = scrubbed(traces(made)).resource_spans[0].scope_spans[0].spans[0]
    assert [a.key for a in stored.attributes] == ["note", "lead.email"]


def test_scrubbing_twice_changes_nothing():
    request = scrubbed(traces(event_with_personal(attributes=PERSONAL)))
    once = request.SerializeToString()
    SCRUBBER.scrub(request)
    assert request.SerializeToString() == once


def test_ids_are_never_taken_for_text():
    odd = span("ada@acme.com", trace_id=b"a@bcdefgh.comxyz", span_id=b"a@bcd.io")
    stored = scrubbed(traces(odd)).resource_spans[0].scope_spans[0].spans[0]
    assert (stored.trace_id, stored.span_id) == (odd.trace_id, odd.span_id)


def test_personal_data_in_a_field_nobody_knows_goes_with_the_field():
    unknown = b"\xa2\x1f\x0cada@acme.com"  # field 500
    request = type(traces())()
    inner = span().SerializeToString() + unknown
    scope = b"\x12" + bytes([len(inner)]) + inner
    resource = b"\x12" + bytes([len(scope)]) + scope
    request.ParseFromString(b"\x0a" + bytes([len(resource)]) + resource)
    assert b"ada@" in request.SerializeToString()
    scrubbed(request)


@pytest.mark.parametrize(
    "harmless",
    [
        pytest.param({"lead.id": "L-1", "service.name": "x"}, id="nothing personal"),
        pytest.param(CLEAN, id="tokens and masks"),
        pytest.param({"otel.scope.name": " @opentelemetry/instrumentation-http"}, id="an npm scope"),
    ],
)
def test_harmless_requests_are_not_walked(harmless):
    assert not SCRUBBER.suspects(traces(span(attributes=harmless)).SerializeToString())


def test_the_list_of_personal_keys_is_a_setting():
    scrubber = Scrubber(KEY, {"customer.mail": Kind.EMAIL})
    request = traces(span(attributes={"customer.mail": "no address", "lead.name": "Ada"}))
    assert scrubber.suspects(request.SerializeToString())
    scrubber.scrub(request)
    assert set(attributes_of(request.resource_spans[0].scope_spans[0].spans[0])) == {
        "customer.mail.token",
        "customer.mail.mask",
        "lead.name",
    }


def test_with_no_personal_keys_addresses_are_still_replaced():
    scrubber = Scrubber(KEY, {})
    assert not scrubber.suspects(traces(span()).SerializeToString())
    assert scrubber.suspects(traces(span("ada@acme.com")).SerializeToString())


@pytest.mark.parametrize("content_type", ["application/x-protobuf", JSON])
def test_nothing_personal_reaches_the_disk_the_store_or_the_log(tmp_path, capfd, content_type):
    tree = {
        "traceId": TRACE_ID.hex(),
        "spanId": SPAN_ID.hex(),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in PERSONAL.items()],
    }
    bodies = {
        JSON: json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [tree]}]}]}).encode(),
        "application/x-protobuf": traces(span(attributes=PERSONAL)).SerializeToString(),
    }
    with running(tmp_path) as road:
        road.store.refuse = lambda *_insert: 1 / 0  # the spool keeps what it has
        assert road.post("/v1/traces", bodies[content_type], content_type).status_code == 200
        kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert b"tok_" in kept
        assert not any(secret in kept for secret in SECRETS)
    out, err = capfd.readouterr()
    assert not any(secret.decode() in out + err for secret in SECRETS)
