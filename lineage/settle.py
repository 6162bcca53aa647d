"""The settle loop: finds leads with new hops or passed deadlines, judges their entries, writes what changed.

It works from the agenda, a table in time order that new hops and pending verdicts write to, and keeps a cursor in it.
An insert can become visible after later ones; so the stretch just behind the cursor is counted again on every tick,
and read again when it holds more lines than were handled. Whatever is done twice changes nothing.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge, Histogram

from lineage.adopt import Adopter
from lineage.flowbook import FlowBook, FlowKeeper, FlowsNow
from lineage.identity import HopsRead, hops_of_identities, read_merges
from lineage.journey import Journey, journeys
from lineage.verdict import judge, unjudged
from model.causes import VendorCodes, built_in_codes
from model.flow import Flow
from model.hop import Hop
from model.verdict import Verdict
from store import agenda, verdicts
from store.agenda import Due, Shard
from store.codes import codes_said, leads_of_code
from store.engine import Store
from store.errors import StoreError

log = structlog.get_logger(__name__)

VERDICTS = Counter("leadtrace_verdicts_written_total", "Verdicts written or changed", ["status"])
SETTLED = Counter("leadtrace_leads_settled_total", "Leads looked at by the settle loop")
LAG = Gauge("leadtrace_settle_lag_seconds", "How far the settle loop is behind the newest due line of its agenda")
TICK = Histogram("leadtrace_settle_tick_seconds", "Time that a tick of the settle loop took")
NOT_JUDGED = Counter("leadtrace_leads_not_judged_total", "Leads that the judge failed on; the log says which")
ERRORS = Counter("leadtrace_settle_errors_total", "Ticks that failed and will be tried again")


@dataclass(frozen=True, slots=True)
class Pace:
    """How the loop goes. `overlap` is how long an insert may take to become visible; `lines_a_batch` bounds memory."""

    idle: timedelta = timedelta(milliseconds=500)
    overlap: timedelta = timedelta(seconds=60)
    lines_a_batch: int = 20_000
    leads_a_query: int = 1_000


@dataclass(slots=True)
class _Behind:
    """The lines handled in the stretch behind the cursor."""

    since: datetime
    lines: deque[Due] = field(default_factory=deque)

    def add(self, handled: Iterable[Due]) -> None:
        self.lines.extend(handled)

    def forget_before(self, moment: datetime) -> None:
        self.since = max(self.since, moment)
        kept = sorted((line for line in self.lines if line.at > self.since), key=lambda line: line.at)
        self.lines = deque(kept)


SLOWEST_S = 10.0

# A due date further away is looked at again after this time: a sender whose clock is years ahead must not spread the
# agenda over years of daily partitions (ClickHouse refuses an insert into more than 100).
LOOK_AGAIN = timedelta(days=1)


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
        self._cursor: datetime | None = None
        self._behind = _Behind(datetime.min.replace(tzinfo=UTC))
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
        after = self._started(now)
        lines = agenda.due_between(self._store, after, now, self._shard, most=self._pace.lines_a_batch)
        busy = len(lines) >= self._pace.lines_a_batch
        until = lines[-1].at if busy else now
        if busy:  # lines of the same moment may have been cut off: read that moment whole
            lines = [line for line in lines if line.at < until] + agenda.due_between(
                self._store, until - timedelta(milliseconds=1), until, self._shard, most=10 * self._pace.lines_a_batch
            )
        late = self._appeared_late(after)
        self.settle(late + lines, now)
        self._advance(until, late + lines)
        LAG.set(max((now - until).total_seconds(), 0.0))
        return busy

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

    def _started(self, now: datetime) -> datetime:
        if self._cursor is None:
            stored = agenda.cursor(self._store, self._shard)
            start = stored - self._pace.overlap if stored is not None else now - timedelta(days=3)
            self._cursor = start
            self._behind = _Behind(start)
        return self._cursor

    def _appeared_late(self, cursor: datetime) -> list[Due]:
        """Lines behind the cursor that were not there when it passed."""
        if agenda.count_between(self._store, self._behind.since, cursor, self._shard) <= len(self._behind.lines):
            return []
        handled = set(self._behind.lines)
        most = 10 * self._pace.lines_a_batch
        seen = agenda.due_between(self._store, self._behind.since, cursor, self._shard, most=most)
        return [line for line in seen if line not in handled]

    def _advance(self, cursor: datetime, handled: Sequence[Due]) -> None:
        moved = self._cursor is not None and cursor > self._cursor
        self._cursor = cursor
        self._behind.add(handled)
        self._behind.forget_before(cursor - self._pace.overlap)
        if moved and handled:
            agenda.move_cursor(self._store, self._shard, cursor)

    # ── one batch ───────────────────────────────────────────────────────────────────────────────────────────────

    def settle(self, lines: Sequence[Due], now: datetime) -> None:
        """Adopt orphans of the traces on these lines, then judge every lead concerned."""
        if not lines:
            return
        traces = sorted({line.trace for line in lines if line.trace})
        leads = {line.lead for line in lines if line.lead}
        for some in _batches(traces, self._pace.leads_a_query):
            leads |= self._adopter.adopt(some)
        for some in _batches(sorted(leads), self._pace.leads_a_query):
            self._judge(some, now)

    def _judge(self, leads: Sequence[str], now: datetime) -> None:
        book, codes = self._book(now), self._codes()
        identities = read_merges(self._store, leads).concerned(leads)
        read = hops_of_identities(self._store, identities)
        before = verdicts.verdicts_of_leads(self._store, [one for identity in identities for one in identity.ids])
        made: list[tuple[Verdict, str]] = []
        gone: list[Verdict] = []
        reminders: list[tuple[datetime, str]] = []
        for identity in identities:
            lead = identity.lead
            known = {written.key: written for one in identity.ids for written in before.get(one, ())}
            judged = self._judged(lead, read[lead], book, now, codes)
            if judged is None:
                continue
            for verdict in judged:
                was = known.pop((verdict.flow, verdict.lead, verdict.entry), None)
                body = verdicts.body_of(verdict)
                if was is None or was.body != body:
                    made.append((verdict, body))
                    VERDICTS.labels(verdict.status.value).inc()
                if verdict.due_at is not None:
                    due = min(max(verdict.due_at, now), now + LOOK_AGAIN)
                    reminders.append((due + timedelta(milliseconds=1), lead))
            gone += [written.verdict for written in known.values()]
        verdicts.write(self._store, made, gone, decided_at=agenda.engine_now(self._store))
        agenda.remind(self._store, reminders)
        SETTLED.inc(len(leads))

    def _judged(
        self, lead: str, read: HopsRead, book: FlowBook, now: datetime, codes: VendorCodes
    ) -> list[Verdict] | None:
        """The lead's verdicts; None, told in the log, where the judge fails: one lead must not hold up the others."""
        try:
            return judge_lead(lead, read.hops, book, now, codes, cut=read.cut)
        except Exception:
            NOT_JUDGED.inc()
            log.exception("lead_not_judged", lead=lead, hops=len(read.hops))
            return None


def judge_lead(
    lead: str,
    hops: Sequence[Hop],
    flows: Mapping[str, Flow] | FlowBook,
    now: datetime,
    codes: VendorCodes | None = None,
    *,
    cut: bool = False,
) -> list[Verdict]:
    """The verdict on each of a lead's entries in each flow it tries: exactly one an entry and flow. `cut` says that the
    lead has more hops than these.
    """
    book = flows if isinstance(flows, FlowBook) else FlowBook(flows)
    return judge_journeys(journeys(lead, hops, book.current, cut=cut), book, now, codes)


def judge_journeys(
    made: Iterable[Journey], book: FlowBook, now: datetime, codes: VendorCodes | None = None
) -> list[Verdict]:
    """The verdict on each journey in each flow it tries."""
    return [verdict for journey in made for verdict in _judge_journey(journey, book, now, codes)]


def _judge_journey(journey: Journey, book: FlowBook, now: datetime, codes: VendorCodes | None) -> Iterable[Verdict]:
    began = journey.hops[0].at
    flows = {name: book.in_force(name, began) for name in journey.flows(book.current)}
    for name, flow in flows.items():
        if flow is None:
            yield unjudged(journey, name)
        else:
            others = [other for other in flows.values() if other is not None and other is not flow]
            yield judge(journey, flow, now, codes, others)


def _batches(all_of_them: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    for start in range(0, len(all_of_them), size):
        yield all_of_them[start : start + size]
