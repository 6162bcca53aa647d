"""POST /api/v1/changes: what people and pipelines tell shows up where it explains something."""

import json
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from serving import serving
from starlette.exceptions import HTTPException

from api.problems import problem
from api.told_changes import MAX_BODY_BYTES, changes_router
from store import changes

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SAMPLE = {
    "specversion": "1.0",
    "id": "42",
    "source": "/ci/crm-writer",
    "type": "com.acme.deploy",
    "time": "2026-03-02T11:00:00+01:00",
    "data": {
        "what": "crm-writer 2.5 deployed by ana@acme.example",
        "service": "crm-writer",
        "link": "https://ci.example/1",
    },
}


@pytest.fixture
def client(store):
    app = FastAPI()
    app.include_router(
        changes_router(store, clock=lambda: NOW, scrub=lambda text: text.replace("ana@acme.example", "tok_x"))
    )
    app.add_exception_handler(HTTPException, problem)
    with serving(app) as served:
        yield served


def kept(store):
    return changes.told_between(store, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def test_a_structured_event_is_kept_with_what_it_says(client, store):
    answer = client.post(
        "/api/v1/changes",
        content=json.dumps(SAMPLE),
        headers={"content-type": "application/cloudevents+json; charset=utf-8"},
    )
    assert (answer.status_code, answer.json()) == (202, {"taken": 1})
    (change,) = kept(store)
    assert change.at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert (change.kind, change.what, change.service) == ("deploy", "crm-writer 2.5 deployed by tok_x", "crm-writer")


def test_a_binary_event_and_a_batch_are_the_same_and_sending_twice_adds_nothing(client, store):
    headers = {f"ce-{name}": SAMPLE[name] for name in ("specversion", "id", "source", "type", "time")}
    binary = client.post("/api/v1/changes", json=SAMPLE["data"], headers=headers)
    batch = client.post(
        "/api/v1/changes",
        content=json.dumps([SAMPLE, SAMPLE]),
        headers={"content-type": "application/cloudevents-batch+json"},
    )
    assert (binary.status_code, batch.json()) == (202, {"taken": 2})
    assert len(kept(store)) == 1


@pytest.mark.parametrize(
    ("content", "media", "status", "said"),
    [
        (b"{", "application/cloudevents+json", 400, "not JSON"),
        (b"[]", "application/cloudevents+json", 400, "is a JSON object"),
        (b"{}", "application/cloudevents+json", 400, "`specversion` is missing"),
        (json.dumps({**SAMPLE, "specversion": "0.3"}).encode(), "application/cloudevents+json", 400, "is not 1.0"),
        (json.dumps({**SAMPLE, "time": "yesterday"}).encode(), "application/cloudevents+json", 400, "is not RFC 3339"),
        (json.dumps({**SAMPLE, "time": "2026-03-02T11:00:00"}).encode(), "application/cloudevents+json", 400, "has no zone"),
        (b"{}", "text/plain", 400, "is no CloudEvent"),
        (b"[" * 100_000, "application/cloudevents-batch+json", 400, "not JSON"),
        (b" " * (MAX_BODY_BYTES + 1), "application/cloudevents+json", 413, "larger than"),
    ],
)  # fmt: skip
def test_nonsense_is_a_problem_that_says_what_and_how_to_mend(client, store, content, media, status, said):
    answer = client.post("/api/v1/changes", content=content, headers={"content-type": media})
    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert kept(store) == []


@pytest.mark.shared
def test_every_event_of_the_specifications_schema_examples_shape_is_taken(client, shared_cases):
    schema = json.loads((shared_cases / "cloudevents" / "cloudevents.json").read_text())
    event = {name: (schema["properties"][name].get("examples") or ["x"])[0] for name in schema["required"]}
    answer = client.post(
        "/api/v1/changes",
        content=json.dumps({**event, "specversion": "1.0"}),
        headers={"content-type": "application/cloudevents+json"},
    )
    assert answer.status_code == 202
