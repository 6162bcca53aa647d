"""How an objective is counted: the key its units stand under, and what the question for them needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lineage.flowbook import FlowBook
from model.flow import Flow
from model.objective import Indicator, Objective

KEPT = timedelta(days=399)
"""How far back entries are counted: a day less than the tables keep their units."""

SETTLING = timedelta(minutes=10)
"""How long a duplicate may still turn out to be none, where the objective names no decision deadline."""

CHANGES = ("ScoreChanged", "StageMoved", "ConsentGranted", "ConsentWithdrawn", "Unsubscribed")
RECORDS = ("CrmWritten",)
SLICED = frozenset({"backlog"})
LONGEST_WAIT = timedelta(days=28)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """`parameters` are those of `slo_units_{indicator}.sql`; `services` feed the objective; `longest_wait` is how long
    a unit may wait for its decision.
    """

    objective: Objective
    key: str
    parameters: Mapping[str, Any]
    services: tuple[str, ...]
    longest_wait: timedelta

    @property
    def indicator(self) -> str:
        return self.objective.indicator.name

    @property
    def sliced(self) -> bool:
        return self.objective.method == "timeslices" or self.indicator in SLICED


def key_of(objective: Objective) -> str:
    """What an objective's units stand under in the store: another definition is counted on its own."""
    return f"{objective.name}@{objective.generation}"


def plan_of(objective: Objective, book: FlowBook, now: datetime) -> Plan:
    """The plan for one objective, by the versions of its flow that are known."""
    indicator = objective.indicator
    flow = book.current.get(indicator.flow)
    versions = [one for _, one in book.versions.get(indicator.flow, ())]
    every = [*versions, flow] if flow is not None else versions
    common = {
        "objective": key_of(objective),
        "flow": indicator.flow,
        "since": now - KEPT,
        "group_by": list(objective.group_by),
    }
    return Plan(
        objective=objective,
        key=key_of(objective),
        parameters=common | _own_parameters(objective, every),
        services=_services(flow),
        longest_wait=_longest_wait(objective, every),
    )


def _own_parameters(objective: Objective, flows: list[Flow]) -> dict[str, Any]:
    """What only this indicator asks for."""
    indicator, given = objective.indicator, objective.indicator.parameters
    deadline = objective.decision_deadline
    match indicator.name:
        case "enrolment":
            return {"deadline_ms": _ms(deadline)}
        case "routing":
            return {"deadline_ms": _ms(deadline), "steps": _routing_steps(indicator, flows)}
        case "delivery_latency":
            return {
                "limit_ms": _ms(indicator.limit),
                "from_step": given.get("from", ""),
                "to_step": given.get("to", ""),
            }
        case "freshness":
            return {
                "limit_ms": _ms(indicator.limit),
                "events": _names(given.get("events", ""), CHANGES),
                "visible": _names(given.get("visible", ""), () if given.get("step") else RECORDS),
                "step": given.get("step", ""),
            }
        case "duplicates":
            return {
                "deadline_ms": _ms(deadline if deadline is not None else SETTLING),
                "events": _names(given.get("events", ""), RECORDS),
                "system": given.get("system", ""),
                "step": "",
            }
        case _:
            return {"limit_ms": _ms(indicator.limit)}


def _names(text: str, default: tuple[str, ...]) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()] or list(default)


def _routing_steps(indicator: Indicator, flows: list[Flow]) -> list[str]:
    """The step that the objective names, else those of kind route in any version: entries keep theirs."""
    if indicator.parameters.get("step"):
        return [indicator.parameters["step"]]
    return sorted({step.name for flow in flows for step in flow.steps if step.kind == "route"})


def _services(flow: Flow | None) -> tuple[str, ...]:
    if flow is None:
        return ()
    return tuple(sorted({one.service for step in flow.steps for one in step.matchers if one.service is not None}))


def _longest_wait(objective: Objective, flows: list[Flow]) -> timedelta:
    waits = [flow.deadline for flow in flows]
    waits += [wait for wait in (objective.indicator.limit, objective.decision_deadline) if wait is not None]
    return min(max(waits, default=timedelta(0)), LONGEST_WAIT)


def _ms(length: timedelta | None) -> int:
    return length // _MS if length is not None else 0
