"""Objectives, budgets and alerts as people read them, and what the pages and the API may ask and do.

The answers are the JSON surface that docs/api.md promises: fields are added, never taken away. `Budgets` is all that
`api` and `ui` see of the room `slo`, which they must not import.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pydantic import Field

from lineage.answers import Answer, ChangeAnswer

Standing = Literal["ok", "burning", "exhausted", "frozen", "no_data"]
"""Where a budget stands. The first that holds: no unit was counted; its measurement is lost; nothing is left; it burns
too fast in some group (an alert fires); none of these."""

Phase = Literal["firing", "resolved"]
DeliveryState = Literal["waiting", "sent", "dead"]

#: What a list holds at most; what is beyond is counted, or comes on the next page.
SHOWN_GROUPS = 50
SHOWN_CAUSES = 20
SHOWN_CHANGES = 20
SHOWN_POINTS = 120
SHOWN_HISTORY = 50
ALERTS_A_PAGE = 25
DELIVERIES_A_PAGE = 50
MAX_SILENCES = 500
MAX_CORRECTIONS = 500


class NotPossibleError(ValueError):
    """What was asked for cannot be done; the message says why and what can."""


class WindowBurn(Answer):
    """Units of one window that ends now. `burn` is how many times too fast: 1 spends the budget in its period."""

    window_s: int
    good: int
    bad: int
    total: int
    burn: float


class TierAnswer(Answer):
    """When an alert fires: when the burn is above `burn` in both windows."""

    name: str
    severity: str
    long_s: int
    short_s: int
    budget_share: float
    burn: float
    error_rate: float
    receivers: list[str]


class TierBurn(Answer):
    """How a group stands in one tier; `over` says that both windows are above the threshold, gate or not."""

    tier: str
    severity: str
    long: WindowBurn
    short: WindowBurn
    threshold: float
    over: bool


class GroupBudget(Answer):
    """One group over the period. `excess` is how many more units were bad than the target allows; negative is spare."""

    group: dict[str, str]
    good: int
    bad: int
    total: int
    failure_units: int
    excess: float
    budget_left: float | None
    firing: str
    tiers: list[TierBurn]


class BudgetPoint(Answer):
    """Where the period's budget stood at the end of a bucket; `good` and `bad` are the bucket's own."""

    at: datetime
    good: int
    bad: int
    left: float


class BudgetSummary(Answer):
    """One objective and what is left of its budget. `burns` are of all units together, in each window of a tier.

    `budget_left` is a share: 1 is untouched, 0 spent, negative overspent, null before anything was counted.
    `worst_burn` is the highest in the long window of a tier, of the groups that fire, else of all units together.
    `exhausted_in_s` is null when the budget is not being spent faster than it comes back, or is spent.
    """

    name: str
    title: str
    flow: str
    indicator: str
    owner: str
    target: float
    window: str
    period_from: datetime
    period_until: datetime
    good: int
    bad: int
    total: int
    budget_left: float | None
    status: Standing
    headline: str
    worst_burn: float | None
    worst_group: dict[str, str] | None
    exhausted_in_s: float | None
    firing: int
    severity: str
    lost_feeds: list[str]
    burns: list[WindowBurn]
    spark: list[float]
    evaluated_at: datetime | None


class CauseUnits(Answer):
    """How many bad units of the period one cause made, at one step."""

    cause: str
    title: str
    step: str
    units: int
    leads: int


class ExcludedUnits(Answer):
    """Units that are not counted, by the reason."""

    reason: str
    title: str
    units: int


class CorrectionAnswer(Answer):
    """A stretch of time that does not count: maintenance, a known incident."""

    id: str
    objective: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    author: str
    created_at: datetime


class AcknowledgedBy(Answer):
    author: str
    at: datetime
    note: str


class RiskAnswer(Answer):
    """A group at risk: how many units beyond what the target allows were bad in the alert's long window."""

    group: dict[str, str]
    excess: float
    bad: int
    total: int
    leads: int


class ExampleLead(Answer):
    lead: str
    link: str


class CauseLeadsCount(Answer):
    cause: str
    title: str
    leads: int


class AlertAnswer(Answer):
    """One incident: everything its last message said, and what became of it since.

    `phase` is firing until it is resolved. `severity` is page or ticket, the highest while it fired. `frozen_since` is
    set while the measurement is lost. `silenced_by` is the silence that keeps it quiet, `inhibited_by` the alert that
    speaks for it. `long` and `short` are the windows as the message told them, `long_now` and `short_now` as they are
    counted now, null once it is over. `text` is the message as it was sent.
    """

    id: str
    objective: str
    title: str
    flow: str
    indicator: str
    kind: str
    group: dict[str, str]
    phase: Phase
    severity: str
    tier: str
    headline: str
    happening: str
    fired_at: datetime
    changed_at: datetime
    resolved_at: datetime | None
    onset: datetime
    frozen_since: datetime | None
    silenced_by: str | None
    inhibited_by: str | None
    acknowledged: AcknowledgedBy | None
    at_risk: list[RiskAnswer]
    leads_affected: int
    by_when: datetime | None
    examples: list[ExampleLead]
    causes: list[CauseLeadsCount]
    changes: list[ChangeAnswer]
    owner: str
    playbook: str
    long: WindowBurn | None
    short: WindowBurn | None
    long_now: WindowBurn | None
    short_now: WindowBurn | None
    threshold: float | None
    target: float
    budget_left: float | None
    exhausted_in_s: float | None
    confidence: str
    missing: list[str]
    link: str
    text: str


class BudgetAnswer(BudgetSummary):
    """One objective whole. `groups` are those with the greatest excess; `groups_total` counts all there are."""

    description: str
    playbook: str
    method: str
    limit_s: float | None
    generation: str
    definition: str
    allowed_bad: float
    points: list[BudgetPoint]
    points_from: datetime
    groups: list[GroupBudget]
    groups_total: int
    tiers: list[TierAnswer]
    causes: list[CauseUnits]
    changes: list[ChangeAnswer]
    alerts: list[AlertAnswer]
    corrections: list[CorrectionAnswer]
    excluded: list[ExcludedUnits]


class AlertPage(Answer):
    """Alerts, firing ones first, then the latest; `firing` counts all that fire, `next` is null on the last page."""

    alerts: list[AlertAnswer]
    firing: int
    next: str | None


class SilenceAnswer(Answer):
    """No alert that has every value of `matcher` is sent until `ends_at`."""

    id: str
    matcher: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    reason: str
    author: str
    created_at: datetime
    active: bool


class DeliveryAnswer(Answer):
    """One message to one receiver. `dead` was refused for good, or too often; `error` is what the receiver said."""

    id: str
    alert: str
    objective: str
    receiver: str
    kind: str
    state: DeliveryState
    happening: str
    headline: str
    created_at: datetime
    attempts: int
    next_try_at: datetime | None
    error: str


class DeliveryPage(Answer):
    deliveries: list[DeliveryAnswer]
    next: str | None


class Evaluation(Answer):
    """How the alert loop fares; `at` is when it last ended an evaluation, null before the first."""

    at: datetime | None
    age_s: float | None
    dead_deliveries: int
    lost_feeds: list[str] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks to be done: who, why, and when it was asked."""

    author: str
    reason: str
    at: datetime


class Budgets(Protocol):
    """What pages and API may ask and do. Unknown names and ids raise NotFoundError, the store's troubles StoreError.

    Every list is bounded by the numbers above. To acknowledge, end, withdraw or retry twice changes nothing more.
    """

    def every(self, *, now: datetime) -> Sequence[BudgetSummary]:
        """Every objective in force, those in trouble first."""

    def one(self, name: str, *, now: datetime) -> BudgetAnswer:
        """One objective whole."""

    def evaluation(self, *, now: datetime) -> Evaluation:
        """How fresh the alerts are."""

    def alerts(
        self, *, now: datetime, phase: Phase | None = None, objective: str = "", flow: str = "", skip: int = 0
    ) -> AlertPage:
        """A page of alerts."""

    def alert(self, incident: str, *, now: datetime) -> AlertAnswer:
        """One incident by its id."""

    def acknowledge(self, incident: str, asked: Asked) -> AlertAnswer:
        """Say that somebody works on it; the first who says so stands."""

    def silences(self, *, now: datetime) -> Sequence[SilenceAnswer]:
        """Those that are active or to come, then the latest that ended."""

    def silence(self, matcher: Mapping[str, str], length: timedelta, asked: Asked) -> SilenceAnswer:
        """Keep matching alerts quiet from now on. Raises NotPossibleError for a matcher that says nothing."""

    def end_silence(self, silence: str, asked: Asked) -> SilenceAnswer:
        """End a silence now."""

    def corrections(self, objective: str) -> Sequence[CorrectionAnswer]:
        """The latest first."""

    def correct(self, objective: str, since: datetime, until: datetime, asked: Asked) -> CorrectionAnswer:
        """Take a stretch of time out of a budget. Raises NotPossibleError for one that is empty or too long."""

    def withdraw_correction(self, objective: str, correction: str, asked: Asked) -> CorrectionAnswer:
        """Count that stretch of time again."""

    def deliveries(self, *, state: DeliveryState | None = None, skip: int = 0) -> DeliveryPage:
        """Messages, the latest first."""

    def retry(self, delivery: str, asked: Asked) -> DeliveryAnswer:
        """Send a dead message again."""
