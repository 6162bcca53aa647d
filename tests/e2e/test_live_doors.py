"""Who is let in where, on a running server as it starts by default: tokens on."""

import re

import grpc
import httpx
import pytest
from google.rpc import status_pb2
from live import PROTOBUF, Live, export, span, wait_for
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub


@pytest.fixture(scope="module")
def tokens(server: Live) -> dict[str, dict[str, str]]:
    """A header for each role, made while the server runs."""
    return {role: server.bearer(role) for role in ("ingest", "read", "admin")} | {"none": {}}


def post(server: Live, headers: dict[str, str], content_type: str = PROTOBUF["content-type"], body=None):
    content = export(span()).SerializeToString() if body is None else body
    return httpx.post(
        f"{server.otlp_http}/v1/traces", content=content, headers={"content-type": content_type, **headers}
    )


@pytest.mark.parametrize("who", ["none", "read"])
def test_otlp_without_a_token_for_it_is_refused_as_the_specification_says(server, tokens, who):
    answer = post(server, tokens[who])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == PROTOBUF["content-type"]
    told = status_pb2.Status.FromString(answer.content)
    assert told.code == grpc.StatusCode.UNAUTHENTICATED.value[0]
    assert "token" in told.message


def test_a_refusal_to_a_json_sender_is_json(server):
    answer = post(server, {}, "application/json", b"{}")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json")
    assert answer.json()["code"] == 16


@pytest.mark.parametrize("who", ["ingest", "admin"])
def test_otlp_with_a_token_for_it_is_taken(server, tokens, who):
    answer = post(server, tokens[who])
    assert answer.status_code == 200
    assert not ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans


@pytest.mark.parametrize(("who", "code"), [("none", "UNAUTHENTICATED"), ("read", "UNAUTHENTICATED"), ("ingest", "OK")])
def test_grpc_asks_for_the_same_tokens(server, tokens, who, code):
    with grpc.insecure_channel(server.otlp_grpc.removeprefix("http://")) as channel:
        try:
            TraceServiceStub(channel).Export(export(span()), metadata=tuple(tokens[who].items()), timeout=20)
            got = "OK"
        except grpc.RpcError as error:
            got = error.code().name
    assert got == code


@pytest.mark.parametrize(("who", "status"), [("none", 401), ("ingest", 403), ("read", 200), ("admin", 200)], ids=str)
@pytest.mark.parametrize("path", ["/api/v1/leads", "/api/v1/flows", "/metrics", "/api/openapi.json"])
def test_the_api_lets_readers_in(server, tokens, path, who, status):
    answer = httpx.get(f"{server.web}{path}", headers=tokens[who])
    assert answer.status_code == status
    if status > 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_token(server, path):
    assert httpx.get(f"{server.web}{path}").status_code == 200


def test_the_link_that_the_start_prints_signs_in_and_gives_pages(server):
    server.send(span(lead_id="L-page", lead_correlation_id="c-page", lead_event="FormSubmitted"))
    wait_for(lambda: server.why("L-page"), "the lead")
    with httpx.Client(base_url=server.web, follow_redirects=True, timeout=30) as browser:
        before = browser.get("/leads/L-page")
        assert before.url.path == "/sign-in"
        assert before.url.params["next"] == "/leads/L-page"
        assert "L-page" not in re.sub(r'"[^"]*next=[^"]*"', "", before.text)
        first = browser.get(server.link)
        assert (first.status_code, first.url.path) == (200, "/")
        for path in ("/", "/leads", "/leads/L-page", "/flows", "/flows/demo-request", "/refusals"):
            page = browser.get(path)
            assert (page.status_code, page.url.path) == (200, path)
            assert page.headers["content-type"].startswith("text/html")
            assert "</html>" in page.text
        assert "L-page" in browser.get("/leads/L-page").text


def test_the_sign_in_form_takes_a_token_and_keeps_where_one_was_going(server, tokens):
    token = tokens["read"]["authorization"].removeprefix("Bearer ")
    with httpx.Client(base_url=server.web, follow_redirects=True, timeout=30) as browser:
        form = browser.get("/flows")
        action = re.search(r'<form[^>]*action="([^"]*)"', form.text)
        where = form.url.join(action[1].replace("&amp;", "&")) if action and action[1] else form.url
        after = browser.post(where, data={"token": token})
        assert (after.status_code, after.url.path) == (200, "/flows")
        wrong = httpx.post(f"{server.web}/sign-in", data={"token": "lti_00000000_wrong"})
        assert wrong.status_code in {200, 401, 403}
        assert "set-cookie" not in wrong.headers


def test_a_sign_in_does_not_lead_away_from_here(server):
    answer = httpx.get(f"{server.link}&next=%2F%2Fevil.example")
    assert answer.headers["location"] == "/"


def test_every_page_keeps_other_sites_from_framing_and_scripting_it(server):
    answer = server.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src" in policy
    assert "frame-ancestors 'none'" in policy or answer.headers.get("x-frame-options") == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "unsafe-inline" not in re.search(r"script-src[^;]*|default-src[^;]*", policy)[0]
