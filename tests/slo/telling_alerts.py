"""Tells alerts in tests: `alert()` is a page about a webinar's campaign at three in the morning."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from model.alert import Alert, AlertKey, AlertState, Burn, GroupAtRisk, Suspect
from model.budget import Count

NIGHT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
CAMPAIGN = (("campaign", "spring-webinar"),)
HOME = "https://leadtrace.example.com"


def at(minutes: float) -> datetime:
    """So many minutes after three in the morning."""
    return NIGHT + timedelta(minutes=minutes)


def key(objective: str = "enrolment", group=CAMPAIGN, **more: Any) -> AlertKey:
    return AlertKey(objective, "g1", group, **more)


def burn(**changed: Any) -> Burn:
    usual = Burn(
        tier="page 1h/5m",
        severity="page",
        long=Count(42, 298, 24),
        short=Count(1, 40, 6),
        long_burn=87.6,
        short_burn=97.6,
        threshold=13.44,
        group=CAMPAIGN,
        chance=1e-12,
    )
    return replace(usual, **changed)


def alert(**changed: Any) -> Alert:
    usual = Alert(
        id="t-1",
        incident="i-1",
        key=key(),
        happening="fired",
        severity="page",
        at=NIGHT,
        fired_at=NIGHT,
        onset=at(-19),
        objective_title="Leads enter the sequence",
        indicator="enrolment",
        flow="demo-request",
        headline="Campaign spring-webinar: 312 leads did not enter the sequence",
        at_risk=(
            GroupAtRisk(CAMPAIGN, excess=294.6, bad=298, total=340, leads=298),
            GroupAtRisk((("campaign", "autumn & demo <b>"),), excess=13.2, bad=14, total=80, leads=14),
        ),
        leads_affected=312,
        by_when=at(15),
        examples=tuple((f"L-{number}", f"{HOME}/leads/L-{number}") for number in range(1, 6)),
        causes=(
            ("crm.rate_limit", "CRM refused: rate limit", 298),
            ("crm.timeout", "CRM did not answer", 14),
        ),
        changes=(
            Suspect(at(-21), "crm-writer 2.4.1 first seen", "version", 1.0),
            Suspect(at(-300), "the CRM's quota was lowered", "config", 0.97, "https://wiki.example.com/quota"),
        ),
        owner="revops",
        playbook="https://wiki.example.com/crm-rate-limit",
        burn=burn(),
        target=0.99,
        budget_left=0.18,
        exhausted_in=timedelta(hours=3, minutes=20),
        confidence="high",
        link=f"{HOME}/alerts/i-1",
    )
    return replace(usual, **changed)


def state(**changed: Any) -> AlertState:
    usual = AlertState(
        key(), firing="page", tier="page 1h/5m", incident="i-1", since=NIGHT, changed_at=NIGHT, reason="burns"
    )
    return replace(usual, **changed)
