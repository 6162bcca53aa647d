"""The judge: one pure function that says what became of one entry in one flow. Nothing else decides.

Three rules that are easy to get wrong:
- A failure that a retry may still mend is no verdict before its step's deadline; until then the entry is pending.
- A step without hops is absent only when what it waits for is done and its time is up; when a later step happened, the
  telemetry has a gap and the lead has none.
- Pending ends at the flow's deadline, whatever is still awaited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineage.calls import destination_of
from lineage.case import Case
from lineage.facts import base, contributing, system_of
from lineage.footnotes import footnotes
from lineage.headline import headline, named
from lineage.journey import Journey
from lineage.obstacles import RESTS_ON_VALUES, Obstacle, class_of, obstacles, of_failures
from lineage.reading import Key
from lineage.signs import Sign
from lineage.then_now import then_and_now
from model import attributes as names
from model.causes import ABSENT, VendorCodes
from model.flow import Flow, Step
from model.hop import Hop, moment
from model.verdict import Status, Verdict

WAITING = "pending.processing"


def judge(
    journey: Journey, flow: Flow, now: datetime, codes: VendorCodes | None = None, others: Sequence[Flow] = ()
) -> Verdict:
    """The verdict on `journey` in `flow` at `now` (aware UTC). Pure: equal arguments, equal verdict.

    `codes` says what vendors' codes mean; by default, those that come with leadtrace. `others` are the other flows that
    the entry tries: their systems' troubles are theirs.
    """
    return _decided(Case(journey, flow, now, codes, others))


def unjudged(journey: Journey, flow_name: str) -> Verdict:
    """The verdict on an entry whose flow nobody described: unknown, so that every entry has one."""
    return _unknown(journey, flow_name, f"no flow file describes “{flow_name}”")


# ── deciding ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _decided(case: Case) -> Verdict:
    goal = case.states[case.flow.goal].done
    if goal is not None:
        return _entered(case, goal)
    found = obstacles(case)
    final = sorted((one for one in found if _is_over(case, one)), key=lambda one: one.swallowed)
    waiting = [one for one in found if not _is_over(case, one)]
    if final:
        return _ended(case, [*final, *waiting])
    if waiting:
        return _pending(case, case.flow.by_name[waiting[0].step], waiting)
    return _without_obstacle(case)


def _ended(case: Case, told: Sequence[Obstacle]) -> Verdict:
    """The first leads; but what is in doubt yields to what went wrong since, or to a step silent for another reason."""
    if told[0].swallowed:
        if since := _failed_since(case, told[0]):
            told = [*since, *told]
        elif silent := _silent_elsewhere(case, told[0]):
            return _at_silent(case, silent, told)
    return _stopped(case, told[0], told[1:])


def _failed_since(case: Case, doubtful: Obstacle) -> list[Obstacle]:
    """What went wrong at no step's system after a failure that its own handling calls a success: the lead went on from
    there to another system or handling, and stopped here.
    """
    silent = (step for step in case.flow.steps if step.required and doubtful.step in case.flow.before[step.name])
    step = next((one for one in silent if not case.states[one.name].hops), None)
    if step is None:
        return []
    since = [
        (hop, sign)
        for hop, sign in case.strays_at(step)
        if hop.at_ns > doubtful.at_ns and (hop.service != doubtful.hops[-1].service or case.stopped_as_a_whole(hop))
    ]
    return [of_failures(step.name, since)] if since else []


def _silent_elsewhere(case: Case, doubtful: Obstacle) -> Step | None:
    """A step that did not come although it never waited for the one whose handling calls its failure a success."""
    before = case.flow.before
    return next(
        (
            step
            for step in case.flow.steps
            if case.awaited(step)
            and not case.states[step.name].hops
            and case.due_ns(step) <= case.now_ns
            and step.name != doubtful.step
            and doubtful.step not in before[step.name]
        ),
        None,
    )


def _is_over(case: Case, obstacle: Obstacle) -> bool:
    """Is this an end? A retry may still mend a failure; a vendor's `not yet` lasts until the flow's deadline; a failure
    that its own handling calls a success waits for what comes next.
    """
    if obstacle.cls == "pending":
        return case.deadline_ns <= case.now_ns
    if obstacle.swallowed:
        return case.swallowed_due_ns(case.flow.by_name[obstacle.step]) <= case.now_ns
    return obstacle.final or case.due_ns(case.flow.by_name[obstacle.step]) <= case.now_ns


def _without_obstacle(case: Case) -> Verdict:
    """Nothing stands in the way: a step is still awaited, or did not come."""
    awaited = next((step for step in case.flow.steps if case.awaited(step)), case.flow.by_name[case.flow.goal])
    return _at_silent(case, awaited)


def _at_silent(case: Case, awaited: Step, others: Sequence[Obstacle] = ()) -> Verdict:
    strays = case.strays_at(awaited)
    held = [(hop, sign) for hop, sign in strays if class_of(sign.cause) == "pending"]
    told = [one for one in strays if one not in held]
    # A service that the step names may still be heard from; where only events tell the step, whoever refuses is it.
    by_name = any(matcher.service for matcher in awaited.matchers)
    final = any(sign.final and (sign.explicit or not by_name) for _, sign in told)
    if final and not _may_be_optional(case, awaited):
        return _stopped(case, of_failures(awaited.name, told), others)
    if case.due_ns(awaited) > case.now_ns:
        return _pending(case, awaited, [of_failures(awaited.name, held)] if held else ())
    if strays:
        return _stopped(case, of_failures(awaited.name, strays), others)
    if not case.step_of:
        why = f"none of its {len(case.journey.hops)} hops belongs to a step of “{case.flow.title or case.flow.name}”"
        return _unknown(case.journey, case.flow.name, why)
    return _absent(case, awaited, others)


def _may_be_optional(case: Case, awaited: Step) -> bool:
    """May the lead go on, as what failed at a system of no step was an optional step that only events tell?"""
    before = [step for step in case.flow.steps if step.name in case.flow.before[awaited.name]]
    silent = [step for step in before if not step.required and not case.states[step.name].hops]
    return any(not any(matcher.service for matcher in step.matchers) for step in silent)


# ── the five kinds of verdict ───────────────────────────────────────────────────────────────────────────────────────


def _entered(case: Case, goal: Hop) -> Verdict:
    return _told(
        case,
        base(case, case.flow.by_name[case.flow.goal], Status.ENTERED, goal.end_ns, (goal,)),
        entered_at=moment(goal.end_ns),
        late=goal.end_ns > case.deadline_ns,
        contributing=contributing(case),
    )


def _stopped(case: Case, obstacle: Obstacle, others: Sequence[Obstacle]) -> Verdict:
    step = case.flow.by_name[obstacle.step]
    return _told(
        case,
        base(case, step, obstacle.status, obstacle.at_ns, obstacle.hops, cause=obstacle.cause),
        obstacle.detail,
        raw_reason=obstacle.raw_reason,
        system=obstacle.system or system_of(obstacle.hops),
        contributing=contributing(case, others, leading=obstacle),
        then_and_now=then_and_now(case, obstacle.hops[-1], step) if obstacle.cause in RESTS_ON_VALUES else (),
    )


def _absent(case: Case, step: Step, others: Sequence[Obstacle]) -> Verdict:
    before = tuple(hop for name in step.after if (hop := case.states[name].done) is not None)
    sent = case.told_to(step)
    hops = (*before, *([sent[0]] if sent else [])) or case.journey.hops[-1:]
    facts = base(case, step, Status.BLOCKED, case.due_ns(step), hops, cause=ABSENT)
    detail = f"the message on “{destination_of(sent[0])}” {_FATES[sent[1]]}" if sent else ""
    return _told(case, facts, detail, contributing=contributing(case, others))


_FATES = {False: "was published and never consumed", True: "was received and never handled"}


def _pending(case: Case, step: Step, waiting: Sequence[Obstacle]) -> Verdict:
    told = next((one for one in waiting if one.cls == "pending"), None)
    first = waiting[0] if waiting else None
    since_ns = first.at_ns if first else case.ready_ns[step.name] or case.captured_ns
    hops = first.hops if first else case.journey.hops[-1:]
    return _told(
        case,
        base(case, step, Status.PENDING, since_ns, hops, cause=told.cause if told else WAITING),
        raw_reason=told.raw_reason if told else "",
        due_at=moment(_next_due_ns(case, step, waiting)),
        contributing=contributing(case, [one for one in waiting if one is not told]),
    )


def _next_due_ns(case: Case, step: Step, waiting: Sequence[Obstacle]) -> int:
    """When time alone may change the verdict: the nearest deadline that is still ahead."""
    dues = [case.deadline_ns, case.due_ns(step)]
    for one in waiting:
        at = case.flow.by_name[one.step]
        dues.append(case.swallowed_due_ns(at) if one.swallowed else case.due_ns(at))
    return min((due for due in dues if due > case.now_ns), default=case.deadline_ns)


def _unknown(journey: Journey, flow_name: str, why: str) -> Verdict:
    first = moment(journey.hops[0].at_ns)
    return Verdict(
        lead=journey.lead,
        flow=flow_name,
        entry=journey.entry,
        status=Status.UNKNOWN,
        captured_at=first,
        since=first,
        deadline_at=first,
        last_hop_at=moment(max(hop.at_ns for hop in journey.hops)),
        headline=f"Nobody can say what became of {named(journey.lead, journey.came_as)}: {why}.",
        campaign=journey.first(names.CAMPAIGN),
        segment=journey.first(names.SEGMENT),
        source=journey.first(names.SOURCE),
        hops=len(journey.hops),
        came_as=journey.came_as,
    )


def _told(case: Case, facts: Mapping[str, Any], detail: str = "", **more: Any) -> Verdict:
    """The verdict of these facts with what is said of it: footnotes and the headline."""
    told = {**facts, **more, "notes": footnotes(case, more.get("then_and_now", ()))}
    return Verdict(**told, headline=headline(Verdict(**told), case.flow, detail))


# ── how far the entry came ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step as an entry went through it; `state` is one of the words that `lineage/answers.py` lists."""

    step: Step
    state: str
    at_ns: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry in detail: its steps in the flow's order, and the step ('' for none) and sign of each hop."""

    steps: tuple[StepSeen, ...]
    hops: dict[Key, tuple[str, Sign]]


def seen(journey: Journey, flow: Flow, now: datetime, codes: VendorCodes | None = None) -> Seen:
    """What `judge` saw, for people who look closer."""
    case = Case(journey, flow, now, codes)
    entered = case.states[flow.goal].done is not None
    stopping = {one.step: one for one in ([] if entered else reversed(obstacles(case)))}
    return Seen(
        tuple(_step_seen(case, step, stopping.get(step.name), clear=entered or bool(stopping)) for step in flow.steps),
        {
            hop.key: (case.step_of[hop.key].name if hop.key in case.step_of else "", case.signs[hop.key])
            for hop in journey.hops
        },
    )


def _step_seen(case: Case, step: Step, obstacle: Obstacle | None, *, clear: bool) -> StepSeen:
    """`clear` says that no absent step needs to be looked for: the entry ended otherwise."""
    state = case.states[step.name]
    if obstacle is not None:
        stopped = "skipped" if obstacle.status is Status.SKIPPED else "failed"
        return StepSeen(step, stopped if _is_over(case, obstacle) else "waiting", obstacle.at_ns)
    if state.done is not None:
        return StepSeen(step, "done", state.done_ns)
    if state.failures:
        return StepSeen(step, "failed", state.failures[-1][0].at_ns)
    if step.name in case.progressed:
        return StepSeen(step, "done" if state.hops else "unseen", case.progressed[step.name])
    if case.awaited(step) and not clear:
        return StepSeen(step, "waiting" if case.due_ns(step) > case.now_ns else "absent", None)
    return StepSeen(step, "ahead", None)
