"""Judged units: which leads are counted together, what their units are now, and which of them changed.

A batch is a number that grows; it names the leads that are looked at together, the units that were found, and the
version under which changes are written. Doing a batch twice, or two that overlap, changes nothing more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.engine import Store


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the counting of an objective came (store/schema.sql, slo_progress)."""

    objective: str
    position: str = ""
    counting: bool = True
    counted: bool = False
    completed: int = 0


@dataclass(frozen=True, slots=True)
class Extent:
    """How many leads a batch took, and the last of them."""

    leads: int
    last: str


@dataclass(frozen=True, slots=True)
class Line:
    """Something was written about a lead: a verdict, or an event. `mark` tells lines of a moment apart."""

    at: datetime
    mark: int


# ── batches ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def touched(store: Store, after: datetime, until: datetime, *, most: int) -> list[Line]:
    """What was written after `after` and until `until`, by the engine's clock; the earliest `most`."""
    columns = store.columns("slo_touched", after=after, until=until, most=most)
    return [Line(at, mark) for at, mark in zip(*columns, strict=True)]


def take_touched(store: Store, batch: int, after: datetime, until: datetime) -> None:
    """Make a batch of the leads that anything was written about."""
    store.run("slo_batch_touched", batch=batch, after=after, until=until)


def take_next(store: Store, batch: int, *, flow: str, objective: str, position: str, most: int) -> Extent:
    """Make a batch of the next leads of a flow, and of those that the objective counted before, in their order."""
    store.run("slo_batch_next", batch=batch, flow=flow, objective=objective, position=position, most=most)
    leads, last = store.rows("slo_batch_extent", batch=batch)[0]
    return Extent(int(leads), last)


def merged_of(store: Store, batch: int) -> list[str]:
    """The leads of a batch that were merged, or that others were merged into."""
    return [row[0] for row in store.rows("slo_batch_merged", batch=batch)]


def stand_for(store: Store, batch: int, pairs: Iterable[tuple[str, str]]) -> None:
    """Take leads into a batch, each with the lead that it goes on as."""
    rows = [[batch, lead, survivor, 1] for lead, survivor in pairs]
    store.insert("slo_batches", ["batch", "lead_id", "stands_for", "rank"], rows)


def take_entries(store: Store, batch: int, flows: Sequence[str]) -> None:
    """Take what is said of the entries of a batch's leads in these flows; a batch that is found in needs it."""
    store.run("slo_entries_of_batch", batch=batch, flows=list(flows))


# ── units ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def find(store: Store, indicator: str, batch: int, parameters: Mapping[str, Any]) -> None:
    """Find the units that the leads of a batch have now, in one objective."""
    store.run(f"slo_units_{indicator}", batch=batch, **parameters)


def find_failures(store: Store, batch: int, *, objective: str, attribute: str) -> None:
    """Tell bad units that failed together by an attribute of their hops."""
    store.run("slo_units_by_failure", batch=batch, objective=objective, attribute=attribute)


def keep(store: Store, batch: int, objectives: Sequence[str]) -> None:
    """Write what a batch changes. Where its units lie is written first: one that nobody finds again stays forever."""
    store.run("slo_lead_hours_of_batch", batch=batch)
    store.run("slo_units_of_batch", batch=batch, objectives=list(objectives))


# ── progress ────────────────────────────────────────────────────────────────────────────────────────────────────────


def progress_of(store: Store, objectives: Sequence[str]) -> dict[str, Progress]:
    """How far each came; one that was never begun is absent."""
    return {row[0]: Progress(*row) for row in store.rows("slo_progress", objectives=list(objectives))}


def note(store: Store, progress: Iterable[Progress], *, written: int) -> None:
    rows = [[one.objective, written, one.position, one.counting, one.counted, one.completed] for one in progress]
    columns = ["objective", "written", "position", "counting", "counted", "completed"]
    store.insert("slo_progress", columns, rows)


LOOP = "slo"


def cursor(store: Store) -> datetime | None:
    """Until when everything that was written was taken in, by the engine's clock."""
    rows = store.rows("cursor_of_loop", loop=LOOP)
    return rows[0][0] if rows else None


def move_cursor(store: Store, at: datetime) -> None:
    store.insert("cursors", ["loop", "at", "version"], [[LOOP, at, int(at.timestamp() * 1000)]])
