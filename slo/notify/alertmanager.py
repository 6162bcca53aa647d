"""Prometheus Alertmanager, by its API v2, where others' grouping, routing and silences already are.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml. Labels say which alert it is and stay the same
while it fires; evidence changes, and stands in annotations. Alertmanager forgets what it is not told again: everything
that fires is sent every minute, what ended for five minutes more. `endsAt` is an hour ahead, so that an engine that is
restarted resolves nothing by its silence.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from model.alert import Alert, Happening
from slo.message import Message, Part, parts_of, plain_lines, title_of
from slo.notify.notifier import NotifyError
from slo.notify.post import Target, post, refused
from slo.wording import clean

ENDS_AFTER = timedelta(hours=1)
LONGEST_ANNOTATION = 10_000


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One Alertmanager, or all members of a cluster: each has to hear of every alert; one that hears is enough."""

    name: str
    targets: tuple[Target, ...]
    authorization: str = ""

    kind: ClassVar[str] = "alertmanager"
    tells: ClassVar[frozenset[Happening]] = frozenset({"fired", "escalated", "eased", "resolved"})
    grouped: ClassVar[bool] = False

    def send(self, message: Message, now: datetime) -> None:
        self._post(list(message.alerts), now)

    def keep(self, alerts: list[Alert], now: datetime) -> None:
        self._post(alerts, now)

    def _post(self, alerts: Sequence[Alert], now: datetime) -> None:
        body = json.dumps(postable(alerts, now), ensure_ascii=False).encode()
        failures: list[NotifyError] = []
        for target in self.targets:
            try:
                self._post_to(target, body, now)
            except NotifyError as error:
                failures.append(error)
        if len(failures) == len(self.targets):
            raise failures[0]

    def _post_to(self, target: Target, body: bytes, now: datetime) -> None:
        headers = {"Content-Type": "application/json"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        at = Target(f"{target.url.rstrip('/')}/api/v2/alerts", target.allow_private, target.ca_file)
        answer = post(at, body, headers, now)
        if not answer.ok:
            raise refused(answer, permanent=400 <= answer.status < 500)


def postable(alerts: Iterable[Alert], now: datetime) -> list[dict[str, Any]]:
    """PostableAlerts. A change of severity is a change of labels: the alert with the other severity ends."""
    found: dict[str, dict[str, Any]] = {}
    for alert in alerts:
        if alert.happening in {"escalated", "eased"}:
            other = replace(alert, severity="ticket" if alert.severity == "page" else "page", happening="resolved")
            _put(found, other, now)
        _put(found, alert, now)
    return list(found.values())


def _put(found: dict[str, dict[str, Any]], alert: Alert, now: datetime) -> None:
    """Of two with the same labels the one that fires counts."""
    one = _postable(alert, now)
    key = json.dumps(one["labels"], sort_keys=True)
    if alert.happening != "resolved" or key not in found:
        found[key] = one


def _postable(alert: Alert, now: datetime) -> dict[str, Any]:
    ends = alert.at if alert.happening == "resolved" else now + ENDS_AFTER
    return {
        "labels": labels(alert),
        "annotations": annotations(alert),
        "startsAt": alert.fired_at.isoformat(),
        "endsAt": max(ends, alert.fired_at).isoformat(),
        "generatorURL": alert.link,
    }


def labels(alert: Alert) -> dict[str, str]:
    """Who it is: nothing that changes while it fires."""
    named = "LeadtraceBudgetBurn" if alert.key.kind == "burn" else "LeadtraceMeasurementLost"
    who = {"alertname": named, "objective": alert.key.objective, "flow": alert.flow, "indicator": alert.indicator}
    return {key: text for key, text in {**who, "severity": alert.severity, **dict(alert.key.group)}.items() if text}


def annotations(alert: Alert) -> dict[str, str]:
    found = {_key(part): plain_lines(part)[:LONGEST_ANNOTATION] for part in parts_of(alert)}
    found["summary"] = clean(title_of(alert), 1_000)
    found["leads_affected"] = str(alert.leads_affected)
    found["incident"] = alert.incident
    if alert.playbook:
        found["runbook_url"] = alert.playbook
    return found


def _key(part: Part) -> str:
    return part.label.lower().replace(" ", "_")
