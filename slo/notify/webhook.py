"""Any URL, by Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

`webhook-id` is the message's id, the same over all tries; `webhook-timestamp` is the try's. While a secret rotates the
message is signed with the old one too. 410 says that nobody wants it any more; every other failure is tried again.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from model.alert import Alert, Burn, Happening
from model.budget import Count
from slo.message import Message, plain
from slo.notify.notifier import EVERYTHING
from slo.notify.post import Target, post, refused

PREFIX = "whsec_"
SHORTEST_SECRET, LONGEST_SECRET = 24, 64  # bytes


@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL with the secrets it knows, the newest first."""

    name: str
    target: Target
    secrets: tuple[bytes, ...]

    kind: ClassVar[str] = "webhook"
    tells: ClassVar[frozenset[Happening]] = EVERYTHING
    grouped: ClassVar[bool] = False

    def send(self, message: Message, now: datetime) -> None:
        body = body_of(message)
        timestamp = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures(self.secrets, message.id, timestamp, body),
        }
        answer = post(self.target, body, headers, now)
        if not answer.ok:
            raise refused(answer, permanent=answer.status == 410)


def read_secret(text: str) -> bytes:
    """The key that `whsec_…` writes. Raises ValueError with the mend."""
    try:
        key = base64.b64decode(text.strip().removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(f"it is not base64; write it as {PREFIX} and the base64 of its bytes") from error
    if not SHORTEST_SECRET <= len(key) <= LONGEST_SECRET:
        raise ValueError(f"it has {len(key)} bytes; use {SHORTEST_SECRET} to {LONGEST_SECRET} random ones")
    return key


def signatures(secrets: Sequence[bytes], message: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature a secret, separated by spaces."""
    signed = f"{message}.{timestamp}.".encode() + body
    made = (base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets)
    return " ".join(f"v1,{signature}" for signature in made)


def body_of(message: Message) -> bytes:
    alert = message.lead
    event = {
        "type": f"alert.{alert.happening}",
        "timestamp": alert.at.isoformat(),
        "data": {**document(alert), "text": plain(message)},
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def document(alert: Alert) -> dict[str, Any]:
    """The alert as JSON; docs/alerts.md shows it. Fields are added, never taken away."""
    return {
        "incident": alert.incident,
        "kind": alert.key.kind,
        "severity": alert.severity,
        "headline": alert.headline,
        "objective": alert.key.objective,
        "objective_title": alert.objective_title,
        "indicator": alert.indicator,
        "flow": alert.flow,
        "group": dict(alert.key.group),
        "fired_at": alert.fired_at.isoformat(),
        "onset": alert.onset.isoformat(),
        "at_risk": [
            {"group": dict(one.group), "excess": round(one.excess, 3), "bad": one.bad, "total": one.total,
             "leads": one.leads}
            for one in alert.at_risk
        ],
        "leads_affected": alert.leads_affected,
        "by_when": alert.by_when.isoformat() if alert.by_when else None,
        "examples": [{"lead": lead, "url": url} for lead, url in alert.examples],
        "causes": [{"cause": code, "title": title, "leads": leads} for code, title, leads in alert.causes],
        "changes": [
            {"at": one.at.isoformat(), "what": one.what, "kind": one.kind, "overlap": round(one.overlap, 3),
             "link": one.link}
            for one in alert.changes
        ],
        "owner": alert.owner,
        "playbook": alert.playbook,
        "burn": _burn(alert.burn) if alert.burn else None,
        "target": alert.target,
        "budget_left": round(alert.budget_left, 6),
        "exhausted_in_s": alert.exhausted_in.total_seconds() if alert.exhausted_in is not None else None,
        "confidence": alert.confidence,
        "reason": alert.reason,
        "missing": list(alert.missing),
        "link": alert.link,
    }  # fmt: skip


def _burn(burn: Burn) -> dict[str, Any]:
    return {
        "tier": burn.tier,
        "threshold": round(burn.threshold, 4),
        "long": {**_count(burn.long), "burn": round(burn.long_burn, 4)},
        "short": {**_count(burn.short), "burn": round(burn.short_burn, 4)},
    }


def _count(count: Count) -> dict[str, int]:
    return {"good": count.good, "bad": count.bad, "total": count.total, "failure_units": count.failure_units}
