"""The API of objectives and alerts: what it answers, what it takes, what it refuses. Over real HTTP, made-up budgets."""

from datetime import UTC, datetime, timedelta

import made_up_budgets as made
import pytest
from serving import serving
from web_factory import web_app

from lineage.ask import Library
from lineage.budgets import SHOWN_GROUPS, AlertPage, BudgetAnswer
from store.engine import Store
from store.errors import StoreUnavailable

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SAID = {"author": "ada", "reason": "vendor is down"}


@pytest.fixture
def budgets():
    return made.troubled(NOW)


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def web(budgets, clock):
    def scrub(text):
        return text.replace("ada@acme.example", "tok_1")

    library = Library(Store("chdb:///nowhere"), dict)
    with serving(web_app(library, clock=clock, budgets=budgets, scrub=scrub)) as client:
        yield client


def problem(answer, status, kind):
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    said = answer.json()
    assert said["type"] == f"/problems/{kind}"
    return said


def test_every_objective_is_listed_with_what_is_left(web):
    found = {one["name"]: one for one in web.get("/api/v1/slos").json()["slos"]}
    assert {name: one["status"] for name, one in found.items()} == {
        "demo-enrolment": "burning", "crm-freshness": "exhausted", "routing": "frozen", "delivery": "ok",
        "backlog": "no_data",
    }  # fmt: skip
    burning = found["demo-enrolment"]
    assert (burning["target"], burning["budget_left"], burning["firing"]) == (0.99, 0.38, 2)
    assert burning["good"] + burning["bad"] == burning["total"]
    assert found["backlog"]["budget_left"] is None


def test_one_objective_is_whole_and_its_lists_are_bounded(web):
    found = BudgetAnswer.model_validate(web.get("/api/v1/slos/demo-enrolment").json())
    assert (len(found.groups), found.groups_total) == (SHOWN_GROUPS, 2_002)
    assert [tier.name for tier in found.tiers] == [one.tier for one in found.groups[0].tiers]
    assert found.points[-1].left == pytest.approx(found.budget_left)


def test_an_objective_that_nobody_wrote_is_a_problem(web):
    assert "nothing" in problem(web.get("/api/v1/slos/nothing"), 404, "not-found")["detail"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["I-1", "I-2", "I-3"]),
        ("?state=firing", ["I-1", "I-2"]),
        ("?state=resolved", ["I-3"]),
        ("?objective=nothing", []),
        ("?flow=demo-request&state=resolved", ["I-3"]),
    ],
)
def test_alerts_are_listed_firing_first(web, query, ids):
    assert [one["id"] for one in web.get(f"/api/v1/alerts{query}").json()["alerts"]] == ids


def test_alerts_come_in_pages(web, budgets):
    for number in range(4, 60):
        budgets.shown[f"I-{number}"] = made.alert(NOW, number, phase="resolved", minutes=5_000 + number)
    seen, cursor = [], None
    while True:
        page = AlertPage.model_validate(web.get("/api/v1/alerts", params={"cursor": cursor} if cursor else {}).json())
        assert len(page.alerts) <= 25
        seen += [one.id for one in page.alerts]
        if page.next is None:
            break
        cursor = page.next
    assert len(seen) == len(set(seen)) == 59


def test_an_alert_says_everything_its_message_did(web):
    said = web.get("/api/v1/alerts/I-1").json()
    assert said["leads_affected"] == 312
    assert [one["title"] for one in said["causes"]] == ["CRM rate limit", "Delivery timed out"]
    assert said["changes"][0]["what"] == "crm-writer 2.4.1 first seen"
    assert said["text"].startswith("PAGE")


def test_who_acknowledges_first_stands(web):
    first = web.post("/api/v1/alerts/I-1/acknowledge", json=SAID).json()
    second = web.post("/api/v1/alerts/I-1/acknowledge", json={"author": "bob"}).json()
    assert first["acknowledged"] == second["acknowledged"]
    assert (first["acknowledged"]["author"], first["acknowledged"]["note"]) == ("ada", "vendor is down")
    problem(web.post("/api/v1/alerts/I-99/acknowledge", json=SAID), 404, "not-found")


def test_a_silence_begins_now_and_can_be_ended(web):
    asked = SAID | {"matcher": {"campaign": "spring-webinar"}, "for": "2h"}
    made_one = web.post("/api/v1/silences", json=asked)
    assert made_one.status_code == 201
    silence = made_one.json()
    assert datetime.fromisoformat(silence["ends_at"]) == NOW + timedelta(hours=2)
    assert web.get("/api/v1/alerts/I-1").json()["silenced_by"] == silence["id"]
    ended = web.delete(f"/api/v1/silences/{silence['id']}", params={"author": "ada"}).json()
    assert (ended["active"], ended["id"]) == (False, silence["id"])
    assert [one["active"] for one in web.get("/api/v1/silences").json()["silences"]] == [False]


def test_personal_data_in_a_reason_is_replaced(web):
    asked = {"author": "ada", "reason": "ask ada@acme.example", "matcher": {"objective": "x"}, "for": "1h"}
    assert web.post("/api/v1/silences", json=asked).json()["reason"] == "ask tok_1"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"matcher": {"campaign": "a"}, "for": "soon", **SAID}, "not a length of time"),
        ({"matcher": {"campaign": "a"}, "for": "0h", **SAID}, "not a length of time"),
        ({"matcher": {}, "for": "1h", **SAID}, "matcher"),
        ({"matcher": {"campaign": "a"}, "for": "1h", "author": "ada"}, "reason"),
        ({"matcher": {"campaign": "a"}, "for": "1h", "reason": "x", "author": "  "}, "author"),
        ({"matcher": {"campaign": "a" * 501}, "for": "1h", **SAID}, "campaign"),
        ({"matcher": {"campaign": "a"}, "for": "1h", "forever": True, **SAID}, "forever"),
    ],
)
def test_a_silence_that_cannot_be_says_why(web, asked, says):
    assert says in problem(web.post("/api/v1/silences", json=asked), 400, "bad-parameter")["detail"]


def test_corrections_are_made_listed_and_withdrawn(web):
    path = "/api/v1/slos/routing/corrections"
    asked = SAID | {"starts_at": "2026-11-24T06:00:00Z", "ends_at": "2026-11-24T08:00:00+01:00"}
    made_one = web.post(path, json=asked)
    assert made_one.status_code == 201
    correction = made_one.json()
    assert correction["ends_at"].startswith("2026-11-24T08:00:00+01:00") or correction["ends_at"].endswith("07:00:00Z")
    assert [one["id"] for one in web.get(path).json()["corrections"]] == [correction["id"]]
    assert web.delete(f"{path}/{correction['id']}", params={"author": "ada"}).json()["id"] == correction["id"]
    assert web.get(path).json()["corrections"] == []
    problem(web.delete(f"{path}/{correction['id']}", params={"author": "ada"}), 404, "not-found")


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"starts_at": "2026-11-24T06:00:00", "ends_at": "2026-11-24T08:00:00Z"}, "bad-parameter"),
        ({"starts_at": "yesterday", "ends_at": "2026-11-24T08:00:00Z"}, "bad-parameter"),
        ({"starts_at": "2026-11-24T08:00:00Z", "ends_at": "2026-11-24T06:00:00Z"}, "not-possible"),
    ],
)
def test_a_correction_that_cannot_be_says_why(web, asked, kind):
    problem(web.post("/api/v1/slos/routing/corrections", json=SAID | asked), 400, kind)


def test_dead_messages_are_listed_and_sent_again(web):
    (dead,) = web.get("/api/v1/deliveries?state=dead").json()["deliveries"]
    assert (dead["receiver"], dead["attempts"]) == ("pagerduty", 9)
    assert web.post(f"/api/v1/deliveries/{dead['id']}/retry", json={"author": "ada"}).json()["state"] == "waiting"
    assert web.get("/api/v1/deliveries?state=dead").json()["deliveries"] == []
    problem(web.post(f"/api/v1/deliveries/{dead['id']}/retry", json={"author": "ada"}), 404, "not-found")


@pytest.mark.parametrize(
    "path", ["/api/v1/alerts?state=maybe", "/api/v1/deliveries?state=lost", "/api/v1/alerts?cursor=x"]
)
def test_a_question_that_cannot_be_read_is_a_problem(web, path):
    assert problem(web.get(path), 400, "bad-parameter")["errors"]


# ── metrics ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def told(web):
    """Each of our series, by its name and labels."""
    lines = [line for line in web.get("/metrics").text.splitlines() if line.startswith("leadtrace_slo_")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_others_can_alert_on_budgets_and_burn_rates(web):
    found = told(web)
    assert found['leadtrace_slo_budget_left_ratio{objective="crm-freshness"}'] == -0.42
    assert found['leadtrace_slo_target_ratio{objective="routing"}'] == 0.99
    assert found['leadtrace_slo_burn_rate{objective="routing",window="1h"}'] == 0.75
    assert found['leadtrace_slo_alerts_firing{objective="demo-enrolment"}'] == 2
    assert found['leadtrace_slo_unmeasured{objective="routing"}'] == 1
    assert found["leadtrace_slo_evaluation_age_seconds"] == 12
    assert found["leadtrace_slo_dead_deliveries"] == 1
    assert 'leadtrace_slo_budget_left_ratio{objective="backlog"}' not in found


def test_two_thousand_campaigns_make_no_series(web):
    assert "campaign-0007" not in web.get("/metrics").text


def test_an_objective_that_is_gone_is_told_no_more(web, budgets, clock):
    assert 'leadtrace_slo_target_ratio{objective="routing"}' in told(web)
    del budgets.objectives["routing"]
    clock.now += timedelta(minutes=1)
    assert 'leadtrace_slo_target_ratio{objective="routing"}' not in told(web)


def test_a_database_that_is_away_leaves_the_other_metrics(web, budgets, monkeypatch):
    def away(**_):
        raise StoreUnavailable("it does not answer")

    monkeypatch.setattr(budgets, "every", away)
    answer = web.get("/metrics")
    assert answer.status_code == 200
    assert "leadtrace_slo_target_ratio{" not in answer.text
    assert "leadtrace_settle_lag_seconds" in answer.text
