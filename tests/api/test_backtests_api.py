"""`POST /api/v1/slos/backtest` over real HTTP, on the judged leads of web_world."""

from pathlib import Path

import pytest
import web_world
from serving import serving
from web_factory import web_app

from lineage.backtests import BacktestsAnswer
from slo.openslo.objects import Source
from slo.openslo.read import read_openslo

FILE = (Path(__file__).resolve().parents[2] / "demo" / "objectives" / "enrolment.yaml").read_text()
WALK = "/api/v1/slos/backtest"


def test_an_objective_is_walked_over_what_was_judged(web):
    answer = BacktestsAnswer.model_validate(web.post(WALK, content=FILE).json())
    [one] = answer.objectives
    assert (one.name, one.flow, one.in_force) == ("demo-enrolment", "demo-request", None)
    assert (one.until - one.since).days == 28
    assert one.would.total == one.would.good + one.would.bad > 0
    assert one.would.groups > 1


def test_it_stands_beside_the_one_in_force(world):
    known = {one.name: one for one in read_openslo([Source("f", FILE)]).objectives}
    with serving(web_app(web_world.library(world), clock=web_world.now, objectives=lambda: known)) as web:
        [one] = web.post(WALK, content=FILE, params={"since": "7d"}).json()["objectives"]
    assert one["in_force"] == one["would"] | {"firings": one["in_force"]["firings"]}


@pytest.mark.parametrize(
    ("content", "since", "status", "said"),
    [
        pytest.param(FILE.replace("0.94", "94"), "28d", 400, "SLO demo-enrolment: spec.obj", id="mistake"),
        pytest.param(FILE.replace("demo-request}", "demo}"), "28d", 400, "`demo` is no flow", id="unknown flow"),
        pytest.param("kind: nothing", "28d", 400, "has no apiVersion", id="no object"),
        pytest.param(b"\xff\xfe", "28d", 400, "not UTF-8", id="no text"),
        pytest.param("x" * (1024 * 1024 + 1), "28d", 413, "at most", id="too long"),
        pytest.param(FILE, "soon", 400, "since", id="no time"),
        pytest.param(FILE, "60w", 400, "more than 366 days", id="too far back"),
    ],
)
def test_what_cannot_be_walked_is_a_problem_with_the_mend(web, content, since, status, said):
    answer = web.post(WALK, content=content, params={"since": since})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["detail"]
