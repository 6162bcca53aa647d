"""PagerDuty, by its Events API v2. What changed goes there too, as change events.

https://developer.pagerduty.com/docs/events-api-v2/overview/: `dedup_key` of at most 255 characters, `summary` of 1,024,
512,000 bytes a request; 202 is accepted, 429 and 5xx may be sent again, 400 may not.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import structlog

from model.alert import Alert, Happening
from slo.message import SHOWN_CHANGES, Message, parts_of, plain_lines, pushed, title_of
from slo.notify.notifier import EVERYTHING, NotifyError
from slo.notify.post import Target, post, refused
from slo.wording import clean, is_web, name_of

log = structlog.get_logger(__name__)

PUBLIC_URL = "https://events.pagerduty.com"
LONGEST_KEY = 255
LONGEST_SUMMARY = 1_024
MAX_BYTES = 512_000
LONGEST_DETAIL = 20_000

_ACTIONS: dict[Happening, str] = {"acknowledged": "acknowledge", "resolved": "resolve"}


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """An integration of Events API v2, named by its routing key."""

    name: str
    routing_key: str
    target: Target

    kind: ClassVar[str] = "pagerduty"
    tells: ClassVar[frozenset[Happening]] = EVERYTHING
    grouped: ClassVar[bool] = False

    def send(self, message: Message, now: datetime) -> None:
        self._post("/v2/enqueue", event_of(message.lead, self.routing_key), now)
        if message.lead.happening in {"fired", "escalated"}:
            self._tell_changes(message.lead, now)

    def _tell_changes(self, alert: Alert, now: datetime) -> None:
        """Once each and no more: the page has been made, and a change event sent twice stands there twice."""
        try:
            for event in change_events(alert, self.routing_key):
                self._post("/v2/change/enqueue", event, now)
        except NotifyError as error:
            log.warning("change_event_not_sent", receiver=self.name, incident=alert.incident, reason=str(error))

    def _post(self, path: str, event: dict[str, Any], now: datetime) -> None:
        target = Target(self.target.url + path, self.target.allow_private, self.target.ca_file)
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        answer = post(target, body, {"Content-Type": "application/json"}, now)
        if answer.status != 202:
            raise refused(answer, permanent=400 <= answer.status < 500)


def event_of(alert: Alert, routing_key: str) -> dict[str, Any]:
    """The event that triggers, acknowledges or resolves the incident."""
    action = _ACTIONS.get(alert.happening, "trigger")
    event: dict[str, Any] = {"routing_key": routing_key, "event_action": action, "dedup_key": dedup_key(alert)}
    if action != "trigger":
        return event
    return {
        **event,
        "client": "leadtrace",
        "client_url": alert.link,
        "links": _links(alert),
        "payload": {
            "summary": clean(pushed(title_of(alert), alert), LONGEST_SUMMARY),
            "severity": "critical" if alert.severity == "page" else "warning",
            "source": clean(alert.flow) or "leadtrace",
            "timestamp": alert.at.isoformat(),
            "component": clean(alert.key.objective),
            "group": clean(name_of(alert.key.group, alert.flow)),
            "class": alert.key.kind if alert.key.kind != "burn" else alert.indicator,
            "custom_details": {part.label: plain_lines(part)[:LONGEST_DETAIL] for part in parts_of(alert)},
        },
    }


def dedup_key(alert: Alert) -> str:
    """One incident of ours is one of theirs, through all its tiers."""
    key = f"leadtrace/{alert.key.objective}/{alert.incident}"
    return key if len(key) <= LONGEST_KEY else f"leadtrace/{hashlib.sha256(key.encode()).hexdigest()}"


def change_events(alert: Alert, routing_key: str) -> list[dict[str, Any]]:
    return [
        {
            "routing_key": routing_key,
            "payload": {
                "summary": clean(one.what, LONGEST_SUMMARY),
                "timestamp": one.at.isoformat(),
                "source": "leadtrace",
                "custom_details": {"kind": one.kind, "share of failures after it": round(one.overlap, 3)},
            },
            "links": _linked([(one.link, "Details"), (alert.link, "Alert in leadtrace")]),
        }
        for one in alert.changes[:SHOWN_CHANGES]
    ]


def _links(alert: Alert) -> list[dict[str, str]]:
    found = [(alert.link, "Alert in leadtrace"), (alert.playbook, "Playbook")]
    return _linked([*found, *((url, f"Lead {clean(lead)}") for lead, url in alert.examples)])


def _linked(links: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"href": url, "text": text} for url, text in links if is_web(url)]
