"""Trials: the units that an objective would have, found in scratch tables; what is counted for good is not touched."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.engine import Store
from store.slo_counts import LeftOut


@dataclass(frozen=True, slots=True)
class Trial:
    """The batches in which units of an objective were found. Their rows go away by themselves after a day."""

    objective: str
    batches: Sequence[int]

    @property
    def parameters(self) -> dict[str, Any]:
        return {"objective": self.objective, "batches": list(self.batches)}


@dataclass(frozen=True, slots=True)
class MinuteRow:
    """Units of a group (its values as JSON) that were decided in a minute; `failures` has a unit for each bad one."""

    parts: str
    minute: int
    good: int
    bad: int
    failures: Sequence[int]


def minutes(
    store: Store, trial: Trial, since: datetime, until: datetime, *, left_out: LeftOut, most: int
) -> list[MinuteRow]:
    """In (since, until], the earliest first; `most` at most."""
    rows = store.rows(
        "slo_trial_minutes", **trial.parameters, **left_out.parameters, since=since, until=until, most=most
    )
    return [MinuteRow(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class SliceRow:
    """A group's first minute and those stretches in which something was too old; they may overlap."""

    parts: str
    first: int
    stretches: Sequence[tuple[int, int]]


def slices(store: Store, trial: Trial, since: datetime, until: datetime, *, most: int) -> list[SliceRow]:
    return [
        SliceRow(*row)
        for row in store.rows("slo_trial_slices", **trial.parameters, since=since, until=until, most=most)
    ]


@dataclass(frozen=True, slots=True)
class Hit:
    """Leads and units that were hit, in all and by cause, the most frequent first."""

    leads: int
    units: int
    causes: Sequence[tuple[str, int]]


def affected(
    store: Store, trial: Trial, group: Sequence[str], since: datetime, until: datetime, *, sliced: bool, most: int
) -> Hit:
    """By bad units decided in (since, until]; of slices, by those that were too old in it."""
    rows = store.rows(
        "slo_trial_affected",
        **trial.parameters,
        group=list(group),
        since=since,
        until=until,
        sliced=int(sliced),
        most=most + 1,
    )
    every = [row for row in rows if row[1]]
    leads, units = (int(every[0][3]), int(every[0][2])) if every else (0, 0)
    return Hit(leads, units, [(cause, int(of)) for cause, is_every, _, of in rows if not is_every])
