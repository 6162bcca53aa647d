"""Outages on even traffic, counted exactly as a counter would, and the shipped engine run over them every 30 seconds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from model.alert import AlertKey, AlertState, Transition
from model.budget import Count, Feed, GroupCounts
from model.objective import Group, Indicator, Objective, Tier, Window
from slo.burn import tiers_for
from slo.evaluate import Evaluation, evaluate

START = datetime(2026, 3, 2, tzinfo=UTC)
INTERVAL = timedelta(seconds=30)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
WINDOWS = tuple(MINUTE * minutes for minutes in (5, 30, 60, 120, 360, 1440, 4320))
States = dict[AlertKey, AlertState]


def objective(target: str = "0.99", *, tiers: Sequence[Tier] | None = None, length: timedelta = 30 * DAY) -> Objective:
    return Objective(
        name="enrolled",
        title="Leads are enrolled",
        indicator=Indicator("enrolment", "demo-request"),
        target=Fraction(target),
        window=Window(length),
        tiers=tiers_for(length) if tiers is None else tuple(tiers),
        generation="g1",
        group_by=("campaign", "segment"),
    )


@dataclass(frozen=True)
class Outage:
    """`errors` of the units fail from `since` until `until`; one unit every `every`, for ever before and after."""

    errors: Fraction
    since: datetime = START
    until: datetime | None = None
    every: timedelta = timedelta(seconds=1)

    def count(self, now: datetime, window: timedelta) -> Count:
        total = window // self.every
        bad = self._bad_until(now) - self._bad_until(now - window)
        return Count(total - bad, bad, bad)

    def _bad_until(self, at: datetime) -> int:
        over = min(at, self.until or at)
        return int(max(over - self.since, timedelta()) // self.every * self.errors)

    def counts(self, now: datetime, group: Group = (), period: timedelta = 30 * DAY) -> GroupCounts:
        return GroupCounts(group, {window: self.count(now, window) for window in WINDOWS}, self.count(now, period))


def group_counts(
    group: Group, windows: Mapping[timedelta, Count], period: Count | None = None, first_unit_at: datetime | None = None
) -> GroupCounts:
    """Counts of a group; a window that is not given holds what the next shorter one does."""
    filled, last = {}, Count()
    for window in WINDOWS:
        last = windows.get(window, last)
        filled[window] = last
    return GroupCounts(group, filled, period or last, first_unit_at)


class Run:
    """An objective's evaluations in a row, with the states carried on, and all that was told."""

    def __init__(self, what: Objective, groups: int = 1) -> None:
        self.objective, self.groups = what, groups
        self.states: States = {}
        self.told: list[Transition] = []

    def at(
        self, now: datetime, counts: Sequence[GroupCounts], feeds: Sequence[Feed] = (), **options: object
    ) -> Evaluation:
        found = evaluate(self.objective, counts, self.states, feeds, now, groups=self.groups, **options)  # type: ignore[arg-type]
        self.states = dict(found.states)
        self.told += found.transitions
        return found

    def every(
        self, since: datetime, until: datetime, counts: Callable[[datetime], Sequence[GroupCounts]]
    ) -> Iterator[Evaluation]:
        now = since
        while now <= until:
            yield self.at(now, counts(now))
            now += INTERVAL

    @property
    def happenings(self) -> list[str]:
        return [one.happening for one in self.told]

    def firing(self) -> dict[Group, str]:
        return {key.group: state.firing for key, state in self.states.items() if state.firing != "ok"}


def defined_anew(what: Objective) -> Objective:
    return replace(what, generation="g2")
