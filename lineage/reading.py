"""Every hop of an entry read on its own: the step it belongs to, what it says, and whether it matters.

A hop belongs to the step it names or matches, else to its nearest ancestor's, else to the step of its system. An error
that is handed up is one error: a failing span with a failing span below it says nothing of its own. A failure is
repaired by a later success at the same operation, by a later handling of the same message, or by a later word of
success.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lineage.calls import (
    asks_for_token,
    destination_of,
    fetches,
    is_beside,
    is_datastore,
    operation_of,
    reads,
    sends,
    service_called,
    target_of,
)
from lineage.journey import Journey
from lineage.signs import EXCEPTION, Sign, sign_of
from model import attributes as names
from model.causes import VendorCodes
from model.flow import Flow, Step
from model.hop import Hop, SpanEvent
from model.kept import kept

Key = tuple[str, str]

HANDLING = frozenset({"server", "consumer"})


class Reading:
    """The hops of a journey in a flow. `direct` are those that name or match their step; `beside` are failed calls
    that do not matter; `leaves` are the failures that say something of their own.
    """

    def __init__(self, journey: Journey, flow: Flow, codes: VendorCodes | None = None) -> None:
        self.journey = journey
        self.flow = flow
        self.direct: set[Key] = set()
        self.step_of = self._placed()
        self.signs = {hop.key: self._sign_of(hop, codes) for hop in _with_told(journey.hops)}
        failing = [hop for hop in journey.hops if self.signs[hop.key].effect == "failure"]
        self.beside = {hop.key for hop in failing if self._is_side_call(hop)}
        self.above_failures = {up.key for hop in failing if hop.key not in self.beside for up in self.handed_to(hop)}
        refusing = [hop for hop in journey.hops if self.signs[hop.key].effect == "stop"]
        self.above_refusals = {up.key for hop in refusing for up in self.handed_to(hop)}
        self.denied = {up.key for hop in [*failing, *refusing] if self._denies(hop) for up in self.handed_to(hop)}
        self.leaves = self._telling(failing)

    def _sign_of(self, hop: Hop, codes: VendorCodes | None) -> Sign:
        step = self.step_of.get(hop.key)
        if hop.shape is None:
            return sign_of(hop, step, codes)
        about = (self.flow.this, step.name if step is not None else None, codes)
        return hop.shape.known(about, lambda one: sign_of(one, step, codes), hop)

    # ── steps ───────────────────────────────────────────────────────────────────────────────────────────────────

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
                inherited = self._inherited(hop, placed) or self._of_system(hop)
                if inherited is not None:
                    placed[hop.key] = inherited
        return placed

    def _inherited(self, hop: Hop, placed: Mapping[Key, Step]) -> Step | None:
        """The step of the nearest ancestor that has one of its own: what a system does within its step, and what it
        calls there, is part of it. What another system does below it by itself is not.
        """
        ups = (hop, *self.journey.ancestors(hop))
        above = next((up for up in ups if up.key in self.direct), None)
        if above is None or self._is_own_handling(ups[: ups.index(above)], above):
            return None
        step = placed[above.key]
        return step if above.service == hop.service or self._is_ones_call(above, step) else None

    def _is_own_handling(self, ups: Sequence[Hop], above: Hop) -> bool:
        """Did a system take something in below a hop of its own that was over by then? That is what it did next."""
        return any(up.kind in HANDLING and up.service == above.service and up.at_ns > above.end_ns for up in ups)

    def _of_system(self, hop: Hop) -> Step | None:
        """The only step that names a system; what it takes in beside that step is another thing, with all its parts."""
        step = self.flow.step_of_system(hop)
        if step is None or any(up.kind in HANDLING and up.service == hop.service for up in self.journey.ancestors(hop)):
            return None
        return step

    def _is_ones_call(self, hop: Hop, step: Step) -> bool:
        """Is a hop a call to another system that is part of its step? A message that a system sends, and that fits only
        since all that the system does belongs to the step, tells the next one to begin.
        """
        if hop.kind == "producer":
            return bool(hop.attributes.get(names.STEP)) or step.names_more_than_service(hop)
        return hop.kind == "client"

    # ── words and failures ──────────────────────────────────────────────────────────────────────────────────────

    def speaks(self, hop: Hop) -> bool:
        """Does the hop say by itself that its step was done, rather than merely not fail? What its event is called says
        less than a refusal or a word of failure within it.
        """
        if self.signs[hop.key].explicit:
            return True
        named = bool(hop.event) and hop.key in self.direct and hop.key not in self.denied
        return named and not self.is_remark(hop)

    def is_remark(self, hop: Hop) -> bool:
        """Is this a log record of a span of its system, and of a step that claims all that the system says? Then the
        span tells what came of it, not whatever was logged on the way.
        """
        above = self.journey.by_key.get((hop.trace_id, hop.parent_id)) if hop.signal == "event" else None
        if above is None or above.service != hop.service or hop.attributes.get(names.STEP):
            return False
        return not self.step_of[hop.key].names_more_than_service(hop)

    def _green_handling_of(self, failed: Hop) -> Hop | None:
        """The nearest handling of its step above a failed call, when it says it went well. Who sent a message does not
        see what becomes of it.
        """
        step = self.step_of.get(failed.key)
        if step is None or failed.kind == "consumer":
            return None
        above = next((up for up in self.journey.ancestors(failed) if self._answers_for(up)), None)
        if above is None or self.signs[above.key].effect != "success":
            return None
        return above if self.step_of.get(above.key) is step else None

    def _answers_for(self, hop: Hop) -> bool:
        return hop.key in self.direct or hop.kind == "consumer"

    def is_swallowed(self, failed: Hop) -> bool:
        """Did the handling see that the call failed, and go on to call itself a success? What only the words or the
        body of an answer tell, it may have overlooked.
        """
        return self._was_seen(failed) and self._green_handling_of(failed) is not None

    def _denies(self, hop: Hop) -> bool:
        """Does a hop say what the handling around it, when that calls itself well, must have overlooked?"""
        sign = self.signs[hop.key]
        return not self._was_seen(hop) and (sign.final or not sign.explicit)

    def _was_seen(self, failed: Hop) -> bool:
        """Did the handling see that it failed, rather than having to read the words or the body of an answer?"""
        if self._is_only_named(failed):
            return True
        return (failed.status == "error" or failed.http_status >= 400) and not self.signs[failed.key].explicit

    def _is_only_named(self, hop: Hop) -> bool:
        """Is this a log record that nothing but its name makes a failure, such as `cache.refresh_failed`?"""
        return hop.signal == "event" and self.signs[hop.key].raw_reason == hop.event

    def _is_side_call(self, failed: Hop) -> bool:
        """Did a call fail that does not matter to its handling, which says it went well? A datastore; a record that was
        there already; a source for which another answered; a lookup before a write; at the goal, a system other than
        the one that was written to, or what only a log record's name calls failed. Before the goal the lead's next step
        tells that.
        """
        only_named = self._is_only_named(failed)
        if (self.signs[failed.key].explicit and not only_named) or self._green_handling_of(failed) is None:
            return False
        beside = self._answered.get((failed.trace_id, failed.parent_id), _NO_ANSWERS)
        if is_datastore(failed) or self._was_there_already(failed, beside):
            return True
        step = self.step_of[failed.key]
        if step.kind == "enrich":
            return beside.last_ns >= failed.at_ns
        is_goal = step.name == self.flow.goal
        if reads(failed):
            return is_goal or beside.last_write_ns >= failed.at_ns
        elsewhere = only_named or (failed.kind == "client" and target_of(failed) not in beside.writes)
        return is_goal and elsewhere and bool(beside.writes)

    def _was_there_already(self, failed: Hop, beside: "_Answers") -> bool:
        """Did a create find its record there, as an earlier try had gone through after all, or was it then updated?"""
        if not is_conflict(self.signs[failed.key]):
            return False
        tried_ns = self._unsure.get(operation_of(failed), failed.at_ns)
        return tried_ns < failed.at_ns or beside.writes.get(target_of(failed), -1) >= failed.at_ns

    @kept
    def _unsure(self) -> dict[tuple[str, ...], int]:
        """When a call was first tried that may have gone through although it failed, as one that timed out may."""
        found: dict[tuple[str, ...], int] = {}
        for hop in self.journey.hops:
            sign = self.signs[hop.key]
            if hop.kind == "client" and sign.effect == "failure" and not sign.final:
                found[operation_of(hop)] = min(found.get(operation_of(hop), hop.at_ns), hop.at_ns)
        return found

    @kept
    def _answered(self) -> dict[Key, "_Answers"]:
        """The calls below each parent that went well, without those for a token."""
        found: dict[Key, _Answers] = defaultdict(_Answers)
        for hop in self.journey.hops:
            answered = hop.kind == "client" and self.signs[hop.key].effect == "success"
            if answered and not is_datastore(hop) and not asks_for_token(hop):
                found[hop.trace_id, hop.parent_id].add(hop)
        return found

    @kept
    def unconsumed(self) -> list[tuple[Hop, bool]]:
        """Messages that were published and that nothing handled; with each, whether somebody got it at least."""
        consumers = [hop for hop in self.journey.hops if destination_of(hop) and not sends(hop)]
        handled = [hop for hop in consumers if not fetches(hop)]
        reached = {key for hop in handled for key in _came_from(hop)}
        known = {destination_of(hop) for hop in handled}
        got = {key for hop in consumers for key in _came_from(hop)}
        sent = [hop for hop in self.journey.hops if sends(hop) and self.signs[hop.key].effect == "success"]
        return [(hop, hop.key in got) for hop in sent if hop.key not in reached and destination_of(hop) not in known]

    def handed_to(self, hop: Hop) -> list[Hop]:
        """The hops that what became of a hop is handed up to: its ancestors, up to another handling of the same. A
        message that is delivered again below its first handling takes nothing back of that one.
        """
        own: set[tuple[str, ...]] = set()
        found: list[Hop] = []
        for up in (hop, *self.journey.ancestors(hop)):
            if up.kind in HANDLING:
                operation = operation_of(up)
                if operation in own:
                    break
                own.add(operation)
            found.append(up)
        return found[1:]

    def _telling(self, failing: Sequence[Hop]) -> list[Hop]:
        """The failures that say something of their own. A call that failed says nothing beside a failure of the very
        system that it called, though the span between them be lost.
        """
        leaves = [hop for hop in failing if hop.key not in self.above_failures or self.signs[hop.key].explicit]
        services = {hop.service for hop in leaves}
        return [
            hop
            for hop in leaves
            if hop.kind != "client"
            or self.signs[hop.key].explicit
            or service_called(hop) not in services - {hop.service}
        ]

    def only_hands_up(self, hop: Hop) -> bool:
        """Did the hop say what it did, and then answer with an error of a system below that is none of its step's?"""
        if not hop.event or self.signs[hop.key].explicit:
            return False
        below = self._steps_failing_below.get(hop.key)
        return below is not None and self.step_of[hop.key].name not in below

    @kept
    def _steps_failing_below(self) -> dict[Key, set[str]]:
        """The steps, or '', of the failures below each hop that has any."""
        found: dict[Key, set[str]] = defaultdict(set)
        for leaf in self.leaves:
            step = self.step_of.get(leaf.key)
            for up in self.journey.ancestors(leaf):
                found[up.key].add(step.name if step is not None else "")
        return found


@dataclass(slots=True)
class _Answers:
    """The calls of one parent that went well: the last of all, and by system when the last write was."""

    last_ns: int = -1
    last_write_ns: int = -1
    writes: dict[str, int] = field(default_factory=dict)

    def add(self, hop: Hop) -> None:
        self.last_ns = max(self.last_ns, hop.at_ns)
        if not is_beside(hop):
            target = target_of(hop)
            self.writes[target] = max(self.writes.get(target, -1), hop.at_ns)
            self.last_write_ns = max(self.last_write_ns, hop.at_ns)


_NO_ANSWERS = _Answers()


def _came_from(hop: Hop) -> list[Key]:
    """The hops that a hop names as where it came from: its parent, and what it links to."""
    return [(hop.trace_id, hop.parent_id), *hop.links]


def _with_told(hops: Sequence[Hop]) -> Sequence[Hop]:
    """The hops, with the exceptions that log records tell of them: the same as if the spans had recorded them."""
    told: dict[Key, list[SpanEvent]] = defaultdict(list)
    for hop in hops:
        if hop.signal == "event" and hop.event == EXCEPTION and hop.parent_id:
            told[hop.trace_id, hop.parent_id].append(SpanEvent(hop.at_ns, EXCEPTION, hop.attributes))
    if not told:
        return hops
    # What somebody else told of a hop is not of its shape.
    return [replace(hop, events=(*hop.events, *told[hop.key]), shape=None) if hop.key in told else hop for hop in hops]


def is_conflict(sign: Sign) -> bool:
    """Was a record there already, or changed meanwhile?"""
    return sign.cause == "crm.duplicate_rule" or sign.raw_reason in {"409", "412"}
