"""What each receiver gets, word for word. `python tests/slo/test_message_goldens.py` writes the files again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from telling_alerts import NIGHT, alert, at, burn, key

from model.alert import Alert
from model.budget import Count
from slo.message import BUDGET, CAUSES, CHANGES, DEADLINES, LEADS, Message, headline, plain, title
from slo.notify.alertmanager import postable
from slo.notify.mail import html_of
from slo.notify.pagerduty import change_events, event_of
from slo.notify.slack import post_of
from slo.notify.webhook import body_of
from slo.states import QUIET

FOLDER = Path(__file__).with_name("goldens")


def worded(one: Alert) -> Alert:
    return replace(one, headline=headline(one))


def resolved() -> Alert:
    return alert(
        id="t-2",
        happening="resolved",
        at=at(89),
        burn=None,
        by_when=None,
        budget_left=0.11,
        reason="page 1h/5m: its short window stayed clear",
    )


def bare() -> Alert:
    """Nothing but the alert itself could be had in time."""
    return alert(
        leads_affected=0,
        by_when=None,
        examples=(),
        causes=(),
        changes=(),
        owner="",
        playbook="",
        budget_left=0.0,
        exhausted_in=None,
        confidence="low",
        at_risk=(replace(alert().at_risk[0], leads=0),),
        missing=(LEADS, DEADLINES, CAUSES, CHANGES, BUDGET),
    )


def overspent_ticket() -> Alert:
    return alert(
        id="t-3",
        incident="i-3",
        severity="ticket",
        happening="repeated",
        at=at(240),
        key=key("freshness", ()),
        indicator="freshness",
        objective_title="Changes reach the CRM",
        at_risk=(),
        leads_affected=1,
        by_when=None,
        budget_left=-0.125,
        exhausted_in=None,
        changes=(),
        burn=burn(tier="ticket 3d/6h", severity="ticket", long=Count(900, 100, 40), short=Count(90, 9, 5), long_burn=10.0,
                  short_burn=9.09, threshold=0.9333),
    )  # fmt: skip


def unmeasured() -> Alert:
    return alert(
        id="t-4",
        incident="i-4",
        severity="ticket",
        key=key(group=(), kind="measurement_lost"),
        at_risk=(),
        leads_affected=0,
        burn=None,
        reason="nothing came from crm-writer",
    )


MESSAGES = {
    "page": Message("msg_1", (worded(alert()),)),
    "resolved": Message("msg_2", (worded(resolved()),)),
    "bare": Message("msg_3", (worded(bare()),)),
    "overspent": Message("msg_4", (worded(overspent_ticket()),)),
    "unmeasured": Message("msg_5", (worded(unmeasured()),)),
    "several": Message("msg_6", (worded(overspent_ticket()), worded(resolved()), worded(alert()))),
}


def as_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def goldens() -> dict[str, str]:
    page = MESSAGES["page"].lead
    return {
        **{f"{name}.txt": plain(message) for name, message in MESSAGES.items()},
        "page.html": html_of(MESSAGES["page"]),
        "page.slack.json": as_json(post_of(MESSAGES["page"])),
        "several.slack.json": as_json(post_of(MESSAGES["several"])),
        "page.pagerduty.json": as_json([event_of(page, "KEY"), *change_events(page, "KEY")]),
        "resolved.pagerduty.json": as_json(event_of(MESSAGES["resolved"].lead, "KEY")),
        "page.alertmanager.json": as_json(postable([page], NIGHT)),
        "page.webhook.json": as_json(json.loads(body_of(MESSAGES["page"]))),
    }


@pytest.mark.parametrize("name", goldens())
def test_a_message_is_worded_as_agreed(name):
    assert goldens()[name] == (FOLDER / name).read_text(encoding="utf-8")


def test_the_first_two_lines_say_who_how_many_why_what_changed_who_acts_and_what_is_left():
    title, _, short = plain(MESSAGES["page"]).splitlines()[:3]
    for said in ("spring-webinar", "312 leads", "next deadline"):
        assert said in title
    for said in ("rate limit", "crm-writer 2.4.1 first seen", "revops", "https://wiki", "18%", "gone in 3 h 20 min"):
        assert said in short
    assert [part for part in plain(MESSAGES["resolved"]).split("\n\n") if part.startswith("In short")] == []


def test_what_was_closed_without_a_measurement_is_not_called_over():
    quiet = replace(MESSAGES["resolved"].lead, reason=QUIET)
    assert plain(Message("m", (quiet,))).startswith("Closed without a measurement after 1 h 29 min: ")
    assert "not as mended" in plain(Message("m", (quiet,)))
    assert plain(MESSAGES["resolved"]).startswith("Over after 1 h 29 min: ")


def test_a_lock_screen_shows_the_cause_too():
    for text in (post_of(MESSAGES["page"])["text"], event_of(MESSAGES["page"].lead, "KEY")["payload"]["summary"]):
        assert text.startswith(title(MESSAGES["page"]))
        assert text.endswith(
            "CRM refused: rate limit (298 of 312 leads), after crm-writer 2.4.1 first seen at 02:39 UTC."
        )


def test_the_order_is_risk_cause_change_owner_budget_link():
    text = plain(MESSAGES["page"])
    places = [
        text.index(f"\n{label}: ") for label in ("In short", "At risk", "Cause", "Changed", "Owner", "Budget", "Link")
    ]
    assert places == sorted(places)


def test_a_headline_is_about_leads_and_needs_no_knowledge_of_budgets():
    for indicator in ("enrolment", "routing", "delivery_latency", "freshness", "duplicates", "backlog"):
        line = headline(alert(indicator=indicator))
        assert line.startswith("Campaign spring-webinar and 1 more: ")
        assert "312 leads" in line


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in goldens().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
