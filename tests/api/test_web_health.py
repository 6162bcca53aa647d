"""For machines: health, readiness, metrics, and a description of the API that holds."""

import json
import re

import pytest
import web_world
from serving import serving
from web_factory import web_app

from store.engine import Store
from store.errors import StoreUnavailable

PROMISED = {
    "/api/v1/leads",
    "/api/v1/leads/{lead}",
    "/api/v1/leads/{lead}/why",
    "/api/v1/traces/{trace_id}",
    "/api/v1/flows",
    "/api/v1/flows/{flow}/funnel",
    "/api/v1/flows/{flow}/causes",
    "/api/v1/changes",
    "/healthz",
    "/readyz",
}


@pytest.fixture(scope="module")
def described(web):
    answer = web.get("/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def references(node):
    if isinstance(node, dict):
        yield from [node["$ref"]] if "$ref" in node else []
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def test_the_description_names_every_promised_route_and_no_page(described):
    assert described["openapi"].startswith("3.")
    assert described["paths"].keys() >= PROMISED
    assert all(path.startswith(("/api/", "/healthz", "/readyz")) for path in described["paths"])


def test_every_reference_in_the_description_leads_somewhere(described):
    for reference in set(references(described)):
        node = described
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node


def test_every_operation_is_named_described_and_has_its_path_parameters(described):
    operations = [(path, operation) for path, methods in described["paths"].items() for operation in methods.values()]
    assert len({operation["operationId"] for _, operation in operations}) == len(operations)
    for path, operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]
        in_path = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        assert {"200", "201", "202"} & operation["responses"].keys()


def test_what_a_reading_route_may_refuse_is_described_as_a_problem(described):
    responses = described["paths"]["/api/v1/leads/{lead}/why"]["get"]["responses"]
    for status in ("400", "404", "503"):
        assert "application/problem+json" in responses[status]["content"]


def test_an_answer_has_only_fields_that_the_description_has(web, described):
    schema = described["components"]["schemas"]["Why"]["properties"]
    assert web.get("/api/v1/leads/W-blocked/why").json().keys() == schema.keys()


def test_a_living_process_is_healthy_even_without_its_database():
    library = web_world.library(Store("clickhouse://127.0.0.1:9/x"))
    with serving(web_app(library, clock=web_world.now)) as client:
        assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_with_everything_there_and_not_with_something_missing(web, world):
    assert web.get("/readyz").json() == {"status": "ok"}
    lacking = web_app(web_world.library(world), clock=web_world.now, not_ready=lambda: "Migration 7 is missing.")
    with serving(lacking) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["detail"]) == (503, "Migration 7 is missing.")
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200


def test_not_ready_while_asking_fails(world):
    def away():
        raise StoreUnavailable("gone")

    with serving(web_app(web_world.library(world), clock=web_world.now, not_ready=away)) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


def test_metrics_are_prometheus_text(web):
    answer = web.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE leadtrace_leads_settled_total counter" in answer.text
    assert re.search(r"^leadtrace_leads_settled_total [1-9]", answer.text, re.MULTILINE)


def test_answers_are_json_that_every_browser_may_not_guess_at(web):
    answer = web.get("/api/v1/leads")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content)
