"""The faults a lead can carry, and what leadtrace should answer for each.

A fault lives in the lead's own data: a form field, or a magic sandbox value that only a vendor or the bus reads.
Nothing of it is telemetry; `name` appears in the truth file only.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from demo import vendors
from demo.bus import LOSES_MESSAGES


class Visit(Enum):
    """What the person does in the browser."""

    ONCE = "submits the form"
    TWICE = "submits the form, and once more a moment later"
    REGRETTED = "submits the form, and unsubscribes while the CRM is still writing"


@dataclass(frozen=True)
class Expected:
    """The verdict leadtrace should give; `cause` and `step` are None for a lead that entered."""

    status: str
    cause: str | None = None
    step: str | None = None
    contributing: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        answer = {"status": self.status, "cause": self.cause, "step": self.step}
        return {**answer, "contributing": list(self.contributing)} if self.contributing else answer


@dataclass(frozen=True)
class Fault:
    """`weight` is its share of a drive; `fields` override the form; `late` faults begin after the roll-out."""

    name: str
    weight: int
    expect: Expected
    fields: dict[str, Any] = field(default_factory=dict)
    visit: Visit = Visit.ONCE
    late: bool = False


def _blocked(cause: str, step: str) -> Expected:
    return Expected("blocked", cause, step)


def _skipped(cause: str, step: str, *contributing: str) -> Expected:
    return Expected("skipped", cause, step, contributing)


def _sandbox(value: str) -> dict[str, Any]:
    return {"sandbox": value}


ENTERED = Expected("entered")
_NOT_SCORED = _skipped("eligible.criteria_not_met", "score", "enrich.lookup_failed")

HEALTHY = Fault("healthy", 110, ENTERED)
FAULTS = (
    HEALTHY,
    Fault("crm-rate-limit", 28, _blocked("crm.rate_limit", "crm"), _sandbox(vendors.CRM_BUSY), late=True),
    Fault("crm-rate-limit-once", 8, ENTERED, _sandbox(vendors.CRM_BUSY_ONCE), late=True),
    Fault("crm-auth", 7, _blocked("crm.auth", "crm"), _sandbox(vendors.CRM_STALE_TOKEN)),
    Fault("crm-validation", 8, _blocked("crm.validation_rule", "crm"), _sandbox(vendors.CRM_STRICT)),
    Fault("crm-skipped-in-200", 7, _blocked("crm.record_skipped_in_200", "crm"), _sandbox(vendors.CRM_SKIP)),
    Fault("crm-timeout", 5, _blocked("delivery.timeout", "crm"), _sandbox(vendors.CRM_HANG)),
    Fault("enrichment-down", 6, _NOT_SCORED, _sandbox(vendors.ENRICH_DOWN)),
    Fault("enrichment-timeout", 5, _NOT_SCORED, _sandbox(vendors.ENRICH_HANG)),
    Fault("low-score", 14, _skipped("eligible.criteria_not_met", "score"), {"title": "Student"}),
    Fault("consent-not-given", 12, _skipped("consent.missing", "consent"), {"consent": False}),
    Fault(
        "consent-withdrawn",
        5,
        _skipped("consent.opted_out_all", "enrol"),
        _sandbox(vendors.CRM_SLOW),
        visit=Visit.REGRETTED,
    ),
    Fault("sequence-paused", 8, _skipped("campaign.paused", "enrol"), {"sequence": "winter-nurture"}),
    Fault("message-dropped", 6, _blocked("observability.expected_but_absent", "routing"), _sandbox(LOSES_MESSAGES)),
    Fault("routing-bug", 6, _blocked("delivery.http_error", "routing"), {"country": "XK"}),
    Fault("duplicate-submit", 5, ENTERED, visit=Visit.TWICE),
)
