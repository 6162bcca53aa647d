"""Whom bad units belong to and what made them bad; who still waits; what is no unit and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.engine import Store
from store.slo_counts import hour_of


@dataclass(frozen=True, slots=True)
class BadUnits:
    """Which bad units are meant: of a group (its values), decided in (since, until]; `sliced`, bad at a time in it."""

    objective: str
    group: Sequence[str]
    since: datetime
    until: datetime
    sliced: bool = False
    kept: Sequence[str] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "objective": self.objective,
            "group": list(self.group),
            "since": self.since,
            "until": self.until,
            "first_hour": 0 if self.sliced else hour_of(int(self.since.timestamp()) * 1000),
            "last_hour": hour_of(int(self.until.timestamp()) * 1000),
            "sliced": int(self.sliced),
            "kept": list(self.kept),
        }


def affected(store: Store, bad: BadUnits, *, examples: int) -> Mapping[str, Any]:
    """`leads`, `examples` (the last hit first), `first`, `last`, `services`; the times of none mean nothing."""
    return store.dicts("slo_affected", **bad.parameters, most=examples)[0]


def causes(store: Store, bad: BadUnits) -> list[tuple[str, str, int, int]]:
    """(cause, step, units, leads), the most frequent first."""
    return [
        (cause, step, int(units), int(leads))
        for cause, step, units, leads in store.rows("slo_causes", **bad.parameters)
    ]


def waiting(
    store: Store, *, flow: str, group_by: Sequence[str], group: Sequence[str], since: datetime, now: datetime
) -> tuple[int, datetime | None]:
    """How many leads captured since then still wait, and their next deadline."""
    rows = store.rows("slo_waiting", flow=flow, group_by=list(group_by), group=list(group), since=since, now=now)
    return int(rows[0][0]), rows[0][1]


def excluded(store: Store, *, flow: str, since: datetime, until: datetime) -> dict[str, int]:
    """Entries that are no units, by reason."""
    return {reason: int(entries) for reason, entries in store.rows("slo_excluded", flow=flow, since=since, until=until)}
