"""Objectives: what may go wrong how often, and when a budget burns too fast. Types only; `slo/openslo/` reads files.

The words are those of the Google SRE Workbook, chapter 5: a *burn rate* of 1 spends the budget exactly in its period.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import Literal

INDICATORS = ("delivery_latency", "freshness", "duplicates", "enrolment", "routing", "backlog")
GROUP_KEYS = ("campaign", "segment", "source", "system")
Severity = Literal["page", "ticket"]
Method = Literal["occurrences", "timeslices"]

Group = tuple[tuple[str, str], ...]
"""A part of an objective's units: pairs of group key and value in the objective's order; `()` is all of them."""


@dataclass(frozen=True, slots=True)
class Tier:
    """When a burn is told: the budget burns at least `burn` times too fast in both windows.

    `share` is the part of the period's budget that `burn` spends in the long window.
    """

    severity: Severity
    long: timedelta
    short: timedelta
    share: Fraction
    burn: Fraction

    @property
    def name(self) -> str:
        """How people call it: `page 1h/5m`."""
        return f"{self.severity} {_short(self.long)}/{_short(self.short)}"


@dataclass(frozen=True, slots=True)
class Indicator:
    """What is counted. `limit` is the longest time (latency, age) that is still good; None where none applies.

    `parameters` holds what else the indicator asks for, as the file gave it: `from`, `to`, `events`, `system`, ….
    """

    name: str
    flow: str
    limit: timedelta | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """The period of a budget: rolling, or calendar units (day, week, month, quarter, year) in a time zone."""

    length: timedelta
    rolling: bool = True
    unit: str = ""
    count: int = 1
    start: str = ""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Gate:
    """What guards an alert against noise (shared/slo.md, Firing)."""

    min_failure_units: int = 3
    alpha: float = 1e-4
    min_budget_failures: int = 10
    failure_unit: str = ""


@dataclass(frozen=True)
class Objective:
    """One target on one indicator. `generation` changes with the definition, never with the target alone.

    `target` is exact (0.995 is 199/200). A time-slice budget counts slices of `slice_length`.
    """

    name: str
    title: str
    indicator: Indicator
    target: Fraction
    window: Window
    tiers: tuple[Tier, ...]
    generation: str
    method: Method = "occurrences"
    slice_length: timedelta = timedelta(minutes=1)
    description: str = ""
    service: str = ""
    owner: str = ""
    playbook: str = ""
    group_by: tuple[str, ...] = ()
    max_groups: int = 2_000
    decision_deadline: timedelta | None = None
    lateness_horizon: timedelta = timedelta(hours=72)
    gate: Gate = Gate()
    receivers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    text: str = ""

    @property
    def error_budget(self) -> Fraction:
        """The share of units that may be bad: 1 - target."""
        return 1 - self.target


def _short(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
