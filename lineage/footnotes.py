"""What does not decide and is worth knowing: what was mended, what failed beside the point, what the telemetry left
out, whose clock is wrong, what came after the decision.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from lineage.case import Case, StepState
from lineage.headline import clause, spoken, title_of
from lineage.obstacles import consent_after
from lineage.signs import Sign
from model import attributes as names
from model.causes import UNMAPPED, causes
from model.hop import NS, Hop
from model.verdict import ThenNow

EARLY_FROM_NS = NS // 10  # clocks that differ by less mislead nobody
MAX_CLOCKS = 3

_LEAVING = {
    names.UNSUBSCRIBED: "it unsubscribed",
    names.CONSENT_WITHDRAWN: "it withdrew its consent",
    names.SEQUENCE_EXITED: "the sequence let it go",
}
_BACK = frozenset({names.CONSENT_GRANTED, names.SEQUENCE_ENROLLED})


def footnotes(case: Case, then_and_now: Sequence[ThenNow] = ()) -> tuple[str, ...]:
    """The footnotes of a verdict, a sentence each, in the flow's order; those on the whole entry last."""
    notes = [note for name, state in case.states.items() if _is_notable(state) for note in _of_step(case, name, state)]
    notes += [*_left_again(case), *map(_then_and_now, then_and_now), *_clocks(case)]
    if case.journey.cut:
        notes.append("this lead has more hops than are read; the first and the last of them were judged")
    return tuple(notes)


def _is_notable(state: StepState) -> bool:
    """Does a step hold anything but successes?"""
    return not state.hops or bool(
        state.repaired or state.again or state.aside or state.stops or state.dead_lettered is not None
    )


def _of_step(case: Case, name: str, state: StepState) -> Iterator[str]:
    for cause in _causes(state.repaired):
        yield f"{name}: “{title_of(cause)}” happened and was mended by a later try"
    for cause in _causes(state.again):
        yield f"{name}: “{title_of(cause)}” happened, and another try did it"
    for cause in _causes(state.aside):
        yield f"{name}: “{title_of(cause)}” happened beside the point and stopped nothing"
    if state.dead_lettered is not None:
        yield f"{name}: the retries ran out and the message was set aside (dead letter)"
    if case.is_gap(state):
        yield f"{name}: left no trace although a later step happened (instrumentation gap)"
    yield from _consent_after(case, name, state)


def _causes(told: Sequence[tuple[Hop, Sign]]) -> list[str]:
    return sorted({sign.cause for _, sign in told if sign.cause})


def _consent_after(case: Case, name: str, state: StepState) -> Iterator[str]:
    granted = consent_after(case, state)
    if granted is not None:
        yield f"{name}: consent was given {_after(granted.at_ns, state.stops[-1][0].at_ns)} after it was found missing"


def _left_again(case: Case) -> Iterator[str]:
    goal = case.states[case.flow.goal].done
    if goal is None:
        return
    told = ((hop, why_left(hop, case.signs[hop.key])) for hop in case.journey.hops if hop.at_ns >= goal.end_ns)
    words = [(hop, why) for hop, why in told if why is not None]
    last, why = max(words, key=lambda pair: (pair[0].at_ns, pair[0].hop_id), default=(goal, ""))
    if why:
        said = f" (“{last.reason}”)" if last.reason and last.reason not in causes() else ""
        yield f"it left the sequence again {_after(last.at_ns, goal.end_ns)} after it entered: {why}{said}"


def why_left(hop: Hop, sign: Sign) -> str | None:
    """Why the lead left, '' when it came back, None for a hop that says neither."""
    if hop.event in _BACK:
        return ""
    cause = sign.cause or hop.reason
    if cause.startswith("exit."):
        return clause(cause)
    if hop.event not in _LEAVING:
        return None
    return clause(cause) if cause in causes() and cause != UNMAPPED else _LEAVING[hop.event]


def _then_and_now(one: ThenNow) -> str:
    was = f"was {one.then}" if one.then else "was not known"
    return (
        f"{one.step}: {one.attribute} {was} when it decided, and is {one.now} since {one.now_at:%Y-%m-%d %H:%M:%S} UTC"
    )


def _clocks(case: Case) -> Iterator[str]:
    """Systems whose hops begin before what called them, with by how much at most."""
    early: dict[tuple[str, str], int] = {}
    for hop in case.journey.hops:
        parent = case.journey.by_key.get((hop.trace_id, hop.parent_id))
        if parent is not None and parent.service != hop.service:
            pair = (hop.service, parent.service)
            early[pair] = max(early.get(pair, 0), parent.at_ns - hop.at_ns)
    wrong = sorted((pair for pair in early if early[pair] >= EARLY_FROM_NS), key=lambda pair: (-early[pair], pair))
    for service, caller in wrong[:MAX_CLOCKS]:
        by = spoken(timedelta(microseconds=early[service, caller] // 1000))
        yield f"clocks differ: {service} says that it began {by} before {caller} called it"


def _after(later_ns: int, earlier_ns: int) -> str:
    return spoken(timedelta(microseconds=(later_ns - earlier_ns) // 1000))
