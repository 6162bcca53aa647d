"""The judge: one pure function that says what became of one entry in one flow. Nothing else decides.

How it thinks. Every hop belongs to a step (by `lead.step`, a matcher, or its nearest ancestor that does) and carries a
sign (`signs.py`). Of each step it keeps when it was first done, and the failures that nothing repaired. A failure is
repaired by a later success at the same operation, by a later handling of the same message, by a later word of success,
and it is tolerated when a later step of the flow happened all the same. What then still stands in the lead's way is a
list of obstacles; the first in the flow's order leads the verdict, the others contribute.

Three rules that are easy to get wrong:
- An error handed up is one error: a failing span with a failing child says nothing of its own.
- A failure that a retry may still mend is no verdict before its step's deadline; until then the entry is pending.
- A step without hops is absent only when what it waits for is done and its time is up; when a later step happened, the
  telemetry has a gap and the lead has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from lineage.headline import headline
from lineage.journey import Journey
from lineage.signs import SUCCESS, Sign, operation_of, sign_of
from model import attributes as names
from model.causes import ABSENT, GAP, UNMAPPED, causes
from model.flow import Flow, Step
from model.hop import NS, Hop, moment
from model.verdict import Contribution, Evidence, Status, Verdict

WAITING = "pending.processing"
NOT_ELIGIBLE = "eligible.criteria_not_met"
OPTED_OUT = "consent.opted_out_all"
MERGED_AWAY = "identity.merged_away"
EXHAUSTED = "delivery.retries_exhausted"
MAX_EVIDENCE = 10


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands in the lead's way at a step."""

    step: str
    cause: str
    at_ns: int
    hops: tuple[Hop, ...]
    raw_reason: str = ""
    system: str = ""
    final: bool = True
    skip: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step as an entry went through it; `state` is one of the words that `lineage/answers.py` lists."""

    step: Step
    state: str
    at_ns: int | None


@dataclass(slots=True)
class _StepState:
    """What the hops of one step say together."""

    step: Step
    hops: list[Hop] = field(default_factory=list)
    done: Hop | None = None
    failures: list[tuple[Hop, Sign]] = field(default_factory=list)
    repaired: list[tuple[Hop, Sign]] = field(default_factory=list)
    stops: list[tuple[Hop, Sign]] = field(default_factory=list)
    gated: Hop | None = None
    dead_lettered: Hop | None = None

    @property
    def done_ns(self) -> int | None:
        return self.done.end_ns if self.done is not None else None


def judge(journey: Journey, flow: Flow, now: datetime) -> Verdict:
    """The verdict on `journey` in `flow` at `now` (aware UTC). Pure: equal arguments, equal verdict."""
    return _Case(journey, flow, now).verdict()


class _Case:
    """One entry before the judge."""

    def __init__(self, journey: Journey, flow: Flow, now: datetime) -> None:
        self.journey = journey
        self.flow = flow
        self.now_ns = int(now.timestamp() * 1_000_000) * 1000
        self.signs: dict[tuple[str, str], Sign] = {}
        self.step_of: dict[tuple[str, str], Step] = {}
        self.direct: set[tuple[str, str]] = set()
        self._place()
        self.states = self._weigh()

    # ── hops to steps ───────────────────────────────────────────────────────────────────────────────────────────

    def _place(self) -> None:
        """Give every hop its step, its own or its nearest ancestor's, and its sign."""
        for hop in self.journey.hops:
            step = self.flow.step_of(hop)
            if step is None and hop.event == names.ENROLLMENT_SKIPPED:
                step = self.flow.by_name[self.flow.goal]  # who refuses to enrol speaks for the goal, matched or not
            if step is not None:
                self.direct.add(hop.key)
                self.step_of[hop.key] = step
        for hop in self.journey.hops:
            if hop.key not in self.direct:
                inherited = next(
                    (self.step_of[up.key] for up in self.journey.ancestors(hop) if up.key in self.direct), None
                )
                if inherited is not None:
                    self.step_of[hop.key] = inherited
            self.signs[hop.key] = sign_of(hop, self.step_of.get(hop.key))

    def _weigh(self) -> dict[str, _StepState]:
        states = {step.name: _StepState(step) for step in self.flow.steps}
        for hop in self.journey.hops:
            step = self.step_of.get(hop.key)
            if step is not None:
                states[step.name].hops.append(hop)
        failing = self._failing_leaves()
        for state in states.values():
            self._settle_step(state, failing)
        return states

    def _failing_leaves(self) -> set[tuple[str, str]]:
        """Failing hops without a failing hop below them: an error that is handed up is one error."""
        failing = {key for key, sign in self.signs.items() if sign.effect == "failure"}
        passed_on = {
            up.key
            for hop in self.journey.hops
            if hop.key in failing
            for up in self.journey.ancestors(hop)
            if up.key in failing and not self.signs[up.key].explicit
        }
        return failing - passed_on

    def _settle_step(self, state: _StepState, failing: set[tuple[str, str]]) -> None:
        for hop in state.hops:
            sign = self.signs[hop.key]
            if sign.dead_lettered:
                state.dead_lettered = hop
            if sign.effect == "failure" and hop.key in failing:
                into = state.repaired if self._repaired(hop, state.hops) else state.failures
                into.append((hop, sign))
            elif sign.effect == "stop":
                into = state.repaired if self._said_well_later(hop, state.hops) else state.stops
                into.append((hop, sign))
        if state.step.gate is not None:
            state.gated = self._gated(state)
        # An inner failure that still stands makes its outer, green span no success; the step's own word does.
        spoiled = {up.key for hop, _ in state.failures for up in self.journey.ancestors(hop)}
        done = [
            hop
            for hop in state.hops
            if hop.key in self.direct
            and self.signs[hop.key].effect == "success"
            and (hop.key not in spoiled or self.signs[hop.key].explicit)
        ]
        if done and not state.stops:
            state.done = min(done, key=lambda hop: (hop.end_ns, hop.hop_id))

    def _repaired(self, failed: Hop, hops: Sequence[Hop]) -> bool:
        """Did a later hop of the step do what this one failed to do?"""
        operation = operation_of(failed)
        above = {up.key for up in self.journey.ancestors(failed)}
        for hop in hops:
            if hop.at_ns < failed.at_ns or hop.key == failed.key or self.signs[hop.key].effect != "success":
                continue
            if self.signs[hop.key].explicit or (hop.signal == "event" and hop.key in self.direct):
                return True
            if operation_of(hop) == operation:
                return True
            handled_again = hop.kind in {"server", "consumer"} and hop.key in self.direct and hop.at_ns >= failed.end_ns
            if handled_again and hop.key not in above and not self._fails_below(hop, hops):
                return True
        return False

    def _fails_below(self, outer: Hop, hops: Sequence[Hop]) -> bool:
        return any(
            self.signs[hop.key].effect == "failure" and outer in self.journey.ancestors(hop) for hop in hops
        )

    def _said_well_later(self, stopped: Hop, hops: Sequence[Hop]) -> bool:
        return any(
            hop.at_ns > stopped.at_ns and self.signs[hop.key].effect == "success" and self._speaks(hop) for hop in hops
        )

    def _speaks(self, hop: Hop) -> bool:
        """Does the hop say by itself that its step was done, rather than merely not fail?"""
        return self.signs[hop.key].explicit or (bool(hop.event) and hop.key in self.direct)

    def _gated(self, state: _StepState) -> Hop | None:
        """The hop whose attribute fails the gate, when the last word on it does."""
        gate = state.step.gate
        last = next((hop for hop in reversed(state.hops) if gate is not None and gate.attribute in hop.attributes), None)
        if last is None or gate is None or gate.passes(last.attributes[gate.attribute]):
            return None
        return last

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def captured_ns(self) -> int:
        captured = self.states[self.flow.capture.name].hops
        return min((hop.at_ns for hop in captured or self.journey.hops), default=self.now_ns)

    @cached_property
    def deadline_ns(self) -> int:
        return self.captured_ns + _ns(self.flow.deadline)

    @cached_property
    def ready_ns(self) -> dict[str, int | None]:
        """When each step could start: when all it waits for was done, passed over, or given up; None before that."""
        ready: dict[str, int | None] = {}
        for step in self.flow.steps:
            times = [self._passed_ns(self.states[name].step, ready) for name in step.after]
            ready[step.name] = None if None in times else max([self.captured_ns, *(time for time in times if time)])
        return ready

    def _passed_ns(self, step: Step, ready: Mapping[str, int | None]) -> int | None:
        state = self.states[step.name]
        if state.done_ns is not None:
            return state.done_ns
        if step.name in self.progressed:
            return self.progressed[step.name]
        start = ready[step.name]
        if not step.required and start is not None:
            last = max((hop.end_ns for hop, _ in state.failures), default=None)
            return last if last is not None else min(self._step_deadline_ns(step, start), self.now_ns + 1)
        return None

    @cached_property
    def progressed(self) -> dict[str, int]:
        """Steps that some later step of the flow went past, with when: nothing in them held the lead."""
        went: dict[str, int] = {}
        for name, state in self.states.items():
            begun = [hop.at_ns for hop in state.hops if hop.key in self.direct]
            if not begun or not any(self.signs[hop.key].effect != "neutral" for hop in state.hops):
                continue
            for before in self.flow.before[name]:
                went[before] = min(went.get(before, min(begun)), min(begun))
        return went

    def _step_deadline_ns(self, step: Step, ready_ns: int) -> int:
        if step.within is None:
            return self.deadline_ns
        return min(ready_ns + _ns(step.within), max(self.deadline_ns, ready_ns))

    def _due_ns(self, step: Step) -> int:
        """When a failure at this step, or its absence, is final."""
        ready = self.ready_ns[step.name]
        if ready is None:
            return self.deadline_ns
        return min(self._step_deadline_ns(step, ready), self.deadline_ns)

    # ── what stands in the way ──────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def obstacles(self) -> list[Obstacle]:
        """Everything that stops the lead, in the flow's order."""
        found: list[Obstacle] = []
        for step in self.flow.steps:
            state = self.states[step.name]
            found += self._consent_lost(step)
            found += self._stopped(state)
            if step.name in self.progressed:
                continue
            found += self._failed(state)
            found += self._gate_failed(state)
        return self._merged() + found

    def _stopped(self, state: _StepState) -> list[Obstacle]:
        if not state.stops or (not state.step.required and state.step.kind != "consent"):
            return []
        hop, sign = state.stops[-1]
        return [Obstacle(state.step.name, sign.cause, hop.at_ns, (hop,), sign.raw_reason, hop.system, skip=True)]

    def _failed(self, state: _StepState) -> list[Obstacle]:
        if not state.failures or not state.step.required or state.done is not None and self._speaks(state.done):
            return []
        return [self._of_failures(state.step.name, state.failures, state.dead_lettered)]

    def _of_failures(self, step: str, failures: Sequence[tuple[Hop, Sign]], dead: Hop | None) -> Obstacle:
        """The last unrepaired failure that gives a reason; that retries ran out is no reason, only an end."""
        told = [(hop, sign) for hop, sign in failures if sign.cause not in {"", EXHAUSTED}]
        hop, sign = max(told or failures, key=lambda pair: (pair[0].end_ns, pair[0].hop_id))
        hops = tuple(one for one, _ in failures)
        final = dead is not None or any(sign.final for _, sign in failures[-1:]) or sign.final
        skip = sign.effect == "stop"
        return Obstacle(step, sign.cause or EXHAUSTED, hop.at_ns, hops, sign.raw_reason, hop.system, final=final, skip=skip)

    def _gate_failed(self, state: _StepState) -> list[Obstacle]:
        hop, gate = state.gated, state.step.gate
        if hop is None or gate is None:
            return []
        value = hop.attributes[gate.attribute]
        detail = f"{gate.attribute.removeprefix('lead.')} was {value}, needed {gate.wanted}"
        return [Obstacle(state.step.name, NOT_ELIGIBLE, hop.at_ns, (hop,), skip=True, detail=detail)]

    def _consent_lost(self, step: Step) -> list[Obstacle]:
        """The lead unsubscribed or withdrew consent, and did not give it again. It stops it at the consent step."""
        at = next((one for one in self.flow.steps if one.kind == "consent"), self.flow.by_name[self.flow.goal])
        if step.name != at.name:
            return []
        said = [
            hop
            for hop in self.journey.hops
            if hop.event in {names.UNSUBSCRIBED, names.CONSENT_WITHDRAWN, names.CONSENT_GRANTED}
        ]
        if not said or said[-1].event == names.CONSENT_GRANTED:
            return []
        hop = said[-1]
        refused = (one for name in self.states for one in self._stopped(self.states[name]))
        if any(one.cause == OPTED_OUT and one.at_ns >= hop.at_ns for one in refused):
            return []  # a later step said so itself: the lead stopped there
        return [Obstacle(at.name, OPTED_OUT, hop.at_ns, (hop,), hop.reason, hop.system, skip=True)]

    def _merged(self) -> list[Obstacle]:
        said = [hop for hop in self.journey.hops if self._merges_away(hop) or hop.event == names.IDENTITY_UNMERGED]
        if not said or said[-1].event == names.IDENTITY_UNMERGED:
            return []
        hop = said[-1]
        step = self.step_of.get(hop.key) or next((one for one in self.flow.steps if one.kind == "identity"), self.flow.capture)
        into = hop.attributes[names.MERGED_INTO]
        return [Obstacle(step.name, MERGED_AWAY, hop.at_ns, (hop,), hop.reason, hop.system, skip=True, detail=f"merged into {into}")]

    def _merges_away(self, hop: Hop) -> bool:
        into = hop.attributes.get(names.MERGED_INTO, "")
        return bool(into) and into != self.journey.lead and hop.event != names.IDENTITY_UNMERGED

    # ── the verdict ─────────────────────────────────────────────────────────────────────────────────────────────

    def verdict(self) -> Verdict:
        goal = self.states[self.flow.goal]
        if goal.done is not None:
            return self._entered(goal.done)
        final = [one for one in self.obstacles if one.final or self._due_ns(self.flow.by_name[one.step]) <= self.now_ns]
        waiting = [one for one in self.obstacles if one not in final]
        for_now = [one for one in final if self._still_waits(one)]
        final = [one for one in final if one not in for_now]
        if final:
            return self._stopped_at(final[0], [*final[1:], *waiting, *for_now])
        if waiting or for_now:
            return self._pending(self.flow.by_name[(waiting or for_now)[0].step], [*waiting, *for_now])
        return self._absent()

    def _still_waits(self, obstacle: Obstacle) -> bool:
        """A vendor's `not yet` is no end before the flow's deadline."""
        return _class_of(obstacle.cause) == "pending" and self.deadline_ns > self.now_ns

    def _entered(self, goal: Hop) -> Verdict:
        return self._made(
            Status.ENTERED,
            step=self.flow.goal,
            since_ns=goal.end_ns,
            hops=(goal,),
            entered_ns=goal.end_ns,
            late=goal.end_ns > self.deadline_ns,
            contributing=self._troubles(()),
        )

    def _stopped_at(self, obstacle: Obstacle, others: Sequence[Obstacle]) -> Verdict:
        return self._made(
            _status_of(obstacle),
            step=obstacle.step,
            cause=obstacle.cause,
            since_ns=obstacle.at_ns,
            hops=obstacle.hops,
            raw_reason=obstacle.raw_reason,
            system=obstacle.system,
            detail=obstacle.detail,
            contributing=self._troubles(others, leading=obstacle),
        )

    def _absent(self) -> Verdict:
        """Nothing stands in the way: a step is still awaited, or did not come."""
        awaited = next((step for step in self.flow.steps if self._awaited(step)), self.flow.by_name[self.flow.goal])
        due_ns = self._due_ns(awaited)
        stray = self._stray_failures()
        told = [(hop, sign) for hop, sign in stray if sign.explicit and sign.final]
        if told:
            return self._stopped_at(self._of_failures(awaited.name, told, None), ())
        if due_ns > self.now_ns:
            return self._pending(awaited, ())
        if stray:
            return self._stopped_at(self._of_failures(awaited.name, stray, None), ())
        if not self.step_of:
            return unmatched(self.journey, self.flow)
        hops = tuple(hop for name in awaited.after if (hop := self.states[name].done) is not None)
        return self._made(
            Status.BLOCKED,
            step=awaited.name,
            cause=ABSENT,
            since_ns=due_ns,
            hops=hops or self.journey.hops[-1:],
            contributing=self._troubles(()),
        )

    def _awaited(self, step: Step) -> bool:
        state = self.states[step.name]
        return (
            step.required
            and state.done is None
            and step.name not in self.progressed
            and self.ready_ns[step.name] is not None
        )

    def _stray_failures(self) -> list[tuple[Hop, Sign]]:
        """Failures and refusals of systems that the flow does not name: the best explanation of a step that never came."""
        leaves = self._failing_leaves() | {key for key, sign in self.signs.items() if sign.effect == "stop"}
        strays = [hop for hop in self.journey.hops if hop.key in leaves and hop.key not in self.step_of]
        return [(hop, self.signs[hop.key]) for hop in strays if not self._repaired(hop, self.journey.hops)]

    def _pending(self, step: Step, waiting: Sequence[Obstacle]) -> Verdict:
        due_ns = min([self._due_ns(step), *(self._due_ns(self.flow.by_name[one.step]) for one in waiting), self.deadline_ns])
        if due_ns <= self.now_ns:
            due_ns = self.deadline_ns
        told = next((one for one in waiting if _class_of(one.cause) == "pending"), None)
        return self._made(
            Status.PENDING,
            step=step.name,
            cause=told.cause if told else WAITING,
            since_ns=waiting[0].at_ns if waiting else self.ready_ns[step.name] or self.captured_ns,
            hops=waiting[0].hops if waiting else self.journey.hops[-1:],
            raw_reason=told.raw_reason if told else "",
            due_ns=due_ns,
            contributing=self._troubles([one for one in waiting if one is not told]),
        )

    def _troubles(self, others: Sequence[Obstacle], leading: Obstacle | None = None) -> tuple[Contribution, ...]:
        """What else went wrong and was not repaired, in the flow's order; the leading cause is not named again."""
        found = {(one.cause, one.step) for one in others}
        for state in self.states.values():
            found |= {(sign.cause or UNMAPPED, state.step.name) for _, sign in state.failures if sign.cause}
            found |= {(sign.cause, state.step.name) for _, sign in state.stops}
            if self._is_gap(state):
                found.add((GAP, state.step.name))
        if leading is not None:
            found.discard((leading.cause, leading.step))
        position = self.flow.position
        return tuple(Contribution(cause, step) for cause, step in sorted(found, key=lambda one: (one[0] == GAP, position[one[1]], one[0])))

    def _is_gap(self, state: _StepState) -> bool:
        """A required step that left no hop although a later one happened: the telemetry has a hole, the lead has none."""
        return state.step.required and not state.hops and state.step.name in self.progressed

    def _notes(self) -> tuple[str, ...]:
        """Footnotes: what was mended, what ran out, what the telemetry left out."""
        notes: list[str] = []
        for name, state in self.states.items():
            causes_mended = sorted({sign.cause for _, sign in state.repaired if sign.cause})
            notes += [f"{name}: {_title(cause)} happened and was mended by a later try" for cause in causes_mended]
            if state.dead_lettered is not None:
                notes.append(f"{name}: the retries ran out and the message was set aside (dead letter)")
            if self._is_gap(state):
                notes.append(f"{name}: left no trace although a later step happened (instrumentation gap)")
        if self.journey.cut:
            notes.append("this lead has more hops than were read; the earliest were judged")
        return tuple(notes)

    def _made(
        self,
        status: Status,
        *,
        step: str,
        since_ns: int,
        hops: Sequence[Hop],
        cause: str = "",
        raw_reason: str = "",
        system: str = "",
        detail: str = "",
        entered_ns: int | None = None,
        late: bool = False,
        due_ns: int | None = None,
        contributing: tuple[Contribution, ...] = (),
    ) -> Verdict:
        at = self.flow.by_name[step]
        known = causes().get(cause)
        return Verdict(
            lead=self.journey.lead,
            flow=self.flow.name,
            entry=self.journey.entry,
            status=status,
            captured_at=moment(self.captured_ns),
            since=moment(since_ns),
            deadline_at=moment(self.deadline_ns),
            last_hop_at=moment(max((hop.at_ns for hop in self.journey.hops), default=self.captured_ns)),
            cause=cause,
            cls=known.cls if known else "",
            step=step,
            headline=headline(
                lead=self.journey.lead,
                status=status,
                flow=self.flow,
                step=at,
                cause=cause,
                detail=detail,
                raw_reason=raw_reason,
                contributing=contributing,
                entered_after=timedelta(microseconds=(entered_ns - self.captured_ns) // 1000) if entered_ns else None,
                late=late,
                due_at=moment(due_ns) if due_ns is not None else None,
            ),
            owner=at.owner or self.flow.owner or (known.owner if known else ""),
            playbook=at.playbook,
            raw_reason=raw_reason,
            system=system or _system_of(hops),
            entered_at=moment(entered_ns) if entered_ns is not None else None,
            late=late,
            due_at=moment(due_ns) if due_ns is not None else None,
            reached=tuple(name for name, state in self.states.items() if state.done is not None or name in self.progressed),
            campaign=self.journey.first(names.CAMPAIGN),
            segment=self.journey.first(names.SEGMENT),
            source=self.journey.first(names.SOURCE),
            evidence=tuple(self._evidence(hop) for hop in hops[-MAX_EVIDENCE:]),
            contributing=contributing,
            notes=self._notes(),
        )

    # ── the strip of steps ──────────────────────────────────────────────────────────────────────────────────────

    def steps_seen(self) -> list[StepSeen]:
        entered = self.states[self.flow.goal].done is not None
        stopping = {one.step: one for one in ([] if entered else self.obstacles)}
        return [self._seen(self.states[step.name], stopping.get(step.name)) for step in self.flow.steps]

    def _seen(self, state: _StepState, obstacle: Obstacle | None) -> StepSeen:
        step = state.step
        if obstacle is not None:
            open_still = not obstacle.final and self._due_ns(step) > self.now_ns
            return StepSeen(step, "waiting" if open_still else "skipped" if obstacle.skip else "failed", obstacle.at_ns)
        if state.done is not None:
            return StepSeen(step, "done", state.done_ns)
        if state.failures:
            return StepSeen(step, "failed", state.failures[-1][0].at_ns)
        if step.name in self.progressed:
            return StepSeen(step, "unseen" if not state.hops else "done", self.progressed[step.name])
        if self._awaited(step) and not self.obstacles and self.states[self.flow.goal].done is None:
            return StepSeen(step, "waiting" if self._due_ns(step) > self.now_ns else "absent", None)
        return StepSeen(step, "ahead", None)

    def _evidence(self, hop: Hop) -> Evidence:
        sign = self.signs.get(hop.key, SUCCESS)
        said = {"success": "ok", "failure": "failed", "stop": "skipped", "neutral": "seen"}[sign.effect]
        return Evidence(hop.trace_id, hop.hop_id, hop.service, hop.name, hop.at, hop.outcome or said)


def unjudged(journey: Journey, flow_name: str) -> Verdict:
    """The verdict on an entry whose flow nobody described: unknown, so that every entry has one."""
    return _unknown(journey, flow_name, f"no flow file describes “{flow_name}”")


def unmatched(journey: Journey, flow: Flow) -> Verdict:
    """The verdict on an entry of which no hop belongs to any step: the flow file does not fit what is sent."""
    why = f"none of its {len(journey.hops)} hops belongs to a step of “{flow.title or flow.name}”"
    return _unknown(journey, flow.name, why)


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
        headline=f"Nobody can say what became of {journey.lead}: {why}.",
        campaign=journey.first(names.CAMPAIGN),
        segment=journey.first(names.SEGMENT),
        source=journey.first(names.SOURCE),
    )


def _status_of(obstacle: Obstacle) -> Status:
    """A policy's stop is skipped, a fault is blocked. A cause that depends is judged by how it was said."""
    cls = _class_of(obstacle.cause)
    if cls == "expected":
        return Status.SKIPPED
    if cls == "fault":
        return Status.BLOCKED
    if cls == "pending":  # its time is up: a consent that never came is the lead's choice, anything else is a fault
        return Status.SKIPPED if obstacle.cause.startswith("consent.") else Status.BLOCKED
    return Status.SKIPPED if obstacle.skip else Status.BLOCKED


def _class_of(cause: str) -> str:
    known = causes().get(cause)
    return known.cls if known else "fault"


def _title(cause: str) -> str:
    known = causes().get(cause)
    return known.title if known else cause


def _system_of(hops: Sequence[Hop]) -> str:
    return next((name for hop in reversed(hops) if (name := hop.system or hop.attributes.get("server.address", ""))), "")


def _ns(length: timedelta) -> int:
    return (length.days * 86_400 + length.seconds) * NS + length.microseconds * 1000




def steps_seen(journey: Journey, flow: Flow, now: datetime) -> list[StepSeen]:
    """How far the entry came: each step of the flow with its state, in the flow's order."""
    return _Case(journey, flow, now).steps_seen()


def steps_of_hops(journey: Journey, flow: Flow, now: datetime) -> dict[tuple[str, str], tuple[str, Sign]]:
    """The step ('' for none) and the sign of each hop, by its key."""
    case = _Case(journey, flow, now)
    return {
        hop.key: (case.step_of[hop.key].name if hop.key in case.step_of else "", case.signs[hop.key])
        for hop in journey.hops
    }
