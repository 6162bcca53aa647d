"""Takes in what was written about leads: finds whom it touches, counts their units anew, and the hours that changed.

Units of a lead are always found together, from what the store says now; what is new, different or gone is written, and
the hours it lies in are counted again from the units. So it does not matter in which order, how often or how late
anything comes. A crash is healed by doing the same again: the cursor moves last, and hours are due until a version of
the units is noted as counted.

An insert can become visible after later ones. The minute behind the cursor is looked at again each time; a line there
that was not handled takes the start back to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from lineage.identity import read_merges
from slo.plan import Plan
from store import agenda, slo_counts, slo_units
from store.engine import Store
from store.slo_counts import DAY_S
from store.slo_units import Line, Progress

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is done at a time. `overlap` is how long an insert may take to become visible."""

    overlap: timedelta = timedelta(seconds=60)
    lines_a_batch: int = 20_000
    leads_a_step: int = 20_000
    hours_a_query: int = 100
    days_a_query: int = 10
    batches_a_tick: int = 10


class Intake:
    """Counts what comes, and the history of what was never counted. One at a time writes: two would do work twice."""

    def __init__(self, store: Store, pace: Pace | None = None) -> None:
        self._store = store
        self._pace = pace or Pace()
        self._cursor: datetime | None = None
        self._handled: set[Line] = set()
        self._batch = 0

    def tick(self, plans: Sequence[Plan]) -> bool:
        """Do a bounded part of what is due. True: there is more."""
        progress = self._progress(plans)
        now = agenda.engine_now(self._store)
        left = self._pace.batches_a_tick
        while left and self._take_in(plans, progress, now):
            left -= 1
        for plan in plans:
            while left and progress[plan.key].counting:
                left -= 1
                self._step(plan, progress)
        return not left

    def recount(self, plan: Plan) -> None:
        """Count all of an objective's history again, to the end."""
        progress = self._progress([plan])
        progress[plan.key] = replace(progress[plan.key], position="", counting=True)
        while progress[plan.key].counting:
            self._step(plan, progress)

    def _progress(self, plans: Sequence[Plan]) -> dict[str, Progress]:
        keys = [plan.key for plan in plans]
        known = slo_units.progress_of(self._store, keys)
        self._batch = max([self._batch, *(one.completed for one in known.values())])
        return {key: known.get(key, Progress(key)) for key in keys}

    # ── what comes ──────────────────────────────────────────────────────────────────────────────────────────────

    def _take_in(self, plans: Sequence[Plan], progress: dict[str, Progress], now: datetime) -> bool:
        """Take in one batch of lines. True: there are more."""
        after = self._started(now)
        late = self._appeared_late(after)
        lines = slo_units.touched(self._store, after, now, most=self._pace.lines_a_batch)
        is_cut = len(lines) >= self._pace.lines_a_batch
        until = lines[-1].at if is_cut else now
        if late or lines:
            since = late[0].at - timedelta(milliseconds=1) if late else after
            batch = self._next_batch()
            slo_units.take_touched(self._store, batch, since, until)
            self._count(batch, plans)
            self._count_hours(plans, progress, batch)
        self._advance(until, [*late, *lines])
        return is_cut

    def _started(self, now: datetime) -> datetime:
        if self._cursor is None:
            stored = slo_units.cursor(self._store)
            self._cursor = stored if stored is not None else now - self._pace.overlap
        return self._cursor

    def _appeared_late(self, cursor: datetime) -> list[Line]:
        """Lines behind the cursor that were not there when it passed, the earliest first."""
        most = 10 * self._pace.lines_a_batch
        seen = slo_units.touched(self._store, cursor - self._pace.overlap, cursor, most=most)
        return [line for line in seen if line not in self._handled]

    def _advance(self, cursor: datetime, handled: Iterable[Line]) -> None:
        forgotten = cursor - self._pace.overlap
        self._handled = {line for line in (*self._handled, *handled) if line.at > forgotten}
        if cursor != self._cursor:
            slo_units.move_cursor(self._store, cursor)
        self._cursor = cursor

    # ── what was never counted ──────────────────────────────────────────────────────────────────────────────────

    def _step(self, plan: Plan, progress: dict[str, Progress]) -> None:
        """Count the next leads of an objective's history; after the last ones, all its hours."""
        at, batch = progress[plan.key], self._next_batch()
        extent = slo_units.take_next(
            self._store,
            batch,
            flow=plan.objective.indicator.flow,
            objective=plan.key,
            position=at.position,
            most=self._pace.leads_a_step,
        )
        if extent.leads:
            self._count(batch, [plan])
        if extent.leads < self._pace.leads_a_step:
            self._count_changed([plan.key], 0, batch)
            at = replace(at, position="", counting=False, counted=True, completed=batch)
            log.info("objective_counted", objective=plan.objective.name)
        else:
            at = replace(at, position=extent.last)
        progress[plan.key] = at
        slo_units.note(self._store, [at], written=batch)

    # ── one batch ───────────────────────────────────────────────────────────────────────────────────────────────

    def _next_batch(self) -> int:
        """A number above all before it, of the engine's clock where that did not go back."""
        now_us = int(agenda.engine_now(self._store).timestamp() * 1_000_000)
        self._batch = max(now_us, self._batch + 1)
        return self._batch

    def _count(self, batch: int, plans: Sequence[Plan]) -> None:
        """Find the units of a batch's leads in these objectives, and keep what changed."""
        find_units(self._store, batch, plans)
        slo_units.keep(self._store, batch, [plan.key for plan in plans])

    def _count_hours(self, plans: Sequence[Plan], progress: dict[str, Progress], batch: int) -> None:
        """Count the hours that changed; those of objectives whose history is not counted yet are left to its end."""
        keys = [plan.key for plan in plans if progress[plan.key].counted]
        if not keys:
            return
        self._count_changed(keys, min(progress[key].completed for key in keys), batch)
        for key in keys:
            progress[key] = replace(progress[key], completed=batch)
        slo_units.note(self._store, [progress[key] for key in keys], written=batch)

    def _count_changed(self, keys: Sequence[str], after: int, batch: int) -> None:
        """Count the hours in which units changed after a version, and their days."""
        hours = slo_counts.hours_changed(self._store, keys, after=after)
        for some in _portions(hours, self._pace.hours_a_query):
            slo_counts.count_hours(self._store, keys, some, version=batch)
        days = sorted({hour // DAY_S * DAY_S for hour in hours})
        for some in _portions(days, self._pace.days_a_query):
            slo_counts.count_days(self._store, keys, some, version=batch)


def find_units(store: Store, batch: int, plans: Sequence[Plan]) -> None:
    """Find the units of a batch's leads, and of those merged with them, in these objectives. Writes scratch only."""
    _join_merged(store, batch)
    slo_units.take_entries(store, batch, sorted({plan.objective.indicator.flow for plan in plans}))
    for plan in plans:
        slo_units.find(store, plan.indicator, batch, plan.parameters)
        attribute = plan.objective.gate.failure_unit
        if attribute:
            slo_units.find_failures(store, batch, objective=plan.key, attribute=attribute)


def _join_merged(store: Store, batch: int) -> None:
    """Of leads that were merged all ids are counted together."""
    merged = slo_units.merged_of(store, batch)
    if merged:
        found = read_merges(store, merged).concerned(merged)
        pairs = [(lead, identity.lead) for identity in found for lead in identity.ids]
        slo_units.stand_for(store, batch, pairs)


def _portions(moments: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    for start in range(0, len(moments), size):
        yield moments[start : start + size]
