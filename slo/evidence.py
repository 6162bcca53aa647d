"""What is known of an incident, found in bounded time. What cannot be had is said to be missing; no page waits for it.

transition → when it began → whom it hit → why → who still waits → what changed → an alert with all of it
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote

import structlog
from prometheus_client import Counter

from lineage.changes import Trouble, explanations
from lineage.flowbook import FlowsNow
from lineage.headline import title_of
from model.alert import Alert, AlertKey, Burn, GroupAtRisk, Happening, Suspect
from model.budget import Affected, CauseCount, Slot, Waiting
from model.causes import causes as known_causes
from model.flow import Step
from model.objective import Group, Objective, Severity
from slo.budget import Balance
from slo.message import BUDGET, CAUSES, CHANGES, DEADLINES, LEADS, SHOWN_CAUSES, headline
from slo.onset import onset_slot, step_for
from store.engine import Store
from store.errors import StoreError

log = structlog.get_logger(__name__)

MISSED = Counter("leadtrace_evidence_missing_total", "Pieces of evidence that an alert went out without", ["what"])

PATIENCE_S = 4.0
"""So long an evaluation waits for the evidence of all its alerts together."""
AT_ONCE = 2
MOST_AFFECTED = 2_000
LONGEST_LOOK = timedelta(days=7)


class Asks(Protocol):
    """What evidence asks of the counting (`slo/counting.py`)."""

    def slots(
        self, objective: Objective, since: datetime, until: datetime, step: timedelta, group: Group = ()
    ) -> list[Slot]: ...

    def affected(self, objective: Objective, group: Group, since: datetime, until: datetime) -> Affected: ...

    def causes(self, objective: Objective, group: Group, since: datetime, until: datetime) -> list[CauseCount]: ...

    def waiting(self, objective: Objective, group: Group, now: datetime) -> Waiting: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be told, before anything is known of it. `id` names the telling, `balance` is what is left."""

    id: str
    objective: Objective
    key: AlertKey
    incident: str
    happening: Happening
    severity: Severity
    at: datetime
    fired_at: datetime
    reason: str = ""
    at_risk: tuple[GroupAtRisk, ...] = ()
    burn: Burn | None = None
    balance: Balance | None = None
    silent_since: datetime | None = None


@dataclass(slots=True)
class Found:
    """What was found so far; another thread may still be filling it in. None is not found yet."""

    onset: datetime | None = None
    affected: Affected | None = None
    at_risk: tuple[GroupAtRisk, ...] | None = None
    causes: list[CauseCount] | None = None
    waiting: Waiting | None = None
    changes: tuple[Suspect, ...] | None = None
    slots: dict[Group, list[Slot]] = field(default_factory=dict)


class Evidence:
    """Finds what is known. `home` is the address that people open; its threads end with the process."""

    def __init__(
        self, store: Store, counting: Asks, flows: FlowsNow, home: str, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._store = store
        self._counting = counting
        self._flows = flows
        self._home = home.rstrip("/")
        self._patience_s = patience_s
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="evidence")
        self._closed = threading.Event()

    def close(self) -> None:
        self._closed.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def alerts(self, subjects: Sequence[Subject]) -> list[Alert]:
        """An alert for each subject, in their order, after PATIENCE_S at the latest. Pages are looked into first."""
        found = [Found() for _ in subjects]
        urgent = sorted(range(len(subjects)), key=lambda number: subjects[number].severity != "page")
        looking = [
            self._pool.submit(self._look_into, subjects[number], found[number])
            for number in urgent
            if subjects[number].key.kind == "burn"
        ]
        for future in wait(looking, self._patience_s).not_done:
            future.cancel()
        return [self._alert(subject, replace(one)) for subject, one in zip(subjects, found, strict=True)]

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _look_into(self, subject: Subject, found: Found) -> None:
        """Piece by piece, what matters most first. One piece that fails does not spoil the next."""
        for look in self._looks(subject, found):
            if self._closed.is_set():
                return
            try:
                look()
            except StoreError as error:
                log.warning("evidence_not_found", objective=subject.objective.name, reason=str(error))
            except Exception:  # a mistake here must not keep an alert from going out
                log.exception("evidence_broke", objective=subject.objective.name)

    def _looks(self, subject: Subject, found: Found) -> Iterator[Callable[[], None]]:
        yield lambda: self._onset(subject, found)
        yield lambda: self._affected(subject, found)
        yield lambda: self._causes(subject, found)
        yield lambda: self._waiting(subject, found)
        yield lambda: self._changes(subject, found)

    def _onset(self, subject: Subject, found: Found) -> None:
        slots = self._slots(subject, found, subject.key.group)
        burn = subject.burn
        present = burn.short.bad / burn.short.total if burn and burn.short.total else 1.0
        found.onset = onset_slot(slots, float(subject.objective.error_budget), present)

    def _slots(self, subject: Subject, found: Found, group: Group) -> list[Slot]:
        if group not in found.slots:
            long = _long_window(subject)
            look = min(max(2 * long, subject.at - subject.fired_at + long), max(LONGEST_LOOK, long))
            step = step_for(look)
            found.slots[group] = self._counting.slots(subject.objective, subject.at - look, subject.at, step, group)
        return found.slots[group]

    def _affected(self, subject: Subject, found: Found) -> None:
        since = _since(subject, found)
        affected = self._counting.affected(subject.objective, subject.key.group, since, subject.at)
        found.affected = affected
        if affected.first_at is not None:
            found.onset = max(affected.first_at, since)
        found.at_risk = tuple(self._with_leads(subject, one, affected, since) for one in subject.at_risk)

    def _with_leads(self, subject: Subject, one: GroupAtRisk, whole: Affected, since: datetime) -> GroupAtRisk:
        if one.group == subject.key.group:
            return replace(one, leads=whole.leads)
        return replace(one, leads=self._counting.affected(subject.objective, one.group, since, subject.at).leads)

    def _causes(self, subject: Subject, found: Found) -> None:
        since = _since(subject, found)
        found.causes = self._counting.causes(subject.objective, subject.key.group, since, subject.at)

    def _waiting(self, subject: Subject, found: Found) -> None:
        found.waiting = self._counting.waiting(subject.objective, subject.key.group, subject.at)

    def _changes(self, subject: Subject, found: Found) -> None:
        """The changes that the failures since the onset came after. Slots stand for their units, by their ends."""
        since = _since(subject, found)
        groups = [one.group for one in subject.at_risk] or [subject.key.group]
        affected: list[tuple[datetime, str]] = []
        for group in groups:
            campaign = dict(group).get("campaign", "")
            affected += _moments(self._slots(subject, found, group), campaign, since)
        if not affected:
            found.changes = ()
            return
        trouble = Trouble(subject.objective.indicator.flow, sorted(affected), self._systems(subject, found), subject.at)
        found.changes = tuple(
            Suspect(one.change.at, one.change.what, one.change.kind, one.overlap, one.change.link)
            for one in explanations(self._store, trouble)
        )

    def _systems(self, subject: Subject, found: Found) -> set[str]:
        """The systems in evidence: those that failed, and those of the steps at which leads stop, which may be silent.
        Where neither is known, any system of the flow may be the one.
        """
        flow = self._flows().get(subject.objective.indicator.flow)
        stopped = {one.step for one in (found.causes or ())[:SHOWN_CAUSES] if one.step}
        named = [(step.name, matcher.service) for step in (flow.steps if flow else ()) for matcher in step.matchers]
        systems = {service for step, service in named if service and step in stopped}
        systems.update(found.affected.services if found.affected else ())
        return systems or {service for _, service in named if service}

    # ── telling ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _alert(self, subject: Subject, found: Found) -> Alert:
        objective = subject.objective
        leading = found.causes[0] if found.causes else None
        owner, playbook = self._owner(objective, leading)
        affected = found.affected
        made = Alert(
            id=subject.id,
            incident=subject.incident,
            key=subject.key,
            happening=subject.happening,
            severity=subject.severity,
            at=subject.at,
            fired_at=subject.fired_at,
            onset=subject.silent_since or found.onset or subject.fired_at,
            objective_title=objective.title or objective.name,
            indicator=objective.indicator.name,
            flow=objective.indicator.flow,
            headline="",
            at_risk=found.at_risk if found.at_risk is not None else subject.at_risk,
            leads_affected=affected.leads if affected else 0,
            by_when=found.waiting.next_deadline if found.waiting else None,
            examples=tuple((lead, self.lead_url(lead)) for lead in affected.examples) if affected else (),
            causes=tuple(_by_cause(found.causes or ())),
            changes=found.changes or (),
            owner=owner,
            playbook=playbook,
            burn=subject.burn,
            target=float(objective.target),
            budget_left=_left(subject.balance),
            exhausted_in=subject.balance.lasts if subject.balance else None,
            confidence=confidence(subject.burn),
            link=self.alert_url(subject.incident),
            period=objective.window.length,
            reason=subject.reason,
            missing=tuple(_missing(subject, found)),
        )
        for what in made.missing:
            MISSED.labels(what).inc()
        return replace(made, headline=headline(made))

    def _owner(self, objective: Objective, leading: CauseCount | None) -> tuple[str, str]:
        """Who the objective names, else who owns the step at which the leading cause stops leads, else the cause's."""
        flow = self._flows().get(objective.indicator.flow)
        step = flow.by_name.get(leading.step, Step("")) if flow and leading else Step("")
        cause = known_causes().get(leading.cause) if leading else None
        owner = objective.owner or step.owner or (cause.owner if cause else "") or (flow.owner if flow else "")
        return owner, objective.playbook or step.playbook

    def lead_url(self, lead: str) -> str:
        return f"{self._home}/leads/{quote(lead, safe='')}"

    def alert_url(self, incident: str) -> str:
        return f"{self._home}/alerts/{quote(incident, safe='')}"


def confidence(burn: Burn | None) -> str:
    """A word for how unlikely it is that chance made it; the gate lets nothing through above 1 in 10,000."""
    if burn is None:
        return "high"
    if burn.chance < 1e-9 and burn.long.failure_units >= 10:
        return "high"
    return "good" if burn.chance < 1e-6 and burn.long.failure_units >= 5 else "fair"


def _long_window(subject: Subject) -> timedelta:
    tiers = subject.objective.tiers
    named = subject.burn.tier if subject.burn else ""
    found = next((tier.long for tier in tiers if tier.name == named), None)
    return found or max((tier.long for tier in tiers), default=timedelta(hours=1))


def _since(subject: Subject, found: Found) -> datetime:
    """A moment before the first unit of the onset; where no onset is known, the start of the long window."""
    if found.onset is None:
        return subject.at - _long_window(subject)
    return found.onset - timedelta(milliseconds=1)


def _moments(slots: Sequence[Slot], campaign: str, since: datetime) -> list[tuple[datetime, str]]:
    step = slots[1].at - slots[0].at if len(slots) > 1 else timedelta(minutes=1)
    after = [slot for slot in slots if slot.bad and slot.at + step > since]
    total = sum(slot.bad for slot in after)
    part = max(1, -(-total // MOST_AFFECTED))  # a unit in the list stands for so many
    return [(slot.at + step, campaign) for slot in after for _ in range(-(-slot.bad // part))]


def _by_cause(found: Sequence[CauseCount]) -> Iterator[tuple[str, str, int]]:
    """(code, title, leads) by cause: one that stops leads at several steps is told once."""
    leads: dict[str, int] = {}
    for one in found:
        leads[one.cause] = leads.get(one.cause, 0) + one.leads
    for cause, count in leads.items():
        yield cause, title_of(cause) or "no cause", count


def _left(balance: Balance | None) -> float:
    return float(balance.left) if balance is not None and balance.left is not None else 0.0


def _missing(subject: Subject, found: Found) -> Iterator[str]:
    if subject.balance is None or subject.balance.left is None:
        yield BUDGET
    if subject.key.kind != "burn":
        return
    for what, piece in (
        (LEADS, found.affected),
        (CAUSES, found.causes),
        (DEADLINES, found.waiting),
        (CHANGES, found.changes),
    ):
        if piece is None:
            yield what
