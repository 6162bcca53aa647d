"""Alerts: what on-call is told, and the states an alert goes through."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from model.budget import Count
from model.objective import Group, Severity

Firing = Literal["ok", "ticket", "page"]
Kind = Literal["burn", "measurement_lost"]
Happening = Literal["fired", "escalated", "eased", "resolved", "repeated", "acknowledged", "frozen", "thawed"]


@dataclass(frozen=True, slots=True)
class AlertKey:
    """One incident at a time has this key; a change of tier stays the same incident."""

    objective: str
    generation: str
    group: Group
    kind: Kind = "burn"


@dataclass(frozen=True, slots=True)
class AlertState:
    """Where an alert stands. `incident` names the firing from its start to its end; '' while nothing fires.

    `frozen_since` is set while the measurement is lost: the state holds, and silence resolves nothing.
    """

    key: AlertKey
    firing: Firing = "ok"
    tier: str = ""
    incident: str = ""
    since: datetime | None = None
    changed_at: datetime | None = None
    clear_since: datetime | None = None
    frozen_since: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Burn:
    """What made a tier fire, window by window; `long_burn` and `short_burn` are multiples of the allowed rate.

    `group` is whose units these are; it may hold the group that the alert names. `chance` is how often an objective
    that is just kept would look this bad, by failure units: the binomial tail of the gate. All are finite.
    """

    tier: str
    severity: Severity
    long: Count
    short: Count
    long_burn: float
    short_burn: float
    threshold: float
    group: Group = ()
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class GroupAtRisk:
    """A group with its excess: bad units beyond what the target allows in the long window.

    `leads` is 0 until the evidence was gathered.
    """

    group: Group
    excess: float
    bad: int
    total: int
    leads: int = 0


@dataclass(frozen=True, slots=True)
class Transition:
    """What an evaluation changed about an alert, and why.

    `incident` tells incidents apart, not `key`: when the trouble of a part turns out to be that of the whole, the
    incident goes on under the wider key (`escalated`), so that nobody is paged twice. `since` is when it fired.
    `at_risk` are the groups after collapse, the worst first: the one that explains the excess, else up to five.
    `burn` is None where nothing burns: resolved, frozen, thawed, and alerts on lost measurement.
    """

    key: AlertKey
    incident: str
    happening: Happening
    before: Firing
    after: Firing
    at: datetime
    since: datetime
    reason: str
    at_risk: tuple[GroupAtRisk, ...] = ()
    burn: Burn | None = None

    @property
    def severity(self) -> Severity:
        """How urgent the news is: that of the state it led to, or out of."""
        return "page" if "page" in (self.after if self.after != "ok" else self.before) else "ticket"


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something that changed near the onset. `overlap` (0 to 1) is the share of the affected that came after it."""

    at: datetime
    what: str
    kind: str
    overlap: float
    link: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """Everything a message says, in the order in which it is read. No personal data is in it.

    `missing` names evidence that could not be had in time; it never delays a page. `fired_at` is when the incident
    began to fire, `onset` when the trouble is estimated to have begun. `by_when` is the next deadline of leads that
    still wait in the groups at risk. Budget left is a share (may be negative); `exhausted_in` is None when the budget
    is not being spent, or is spent. `examples` are (lead, link), `causes` (code, title, leads). `reason` is what made
    the state change: which feed is silent, who acknowledged.
    """

    id: str
    incident: str
    key: AlertKey
    happening: Happening
    severity: Severity
    at: datetime
    fired_at: datetime
    onset: datetime
    objective_title: str
    indicator: str
    flow: str
    headline: str
    at_risk: tuple[GroupAtRisk, ...]
    leads_affected: int
    by_when: datetime | None
    examples: tuple[tuple[str, str], ...]
    causes: tuple[tuple[str, str, int], ...]
    changes: tuple[Suspect, ...]
    owner: str
    playbook: str
    burn: Burn | None
    target: float
    budget_left: float
    exhausted_in: timedelta | None
    confidence: str
    link: str
    period: timedelta = timedelta(days=28)
    reason: str = ""
    missing: tuple[str, ...] = ()
