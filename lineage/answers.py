"""The answers that people read: the API gives them as JSON, the pages and the terminal show them.

These models are the JSON surface that docs/api.md promises: fields are added, never taken away.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class EvidenceAnswer(Answer):
    trace_id: str
    span_id: str
    service: str
    name: str
    at: datetime
    outcome: str


class ContributionAnswer(Answer):
    cause: str
    step: str
    title: str = ""


class AlsoAffected(Answer):
    """Other leads that the same cause stopped at the same step, within a day of this one."""

    leads: int
    since: datetime | None


class ChangeAnswer(Answer):
    """Something that changed before. `overlap` is the share (0 to 1) of affected entries that were stopped after it."""

    at: datetime
    what: str
    kind: str = ""
    overlap: float = 0.0
    link: str | None = None


class StepState(Answer):
    """One step of the flow as this entry went through it.

    `state` is done, failed, skipped, waiting, absent, unseen (later steps happened) or ahead (not reached).
    """

    step: str
    title: str
    kind: str
    owner: str
    state: str
    at: datetime | None = None


class SaidBefore(Answer):
    """One thing that was said of an entry. `why` says what made it differ from what was said before; '' at first."""

    decided_at: datetime
    status: str
    cause: str | None
    step: str | None
    headline: str
    why: str


class MergeAnswer(Answer):
    """`lead` was merged into another; `until` is when that was taken back or gave way to another merge, else null."""

    lead: str
    into: str
    at: datetime
    until: datetime | None


class DuplicateAnswer(Answer):
    """Another lead with the same key; `by` is its kind, such as email. `mask` is what may be shown of it."""

    lead: str
    by: str
    mask: str
    last_seen: datetime


class LeftAgain(Answer):
    """After the lead had entered, it opted out or left the sequence; `why` in words, `reason` in the sender's."""

    at: datetime
    event: str
    service: str
    reason: str | None
    why: str


class ThenNowAnswer(Answer):
    """A value that the decision rested on, and what it is now. `then` is '' and `then_at` null where there was none."""

    step: str
    attribute: str
    then: str
    now: str
    then_at: datetime | None
    now_at: datetime


class Why(Answer):
    """Why did this lead never enter the sequence? `since` is the moment that decided it.

    `lead` is the one that goes on where leads were merged; `asked` is the id by which it was asked for, and `came_as`
    names the merged leads under whose ids the entry's hops came in.
    """

    lead: str
    flow: str
    entry: str
    status: str
    cause: str | None
    cls: str | None = Field(alias="class", serialization_alias="class")
    step: str | None
    headline: str
    entered_at: datetime | None
    late: bool
    captured_at: datetime
    since: datetime
    decided_at: datetime
    deadline_at: datetime
    owner: str | None
    playbook: str | None
    raw_reason: str | None
    evidence: list[EvidenceAnswer]
    contributing: list[ContributionAnswer]
    also_affected: AlsoAffected
    changes: list[ChangeAnswer]
    title: str = ""
    remedy: str = ""
    system: str | None = None
    campaign: str = ""
    segment: str = ""
    source: str = ""
    notes: list[str] = []
    steps: list[StepState] = []
    history: list[SaidBefore] = []
    hops: int = 0
    flow_version: str = ""
    asked: str = ""
    came_as: list[str] = []
    merges: list[MergeAnswer] = []
    left_again: LeftAgain | None = None
    then_and_now: list[ThenNowAnswer] = []


class EntryAnswer(Answer):
    entry: str
    flow: str
    captured_at: datetime
    status: str
    cause: str | None
    headline: str = ""
    campaign: str = ""
    segment: str = ""
    came_as: list[str] = []


class HopAnswer(Answer):
    """One hop. `outcome` is ok, failed, skipped or seen, or the sender's own word; times are the sender's clock.

    `lead` is the id under which it came in. `early_ms` is how long before the hop that caused it it says that it began:
    the two clocks differ by at least that.
    """

    trace_id: str
    span_id: str
    parent_span_id: str
    service: str
    name: str
    step: str | None
    at: datetime
    duration_ms: float
    outcome: str
    reason: str | None
    attempt: int
    signal: str
    kind: str
    status: str
    entry: str
    event: str
    service_version: str
    cause: str | None
    attributes: dict[str, str]
    events: list[dict[str, Any]]
    lead: str = ""
    early_ms: float = 0.0


class LeadAnswer(Answer):
    """A lead's journey: every hop once, in causal order. `cut` says that there are more hops than are shown.

    Where leads were merged, `lead` is the one that goes on, with all that came in under any id; `asked` is the id by
    which it was asked for. `duplicates` are other leads with the same e-mail address or CRM id, the latest
    seen first, 20 at most. `shared_traces` says of how many leads a trace speaks, where these are several.
    """

    lead: str
    keys: dict[str, list[str]]
    mask: str
    entries: list[EntryAnswer]
    hops: list[HopAnswer]
    cut: bool
    asked: str = ""
    merges: list[MergeAnswer] = []
    duplicates: list[DuplicateAnswer] = []
    shared_traces: dict[str, int] = {}


class FoundLead(Answer):
    """`found_as` is the id of a merged lead by which this one was found; '' where it was found by its own."""

    lead: str
    mask: str
    campaign: str
    last_seen: datetime
    entries: list[EntryAnswer]
    found_as: str = ""


class Found(Answer):
    leads: list[FoundLead]
    next: str | None


class StepCount(Answer):
    step: str
    reached: int
    stopped_here: int
    title: str = ""


class CauseCount(Answer):
    cause: str | None
    cls: str | None = Field(alias="class", serialization_alias="class")
    step: str | None
    entries: int
    first_seen: datetime
    last_seen: datetime
    status: str
    title: str
    share: float
    leads: int = 0


class PartCount(Answer):
    campaign: str
    segment: str
    entries: int
    entered: int
    blocked: int


class SourceCount(Answer):
    source: str
    entries: int
    entered: int
    blocked: int


class Bucket(Answer):
    at: datetime
    by_status: dict[str, int]


class Funnel(Answer):
    """How a flow's entries ended. The parts add up to `entries`: by status; and by cause plus entered.

    `over_time` holds the buckets of `bucket_s` seconds in which entries were captured; empty ones are left out.
    """

    flow: str
    title: str
    since: datetime
    until: datetime
    entries: int
    by_status: dict[str, int]
    steps: list[StepCount]
    causes: list[CauseCount]
    parts: list[PartCount]
    over_time: list[Bucket]
    bucket_s: int = 0
    sources: list[SourceCount] = []


class CauseLeads(Answer):
    """The leads behind one number of a funnel."""

    flow: str
    leads: list[dict[str, Any]]
    next: str | None


class FlowStep(Answer):
    name: str
    title: str
    kind: str
    owner: str
    required: bool
    after: list[str]
    within_s: float | None


class FlowAnswer(Answer):
    name: str
    title: str
    owner: str
    goal: str
    deadline_s: float
    version: str
    known: bool
    steps: list[FlowStep]
    by_status: dict[str, int]


class Finding(Answer):
    """`kind` is nothing, everything or shared (then `other` is the later step, which does not get the hops)."""

    kind: str
    step: str
    other: str
    hops: int
    says: str


class FlowCheck(Answer):
    """What a flow's steps claimed of the hops of the leads heard of last; no findings where all is well."""

    flow: str
    version: str
    leads: int
    hops: int
    findings: list[Finding]


class SpanAnswer(Answer):
    span_id: str
    parent_span_id: str
    service: str
    service_version: str
    name: str
    kind: str
    status: str
    status_message: str
    at: datetime
    duration_ms: float
    lead: str
    attributes: dict[str, str]
    resource: dict[str, str]
    events: list[dict[str, Any]]
    links: list[dict[str, str]]


class TraceEventAnswer(Answer):
    event_id: str
    span_id: str
    service: str
    event_name: str
    severity: str
    body: str
    at: datetime
    lead: str
    attributes: dict[str, str]


class TraceAnswer(Answer):
    trace_id: str
    leads: list[str]
    spans: list[SpanAnswer]
    events: list[TraceEventAnswer]
    cut: bool
