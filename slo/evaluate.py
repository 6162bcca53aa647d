"""One evaluation of one objective: counts and states in, states and what changed out. Pure; runs every 30 seconds.

counts → readings (slo/reading.py: tiers, gate) → heads (slo/groups.py: collapse) → steps (slo/states.py)
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from model.alert import AlertKey, AlertState, Transition
from model.budget import Feed, GroupCounts
from model.decisions import Correction
from model.objective import Group, Objective
from slo import states as life
from slo.groups import Burning, Family, Head, heads, is_part, within
from slo.reading import Reading, TierReading, read, rules_of
from slo.states import Sight, Step, urgency


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What stands after an evaluation. `states` has every key that was given or fired; the ok ones may be dropped.

    No key has more than one transition. `readings` are all groups that were counted.
    """

    states: Mapping[AlertKey, AlertState]
    transitions: tuple[Transition, ...]
    readings: Mapping[Group, Reading]


def evaluate(
    objective: Objective,
    counts: Sequence[GroupCounts],
    states: Mapping[AlertKey, AlertState],
    feeds: Sequence[Feed],
    now: datetime,
    *,
    groups: int,
    corrections: Sequence[Correction] = (),
) -> Evaluation:
    """What the objective's alerts become at `now`, when the windows of `counts` end.

    `states` may be of any generation; those of other objectives are handed back as they are. `groups` is how many
    groups are asked in all: the more, the less likely by chance a burn must be to be told. Counts already leave out the
    units of `corrections`; while one lasts, its groups neither fire nor end. The same arguments give the same answer,
    and evaluating the answer's states again at `now` changes nothing.
    """
    rules = rules_of(objective, groups)
    readings = {one.group: read(rules, one, now) for one in counts}
    look = _Look(objective, readings, _open(objective, states.values()), _lost(feeds), now)
    steps = [*look.other_generations(), *look.measurement(), *look.burns(_corrected(objective, corrections, now))]
    return Evaluation(
        states={**states, **{state.key: state for state, _ in steps}},
        transitions=tuple(told for _, told in steps if told is not None),
        readings=readings,
    )


def retired(objective: str, states: Iterable[AlertState], now: datetime) -> list[Step]:
    """The ends of all incidents of an objective that was taken away."""
    standing = [state for state in states if state.key.objective == objective and state.firing != "ok"]
    return [life.ended(state, "the objective was taken away", now) for state in standing]


@dataclass(frozen=True, slots=True)
class _Look:
    """One evaluation under way. `lost` names the feeds that are silent; '' when all speak."""

    objective: Objective
    readings: Mapping[Group, Reading]
    standing: Sequence[AlertState]
    lost: str
    now: datetime

    def key(self, group: Group) -> AlertKey:
        return AlertKey(self.objective.name, self.objective.generation, group)

    def other_generations(self) -> list[Step]:
        """Incidents on counts that nobody keeps any more."""
        old = [state for state in self.standing if state.key.generation != self.objective.generation]
        return [life.ended(state, "the objective was defined anew; counting began again", self.now) for state in old]

    def measurement(self) -> list[Step]:
        """The alert on lost measurement: a ticket, so that stopped ingestion pages nobody."""
        key = AlertKey(self.objective.name, self.objective.generation, (), "measurement_lost")
        state = next((state for state in self.standing if state.key == key), None)
        if state is None:
            return [life.fired(key, Sight(), self.now, self.lost)] if self.lost else []
        if not self.lost:
            return [life.ended(state, "every feed speaks again", self.now)]
        return [life.renamed(state, self.lost, self.now)]

    def burns(self, corrected: Mapping[Group, str]) -> list[Step]:
        """What becomes of the incidents that stand, and of the groups that burn."""
        standing = {state.key.group: state for state in self.standing if state.key == self.key(state.key.group)}
        if self.lost or not self.readings:
            reason = self.lost or "nothing was counted"
            return [life.frozen(state, reason, self.now) for state in standing.values()]
        held = [group for group in standing if within(corrected, group)]
        frozen = [life.frozen(standing.pop(group), corrected[_whole(corrected, group)], self.now) for group in held]
        return frozen + self._incidents(standing, corrected)

    def _incidents(self, standing: Mapping[Group, AlertState], corrected: Collection[Group]) -> list[Step]:
        family = Family(self.readings)
        firing = self._firing(corrected)
        burning = [
            Burning(group, self.readings[group].severity(one.tier), one.tier.long, one.tier.short)
            for group, one in firing.items()
        ]
        steps: list[Step] = []
        for group, head in heads(family, burning, {group: state.firing for group, state in standing.items()}).items():
            state = standing.get(group)
            sight = _sight(family, head, firing, state)
            if state is None:
                steps += self._begun(self.key(group), sight, [standing[taken] for taken in head.takes_over])
            else:
                steps.append(self._gone_on(state, sight))
        return steps

    def _gone_on(self, state: AlertState, sight: Sight) -> Step:
        """An incident that was frozen and changes as it thaws is told as changed."""
        if state.frozen_since is None:
            return life.seen(state, sight, self.now)
        thawed, told = life.thawed(state, self.now)
        after, changed = life.seen(thawed, sight, self.now)
        return after, changed or told

    def _firing(self, corrected: Collection[Group]) -> dict[Group, TierReading]:
        found = ((group, one.fires()) for group, one in self.readings.items() if not within(corrected, group))
        return {group: tier for group, tier in found if tier is not None}

    def _begun(self, key: AlertKey, sight: Sight, taken: Sequence[AlertState]) -> list[Step]:
        """A new incident, or the most urgent of those it takes over, which goes on under the wider key."""
        if not taken:
            return [life.fired(key, sight, self.now)]
        first = min(taken, key=lambda state: (-urgency(state.firing), state.since or self.now, state.key.group))
        reason = f"told together with {life.name_of(key)}"
        return [
            life.widened(first, key, sight, self.now),
            (AlertState(first.key, changed_at=self.now, reason=reason), None),
            *(life.ended(state, reason, self.now) for state in taken if state is not first),
        ]


def _sight(family: Family, head: Head, firing: Mapping[Group, TierReading], state: AlertState | None) -> Sight:
    """What this evaluation sees of an incident: the most urgent of the groups it speaks for, its own first."""
    reading = family.readings.get(head.group)
    threshold = reading.rules.named(state.tier) if reading and state else None
    is_clear = reading is not None and (threshold is None or reading.is_clear(threshold))
    if not head.speaks_for:
        return Sight(is_clear=is_clear, is_quiet=reading is None or reading.is_quiet())

    def loudness(group: Group) -> tuple[int, bool, float, Group]:
        tier = firing[group].tier
        urgent = urgency(family.readings[group].severity(tier))
        return urgent, group == head.group, float(family.excess(group, tier.long)), group

    loudest = max(head.speaks_for, key=loudness)
    window = firing[loudest].tier.long
    named = is_part(head.group, loudest) and family.excess(head.group, window) > 0
    at_risk = family.at_risk(head.group if named else loudest, window)
    return Sight(family.readings[loudest].burn(firing[loudest]), at_risk, is_clear=is_clear)


def _lost(feeds: Sequence[Feed]) -> str:
    silent = sorted(feed.name for feed in feeds if feed.silent_since is not None)
    return f"nothing comes from {', '.join(silent)}" if silent else ""


def _corrected(objective: Objective, corrections: Sequence[Correction], now: datetime) -> dict[Group, str]:
    """The groups whose alerts a correction holds at `now`, and why."""
    return {
        one.group: f"{one.reason} ({one.author})"
        for one in corrections
        if one.objective == objective.name and one.removed_at is None and one.starts_at <= now < one.ends_at
    }


def _whole(wholes: Collection[Group], group: Group) -> Group:
    return next(whole for whole in wholes if within((whole,), group))


def _open(objective: Objective, states: Iterable[AlertState]) -> list[AlertState]:
    """The objective's incidents that stand, in an order that does not depend on the one they came in."""
    ours = [state for state in states if state.key.objective == objective.name and state.firing != "ok"]
    return sorted(ours, key=lambda state: (state.key.generation, state.key.kind, state.key.group))
