"""Groups and their parts: who is told as whom when a whole and its parts burn together.

A part that explains 80 % of the excess names the alert, else the whole lists five. An incident that is open keeps its
key: what it covers later joins it, and only a whole that its open parts do not explain takes them over.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction

from model.alert import Firing, GroupAtRisk
from model.objective import Group
from slo.reading import Reading
from slo.states import urgency

EXPLAINS = Fraction(80, 100)
LISTED = 5


@dataclass(slots=True)
class Head:
    """The group an incident is filed under, the burning groups it speaks for, and the incidents it takes over."""

    group: Group
    speaks_for: list[Group] = field(default_factory=list)
    takes_over: list[Group] = field(default_factory=list)


class Family:
    """The groups of one evaluation with their parts. Order of the readings changes nothing."""

    def __init__(self, readings: Mapping[Group, Reading]) -> None:
        self.readings = readings
        self._parts: dict[Group, list[Group]] = {}
        for group in sorted(readings):
            if group:
                self._parts.setdefault(group[:-1], []).append(group)

    def parts(self, group: Group) -> Sequence[Group]:
        """The groups one level below."""
        return self._parts.get(group, ())

    def excess(self, group: Group, window: timedelta) -> Fraction:
        """Bad units beyond what the target allows; negative is spare. 0 for a group that was not counted."""
        reading = self.readings.get(group)
        if reading is None:
            return Fraction(0)
        count = reading.window(window)
        return count.bad - reading.rules.error_budget * count.total

    def explain(self, parts: Iterable[Group], whole: Group, window: timedelta) -> bool:
        """Do these parts together make up most of the whole's excess? What one spares explains nothing of another."""
        made_up = sum((max(self.excess(part, window), Fraction(0)) for part in parts), Fraction(0))
        return made_up >= EXPLAINS * self.excess(whole, window) > 0

    def named(self, group: Group, window: timedelta) -> Group:
        """The part that explains the group's excess, or that part's part, and so on; else the group itself."""
        while parts := self.parts(group):
            worst = max(parts, key=lambda part: self.excess(part, window))
            if not self.explain([worst], group, window):
                break
            group = worst
        return group

    def at_risk(self, group: Group, window: timedelta) -> tuple[GroupAtRisk, ...]:
        """Whom an alert on this group names: the one that explains it, else the five parts with most excess."""
        named = self.named(group, window)
        burning = [part for part in self.parts(named) if self.excess(part, window) > 0] if not named else []
        worst = sorted(burning, key=lambda part: self.excess(part, window), reverse=True)[:LISTED]
        return tuple(self._at_risk(one, window) for one in worst or [named])

    def _at_risk(self, group: Group, window: timedelta) -> GroupAtRisk:
        count = self.readings[group].window(window)
        return GroupAtRisk(group, float(self.excess(group, window)), count.bad, count.total)


@dataclass(frozen=True, slots=True)
class Burning:
    """A group that fires in this evaluation: how urgently, and in which windows."""

    group: Group
    firing: Firing
    long: timedelta
    short: timedelta


def heads(family: Family, burning: Sequence[Burning], open_: Mapping[Group, Firing]) -> dict[Group, Head]:
    """Who speaks for whom: a head for each open incident that goes on, and for each new one.

    A burning group joins the incident of its own key or of a group around it; else that of its parts, if they explain
    it; else it opens one, named by the part that explains it, which takes over the incidents of its parts. Asked again
    with these heads as the open incidents, the answer is the same: a group that joined an incident before another
    opened is asked again. That ends, since a head only ever yields to one around it.
    """
    keys, found = set(open_), _joined(family, burning, open_, open_)
    while found.keys() != keys:
        keys, found = set(found), _joined(family, burning, found, open_)
    for group in sorted(set(open_) - keys):
        _around(found, group).takes_over.append(group)  # type: ignore[union-attr]
    return found


def _joined(
    family: Family, burning: Sequence[Burning], keys: Iterable[Group], open_: Mapping[Group, Firing]
) -> dict[Group, Head]:
    found = {group: Head(group) for group in sorted(keys)}
    for one in sorted(burning, key=lambda one: (len(one.group), one.group)):
        head = _around(found, one.group) or _below(family, found, one) or _opened(family, found, one, open_)
        head.speaks_for.append(one.group)
    return found


def _around(found: Mapping[Group, Head], group: Group) -> Head | None:
    return next((found[group[:size]] for size in range(len(group), -1, -1) if group[:size] in found), None)


def _below(family: Family, found: Mapping[Group, Head], one: Burning) -> Head | None:
    """The incident among the group's parts that explains it: in the long window, or by what burns now."""
    named = family.named(one.group, one.long)
    below = [group for group in found if is_part(group, one.group)]
    if not below or named in found:
        return found.get(named)
    if not any(family.explain(below, one.group, window) for window in (one.long, one.short)):
        return None
    return found[max(below, key=lambda group: (family.excess(group, one.short), family.excess(group, one.long), group))]


def _opened(family: Family, found: dict[Group, Head], one: Burning, open_: Mapping[Group, Firing]) -> Head:
    """A new head. It takes over what its parts had, unless one of them is more urgent: that one goes on beside it."""
    name = family.named(one.group, one.long)
    parts = [group for group in found if is_part(group, name)]
    if all(urgency(open_.get(group, "ok")) <= urgency(one.firing) for group in parts):
        told = [group for part in parts for group in found.pop(part).speaks_for]
        return found.setdefault(name, Head(name, told))
    return found.setdefault(name, Head(name))


def is_part(group: Group, whole: Group) -> bool:
    """Is a group a real part of another?"""
    return len(group) > len(whole) and group[: len(whole)] == whole


def within(wholes: Collection[Group], group: Group) -> bool:
    """Is the group one of these, or a part of one?"""
    return any(group[:size] in wholes for size in range(len(group) + 1))
