"""Every error of the API is a problem document that says what is wrong and what to do; none tells internals."""

import pytest
import web_world
from serving import serving
from web_factory import web_app

from store.engine import Store

FUNNEL = "/api/v1/flows/demo-request/funnel"
NOWHERE = "clickhouse://leadtrace:secret-password@127.0.0.1:9/leadtrace"
READS = [
    "/api/v1/leads",
    "/api/v1/leads/W-1",
    "/api/v1/leads/W-1/why",
    "/api/v1/flows",
    FUNNEL,
    "/api/v1/flows/demo-request/causes",
    "/api/v1/flows/demo-request/alignment",
    "/api/v1/flows/demo-request/differences?cause=crm.rate_limit",
    "/api/v1/codes/unmapped",
    "/api/v1/traces/abc",
    "/api/v1/refusals",
]


def problem(answer, status, kind):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert (said["status"], said["type"]) == (status, f"/problems/{kind}")
    assert said["instance"] == answer.url.path
    assert said["title"]
    assert said["detail"].endswith(".")
    return said


@pytest.mark.parametrize(
    ("path", "asked", "parameter", "says"),
    [
        pytest.param(FUNNEL, {"since": "yesterday"}, "since", "is not a time", id="no time"),
        pytest.param(FUNNEL, {"until": "2026-11-24T09:00"}, "until", "has no zone", id="no zone"),
        pytest.param(FUNNEL, {"since": "1999-01-01"}, "since", "out of range", id="too early"),
        pytest.param(FUNNEL, {"since": "1h", "until": "2h"}, "since", "is not before", id="wrong way round"),
        pytest.param(FUNNEL, {"since": "9" * 41}, "since", "at most 40", id="long time"),
        pytest.param(FUNNEL, {"campaign": "x" * 501}, "campaign", "at most 500", id="long campaign"),
        pytest.param("/api/v1/leads", {"q": "x" * 1001}, "q", "at most 1000", id="long search"),
        pytest.param("/api/v1/leads", {"cursor": "-1"}, "cursor", "match", id="cursor"),
        pytest.param("/api/v1/leads", {"cursor": "1; DROP"}, "cursor", "match", id="cursor of SQL"),
        pytest.param("/api/v1/flows/x/causes", {"status": "odd"}, "status", "match", id="status"),
        pytest.param("/api/v1/flows/x/differences", {}, "cause", "required", id="missing"),
        pytest.param(
            FUNNEL, {"campagin": "spring"}, "campagin", "campaign, segment, since, source, until", id="misspelt"
        ),
        pytest.param("/api/v1/alerts", {"fow": "x"}, "fow", "no such parameter", id="misspelt at alerts"),
        pytest.param("/api/v1/traces/zz", {}, "trace_id", "match", id="trace"),
        pytest.param("/api/v1/leads/W-1/why", {"entry": "x" * 1001}, "entry", "at most 1000", id="long entry"),
    ],
)
def test_a_bad_parameter_is_named_with_its_mend(web, path, asked, parameter, says):
    said = problem(web.get(path, params=asked), 400, "bad-parameter")
    (error,) = said["errors"]
    assert error["parameter"] == parameter
    assert says in error["problem"]
    assert error["mend"]
    assert parameter in said["detail"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/api/v1/leads/W-nobody", "No lead is known by “W-nobody”"),
        ("/api/v1/leads/W-nobody/why", "No lead is known by “W-nobody”"),
        ("/api/v1/leads/W-entered/why?flow=other", "other"),
        ("/api/v1/leads/W-entered/why?entry=none-such", "none-such"),
        ("/api/v1/flows/nothing/funnel", "The flows are: demo-request"),
        ("/api/v1/flows/nothing/causes", "No flow is called “nothing”"),
        ("/api/v1/flows/nothing/alignment", "No flow is called “nothing”"),
        ("/api/v1/flows/nothing/differences?cause=crm.auth", "No flow is called “nothing”"),
        ("/api/v1/traces/0123456789abcdef0123456789abcdef", "No trace has the id"),
    ],
)
def test_what_is_not_there_is_a_sentence_that_says_what_is(web, path, says):
    assert says in problem(web.get(path), 404, "not-found")["detail"]


@pytest.mark.parametrize("path", ["/api/", "/api/v2/leads", "/api/v1/flows/x/y/z"])
def test_an_address_that_is_none_points_at_the_list_of_routes(web, path):
    assert "/api/openapi.json" in problem(web.get(path), 404, "not-found")["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_route_that_reads_takes_no_other_method(web, method):
    answer = web.request(method, "/api/v1/flows")
    problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["allow"]


def test_a_lead_id_longer_than_any_is_refused_and_odd_bytes_are_only_unknown(web):
    problem(web.get("/api/v1/leads/" + "x" * 1001), 400, "bad-parameter")
    for odd in ("%00", "%FF", "%F0%9F", "%27%20OR%201%3D1", "..%2F..%2Fetc"):
        problem(web.get(f"/api/v1/leads/{odd}"), 404, "not-found")


@pytest.fixture(scope="module")
def away():
    """The application with a database that is not there."""
    library = web_world.library(Store(NOWHERE))
    with serving(web_app(library, clock=web_world.now)) as client:
        yield client


@pytest.mark.parametrize("path", READS)
def test_with_the_database_away_every_route_says_when_to_ask_again(away, path):
    answer = away.get(path)
    problem(answer, 503, "engine-away")
    assert int(answer.headers["retry-after"]) > 0
    assert "secret" not in answer.text


def test_a_bug_is_told_without_internals():
    class Broken:
        def __getattr__(self, name):
            raise ValueError(f"secret internals of {name}")

    with serving(web_app(web_world.library(Broken()), clock=web_world.now)) as client:
        answer = client.get("/api/v1/leads")
    assert "log" in problem(answer, 500, "bug")["detail"]
    assert "secret" not in answer.text
    assert "ValueError" not in answer.text
