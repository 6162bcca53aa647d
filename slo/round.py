"""One round of the alert loop: what became of every alert, what is known of it, who is told. Nothing is committed here.

evaluate → look into it → route
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

import structlog
from prometheus_client import Counter as Count

from model.alert import Alert, AlertKey, AlertState, Happening, Transition
from model.budget import Feed, GroupCounts
from model.decisions import Acknowledgement, Correction, Silence
from model.objective import Group, Objective
from slo.budget import Balance, balance, rate_window
from slo.counting import Counter
from slo.evaluate import evaluate, retired
from slo.evidence import Evidence, Subject
from slo.incidents import Memory, Open, case_of, named_by
from slo.reading import Reading
from slo.receivers import Receivers
from slo.routing import Case, News, inhibited_by, news, receivers_of, silenced_by
from store import alerts
from store.engine import Store
from store.errors import StoreError

log = structlog.get_logger(__name__)

ERRORS = Count("leadtrace_alerts_errors_total", "Evaluations of an objective that failed", ["objective"])

_LOOKED_INTO = frozenset({"fired", "escalated", "eased", "repeated"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One objective as it was counted for this round."""

    objective: Objective
    counts: Sequence[GroupCounts]
    feeds: Sequence[Feed]
    corrections: Sequence[Correction]


@dataclass(slots=True)
class Change:
    """What a round says of one alert: its state, the transition if there is one, what is told of it and to whom."""

    state: AlertState
    transition: Transition | None = None
    alert: Alert | None = None
    news: News | None = None

    @property
    def happening(self) -> Happening | None:
        if self.transition is not None:
            return self.transition.happening
        return self.news.happening if self.news is not None else None

    @property
    def incident(self) -> str:
        return self.transition.incident if self.transition is not None else self.state.incident


@dataclass
class Round:
    """`work()` fills `changes`, and `waiting` with the states that need no commit. `memory` is what is known from
    before; it is read, not changed.
    """

    store: Store
    counter: Counter
    evidence: Evidence
    memory: Memory
    objectives: Mapping[str, Objective]
    receivers: Receivers
    now: datetime
    changes: list[Change] = field(default_factory=list)
    waiting: dict[AlertKey, AlertState] = field(default_factory=dict)
    _readings: dict[str, Mapping[Group, Reading]] = field(default_factory=dict)
    _feeds: dict[str, Sequence[Feed]] = field(default_factory=dict)
    _silences: Sequence[Silence] = ()
    _acknowledged: Mapping[str, Sequence[Acknowledgement]] = field(default_factory=dict)

    def work(self) -> list[Change]:
        self._evaluate()
        self._look_into()
        self._route()
        return self.changes

    # ── evaluating ──────────────────────────────────────────────────────────────────────────────────────────────

    def _evaluate(self) -> None:
        """What became of every alert. An objective that fails does not stop the others; its alerts stand."""
        seen = [one for objective in self.objectives.values() if (one := self._guarded(self._see, objective))]
        groups = sum(len(one.counts) for one in seen)
        for one in seen:
            self._guarded(self._judge, one.objective, one, groups)
        for name in {key.objective for key in self.memory.states} - self.objectives.keys():
            gone = retired(name, self.memory.states.values(), self.now)
            self.changes += [Change(state, told) for state, told in gone]

    def _guarded(self, what: Callable[..., Seen | None], objective: Objective, *arguments: object) -> Seen | None:
        try:
            return what(objective, *arguments)
        except StoreError as error:
            log.warning("objective_not_evaluated", objective=objective.name, reason=str(error))
        except Exception:  # one objective's trouble is not the others'
            log.exception("objective_broke", objective=objective.name)
        ERRORS.labels(objective.name).inc()
        return None

    def _see(self, objective: Objective) -> Seen | None:
        if not self.counter.counted(objective):
            return None  # of a part of the leads nothing can be said
        corrections = [one for one in alerts.corrections(self.store, objective.name) if one.removed_at is None]
        counts = self.counter.counts(objective, self.now, corrections)
        return Seen(objective, counts, self.counter.feeds(objective, self.now), corrections)

    def _judge(self, objective: Objective, seen: Seen, groups: int) -> None:
        before = self.memory.of(objective.name)
        found = evaluate(
            objective, seen.counts, before, seen.feeds, self.now, groups=groups, corrections=seen.corrections
        )
        told = {one.key: one for one in found.transitions}
        self._readings[objective.name] = found.readings
        self._feeds[objective.name] = seen.feeds
        for key, state in found.states.items():
            if key in told or _moved(before.get(key, AlertState(key)), state):
                self.changes.append(Change(state, told.get(key)))
            elif key in before:
                self.waiting[key] = state

    # ── evidence ────────────────────────────────────────────────────────────────────────────────────────────────

    def _look_into(self) -> None:
        """An alert for each transition: what is new or worse is looked into, of what ended the last news is told."""
        self._find([one for one in self.changes if one.transition and one.transition.happening in _LOOKED_INTO])
        for change in self.changes:
            if change.transition is not None and change.alert is None:
                change.alert = self._last_news(change.transition)

    def _find(self, changes: Sequence[Change]) -> None:
        told = [change.transition or self._anew(change) for change in changes]
        found = self.evidence.alerts([self._subject(one) for one in told])
        for change, alert in zip(changes, found, strict=True):
            change.alert = alert

    def _subject(self, told: Transition) -> Subject:
        return Subject(
            id=_id(told.incident, told.happening, self.now),
            objective=self.objectives[told.key.objective],
            key=told.key,
            incident=told.incident,
            happening=told.happening,
            severity=told.severity,
            at=self.now,
            fired_at=told.since,
            reason=told.reason,
            at_risk=told.at_risk,
            burn=told.burn,
            balance=self._balance(told.key, told.burn.tier if told.burn else ""),
            silent_since=self._silent_since(told.key),
        )

    def _last_news(self, told: Transition) -> Alert | None:
        """What was said last, with what happened now and what is left of the budget now."""
        it = self.memory.open.get(told.incident)
        if it is None or it.last is None:
            return None
        burn = None if told.happening == "resolved" else it.last.burn
        left = self._balance(told.key, "")
        return replace(
            it.last,
            id=_id(told.incident, told.happening, self.now),
            happening=told.happening,
            at=self.now,
            reason=told.reason,
            burn=burn,
            budget_left=float(left.left) if left and left.left is not None else it.last.budget_left,
        )

    def _anew(self, change: Change) -> Transition:
        """A standing incident as if it had just been seen: its burn and the groups at risk as they are counted now."""
        state, last = change.state, change.alert
        assert last is not None  # noqa: S101  only what was told once is told again
        readings = self._readings.get(state.key.objective, {})
        reading = readings.get(last.burn.group if last.burn else state.key.group)
        tier = next((one for one in reading.tiers() if one.tier.name == state.tier), None) if reading else None
        at_risk = tuple(
            replace(one, bad=count.bad, total=count.total)
            for one in last.at_risk
            if tier and (of := readings.get(one.group)) and (count := of.window(tier.tier.long))
        )
        return Transition(
            key=state.key,
            incident=state.incident,
            happening="repeated",
            before=state.firing,
            after=state.firing,
            at=self.now,
            since=state.since or last.fired_at,
            reason=state.reason,
            at_risk=at_risk or last.at_risk,
            burn=reading.burn(tier) if reading and tier else last.burn,
        )

    def _balance(self, key: AlertKey, tier: str) -> Balance | None:
        """What is left of the budget of the alert's group."""
        reading = self._readings.get(key.objective, {}).get(key.group)
        return balance(reading, rate_window(reading, tier)) if reading else None

    def _silent_since(self, key: AlertKey) -> datetime | None:
        if key.kind == "burn":
            return None
        feeds = self._feeds.get(key.objective, ())
        return min((feed.silent_since for feed in feeds if feed.silent_since is not None), default=None)

    # ── routing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _route(self) -> None:
        """Who hears of what changed, and of what stands and must be told, or told again."""
        silences = alerts.silences(self.store, ended_after=self.now)
        self._silences = [one for one in silences if one.active(self.now)]
        self._acknowledged = alerts.acknowledgements(self.store, self.memory.open) if self.memory.open else {}
        standing = self._standing()
        cases = [self._case(one, one.alert) for one in standing if one.alert is not None]
        for change, case in zip(standing, cases, strict=True):
            change.news = news(case, self.receivers, self.now, quiet=self._is_quiet(case, cases))
        again = [one for one in standing if one.news is not None and one.transition is None]
        self._find([one for one in again if one.happening == "repeated"])
        for change in again:
            if change.happening == "acknowledged" and change.alert is not None:
                change.alert = self._taken_on(change.alert)
        self.changes += again

    def _standing(self) -> list[Change]:
        """Every incident that is open after this evaluation or ended in it, and of which something is known."""
        changed = {one.incident: one for one in self.changes if one.transition is not None}
        moved = self.waiting | {one.state.key: one.state for one in self.changes}
        found = [one for one in changed.values() if one.alert is not None]
        for key, state in self.memory.states.items():
            it = self.memory.open.get(state.incident)
            if state.incident not in changed and it is not None and it.last is not None:
                found.append(Change(moved.get(key, state), alert=it.last))
        return found

    def _case(self, change: Change, alert: Alert) -> Case:
        objective = self.objectives.get(alert.key.objective)
        firing = change.state if change.state.firing != "ok" else None
        named = receivers_of(named_by(objective, change.state) if objective else (), self.receivers)
        heard = self.memory.open.get(alert.incident, Open(alert.incident)).heard
        case = case_of(alert, firing, named, heard, self._acknowledged.get(alert.incident, ()))
        return replace(case, happening=change.transition.happening if change.transition else None)

    def _is_quiet(self, case: Case, others: Iterable[Case]) -> bool:
        return silenced_by(case, self._silences) is not None or inhibited_by(case, others) is not None

    def _taken_on(self, last: Alert) -> Alert:
        first = self._acknowledged[last.incident][0]
        reason = f"{first.author} works on it" + (f": {first.note}" if first.note else "")
        one = _id(last.incident, "acknowledged", self.now)
        return replace(last, id=one, happening="acknowledged", at=self.now, reason=reason)


def _moved(before: AlertState, after: AlertState) -> bool:
    """Did the state change in a way that must survive a restart? Since when it is clear is found anew."""
    return replace(before, clear_since=None) != replace(after, clear_since=None)


def _id(incident: str, happening: str, now: datetime) -> str:
    """The same news has the same id, however often it is worked out."""
    return blake2b(f"{incident}/{happening}/{now.isoformat()}".encode(), digest_size=12).hexdigest()


def id_of(change: Change, now: datetime) -> str:
    """The id under which a change is committed: that of what is told of it."""
    return change.alert.id if change.alert else _id(repr(change.state.key), change.happening or "", now)
