"""What stands in a lead's way, in the flow's order. The first leads the verdict, the others contribute.

Failures and gates are tolerated where a later step of the flow happened all the same. Refusals by policy are not: a
system that went on without consent does not make up for it, only the goal does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lineage.case import Case, StepState
from lineage.headline import spoken
from lineage.merged import merges_away
from lineage.signs import Sign
from lineage.then_now import arrived_late
from model import attributes as names
from model.causes import UNMAPPED, causes
from model.flow import Step
from model.hop import Hop
from model.verdict import Status

NOT_ELIGIBLE = "eligible.criteria_not_met"
VALUE_LATE = "enrich.value_arrived_late"
RESTS_ON_VALUES = frozenset({NOT_ELIGIBLE, VALUE_LATE})
OPTED_OUT = "consent.opted_out_all"
MERGED_AWAY = "identity.merged_away"
EXHAUSTED = "delivery.retries_exhausted"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stops the lead at a step. `final` says that no retry is to be expected; `by_policy` that it was
    a refusal, not a failure; `swallowed` that the step's own handling calls it a success.
    """

    step: str
    cause: str
    at_ns: int
    hops: tuple[Hop, ...]
    raw_reason: str = ""
    system: str = ""
    final: bool = True
    by_policy: bool = False
    swallowed: bool = False
    detail: str = ""

    @property
    def cls(self) -> str:
        return class_of(self.cause)

    @property
    def status(self) -> Status:
        """A policy's stop is skipped, a fault is blocked. A cause that depends is judged by how it was said."""
        if self.cls == "expected":
            return Status.SKIPPED
        if self.cls == "pending":  # its time is up: consent that never came is the lead's choice, the rest is a fault
            return Status.SKIPPED if self.cause.startswith("consent.") else Status.BLOCKED
        return Status.SKIPPED if self.cls == "depends" and self.by_policy else Status.BLOCKED


def class_of(cause: str) -> str:
    known = causes().get(cause)
    return known.cls if known else "fault"


def obstacles(case: Case) -> list[Obstacle]:
    """Everything that stops this entry. Whether it came to its goal all the same is not asked here."""
    return [*_merged(case), *(one for step in case.flow.steps for one in _at_step(case, step))]


def _at_step(case: Case, step: Step) -> Iterator[Obstacle]:
    state = case.states[step.name]
    yield from _consent_lost(case, step)
    yield from _stopped(case, state)
    if step.name not in case.progressed:
        yield from _failed(case, state)
        yield from _gate_failed(case, state)


def _stopped(case: Case, state: StepState) -> Iterator[Obstacle]:
    if not state.stops or not (state.step.required or state.step.kind == "consent"):
        return
    hop, sign = state.stops[-1]
    later = consent_after(case, state)
    detail = f"it was given {spoken(later.at - hop.at)} later" if later is not None else ""
    raw = sign.raw_reason
    yield Obstacle(state.step.name, sign.cause, hop.at_ns, (hop,), raw, hop.system, by_policy=True, detail=detail)


def consent_after(case: Case, state: StepState) -> Hop | None:
    """The consent that came when the step had refused the lead for the lack of it already."""
    if not state.stops or not (state.step.kind == "consent" or state.stops[-1][1].cause.startswith("consent.")):
        return None
    refused = state.stops[-1][0]
    granted = (hop for hop in case.journey.hops if hop.event == names.CONSENT_GRANTED and hop.at_ns > refused.at_ns)
    return next(granted, None)


def _failed(case: Case, state: StepState) -> Iterator[Obstacle]:
    done = state.done
    said_done = done is not None and case.speaks(done) and not _is_taken_back(done, state)
    if state.failures and state.step.required and not said_done:
        standing = [one for one in state.failures if one[0].key not in state.swallowed]
        told = standing if any(sign.cause for _, sign in standing) else state.failures
        found = of_failures(state.step.name, told, dead_lettered=state.dead_lettered is not None)
        yield found if standing else replace(found, swallowed=True)


def _is_taken_back(done: Hop, state: StepState) -> bool:
    return any(sign.explicit and sign.final and hop.at_ns > done.at_ns for hop, sign in state.failures)


def of_failures(step: str, failures: Sequence[tuple[Hop, Sign]], *, dead_lettered: bool = False) -> Obstacle:
    """The last failure that gives a reason. That retries ran out is no reason, only an end; that something failed,
    without a word more, is hardly one.
    """
    hop, sign = max(failures, key=lambda pair: (_tells(pair[1]), pair[0].end_ns, pair[0].hop_id))
    return Obstacle(
        step,
        sign.cause or EXHAUSTED,
        hop.at_ns,
        tuple(one for one, _ in failures),
        sign.raw_reason,
        hop.system,
        final=dead_lettered or sign.final or failures[-1][1].final,
        by_policy=sign.effect == "stop",
    )


def _tells(sign: Sign) -> int:
    if sign.cause in {"", EXHAUSTED}:
        return 0
    return 1 if sign.cause == UNMAPPED and not sign.raw_reason else 2


def _gate_failed(case: Case, state: StepState) -> Iterator[Obstacle]:
    hop, gate = state.gated, state.step.gate
    if hop is None or gate is None:
        return
    name, value = gate.attribute.removeprefix("lead."), hop.attributes[gate.attribute]
    detail = f"{name} was {value}, needed {gate.wanted}"
    late = arrived_late(case, hop, state.step)
    if late is None:
        yield Obstacle(state.step.name, NOT_ELIGIBLE, hop.at_ns, (hop,), by_policy=True, detail=detail)
    else:
        detail += f", and became {late.now} {spoken(late.now_at - hop.at)} later"
        yield Obstacle(state.step.name, VALUE_LATE, hop.at_ns, (hop,), by_policy=True, detail=detail)


_CONSENT_WORDS = frozenset({names.UNSUBSCRIBED, names.CONSENT_WITHDRAWN, names.CONSENT_GRANTED})


def _consent_lost(case: Case, step: Step) -> Iterator[Obstacle]:
    """The lead unsubscribed or withdrew, and did not consent again. It stops at the consent step, unless a later step
    refused it for that: then it stopped there.
    """
    at = next((one for one in case.flow.steps if one.kind == "consent"), case.flow.by_name[case.flow.goal])
    if step.name != at.name:
        return
    last = next((hop for hop in reversed(case.journey.hops) if hop.event in _CONSENT_WORDS), None)
    if last is None or last.event == names.CONSENT_GRANTED:
        return
    refusals = (one for state in case.states.values() for one in _stopped(case, state))
    if not any(one.cause == OPTED_OUT and one.at_ns >= last.at_ns for one in refusals):
        yield Obstacle(at.name, OPTED_OUT, last.at_ns, (last,), last.reason, last.system, by_policy=True)


def _merged(case: Case) -> Iterator[Obstacle]:
    """The lead lives on under another id, and under that id nothing was heard of this entry."""
    journey = case.journey
    words = {hop.lead: hop for hop in journey.hops if merges_away(hop) or hop.event == names.IDENTITY_UNMERGED}
    gone = {lead: hop for lead, hop in words.items() if hop.event != names.IDENTITY_UNMERGED}
    mine = gone.get(journey.lead)
    if mine and any(hop.at_ns > mine.at_ns and hop.attributes[names.MERGED_INTO] == mine.lead for hop in gone.values()):
        del gone[journey.lead]  # merges went round in a circle, back to this id
    if not gone or any(hop.lead not in gone for hop in journey.hops):
        return
    last = max(gone.values(), key=lambda hop: (hop.at_ns, hop.hop_id))
    flow = case.flow
    step = case.step_of.get(last.key) or next((one for one in flow.steps if one.kind == "identity"), flow.capture)
    detail = f"it goes on as {last.attributes[names.MERGED_INTO] if journey.lead in gone else journey.lead}"
    yield Obstacle(step.name, MERGED_AWAY, last.at_ns, (last,), last.reason, last.system, by_policy=True, detail=detail)
