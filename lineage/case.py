"""One entry laid out before the judge: what each step's hops say together, and when each step could start and must be
over.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lineage.calls import is_beside, is_datastore, is_no_goal, is_only_means, operation_of
from lineage.journey import Journey
from lineage.reading import HANDLING, Key, Reading, is_conflict
from lineage.repairs import Spoiled, Successes
from lineage.signs import Sign, caught_sign, sign_of
from model.causes import VendorCodes, causes
from model.flow import Flow, Step
from model.hop import NS, Hop, ns_of
from model.kept import kept

# Refusals that say that the lead is there already: no news where its step was done before.
_ALREADY = frozenset({"identity.duplicate", *(cause for cause in causes() if cause.startswith("reentry."))})


@dataclass(slots=True)
class StepState:
    """What the hops of one step say together. `failures` and `stops` are those that stand; `repaired` were mended
    later, `again` happened when another handling did it, `aside` were beside the point. `swallowed` are failures
    of calls within a handling that says it went well all the same: it may have known better.
    """

    step: Step
    hops: list[Hop] = field(default_factory=list)
    done: Hop | None = None
    failures: list[tuple[Hop, Sign]] = field(default_factory=list)
    repaired: list[tuple[Hop, Sign]] = field(default_factory=list)
    again: list[tuple[Hop, Sign]] = field(default_factory=list)
    aside: list[tuple[Hop, Sign]] = field(default_factory=list)
    stops: list[tuple[Hop, Sign]] = field(default_factory=list)
    gated: Hop | None = None
    dead_lettered: Hop | None = None
    swallowed: set[Key] = field(default_factory=set)

    @property
    def done_ns(self) -> int | None:
        return self.done.end_ns if self.done is not None else None


class Case(Reading):
    """A journey in a flow at a moment. Everything here is derived once and never changes."""

    def __init__(
        self,
        journey: Journey,
        flow: Flow,
        now: datetime,
        codes: VendorCodes | None = None,
        others: Sequence[Flow] = (),
    ) -> None:
        self._codes = codes
        self._others = others
        super().__init__(journey, flow, codes)
        self.now_ns = ns_of(now)
        self.states = self._weighed()

    # ── steps ───────────────────────────────────────────────────────────────────────────────────────────────────

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
        signs = [(hop, self.signs[hop.key]) for hop in state.hops]
        state.dead_lettered = next((hop for hop, sign in reversed(signs) if sign.dead_lettered), None)
        failed = [(hop, sign) for hop, sign in signs if sign.effect == "failure" and hop.key in leaves]
        stopped = [(hop, sign) for hop, sign in signs if sign.effect == "stop"]
        if failed or stopped:  # most steps have no trouble, and then nothing is compared
            successes = Successes(self, state.hops)
            for hop, sign in failed:
                self._weigh_failure(state, successes, hop, sign)
            for hop, sign in stopped:
                again = sign.cause in _ALREADY and successes.came_besides(hop, there_already=True)
                mended = state.repaired if successes.overrule(hop) else state.again if again else state.stops
                mended.append((hop, sign))
            state.failures = self._with_reason(state.failures)
        state.gated = _gated(state)
        state.done = self._done(state)

    def _weigh_failure(self, state: StepState, successes: Successes, hop: Hop, sign: Sign) -> None:
        if hop.key in self.beside:
            state.aside.append((hop, sign))
        elif successes.repair(hop):
            state.repaired.append((hop, sign))
        elif successes.came_besides(hop, there_already=is_conflict(sign)):
            state.again.append((hop, sign))
        else:
            state.failures.append((hop, self._as_final(hop, sign)))
            if self.is_swallowed(hop):
                state.swallowed.add(hop.key)

    def _as_final(self, hop: Hop, sign: Sign) -> Sign:
        """What a failed call says, which is not final while the handling around it is still to be heard of: that may
        get a new token, or write over what was there.
        """
        if not sign.final or sign.explicit or hop.kind != "client":
            return sign
        top = hop
        for up in self.journey.ancestors(hop):
            if up.kind in HANDLING:
                return sign
            top = up
        return replace(sign, final=False) if top.parent_id else sign

    def _with_reason(self, failures: list[tuple[Hop, Sign]]) -> list[tuple[Hop, Sign]]:
        """The failures; where none tells why, a message that was given up is told by what its handling caught."""
        if any(sign.cause for _, sign in failures):
            return failures
        return [(hop, self._given_up(hop, sign) if sign.dead_lettered else sign) for hop, sign in failures]

    def _given_up(self, hop: Hop, sign: Sign) -> Sign:
        step = self.step_of.get(hop.key)
        caught = (caught_sign(one, step, self._codes) for one in (hop, *self.journey.ancestors(hop)))
        why = next((one for one in caught if one is not None), None)
        return sign if why is None else replace(sign, cause=why.cause, raw_reason=why.raw_reason)

    def _done(self, state: StepState) -> Hop | None:
        """The first success of the step, if nothing refused the lead there.

        A green span around a failure or a refusal that still stands is none, unless it says so itself; nor is a part of
        a larger span that failed, nor what only looks something up or keeps a record. The goal stays reached: who is in
        and is then turned away, as a message delivered twice is, or leaves again, has entered.
        """
        is_goal = state.step.name == self.flow.goal
        if state.stops and not is_goal:
            return None
        green = [hop for hop in state.hops if hop.key in self.direct and self._went_well(hop)]
        green = [hop for hop in green if not self.is_remark(hop)]
        if state.failures or state.stops:
            spoiled = Spoiled(self, [hop for hop, _ in state.failures], [hop for hop, _ in state.stops])
            green = [hop for hop in green if self.speaks(hop) or not spoiled.covers(hop)]
        done = [hop for hop in green if self.speaks(hop) or not is_only_means(hop)]
        done = [hop for hop in done if not is_beside(hop)] or ([] if state.failures or state.stops else done)
        done = [hop for hop in done if self.speaks(hop) or _may_complete(hop, state.step, is_goal=is_goal)]
        return min(done, key=_ended) if len(done) > 1 else done[0] if done else None

    def _went_well(self, hop: Hop) -> bool:
        return self.signs[hop.key].effect == "success" or self.only_hands_up(hop)

    def _is_of_another_flow(self, hop: Hop) -> bool:
        return any(other.step_of(one) for other in self._others for one in (hop, *self.journey.ancestors(hop)))

    def strays_at(self, step: Step) -> list[tuple[Hop, Sign]]:
        """Unrepaired failures and refusals of systems that the flow does not name, as they would mean at a step; else
        those that their own step was not held up by, and that may have been this one's.
        """
        strays = [hop for hop in self.strays if not self._left_behind(hop, step)] or self._may_be_of(step)
        signs = [(hop, self._as_final(hop, sign_of(hop, step, self._codes))) for hop in strays]
        return self._with_reason(signs)

    def _left_behind(self, stray: Hop, step: Step) -> bool:
        """Did the same system do afterwards what the step waits for? What the step does not wait for tells nothing."""
        done = (self.states[name].done for name in self.flow.before[step.name])
        return any(one is not None and one.service == stray.service and one.at_ns >= stray.at_ns for one in done)

    def _may_be_of(self, step: Step) -> list[Hop]:
        """Failures since what the step waits for began, that hold up no other: their step is a guess, as a service that
        does several things does them in handlings that fit no matcher.
        """
        before = {name for name in step.after if self.states[name].hops}
        begun = max((self.states[name].hops[0].at_ns for name in before), default=self.captured_ns)
        tolerant = [
            state
            for name, state in self.states.items()
            if name in self.progressed or state.done is not None or not state.step.required
        ]
        failed = [hop for state in tolerant for hop, _ in state.failures]
        return [hop for hop in failed if hop.at_ns >= begun and self._is_guess(hop)]

    def _is_guess(self, hop: Hop) -> bool:
        """Does the hop belong to its step by its system alone, or by a hop above that saw to something else?"""
        ups = (hop, *self.journey.ancestors(hop))
        nearest = next((up for up in ups if up.key in self.direct or up.kind in HANDLING), None)
        return nearest is None or nearest.key not in self.direct

    def stopped_as_a_whole(self, hop: Hop) -> bool:
        """Was the lead turned away by a word, or did all of the handling that the hop is part of fail?"""
        if self.signs[hop.key].explicit:
            return True
        handling = next((up for up in (hop, *self.journey.ancestors(hop)) if up.kind in HANDLING), None)
        return handling is not None and self.signs[handling.key].effect == "failure"

    @kept
    def strays(self) -> list[Hop]:
        """Failures and refusals that belong to no step of this flow or another of the entry's, and that no later try or
        word of the same system mended.
        """
        refused = [hop for hop in self.journey.hops if self.signs[hop.key].effect == "stop"]
        # Who fails since the lead was refused below hands that up, and says nothing of its own.
        failed = [hop for hop in self.leaves if hop.key not in self.above_refusals or self.signs[hop.key].explicit]
        lost = [hop for hop in [*failed, *refused] if hop.key not in self.step_of]
        lost = [hop for hop in lost if not self._is_of_another_flow(hop)]
        if not lost:
            return []
        # What is said of a step is said of it alone; but that the same was tried again tells of any.
        tried = {operation_of(hop) for hop in lost} - self._shared_operations()
        by_service: dict[str, list[Hop]] = defaultdict(list)
        for hop in self.journey.hops:
            if hop.key not in self.step_of or operation_of(hop) in tried:
                by_service[hop.service].append(hop)
        mending = {service: Successes(self, by_service[service]) for service in {hop.service for hop in lost}}
        # No other system's word mends it.
        return [hop for hop in lost if not mending[hop.service].repair(hop)]

    def _shared_operations(self) -> set[tuple[str, ...]]:
        """The operations that see to several steps, as one endpoint or task for all does: that one is done again means
        nothing.
        """
        steps: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for hop in self.journey.hops:
            if hop.key in self.direct:
                steps[operation_of(hop)].add(self.step_of[hop.key].name)
        return {operation for operation, names in steps.items() if len(names) > 1}

    def told_to(self, step: Step) -> tuple[Hop, bool] | None:
        """The last message to a step that nothing handled, sent by what the step waits for or by no step; and whether
        somebody got it at least.
        """
        before = {None, *step.after}
        fits = [one for one in self.unconsumed if self._step_name(one[0]) in before]
        return max(fits, key=lambda one: (one[0].at_ns, one[0].hop_id), default=None)

    def _step_name(self, hop: Hop) -> str | None:
        step = self.step_of.get(hop.key)
        return step.name if step is not None else None

    def is_gap(self, state: StepState) -> bool:
        """A required step without hops although a later one happened: a hole in the telemetry, not in the journey."""
        return state.step.required and not state.hops and state.step.name in self.progressed

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────

    @kept
    def captured_ns(self) -> int:
        captured = self.states[self.flow.capture.name].hops
        return min([hop.at_ns for hop in captured or self.journey.hops], default=self.now_ns)

    @kept
    def deadline_ns(self) -> int:
        return self.captured_ns + ns(self.flow.deadline)

    @kept
    def progressed(self) -> dict[str, int]:
        """Steps that some later step of the flow went past, with when: nothing in them held the lead."""
        went: dict[str, int] = {}
        if self._begun_unseen():
            went[self.flow.capture.name] = self.journey.hops[0].at_ns
        for name, state in self.states.items():
            direct = [hop.at_ns for hop in state.hops if hop.key in self.direct]
            if not direct:
                continue
            begun = min(direct)
            for before in self.flow.before[name]:
                if went.get(before, begun) >= begun:
                    went[before] = begun
        return went

    def _begun_unseen(self) -> bool:
        """Did the entry begin without a hop of its capture, and not with a failure? Then that hop is missing."""
        if self.states[self.flow.capture.name].hops or not self.journey.hops:
            return False
        first = self.journey.hops[0]
        return self.signs[first.key].effect in {"success", "neutral"}

    @kept
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
        return self.deadline_ns if ready is None else due_ns(step, ready, self.deadline_ns)

    def swallowed_due_ns(self, step: Step) -> int:
        """When a failure that its own handling calls a success is taken at its word: the lead did not go on either."""
        next_up = [one for one in self.flow.steps if step.name in one.after]
        ended = max((hop.end_ns for hop in self.states[step.name].hops), default=self.captured_ns)
        dues = [self.due_ns(step), *(self._step_deadline_ns(one, ended) for one in next_up)]
        return min(max(dues), self.deadline_ns)

    def awaited(self, step: Step) -> bool:
        """Is this a step that the lead could have come to and did not?"""
        return (
            step.required
            and self.states[step.name].done is None
            and step.name not in self.progressed
            and self.ready_ns[step.name] is not None
        )


def due_ns(step: Step, ready_ns: int, deadline_ns: int) -> int:
    """When a step that could start at a moment must be over, in a flow that must be at another."""
    return deadline_ns if step.within is None else min(ready_ns + ns(step.within), deadline_ns)


def _may_complete(hop: Hop, step: Step, *, is_goal: bool) -> bool:
    """May a hop complete the step all by itself? A record in a database may where the step means just that."""
    if is_goal:
        return not is_no_goal(hop)
    return not is_datastore(hop) or step.names_more_than_service(hop)


def _ended(hop: Hop) -> tuple[int, str]:
    return (hop.end_ns, hop.hop_id)


def _gated(state: StepState) -> Hop | None:
    """The hop whose attribute fails the step's gate, when the last word on it does."""
    gate = state.step.gate
    if gate is None:
        return None
    last = next((hop for hop in reversed(state.hops) if gate.attribute in hop.attributes), None)
    return None if last is None or gate.passes(last.attributes[gate.attribute]) else last


def ns(length: timedelta) -> int:
    return (length.days * 86_400 + length.seconds) * NS + length.microseconds * 1000
