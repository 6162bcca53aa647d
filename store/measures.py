"""Measures of how well leads are answered for, counted over verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.counts import Slice
from store.engine import Store


@dataclass(frozen=True, slots=True)
class Stopped:
    """What one cause did to one step: the entries of a status, cause and step."""

    status: str
    cause: str
    step: str

    @property
    def parameters(self) -> dict[str, str]:
        return {"status": self.status, "cause": self.cause, "step": self.step}


def answer_times(store: Store, of: Slice) -> tuple[int, Sequence[float]]:
    """(how many, [p50, p95, p99] in seconds) from the moment that decided an entry to its verdict."""
    row = store.rows("answer_times", **of.parameters)[0]
    return row[0], row[1]


def explained(store: Store, of: Slice) -> tuple[int, int]:
    """(entries that ended without entering, those of them whose cause names the reason)."""
    row = store.rows("explained", **of.parameters)[0]
    return row[0], row[1]


def responses(store: Store, of: Slice) -> list[dict[str, Any]]:
    return store.dicts("lead_responses", **of.parameters)


def recoveries(store: Store, of: Slice) -> list[dict[str, Any]]:
    return store.dicts("recoveries", **of.parameters)


def shared_values(store: Store, of: Slice, stopped: Stopped) -> list[tuple[str, str, int, int]]:
    """(name, value, entries with the cause, entries without it), from what verdicts know."""
    rows = store.rows("different", **of.parameters, **stopped.parameters)
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def sample(store: Store, of: Slice, stopped: Stopped, *, most: int) -> tuple[list[str], list[str]]:
    """(leads that the cause stopped, leads that ended otherwise), the latest `most` of each."""
    found: dict[bool, list[str]] = {True: [], False: []}
    for lead, affected in store.rows("sample_of_cause", **of.parameters, **stopped.parameters, most=most):
        found[bool(affected)].append(lead)
    affected_leads = set(found[True])
    return sorted(affected_leads), sorted(set(found[False]) - affected_leads)


def shared_attributes(
    store: Store, affected: Sequence[str], others: Sequence[str], *, least: int
) -> list[tuple[str, str, int, int]]:
    """(name, value, affected leads with it, other leads with it), from their hops' attributes."""
    rows = store.rows("different_hops", affected=list(affected), others=list(others), least=least)
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def recovered_after_s(row: dict[str, Any]) -> float | None:
    """From the capture of the first stopped entry to that of the first which passed after the last; None while it
    lasts.
    """
    passed: datetime = row["passed_captured"]
    return (passed - row["first_captured"]).total_seconds() if row["recovered"] else None
