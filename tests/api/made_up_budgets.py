"""Objectives and alerts made up for tests of how they are shown. What the engine says of planted trouble is tested
elsewhere, with the real store and engine.
"""

from datetime import UTC, datetime, timedelta
from functools import cache

from lineage.answers import ChangeAnswer
from lineage.ask import NotFoundError
from lineage.budgets import (
    ALERTS_A_PAGE,
    DELIVERIES_A_PAGE,
    SHOWN_GROUPS,
    AcknowledgedBy,
    AlertAnswer,
    AlertPage,
    BudgetAnswer,
    BudgetPoint,
    BudgetSummary,
    CauseLeadsCount,
    CauseUnits,
    CorrectionAnswer,
    DeliveryAnswer,
    DeliveryPage,
    Evaluation,
    ExampleLead,
    ExcludedUnits,
    GroupBudget,
    NotPossibleError,
    RiskAnswer,
    SilenceAnswer,
    TierAnswer,
    TierBurn,
    WindowBurn,
)

EVIL = "<script>alert('planted')</script>"
HOUR = 3600
TIERS = [
    TierAnswer(
        name=f"{severity} {name}", severity=severity, long_s=long, short_s=short, budget_share=share, burn=burn,
        error_rate=burn * 0.01, receivers=receivers,
    )
    for severity, name, long, short, share, burn, receivers in (
        ("page", "1h/5m", HOUR, 300, 0.02, 13.44, ["pagerduty"]),
        ("page", "6h/30m", 6 * HOUR, 1800, 0.05, 5.6, ["pagerduty"]),
        ("ticket", "1d/2h", 24 * HOUR, 2 * HOUR, 0.1, 2.8, ["slack"]),
        ("ticket", "3d/6h", 72 * HOUR, 6 * HOUR, 0.1, 0.93, []),
    )
]  # fmt: skip


def window(length_s, bad, total, burn):
    return WindowBurn(window_s=length_s, good=total - bad, bad=bad, total=total, burn=burn)


def group(campaign, bad, total, *, firing="ok"):
    left = 1 - bad / (0.01 * total)
    burns = [
        TierBurn(
            tier=tier.name, severity=tier.severity, long=window(tier.long_s, bad // 2, total // 2, burn := bad / total * 100),
            short=window(tier.short_s, bad // 8, total // 20, burn), threshold=tier.burn, over=burn > tier.burn,
        )
        for tier in TIERS
    ]  # fmt: skip
    return GroupBudget(
        group={"campaign": campaign}, good=total - bad, bad=bad, total=total, failure_units=bad // 3,
        excess=bad - 0.01 * total, budget_left=left, firing=firing, tiers=burns,
    )  # fmt: skip


def change(now, minutes, what, kind="version", link=None, overlap=0.0):
    return ChangeAnswer(at=now - timedelta(minutes=minutes), what=what, kind=kind, link=link, overlap=overlap)


def alert(now, number, *, campaign="spring-webinar", phase="firing", severity="page", minutes=22, **more):
    fired = now - timedelta(minutes=minutes)
    said = {
        "id": f"I-{number}", "objective": "demo-enrolment", "title": "Demo requests enter the sequence",
        "flow": "demo-request", "indicator": "enrolment", "kind": "burn", "group": {"campaign": campaign},
        "phase": phase, "severity": severity, "tier": f"{severity} 1h/5m",
        "headline": f"Campaign {campaign}: 312 leads did not get into the sequence",
        "happening": "fired" if phase == "firing" else "resolved", "fired_at": fired,
        "changed_at": fired if phase == "firing" else fired + timedelta(minutes=15),
        "resolved_at": None if phase == "firing" else fired + timedelta(minutes=15),
        "onset": fired - timedelta(minutes=9), "frozen_since": None, "silenced_by": None, "inhibited_by": None,
        "acknowledged": None,
        "at_risk": [RiskAnswer(group={"campaign": campaign}, excess=289.4, bad=312, total=2260, leads=312)],
        "leads_affected": 312, "by_when": now + timedelta(minutes=11),
        "examples": [ExampleLead(lead=f"L-{1000 + n}", link=f"http://127.0.0.1/leads/L-{1000 + n}") for n in range(5)],
        "causes": [
            CauseLeadsCount(cause="crm.rate_limit", title="CRM rate limit", leads=301),
            CauseLeadsCount(cause="delivery.timeout", title="Delivery timed out", leads=11),
        ],
        "changes": [
            change(now, minutes + 12, "crm-writer 2.4.1 first seen", overlap=0.98),
            change(now, minutes + 40, "campaign spring-webinar resumed", "campaign", "https://ci.example/8", 1.0),
        ],
        "owner": "revops", "playbook": "https://playbooks.acme.example/crm",
        "long": window(HOUR, 312, 2260, 13.8), "short": window(300, 41, 190, 21.6), "threshold": 13.44,
        "long_now": window(HOUR, 402, 2410, 16.7), "short_now": window(300, 44, 201, 21.9),
        "target": 0.99, "budget_left": 0.38, "exhausted_in_s": 9 * 86400.0, "confidence": "high", "missing": [],
        "link": f"http://127.0.0.1:8080/alerts/I-{number}",
        "text": f"PAGE: Campaign {campaign}: 312 leads did not get into the sequence\n\nAt risk: …\n",
    }  # fmt: skip
    return AlertAnswer(**(said | more))


def points(now, days, left):
    return [
        BudgetPoint(
            at=now - timedelta(days=days) * (1 - at / 112), good=400, bad=3 if at < 100 else 30,
            left=1 - (1 - left) * ((at / 112) * 0.55 if at < 104 else 0.55 * 104 / 112 + (at - 104) / 8 * (1 - 0.55 * 104 / 112)),
        )
        for at in range(1, 113)
    ]  # fmt: skip


def objective(now, name, *, status="ok", left=0.82, days=28, alerts=(), groups=(), **more):
    total, bad = 44_812, 0 if left is None else round(448 * (1 - left))
    drawn = [] if left is None else points(now, days, left)
    said = {
        "name": name, "title": name.replace("-", " ").capitalize(), "flow": "demo-request", "indicator": "enrolment",
        "owner": "growth", "target": 0.99, "window": f"{days} days", "period_from": now - timedelta(days=days),
        "period_until": now, "good": total - bad if drawn else 0, "bad": bad, "total": total if drawn else 0,
        "budget_left": left, "status": status,
        "headline": f"The budget of “{name}” is {round(100 * (1 - (left or 1)))}% spent; at the present rate it lasts 9 d.",
        "worst_burn": 13.8 if status == "burning" else 0.4, "worst_group": {"campaign": "spring-webinar"},
        "exhausted_in_s": 9 * 86400.0, "firing": len([one for one in alerts if one.phase == "firing"]),
        "severity": "page" if status == "burning" else "", "lost_feeds": ["crm-writer"] if status == "frozen" else [],
        "spark": [point.left for point in drawn[::4]], "evaluated_at": now - timedelta(seconds=12),
        "description": "Whoever asks for a demo is in the sequence within 15 minutes.",
        "playbook": "https://playbooks.acme.example/demo", "method": "occurrences", "limit_s": None,
        "generation": "c0ffee", "definition": "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: demo-enrolment}\n",
        "allowed_bad": 0.01 * total, "burns": [window(tier.long_s, 3, 400, 0.75) for tier in TIERS], "points": drawn,
        "points_from": now - timedelta(days=days), "groups": list(groups)[:SHOWN_GROUPS], "groups_total": len(groups), "tiers": TIERS,
        "causes": [
            CauseUnits(cause="crm.rate_limit", title="CRM rate limit", step="crm", units=301, leads=298),
            CauseUnits(cause="", title="", step="", units=4, leads=4),
        ],
        "changes": [
            change(now, 34, "crm-writer 2.4.1 first seen"),
            change(now, 62, "campaign spring-webinar resumed", "campaign", "https://ci.example/8"),
            change(now, 9000, "the flow file was edited (version 4c02ed39adcc)", "flow"),
        ],
        "alerts": list(alerts), "corrections": [],
        "excluded": [
            ExcludedUnits(reason="eligible.criteria_not_met", title="Did not meet the criteria", units=9120),
            ExcludedUnits(reason="pending", title="Still on its way", units=17),
        ],
    }  # fmt: skip
    return BudgetAnswer(**(said | more))


class MadeUpBudgets:
    """Keeps `objectives` and `shown` alerts in memory, and does what it is asked to them."""

    def __init__(self, objectives, shown=(), dead=(), *, age_s=12.0) -> None:
        self.objectives = {one.name: one for one in objectives}
        self.shown = {one.id: one for one in shown}
        self.dead = {one.id: one for one in dead}
        self.kept_silences, self.kept_corrections = {}, {}
        self.age_s = age_s

    def every(self, *, now):
        fields = BudgetSummary.model_fields
        return [
            BudgetSummary(**{name: getattr(one, name) for name in fields}) for one in self.objectives.values()
        ]  # fmt: skip

    def one(self, name, *, now):
        found = _known(self.objectives, name, "objective")
        return found.model_copy(update={"corrections": self.corrections(name)})

    def evaluation(self, *, now):
        lost = sorted({feed for one in self.objectives.values() for feed in one.lost_feeds})
        return Evaluation(
            at=now - timedelta(seconds=self.age_s), age_s=self.age_s, dead_deliveries=len(self.dead), lost_feeds=lost
        )

    def alerts(self, *, now, phase=None, objective="", flow="", skip=0):
        found = sorted(
            (
                one
                for one in self.shown.values()
                if phase in {None, one.phase} and objective in {"", one.objective} and flow in {"", one.flow}
            ),
            key=lambda one: (one.phase != "firing", -one.fired_at.timestamp()),
        )
        more = str(skip + ALERTS_A_PAGE) if len(found) > skip + ALERTS_A_PAGE else None
        firing = len([one for one in found if one.phase == "firing"])
        return AlertPage(alerts=found[skip : skip + ALERTS_A_PAGE], firing=firing, next=more)

    def alert(self, incident, *, now):
        return _known(self.shown, incident, "alert")

    def acknowledge(self, incident, asked):
        found = _known(self.shown, incident, "alert")
        said = found.acknowledged or AcknowledgedBy(author=asked.author, at=asked.at, note=asked.reason)
        self.shown[incident] = found.model_copy(update={"acknowledged": said})
        return self.shown[incident]

    def silences(self, *, now):
        return list(self.kept_silences.values())

    def silence(self, matcher, length, asked):
        if not matcher:
            raise NotPossibleError("A silence must match something: name an objective, a campaign, …")
        made = SilenceAnswer(
            id=f"S-{len(self.kept_silences) + 1}", matcher=matcher, starts_at=asked.at, ends_at=asked.at + length,
            reason=asked.reason, author=asked.author, created_at=asked.at, active=True,
        )  # fmt: skip
        self.kept_silences[made.id] = made
        for name, one in self.shown.items():
            facts = {"objective": one.objective, "severity": one.severity} | one.group
            if all(facts.get(key) == value for key, value in matcher.items()):
                self.shown[name] = one.model_copy(update={"silenced_by": made.id})
        return made

    def end_silence(self, silence, asked):
        found = _known(self.kept_silences, silence, "silence")
        self.kept_silences[silence] = found.model_copy(update={"active": False, "ends_at": asked.at})
        return self.kept_silences[silence]

    def corrections(self, objective):
        _known(self.objectives, objective, "objective")
        return [one for one in self.kept_corrections.values() if one.objective == objective]

    def correct(self, objective, since, until, asked):
        _known(self.objectives, objective, "objective")
        if until <= since:
            raise NotPossibleError("A correction must end after it starts.")
        made = CorrectionAnswer(
            id=f"C-{len(self.kept_corrections) + 1}", objective=objective, starts_at=since, ends_at=until,
            reason=asked.reason, author=asked.author, created_at=asked.at,
        )  # fmt: skip
        self.kept_corrections[made.id] = made
        return made

    def withdraw_correction(self, objective, correction, asked):
        _known(self.kept_corrections, correction, "correction")
        return self.kept_corrections.pop(correction)

    def deliveries(self, *, state=None, skip=0):
        found = list(self.dead.values())[skip : skip + DELIVERIES_A_PAGE] if state in {None, "dead"} else []
        return DeliveryPage(deliveries=found, next=None)

    def retry(self, delivery, asked):
        found = _known(self.dead, delivery, "message")
        del self.dead[delivery]
        return found.model_copy(update={"state": "waiting"})


def _known(things, name, what):
    if name not in things:
        raise NotFoundError(f"No {what} is called “{name}”.")
    return things[name]


def delivery(now, number=1, **more):
    said = {
        "id": f"M-{number}", "alert": "I-1", "objective": "demo-enrolment", "receiver": "pagerduty", "kind": "pagerduty",
        "state": "dead", "happening": "fired", "headline": "Campaign spring-webinar: 312 leads did not get in",
        "created_at": now - timedelta(minutes=20), "attempts": 9, "next_try_at": None,
        "error": "400: invalid routing key",
    }  # fmt: skip
    return DeliveryAnswer(**(said | more))


@cache
def many():
    """Two campaigns that fire among two thousand that do not; made once, as making them takes longer than most tests."""
    firing = [group("spring-webinar", 312, 2260, firing="page"), group(EVIL, 4, 80, firing="ticket")]
    return [*firing, *(group(f"campaign-{number:04}", number % 3, 100 + number) for number in range(2_000))]


def troubled(now=None):
    """One objective of each standing, alerts that fire and one that was, hostile names, and a dead letter."""
    now = now or datetime.now(UTC)
    hostile = alert(
        now, 2, campaign=EVIL, severity="ticket", minutes=95, owner=EVIL, text=EVIL,
        changes=[change(now, 100, EVIL, EVIL, "javascript:alert(1)")],
        causes=[CauseLeadsCount(cause=EVIL, title=EVIL, leads=3)],
        at_risk=[RiskAnswer(group={"campaign": EVIL}, excess=3.2, bad=4, total=80, leads=3)], missing=[EVIL],
    )  # fmt: skip
    alerts = [alert(now, 1), hostile, alert(now, 3, phase="resolved", minutes=4000)]
    objectives = [
        objective(now, "demo-enrolment", status="burning", left=0.38, alerts=alerts, groups=many()),
        objective(now, "crm-freshness", status="exhausted", left=-0.42, indicator="freshness", description=EVIL),
        objective(now, "routing", status="frozen", left=0.66, indicator="routing", definition=EVIL),
        objective(now, "delivery", days=7, left=0.97, indicator="delivery_latency"),
        objective(now, "backlog", status="no_data", left=None, indicator="backlog", worst_burn=None, worst_group=None,
                  exhausted_in_s=None, causes=[], changes=[], excluded=[], headline="Nothing was counted yet."),
    ]  # fmt: skip
    return MadeUpBudgets(objectives, alerts, [delivery(now, error=f"400: {EVIL}")])


def nothing():
    """No objective is in force."""
    made = MadeUpBudgets([])
    made.evaluation = lambda **_: Evaluation(at=None, age_s=None, dead_deliveries=0)
    return made
