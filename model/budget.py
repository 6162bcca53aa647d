"""What was counted for an objective: integers only; ratios are made where text is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from model.objective import Group


@dataclass(frozen=True, slots=True)
class Count:
    """Judged units in a window. `failure_units` is how many distinct things failed: batches, traces, outage minutes.

    `squares` is the sum over failure units of the square of their bad units: it tells eight small failures from one
    large one among seven. 0 when it was not counted; all are then taken to have one size.
    """

    good: int = 0
    bad: int = 0
    failure_units: int = 0
    squares: int = 0

    @property
    def total(self) -> int:
        return self.good + self.bad


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """The counts of one group at a moment, by the length of a window that ends then, and over the budget's period.

    A window in `windows` that has no unit is `Count()`.
    """

    group: Group
    windows: Mapping[timedelta, Count]
    period: Count
    first_unit_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A source of telemetry that an objective rests on. `silent_since` is None while it speaks as usual."""

    name: str
    last_seen: datetime | None
    silent_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Affected:
    """Who was hit: bad units of a group in a span of time. `causes` counts units by cause, the most frequent first."""

    leads: int
    examples: tuple[str, ...]
    causes: Mapping[str, int]
    first_at: datetime | None
    last_at: datetime | None
    services: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Slot:
    """The units of [at, at + step); of time slices, the slices."""

    at: datetime
    good: int
    bad: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Leads whose entries are still pending, and the next moment at which a deadline of theirs passes."""

    leads: int
    next_deadline: datetime | None


@dataclass(frozen=True, slots=True)
class CauseCount:
    """Bad units of one cause at one step."""

    cause: str
    step: str
    units: int
    leads: int
