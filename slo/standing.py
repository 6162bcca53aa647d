"""How an objective stands at a moment: its counts, alerts and feeds together, and what people are told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from lineage.budgets import (
    Standing,
)
from model.alert import AlertState
from model.budget import Count, Feed, GroupCounts
from model.objective import Group, Objective
from slo.budget import Balance, balance, rate_window
from slo.period import period_of
from slo.reading import Reading, read, rules_of


@dataclass(frozen=True)
class Stand:
    """One look at an objective. `open` are its alerts that fire, `evaluated_at` is when they were looked at last.

    Until all of its history was `counted`, its counts are of a part of the leads and say nothing.
    """

    objective: Objective
    readings: Mapping[Group, Reading]
    open: Sequence[AlertState]
    feeds: Sequence[Feed]
    now: datetime
    evaluated_at: datetime | None
    counted: bool

    @property
    def period(self) -> tuple[datetime, datetime]:
        return period_of(self.objective.window, self.now)

    @property
    def total(self) -> Reading:
        return self.readings[()]

    @property
    def burning(self) -> Sequence[AlertState]:
        return [state for state in self.open if state.key.kind == "burn"]

    @property
    def lost(self) -> list[str]:
        return sorted(feed.name for feed in self.feeds if feed.silent_since is not None)

    @property
    def balance(self) -> Balance:
        loudest = next((state.tier for state in sorted(self.burning, key=lambda state: state.firing)), "")
        return balance(self.total, rate_window(self.total, loudest))


def stand(  # noqa: PLR0917
    objective: Objective,
    counts: Sequence[GroupCounts],
    states: Sequence[AlertState],
    feeds: Sequence[Feed],
    now: datetime,
    evaluated_at: datetime | None,
    *,
    counted: bool = True,
) -> Stand:
    """Puts together what was read. An objective without units has the reading of an empty whole."""
    rules = rules_of(objective, len(counts))
    readings = {one.group: read(rules, one, now) for one in counts}
    readings.setdefault((), read(rules, GroupCounts((), {}, Count()), now))
    of_it = [state for state in states if _is_of(state, objective)]
    return Stand(objective, readings, of_it, feeds, now, evaluated_at, counted)


def _is_of(state: AlertState, objective: Objective) -> bool:
    key = state.key
    return (key.objective, key.generation) == (objective.name, objective.generation) and state.firing != "ok"


def standing(stand: Stand) -> Standing:
    """One word for it; see `Standing` for their order."""
    left = stand.balance.left
    if left is None or not stand.counted:
        return "no_data"
    if stand.lost:
        return "frozen"
    if left <= 0:
        return "exhausted"
    return "burning" if stand.burning else "ok"


def headline(stand: Stand) -> str:
    """The sentence on top: how much is spent, and how long the rest lasts."""
    title = stand.objective.title or stand.objective.name
    found = stand.balance
    if not stand.counted:
        return f"The history of “{title}” is being counted; what stands here is of a part of it."
    if found.left is None:
        return f"Nothing was counted for “{title}” in this period."
    if stand.lost:
        return f"“{title}” is not measured: nothing is heard from {', '.join(stand.lost)}.{_before(found.left)}"
    return f"{_spent(title, found.left)}{_lasting(found) if found.left > 0 and found.bad else ''}."


def _spent(title: str, left: Fraction) -> str:
    if left < 0:
        return f"The budget of “{title}” is overspent by {_percent(-float(left))}"
    if left == 0:
        return f"The budget of “{title}” is spent to the last unit"
    if left == 1:
        return f"Nothing of the budget of “{title}” is spent"
    return f"The budget of “{title}” is {_percent(1 - float(left))} spent"


def _lasting(found: Balance) -> str:
    return f"; at the present rate it lasts {_long(found.lasts)}" if found.lasts else "; at the present rate it lasts"


def _before(left: Fraction) -> str:
    return f" Before, {_percent(1 - float(left))} of its budget was spent." if left < 1 else ""


def _percent(share: float) -> str:
    """Never says all or nothing of what is neither."""
    if share >= 1:
        return f"{100 * share:,.0f}%"
    return "under 1%" if share < 0.01 else f"{min(round(100 * share), 99)}%"


def _long(length: timedelta) -> str:
    """A length of the size that plans are made in."""
    for size, unit in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours"), (timedelta(minutes=1), "minutes")):
        if length >= 2 * size:
            return f"{length // size} {unit}"
    return "less than 2 minutes"
