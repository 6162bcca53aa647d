"""What every verdict tells: of whom, how far the lead came, since when, what shows it, what else went wrong."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lineage.case import Case
from lineage.journey import Journey
from lineage.obstacles import Obstacle
from lineage.signs import SUCCESS
from model import attributes as names
from model.causes import GAP, UNMAPPED, causes
from model.flow import Step
from model.hop import Hop, moment
from model.verdict import Contribution, Evidence, Status

MAX_EVIDENCE = 10


def base(
    case: Case, step: Step, status: Status, since_ns: int, hops: Sequence[Hop], *, cause: str = ""
) -> dict[str, Any]:
    """By the names of Verdict's fields."""
    journey, flow = case.journey, case.flow
    known = causes().get(cause)
    reached = _reached_ns(case)
    return {
        "lead": journey.lead,
        "flow": flow.name,
        "entry": journey.entry,
        "status": status,
        "captured_at": moment(case.captured_ns),
        "since": moment(since_ns),
        "deadline_at": moment(case.deadline_ns),
        "last_hop_at": moment(max([hop.at_ns for hop in journey.hops], default=case.captured_ns)),
        "cause": cause,
        "cls": known.cls if known else "",
        "step": step.name,
        "owner": step.owner or flow.owner or (known.owner if known else ""),
        "playbook": step.playbook,
        "system": system_of(hops),
        "reached": tuple(reached),
        "reached_at": tuple(map(moment, reached.values())),
        "campaign": journey.first(names.CAMPAIGN),
        "segment": journey.first(names.SEGMENT),
        "source": journey.first(names.SOURCE),
        "evidence": tuple(_evidence(case, hop) for hop in hops[-MAX_EVIDENCE:]),
        "touched_at": _touched_at(case),
        "stages": _stages(journey),
        "interventions": sum(hop.event == names.MANUAL_INTERVENTION for hop in journey.telling),
        "hops": len(journey.hops),
        "flow_version": flow.version,
        "came_as": journey.came_as,
    }


def _reached_ns(case: Case) -> dict[str, int]:
    """The steps that were done, each with when; of one that was passed over, when a later one began."""
    reached: dict[str, int] = {}
    for name, state in case.states.items():
        if state.done is not None:
            reached[name] = state.done.end_ns
        elif name in case.progressed:
            reached[name] = case.progressed[name]
    return reached


def _touched_at(case: Case) -> datetime | None:
    """When the lead was first touched: contacted by a person, or entered into the sequence."""
    goal = case.states[case.flow.goal].done
    times = [hop.at_ns for hop in case.journey.telling if hop.event == names.LEAD_CONTACTED]
    times += [goal.end_ns] if goal is not None else []
    return moment(min(times)) if times else None


def _stages(journey: Journey) -> tuple[str, ...]:
    """The stages the lead moved to, in order; qualifying for the campaign makes it an MQL."""
    moved = [
        names.MQL if hop.event == names.CAMPAIGN_QUALIFIED else hop.attributes.get(names.STAGE, "")
        for hop in journey.telling
        if hop.event in {names.CAMPAIGN_QUALIFIED, names.STAGE_MOVED}
    ]
    return tuple(dict.fromkeys(stage for stage in moved if stage))


def contributing(
    case: Case, others: Sequence[Obstacle] = (), *, leading: Obstacle | None = None
) -> tuple[Contribution, ...]:
    """What else went wrong and was not repaired, in the flow's order, holes in the telemetry last."""
    found = {(one.cause, one.step) for one in others}
    for name, state in case.states.items():
        if state.failures or state.stops:
            found |= {(sign.cause or UNMAPPED, name) for _, sign in state.failures if sign.cause}
            found |= {(sign.cause, name) for _, sign in state.stops}
        elif case.is_gap(state):
            found.add((GAP, name))
    if leading is not None:
        found.discard((leading.cause, leading.step))
    position = case.flow.position
    ordered = sorted(found, key=lambda one: (one[0] == GAP, position[one[1]], one[0]))
    return tuple(Contribution(cause, step) for cause, step in ordered)


_SAID = {"success": "ok", "failure": "failed", "stop": "skipped", "neutral": "seen"}


def _evidence(case: Case, hop: Hop) -> Evidence:
    sign = case.signs.get(hop.key, SUCCESS)
    return Evidence(hop.trace_id, hop.hop_id, hop.service, hop.name, hop.at, hop.outcome or _SAID[sign.effect])


def system_of(hops: Sequence[Hop]) -> str:
    return next(
        (name for hop in reversed(hops) if (name := hop.system or hop.attributes.get("server.address", ""))), ""
    )
