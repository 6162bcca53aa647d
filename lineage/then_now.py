"""Then and now: the values that a gate decided on beside what they are today.

A score of 41 that became 80 a minute after the check explains what no failure does. What came later is told by the
clock, but what led to the decision is never called late: neither what called it nor the lead's capture.
"""

from collections.abc import Iterator

from lineage.case import Case
from model.flow import Gate, Step
from model.hop import Hop, moment
from model.verdict import ThenNow


def arrived_late(case: Case, decided: Hop, step: Step) -> ThenNow | None:
    """The value that would have passed the step's gate, where it came after the hop that decided."""
    found = _then_now(case, decided, step, step.gate) if step.gate is not None else None
    return found if found is not None and step.gate is not None and step.gate.passes(found.now) else None


def then_and_now(case: Case, decided: Hop, step: Step) -> tuple[ThenNow, ...]:
    """All values of gates at or before a step that have changed since a hop decided there, in the flow's order."""
    gated = (one for one in case.flow.steps if one.name == step.name or one.name in case.flow.before[step.name])
    found = (_then_now(case, decided, one, one.gate) for one in gated if one.gate is not None)
    return tuple(one for one in found if one is not None)


def _then_now(case: Case, decided: Hop, step: Step, gate: Gate) -> ThenNow | None:
    told = [hop for hop in case.journey.hops if hop.attributes.get(gate.attribute)]
    then = decided if decided.attributes.get(gate.attribute) else max(_by_then(told, decided), key=_when, default=None)
    now = max(_since(case, told, decided), key=_when, default=None)
    if now is None or (then is not None and then.attributes[gate.attribute] == now.attributes[gate.attribute]):
        return None
    value = then.attributes[gate.attribute] if then is not None else ""
    then_at = moment(then.at_ns) if then is not None else None
    return ThenNow(step.name, gate.attribute, value, now.attributes[gate.attribute], then_at, moment(now.at_ns))


def _by_then(told: list[Hop], decided: Hop) -> Iterator[Hop]:
    return (hop for hop in told if hop.at_ns <= decided.at_ns)


def _since(case: Case, told: list[Hop], decided: Hop) -> Iterator[Hop]:
    before = {hop.key for hop in case.journey.ancestors(decided)}
    before |= {hop.key for hop in case.states[case.flow.capture.name].hops}
    return (hop for hop in told if hop.at_ns > decided.at_ns and hop.key not in before)


def _when(hop: Hop) -> tuple[int, str]:
    return hop.at_ns, hop.hop_id
