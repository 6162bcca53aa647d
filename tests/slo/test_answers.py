"""What pages and API are told of budgets and alerts: the real store, the real counting, the real alert loop."""

from dataclasses import replace
from datetime import timedelta

import pytest
from counting_world import at, entry, objective
from nights import CALM, CLEAR, ENROLMENT, FIRES, OVER, leads, night

from lineage.ask import NotFoundError
from lineage.budgets import SHOWN_GROUPS, SHOWN_POINTS, Asked, NotPossibleError
from slo import alert_desk
from slo.answers import Answers
from slo.loop import LEASE
from store import changes, leases, outbox
from store.changes import Change, ToldChange
from store.outbox import Receipt

SPRING = {"campaign": "spring"}


@pytest.fixture
def on_call(store):
    with night(store) as made:
        made.world.wants(ENROLMENT)
        yield made


@pytest.fixture
def answers(on_call):
    return answers_of(on_call)


def answers_of(on_call):
    return Answers(
        on_call.store,
        lambda: on_call.world.objectives,
        on_call.world.counter,
        lambda: leases.seen(on_call.store, LEASE),
    )


def outage(on_call, *, since=120, until=10_000, to=FIRES):
    """Two campaigns for two hours; then the CRM refuses every lead of one of them."""
    on_call.world.said(*leads(0, to, bad_from=since, bad_until=until), *leads(0, to, campaign="autumn"))


def asked(minute=FIRES, author="ada", reason="vendor is down"):
    return Asked(author, reason, at(minute))


def summary(answers, minute=FIRES):
    (found,) = answers.every(now=at(minute))
    return found


# ── budgets ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_kept_objective_is_ok_and_untouched(on_call, answers):
    outage(on_call, since=10_000)
    on_call.ticks(CALM, FIRES)
    found = summary(answers)
    assert (found.status, found.budget_left, found.firing) == ("ok", 1.0, 0)
    assert found.headline == "Nothing of the budget of “Leads enter the sequence” is spent."
    assert found.evaluated_at is not None


def test_an_outage_shows_as_burning_with_the_group_the_cause_and_the_change(on_call, answers):
    change = Change(at(119), "deploy", "writer 2.4.1 was deployed", "writer", link="https://ci.example/8")
    other = Change(at(118), "deploy", "billing 7 was deployed", "billing")
    changes.record(on_call.store, [ToldChange("ci", "1", change), ToldChange("ci", "2", other)])
    on_call.world.spoke("writer", range(FIRES))
    outage(on_call)
    on_call.ticks(CALM, FIRES)
    found = answers.one("enrolment", now=at(FIRES))
    assert (found.status, found.firing, found.severity) == ("burning", 1, "page")
    assert (found.good + found.bad, found.total) == (found.total, 260)
    assert [(one.group, one.firing) for one in found.groups] == [(SPRING, "page"), ({"campaign": "autumn"}, "ok")]
    assert found.groups[0].excess == found.groups[0].bad - 0.01 * found.groups[0].total
    assert [(one.cause, one.step, one.units) for one in found.causes] == [("crm.rate_limit", "crm", found.bad)]
    assert [(one.what, one.link) for one in found.changes] == [("writer 2.4.1 was deployed", "https://ci.example/8")]
    assert found.worst_group == SPRING
    assert found.worst_burn == max(one.long.burn for one in found.groups[0].tiers)
    assert "% spent; at the present rate it lasts" in found.headline


def test_groups_sum_to_the_total_and_the_burn_down_ends_with_what_is_left(on_call, answers):
    outage(on_call)
    on_call.tick(FIRES)
    found = answers.one("enrolment", now=at(FIRES))
    assert (sum(one.good for one in found.groups), sum(one.bad for one in found.groups)) == (found.good, found.bad)
    assert (sum(one.good for one in found.points), sum(one.bad for one in found.points)) == (found.good, found.bad)
    assert found.points[-1].left == pytest.approx(found.budget_left)
    lefts = [one.left for one in found.points]
    assert lefts == sorted(lefts, reverse=True)
    assert len(lefts) <= SHOWN_POINTS
    assert found.points_from <= at(0) < found.points[-1].at


def test_what_does_not_count_is_told_with_its_reason(on_call, answers):
    outage(on_call, since=10_000)
    on_call.world.said(entry("c-s", "skipped", at=5), entry("c-p", "pending", at=6, due=21))
    excluded = answers.one("enrolment", now=at(7)).excluded
    assert {(one.reason, one.title, one.units) for one in excluded} == {
        ("consent.missing", "No consent", 1),
        ("pending", "Still on the way, and in time", 1),
    }


def test_many_groups_are_counted_and_a_few_are_shown(on_call, answers):
    on_call.world.said(*(entry(f"c-{n}", "blocked", at=n / 60, campaign=f"group-{n:04}") for n in range(300)))
    found = answers.one("enrolment", now=at(60))
    assert (len(found.groups), found.groups_total) == (SHOWN_GROUPS, 300)


def test_nothing_counted_is_no_data_and_no_number(answers):
    found = summary(answers)
    assert (found.status, found.budget_left, found.worst_burn) == ("no_data", None, None)
    assert answers.one("enrolment", now=at(FIRES)).points == []


def test_while_its_history_is_counted_an_objective_says_so(on_call, answers):
    on_call.world.said(*leads(0, 30), count=False)
    assert "is being counted" in summary(answers).headline
    assert summary(answers).status == "no_data"


def test_a_silent_system_freezes_the_budget_and_is_named(on_call, answers):
    outage(on_call, since=10_000, to=400)
    for service in ("forms", "router"):
        on_call.world.spoke(service, range(400))
    on_call.world.spoke("writer", range(300))
    on_call.tick(400)
    found = summary(answers, 400)
    assert (found.status, found.lost_feeds) == ("frozen", ["writer"])
    assert "nothing is heard from writer" in found.headline
    assert answers.evaluation(now=at(400)).lost_feeds == ["writer"]


def test_those_in_trouble_come_first(on_call, answers):
    on_call.world.wants(objective("routing", name="a-routing", title="Leads are routed"))
    outage(on_call)
    on_call.tick(FIRES)
    assert [one.name for one in answers.every(now=at(FIRES))] == ["enrolment", "a-routing"]


def test_an_edited_target_counts_at_once(on_call, answers):
    outage(on_call)
    before = summary(answers).budget_left
    on_call.world.wants(
        objective("enrolment", group_by=("campaign",), target=ENROLMENT.target - (1 - ENROLMENT.target))
    )
    assert summary(answers).budget_left > before


@pytest.mark.parametrize("name", ["nothing", "", "enrolment "])
def test_an_objective_that_nobody_wrote_is_not_found_and_the_others_are_named(answers, name):
    with pytest.raises(NotFoundError, match="The objectives are: enrolment"):
        answers.one(name, now=at(FIRES))


# ── alerts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def fired(on_call, answers):
    """A page that fires."""
    outage(on_call, until=140, to=OVER)
    on_call.ticks(CALM, FIRES)
    (found,) = answers.alerts(now=at(FIRES), phase="firing").alerts
    return found


def test_an_alert_has_what_its_message_said(fired):
    assert (fired.phase, fired.severity, fired.group, fired.kind) == ("firing", "page", SPRING, "burn")
    assert fired.headline.startswith("Campaign spring: ")
    assert (fired.fired_at, fired.onset) == (at(FIRES), at(120.2))
    assert [(one.cause, one.leads) for one in fired.causes] == [("crm.rate_limit", fired.leads_affected)]
    assert (fired.long.window_s, fired.short.window_s) == (3_600, 300)
    assert fired.long.burn > fired.threshold
    assert fired.owner == "growth"
    assert fired.link.endswith(f"/alerts/{fired.id}")
    assert fired.text.startswith("PAGE: Campaign spring: ")


def test_an_alert_that_fires_says_what_is_counted_now(answers, fired):
    later = answers.alert(fired.id, now=at(FIRES + 9))
    assert (later.long, later.leads_affected) == (fired.long, fired.leads_affected)
    assert later.long_now.bad == fired.long.bad + 9
    assert later.short_now.bad == 5


def test_a_resolved_alert_keeps_its_news_and_says_when_it_was_over(on_call, answers, fired):
    on_call.ticks(CLEAR, OVER)
    over = answers.alert(fired.id, now=at(OVER))
    assert (over.phase, over.resolved_at, over.happening) == ("resolved", at(OVER), "resolved")
    assert (over.headline, over.at_risk, over.causes) == (fired.headline, fired.at_risk, fired.causes)
    assert over.long_now is None
    assert answers.alerts(now=at(OVER), phase="firing").alerts == []
    assert [one.id for one in answers.one("enrolment", now=at(OVER)).alerts] == [fired.id]


def test_who_acknowledges_first_stands_and_one_that_is_over_cannot_be(on_call, answers, fired):
    answers.acknowledge(fired.id, asked())
    again = answers.acknowledge(fired.id, asked(author="bob"))
    assert (again.acknowledged.author, again.acknowledged.note) == ("ada", "vendor is down")
    on_call.ticks(CLEAR, OVER)
    with pytest.raises(NotPossibleError, match="over"):
        answers.acknowledge(fired.id, asked(OVER))


def test_a_silence_covers_what_it_names_until_it_ends(answers, fired):
    silence = answers.silence(SPRING, timedelta(hours=2), asked())
    other = answers.silence({"campaign": "autumn"}, timedelta(hours=2), asked())
    assert answers.alert(fired.id, now=at(FIRES + 1)).silenced_by == silence.id
    assert answers.alert(fired.id, now=at(FIRES + 121)).silenced_by is None
    ended = answers.end_silence(silence.id, asked(FIRES + 2))
    assert (ended.active, ended.ends_at) == (False, at(FIRES + 2))
    assert answers.alert(fired.id, now=at(FIRES + 3)).silenced_by is None
    assert [(one.id, one.active) for one in answers.silences(now=at(FIRES + 3))] == [
        (other.id, True),
        (silence.id, False),
    ]
    assert answers.end_silence(silence.id, asked(FIRES + 9)).ends_at == at(FIRES + 2)


@pytest.mark.parametrize(
    ("matcher", "length", "says"),
    [
        ({}, 1, "every alert"),
        ({"campaign": "*"}, 1, "every alert"),
        ({"campaign": ""}, 1, "every alert"),
        ({"color": "red"}, 1, "cannot match color"),
        (SPRING, 24 * 31, "30 days at most"),
    ],
)
def test_a_silence_that_says_too_much_is_refused(answers, matcher, length, says):
    with pytest.raises(NotPossibleError, match=says):
        answers.silence(matcher, timedelta(hours=length), asked())
    assert answers.silences(now=at(FIRES)) == []


def test_a_correction_gives_the_budget_back_and_withdrawn_it_takes_it_again(answers, fired):
    before = summary(answers)
    correction = answers.correct("enrolment", at(120), at(140), asked())
    corrected = summary(answers)
    assert (before.bad, corrected.bad, corrected.budget_left) == (before.bad, 0, 1.0)
    assert before.bad > 0
    assert [one.id for one in answers.one("enrolment", now=at(FIRES)).corrections] == [correction.id]
    answers.withdraw_correction("enrolment", correction.id, asked())
    assert summary(answers).bad == before.bad
    assert answers.corrections("enrolment") == []


@pytest.mark.parametrize(
    ("since", "until", "says"), [(140, 120, "Swap"), (120, 120, "Swap"), (0, 60 * 24 * 91, "90 days")]
)
def test_a_correction_of_no_time_or_too_much_is_refused(answers, since, until, says):
    with pytest.raises(NotPossibleError, match=says):
        answers.correct("enrolment", at(since), at(until), asked())


def test_what_is_not_there_is_not_found(answers):
    for ask in (
        lambda: answers.alert("", now=at(0)),
        lambda: answers.alert("nothing", now=at(0)),
        lambda: answers.acknowledge("nothing", asked()),
        lambda: answers.end_silence("", asked()),
        lambda: answers.end_silence("nothing", asked()),
        lambda: answers.withdraw_correction("enrolment", "nothing", asked()),
        lambda: answers.withdraw_correction("nothing", "nothing", asked()),
        lambda: answers.corrections("nothing"),
        lambda: answers.retry("nothing", asked()),
    ):
        with pytest.raises(NotFoundError):
            ask()


def test_alerts_come_in_pages_and_every_one_once(on_call, answers, monkeypatch):
    monkeypatch.setattr(alert_desk, "ALERTS_A_PAGE", 3)
    on_call.world.objectives = {f"o-{n}": replace(ENROLMENT, name=f"o-{n}") for n in range(5)}
    outage(on_call)
    on_call.tick(FIRES)
    first = answers.alerts(now=at(FIRES))
    second = answers.alerts(now=at(FIRES), skip=int(first.next))
    ids = [one.id for page in (first, second) for one in page.alerts]
    assert (len(first.alerts), len(ids), len(set(ids)), second.next) == (3, 5, 5, None)
    assert first.firing == 5
    assert [one.objective for one in answers.alerts(now=at(FIRES), objective="o-4").alerts] == ["o-4"]
    assert answers.alerts(now=at(FIRES), flow="another").alerts == []


def test_a_dead_message_is_listed_and_sent_again(store):
    with night(store, "pager") as on_call:
        on_call.world.wants(ENROLMENT)
        outage(on_call)
        on_call.tick(FIRES)
        answers = answers_of(on_call)
        (sent, *_) = answers.deliveries(state="sent").deliveries
        outbox.record(store, [Receipt(sent.id, "pager", "dead", 9, at(FIRES + 1), at(FIRES + 1), "400: no such key")])
        (dead,) = answers.deliveries(state="dead").deliveries
        assert (dead.id, dead.attempts, dead.error, dead.receiver) == (sent.id, 9, "400: no such key", "pager")
        assert dead.headline.startswith("Campaign spring: ")
        assert answers.evaluation(now=at(FIRES)).dead_deliveries == 1
        assert answers.retry(dead.id, asked(FIRES + 2)).state == "waiting"
        on_call.restart()
        on_call.tick(FIRES + 3)
        assert answers.deliveries(state="dead").deliveries == []
        assert answers.retry(sent.id, asked(FIRES + 4)).state == "sent"
