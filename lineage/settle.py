"""The settle loop: finds leads with new hops or passed deadlines, judges their entries, writes what changed.

It works from the agenda, a table in time order that new hops and pending verdicts write to. Whatever is done twice
changes nothing.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge, Histogram

from lineage.adopt import Adopter
from lineage.due import DueLines
from lineage.flowbook import FlowKeeper, FlowsNow
from lineage.judging import Bench, settle_leads
from lineage.precedents import Precedents
from model.causes import VendorCodes, built_in_codes
from store import agenda
from store.agenda import Due, Shard
from store.codes import codes_said, leads_of_code
from store.engine import Store
from store.errors import StoreError

log = structlog.get_logger(__name__)

LAG = Gauge("leadtrace_settle_lag_seconds", "How far the settle loop is behind the newest due line of its agenda")
TICK = Histogram("leadtrace_settle_tick_seconds", "Time that a tick of the settle loop took")
ERRORS = Counter("leadtrace_settle_errors_total", "Ticks that failed and will be tried again")


@dataclass(frozen=True, slots=True)
class Pace:
    """How the loop goes. `overlap` is how long an insert may take to become visible; `lines_a_batch` bounds memory, and
    so does the number of hops that a query gives (`store/hops_to_judge.py`).
    """

    idle: timedelta = timedelta(milliseconds=500)
    overlap: timedelta = timedelta(seconds=60)
    lines_a_batch: int = 20_000
    ids_a_query: int = 5_000


SLOWEST_S = 10.0


class Settler:
    """Settles one shard of all leads. `tick()` does what is due now; `run()` does so until stopped."""

    def __init__(
        self,
        store: Store,
        flows: FlowsNow,
        codes: Callable[[], VendorCodes] = built_in_codes,
        *,
        shard: Shard | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._store = store
        self._book = FlowKeeper(store, flows)
        self._codes = codes
        self._codes_applied: VendorCodes | None = None
        self._shard = shard or Shard()
        self._pace = pace or Pace()
        self._adopter = Adopter(store)
        self._precedents = Precedents()
        self._due = DueLines(store, self._shard, overlap=self._pace.overlap, most=self._pace.lines_a_batch)
        self._stop = threading.Event()

    # ── the loop ────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        """Tick until `stop()`. An engine that is away is asked again, slower and slower, up to every 10 seconds."""
        wait_s = self._pace.idle.total_seconds()
        while not self._stop.is_set():
            try:
                with TICK.time():
                    busy = self.tick()
            except StoreError as error:
                wait_s = min(wait_s * 2, SLOWEST_S)
                ERRORS.inc()
                log.warning("settle_failed", reason=str(error), next_try_s=round(wait_s, 1))
                self._stop.wait(wait_s)
                continue
            except Exception:  # a loop that ends in silence settles nobody; what nobody foresaw is told and tried again
                wait_s = min(wait_s * 2, SLOWEST_S)
                ERRORS.inc()
                log.exception("settle_broke", next_try_s=round(wait_s, 1))
                self._stop.wait(wait_s)
                continue
            wait_s = self._pace.idle.total_seconds()
            if not busy:
                self._stop.wait(wait_s)

    def stop(self) -> None:
        self._stop.set()

    def tick(self) -> bool:
        """Do one batch of what is due. True when there was so much that another batch should follow at once."""
        now = agenda.engine_now(self._store)
        self._apply_codes(now)
        lines = self._due.read(now)
        self.settle([*lines.late, *lines.due], now)
        self._due.handled(lines)
        LAG.set(max((now - lines.until.at).total_seconds(), 0.0))
        return lines.more

    def _apply_codes(self, now: datetime) -> None:
        """Codes that mean something else since they were judged put their leads on the agenda."""
        codes = self._codes()
        if codes is self._codes_applied:
            return
        for said in codes_said(self._store):
            meant = codes.resolve(said.code, said.system)
            if meant is not None and meant != said.cause:
                agenda.remind(self._store, [(now, lead) for lead in leads_of_code(self._store, said)])
        self._codes_applied = codes

    def settle(self, lines: Sequence[Due], now: datetime) -> None:
        """Adopt orphans of the traces on these lines, then judge every lead concerned."""
        if not lines:
            return
        traces = sorted({line.trace for line in lines if line.trace})
        leads = {line.lead for line in lines if line.lead}
        for some in _batches(traces, self._pace.ids_a_query):
            leads |= self._adopter.adopt(some)
        for some in _batches(sorted(leads), self._pace.ids_a_query):
            settle_leads(self._store, some, Bench(self._book(now), self._codes(), self._precedents), now)


def _batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))
