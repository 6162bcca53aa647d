"""The incidents that are open, as the alert loop remembers them between evaluations; the store can give it all back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from model.alert import Alert, AlertKey, AlertState
from model.decisions import Acknowledgement
from model.objective import Objective, Severity
from slo.routing import Batches, Case, Heard
from store import alerts
from store.alerts import Committed
from store.engine import Store

RECALLED = 50
"""So many of the latest incidents are read back at a start, besides those that fire."""


@dataclass(slots=True)
class Open:
    """One incident: what was said of it last, and what each receiver heard last. `ended_at` is set once it is over."""

    incident: str
    last: Alert | None = None
    heard: dict[str, Heard] = field(default_factory=dict)
    ended_at: datetime | None = None
    left: list[Alert] = field(default_factory=list)

    def take(self, step: Committed) -> None:
        """Remember what was committed."""
        alert = step.alert
        if alert is None:
            return
        if self.last is not None and self.last.key != alert.key:  # it went on under a wider key
            self.left.append(replace(self.last, happening="resolved", at=alert.at))
        self.last = alert
        for message in step.messages:
            self.heard[message.receiver] = Heard(alert.happening, alert.severity, alert.at)
        if alert.happening == "resolved":
            self.ended_at = alert.at


@dataclass(slots=True)
class Memory:
    """What the loop knows. `states` are those of alerts that fire."""

    version: int = 0
    states: dict[AlertKey, AlertState] = field(default_factory=dict)
    open: dict[str, Open] = field(default_factory=dict)
    batches: Batches = field(default_factory=Batches)

    def take(self, steps: Iterable[Committed]) -> None:
        """Remember what was committed."""
        for step in steps:
            if step.state.firing == "ok":
                self.states.pop(step.state.key, None)
            else:
                self.states[step.state.key] = step.state
            if step.incident:
                self.open.setdefault(step.incident, Open(step.incident)).take(step)

    def forget_ended(self, before: datetime) -> None:
        self.open = {one: it for one, it in self.open.items() if it.ended_at is None or it.ended_at >= before}
        for it in self.open.values():
            it.left = [alert for alert in it.left if alert.at >= before]

    def of(self, objective: str) -> dict[AlertKey, AlertState]:
        return {key: state for key, state in self.states.items() if key.objective == objective}


def recall(store: Store) -> Memory:
    """What an engine before this one knew."""
    memory = Memory(version=alerts.last_version(store))
    memory.states = {state.key: state for state in alerts.states(store)}
    latest = [one.id for one in alerts.incidents(store, most=RECALLED)]
    firing = {state.incident for state in memory.states.values()}
    for steps in alerts.of_incidents(store, sorted(firing.union(latest))).values():
        for step in steps:
            if step.incident:
                memory.open.setdefault(step.incident, Open(step.incident)).take(step)
            for message in step.messages:
                if step.alert is not None:
                    memory.batches.recall(message, step.alert)
    return memory


def case_of(
    alert: Alert,
    state: AlertState | None,
    named: Sequence[str],
    heard: Mapping[str, Heard],
    acknowledged: Sequence[Acknowledgement],
) -> Case:
    """An incident as routing sees it; `state` is None once it is over, `named` are its receivers."""
    severity: Severity = alert.severity if state is None else "page" if state.firing == "page" else "ticket"
    taken: list[Severity] = sorted({one.severity for one in acknowledged})
    return Case(
        incident=alert.incident,
        objective=alert.key.objective,
        flow=alert.flow,
        indicator=alert.indicator,
        group=alert.key.group,
        severity=severity,
        kind=alert.key.kind,
        firing=state is not None,
        held=state is not None and (state.frozen_since or state.clear_since) is not None,
        at_risk=tuple(one.group for one in alert.at_risk),
        cause=alert.causes[0][0] if alert.causes else "",
        receivers=tuple(named),
        acknowledged=taken[0] if taken else None,  # "page" comes before "ticket"
        heard=dict(heard),
    )


def named_by(objective: Objective, state: AlertState) -> list[str]:
    """Who the objective wants told: by the tier that fires; of lost measurement, everybody it names."""
    if state.key.kind == "burn":
        return list(objective.receivers.get(state.tier, ()))
    return list(dict.fromkeys(name for names in objective.receivers.values() for name in names))


def keep_up_with(memory: Memory, receiver: str) -> list[Alert]:
    """What a receiver that forgets must hear again: what it heard of that fires, and what ended and is remembered."""
    heard = [it for it in memory.open.values() if receiver in it.heard and it.last is not None]
    return [alert for it in heard for alert in (*it.left, it.last) if alert is not None]
