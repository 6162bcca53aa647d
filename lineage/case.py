"""One entry laid out before the judge: which hop belongs to which step, what each step's hops say together, and when
each step could start and must be over.

A hop belongs to the step it names or matches, else to its nearest ancestor's. A failure is repaired by a later success
at the same operation, by a later handling of the same message, or by a later word of success from the step. An error
that is handed up is one error: a failing span with a failing span below it says nothing of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from lineage.journey import Journey
from lineage.signs import Sign, is_beside, operation_of, sign_of
from model import attributes as names
from model.causes import VendorCodes
from model.flow import Flow, Step
from model.hop import NS, Hop

Key = tuple[str, str]


@dataclass(slots=True)
class StepState:
    """What the hops of one step say together. `failures` and `stops` are those that nothing repaired."""

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


class _Successes:
    """The successes among some hops, so that each failure is compared with the latest of its kind only."""

    def __init__(self, case: "Case", hops: Sequence[Hop]) -> None:
        self.last_word_ns = -1
        self._by_operation: dict[tuple[str, ...], int] = {}
        self._handled: Hop | None = None
        for hop in hops:
            if case.signs[hop.key].effect != "success":
                continue
            if case.speaks(hop):
                self.last_word_ns = max(self.last_word_ns, hop.at_ns)
            operation = operation_of(hop)
            self._by_operation[operation] = max(self._by_operation.get(operation, -1), hop.at_ns)
            handles = (
                hop.kind in {"server", "consumer"} and hop.key in case.direct and hop.key not in case.above_failures
            )
            if handles and (self._handled is None or hop.at_ns > self._handled.at_ns):
                self._handled = hop

    def repair(self, failed: Hop, above: Sequence[Hop]) -> bool:
        """Did something later do what `failed` failed to do?"""
        if self.last_word_ns >= failed.at_ns or self._by_operation.get(operation_of(failed), -1) >= failed.at_ns:
            return True
        again = self._handled
        return again is not None and again.at_ns >= failed.end_ns and all(again.key != up.key for up in above)


class Case:
    """A journey in a flow at a moment. Everything here is derived once and never changes."""

    def __init__(
        self,
        journey: Journey,
        flow: Flow,
        now: datetime,
        codes: VendorCodes | None = None,
        others: Sequence[Flow] = (),
    ) -> None:
        self.journey = journey
        self.flow = flow
        self._codes = codes
        self._others = others
        self.now_ns = int(now.timestamp() * 1_000_000) * 1000
        self.direct: set[Key] = set()
        self.step_of = self._placed()
        self.signs = {hop.key: sign_of(hop, self.step_of.get(hop.key), codes) for hop in journey.hops}
        failing = [hop for hop in journey.hops if self.signs[hop.key].effect == "failure"]
        self.above_failures = {up.key for hop in failing for up in journey.ancestors(hop)}
        self.leaves = [hop for hop in failing if hop.key not in self.above_failures or self.signs[hop.key].explicit]
        self.states = self._weighed()

    # ── hops and steps ──────────────────────────────────────────────────────────────────────────────────────────

    def _placed(self) -> dict[Key, Step]:
        placed: dict[Key, Step] = {}
        for hop in self.journey.hops:
            step = self.flow.step_of(hop)
            if step is None and hop.event == names.ENROLLMENT_SKIPPED:
                step = self.flow.by_name[self.flow.goal]  # who refuses to enrol speaks for the goal, matched or not
            if step is not None:
                self.direct.add(hop.key)
                placed[hop.key] = step
        for hop in self.journey.hops:
            if hop.key not in self.direct:
                inherited = self._inherited(hop, placed)
                if inherited is not None:
                    placed[hop.key] = inherited
        return placed

    def _inherited(self, hop: Hop, placed: Mapping[Key, Step]) -> Step | None:
        """The step of the nearest ancestor that has one of its own: what a system does within its step, and what it
        calls there, is part of it. What another system does below it by itself is not.
        """
        above = next((up for up in self.journey.ancestors(hop) if up.key in self.direct), None)
        if above is None or (above.service != hop.service and above.kind not in {"client", "producer"}):
            return None
        return placed[above.key]

    def speaks(self, hop: Hop) -> bool:
        """Does the hop say by itself that its step was done, rather than merely not fail?"""
        return self.signs[hop.key].explicit or (bool(hop.event) and hop.key in self.direct)

    def _weighed(self) -> dict[str, StepState]:
        states = {step.name: StepState(step) for step in self.flow.steps}
        for hop in self.journey.hops:
            step = self.step_of.get(hop.key)
            if step is not None:
                states[step.name].hops.append(hop)
        leaves = {hop.key for hop in self.leaves}
        for state in states.values():
            if state.hops:
                self._weigh(state, leaves)
        return states

    def _weigh(self, state: StepState, leaves: set[Key]) -> None:
        successes = _Successes(self, state.hops)
        for hop in state.hops:
            sign = self.signs[hop.key]
            if sign.dead_lettered:
                state.dead_lettered = hop
            if sign.effect == "failure" and hop.key in leaves:
                mended = successes.repair(hop, self.journey.ancestors(hop))
                (state.repaired if mended else state.failures).append((hop, sign))
            elif sign.effect == "stop":
                (state.repaired if successes.last_word_ns > hop.at_ns else state.stops).append((hop, sign))
        state.gated = _gated(state)
        state.done = self._done(state)

    def _done(self, state: StepState) -> Hop | None:
        """The first success of the step, if nothing refused the lead there.

        A green span around a failure or a refusal that still stands is none, unless it says so itself; nor is a part of
        a larger span that failed, nor what only looks something up or keeps a record. The goal stays reached: who is in
        and is then turned away, as a message delivered twice is, or leaves again, has entered.
        """
        standing = [*state.failures, *state.stops]
        spoiled = {up.key for hop, _ in standing for up in self.journey.ancestors(hop)}
        fallen = {hop.key for hop, _ in standing}
        done = [
            hop
            for hop in state.hops
            if hop.key in self.direct
            and self.signs[hop.key].effect == "success"
            and (self.speaks(hop) or (hop.key not in spoiled and not self._is_part_of(hop, fallen)))
        ]
        done = [hop for hop in done if not is_beside(hop)] or ([] if standing else done)
        first = min(done, key=lambda hop: (hop.end_ns, hop.hop_id), default=None)
        if first is None or not state.stops:
            return first
        is_goal = state.step.name == self.flow.goal
        return first if is_goal and first.at_ns < min(hop.at_ns for hop, _ in state.stops) else None

    def _is_part_of(self, hop: Hop, larger: set[Key]) -> bool:
        return any(up.key in larger for up in self.journey.ancestors(hop))

    def _is_of_another_flow(self, hop: Hop) -> bool:
        return any(other.step_of(one) for other in self._others for one in (hop, *self.journey.ancestors(hop)))

    def strays_at(self, step: Step) -> list[tuple[Hop, Sign]]:
        """Unrepaired failures and refusals of systems that the flow does not name, as they would mean at a step."""
        return [(hop, sign_of(hop, step, self._codes)) for hop, _ in self.strays]

    @cached_property
    def strays(self) -> list[tuple[Hop, Sign]]:
        """Unrepaired failures and refusals of systems that neither this flow nor another of the entry's names."""
        refused = [hop for hop in self.journey.hops if self.signs[hop.key].effect == "stop"]
        lost = [hop for hop in [*self.leaves, *refused] if hop.key not in self.step_of]
        lost = [hop for hop in lost if not self._is_of_another_flow(hop)]
        if not lost:
            return []
        successes = _Successes(self, self.journey.hops)
        return [(hop, self.signs[hop.key]) for hop in lost if not successes.repair(hop, self.journey.ancestors(hop))]

    def is_gap(self, state: StepState) -> bool:
        """A required step without hops although a later one happened: a hole in the telemetry, not in the journey."""
        return state.step.required and not state.hops and state.step.name in self.progressed

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def captured_ns(self) -> int:
        captured = self.states[self.flow.capture.name].hops
        return min((hop.at_ns for hop in captured or self.journey.hops), default=self.now_ns)

    @cached_property
    def deadline_ns(self) -> int:
        return self.captured_ns + ns(self.flow.deadline)

    @cached_property
    def progressed(self) -> dict[str, int]:
        """Steps that some later step of the flow went past, with when: nothing in them held the lead."""
        went: dict[str, int] = {}
        for name, state in self.states.items():
            begun = min((hop.at_ns for hop in state.hops if hop.key in self.direct), default=None)
            if begun is None:
                continue
            for before in self.flow.before[name]:
                went[before] = min(went.get(before, begun), begun)
        return went

    @cached_property
    def ready_ns(self) -> dict[str, int | None]:
        """When each step could start: when all it waits for was done, passed over, or given up; None before that."""
        ready: dict[str, int | None] = {}
        for step in self.flow.steps:
            times = [self._passed_ns(self.flow.by_name[name], ready) for name in step.after]
            ready[step.name] = None if None in times else max([self.captured_ns, *(time for time in times if time)])
        return ready

    def _passed_ns(self, step: Step, ready: Mapping[str, int | None]) -> int | None:
        state = self.states[step.name]
        if state.done_ns is not None:
            return state.done_ns
        if step.name in self.progressed:
            return self.progressed[step.name]
        start = ready[step.name]
        if step.required or start is None:
            return None
        gave_up = max((hop.end_ns for hop, _ in state.failures), default=None)
        return gave_up if gave_up is not None else min(self._step_deadline_ns(step, start), self.now_ns + 1)

    def _step_deadline_ns(self, step: Step, ready_ns: int) -> int:
        if step.within is None:
            return self.deadline_ns
        return min(ready_ns + ns(step.within), max(self.deadline_ns, ready_ns))

    def due_ns(self, step: Step) -> int:
        """When a failure at this step, or its absence, is final."""
        ready = self.ready_ns[step.name]
        if ready is None:
            return self.deadline_ns
        return min(self._step_deadline_ns(step, ready), self.deadline_ns)

    def awaited(self, step: Step) -> bool:
        """Is this a step that the lead could have come to and did not?"""
        return (
            step.required
            and self.states[step.name].done is None
            and step.name not in self.progressed
            and self.ready_ns[step.name] is not None
        )


def _gated(state: StepState) -> Hop | None:
    """The hop whose attribute fails the step's gate, when the last word on it does."""
    gate = state.step.gate
    if gate is None:
        return None
    last = next((hop for hop in reversed(state.hops) if gate.attribute in hop.attributes), None)
    return None if last is None or gate.passes(last.attributes[gate.attribute]) else last


def ns(length: timedelta) -> int:
    return (length.days * 86_400 + length.seconds) * NS + length.microseconds * 1000
