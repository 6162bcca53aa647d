"""What the pages of alerts show, made ready: what fires, what was, what is kept quiet, what could not be delivered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from glob import escape

from lineage.budgets import (
    ALERTS_A_PAGE,
    AlertAnswer,
    Budgets,
    DeliveryAnswer,
    Evaluation,
    SilenceAnswer,
)
from model.decisions import SILENCE_KEYS
from ui.slos import digest
from ui.words import alerts_url

#: How long a silence may be chosen to last.
LENGTHS = (
    ("30min", "30 minutes"), ("1h", "1 hour"), ("2h", "2 hours"), ("4h", "4 hours"), ("12h", "12 hours"),
    ("1d", "1 day"), ("3d", "3 days"), ("7d", "7 days"),
)  # fmt: skip

#: How late the alert loop may be before pages say so: ten of its rounds.
LATE_S = 300.0


@dataclass(frozen=True, slots=True)
class AlertsView:
    """Those that fire come first; the list of what was continues on further pages."""

    firing: Sequence[AlertAnswer]
    past: Sequence[AlertAnswer]
    silences: Sequence[SilenceAnswer]
    dead: Sequence[DeliveryAnswer]
    evaluation: Evaluation
    first: int
    next_url: str
    digest: str
    late: bool


def alerts_view(budgets: Budgets, *, skip: int, objective: str, now: datetime) -> AlertsView:
    page = budgets.alerts(now=now, objective=objective, skip=skip)
    evaluation = budgets.evaluation(now=now)
    silences = budgets.silences(now=now) if not skip else ()
    dead = budgets.deliveries(state="dead").deliveries if not skip else ()
    return AlertsView(
        firing=[alert for alert in page.alerts if alert.phase == "firing"],
        past=[alert for alert in page.alerts if alert.phase != "firing"],
        silences=silences,
        dead=dead,
        evaluation=evaluation,
        first=skip // ALERTS_A_PAGE * ALERTS_A_PAGE,
        next_url=alerts_url(cursor=page.next, objective=objective) if page.next else "",
        digest=digest([*page.alerts, *silences, *dead], now),
        late=is_late(evaluation),
    )


def is_late(evaluation: Evaluation) -> bool:
    """Whether the alerts are older than they should be."""
    return evaluation.age_s is not None and evaluation.age_s > LATE_S


def matcher_of(alert: AlertAnswer) -> dict[str, str]:
    """What a silence of this alert would match, by key; '' where the alert says nothing."""
    known: Mapping[str, str] = {"objective": alert.objective} | alert.group
    return {key: escape(known.get(key, "")) for key in SILENCE_KEYS}
