"""The answer for one entry in one flow."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """Every entry has exactly one of these, so a funnel adds up to its entries."""

    ENTERED = "entered"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    PENDING = "pending"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A hop that shows it."""

    trace_id: str
    span_id: str
    service: str
    name: str
    at: datetime
    outcome: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """Something that went wrong on the way and is not itself the cause."""

    cause: str
    step: str


@dataclass(frozen=True, slots=True)
class ThenNow:
    """A value that the decision at a step rested on, and what it is now; '' where there was none, with no moment."""

    step: str
    attribute: str
    then: str
    now: str
    then_at: datetime | None
    now_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one entry, and why. Equal inputs give an equal verdict; times are aware UTC datetimes.

    `since` is the moment that decided it: the failing hop, the passed deadline, the goal. `due_at` is when a pending
    verdict must be looked at again, else None. `reached` names the steps that were done, in the flow's order, and
    `reached_at` says when. `hops` counts the hops that were looked at, `touched_at` is the first touch by a person or
    the sequence, `stages` are those the lead moved to, `interventions` counts how often a person stepped in,
    `flow_version` is the flow file's that judged, `came_as` are the ids of leads merged into this one under which its
    hops came in, `then_and_now` are the values that have changed since they decided.
    """

    lead: str
    flow: str
    entry: str
    status: Status
    captured_at: datetime
    since: datetime
    deadline_at: datetime
    last_hop_at: datetime
    cause: str = ""
    cls: str = ""
    step: str = ""
    headline: str = ""
    owner: str = ""
    playbook: str = ""
    raw_reason: str = ""
    system: str = ""
    entered_at: datetime | None = None
    late: bool = False
    due_at: datetime | None = None
    reached: tuple[str, ...] = ()
    reached_at: tuple[datetime, ...] = ()
    campaign: str = ""
    segment: str = ""
    source: str = ""
    evidence: tuple[Evidence, ...] = ()
    contributing: tuple[Contribution, ...] = ()
    notes: tuple[str, ...] = ()
    touched_at: datetime | None = None
    stages: tuple[str, ...] = ()
    interventions: int = 0
    hops: int = 0
    flow_version: str = ""
    came_as: tuple[str, ...] = ()
    then_and_now: tuple[ThenNow, ...] = ()
