"""Judges leads as they stand in the store, page by page, and writes what changed."""

from collections import Counter as Counted
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog
from prometheus_client import Counter

from lineage.flowbook import FlowBook
from lineage.identity import HopsRead, Identity, hops_of_identities, read_merges
from lineage.journey import Journey, journeys
from lineage.precedents import Precedents
from lineage.rules_read import paths_for, read_for
from lineage.verdict import judge, unjudged
from model.causes import VendorCodes
from model.flow import Flow
from model.hop import MS, Hop, moment
from model.verdict import Verdict
from store import agenda, verdicts
from store.engine import Store
from store.hops import MAX_HOPS_OF_A_LEAD
from store.hops_to_judge import HopRows, hops_to_judge
from store.verdicts import Row, row_of, withdrawn

log = structlog.get_logger(__name__)

VERDICTS = Counter("leadtrace_verdicts_written_total", "Verdicts written or changed", ["status"])
SETTLED = Counter("leadtrace_leads_settled_total", "Leads looked at by the settle loop")
NOT_JUDGED = Counter("leadtrace_leads_not_judged_total", "Leads that the judge failed on; the log says which")

# A due date further away is looked at again after this time: a sender whose clock is years ahead must not spread the
# agenda over years of daily partitions (ClickHouse refuses an insert into more than 100).
LOOK_AGAIN = timedelta(days=1)
MERGED_A_QUERY = 20


# ── in the store ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Bench:
    """What judges sit by: the flows and codes in force, and what was said of entries like these."""

    book: FlowBook
    codes: VendorCodes
    precedents: Precedents = field(default_factory=Precedents)

    def __post_init__(self) -> None:
        self.precedents.under(self.book, self.codes)

    def rows_of(self, rows: HopRows, now: datetime) -> Sequence[Row]:
        """What is said of a lead, as the verdicts' table has it: repeated, or else judged."""
        form = self.precedents.form_of(rows)
        known = self.precedents.rows_of(rows, form, now) if form is not None else None
        if known is not None:
            return known
        said = judge_lead(rows.lead, rows.hops(), self.book, now, self.codes)
        if form is not None:
            self.precedents.keep(rows, form, said, now)
        return [row_of(verdict) for verdict in said]

    def judged(self, identity: Identity, read: HopsRead, now: datetime) -> Sequence[Row]:
        """The same of a lead that may have several ids, or more hops than are read."""
        said = judge_lead(identity.lead, read.hops, self.book, now, self.codes, cut=read.cut)
        return [row_of(verdict) for verdict in said]


def settle_leads(store: Store, leads: Sequence[str], bench: Bench, now: datetime) -> None:
    """Judge these leads, and those that they were merged with, and write the verdicts that differ from what is written.

    Memory is bounded in hops, not in leads: each page is written before the next is read.
    """
    for page in _pages(store, read_merges(store, leads).concerned(leads), bench, now):
        before = verdicts.bodies_of_leads(store, page.ids)
        news = _News(now)
        for identity, judged in page.judged:
            if judged is not None:
                news.take(identity, judged, [before[one] for one in identity.ids if one in before])
        verdicts.write(store, [*news.made, *news.gone], decided_at=agenda.engine_now(store))
        agenda.remind(store, news.reminders)
        for status, count in Counted(row.status for row in news.made).items():
            VERDICTS.labels(status).inc(count)
    SETTLED.inc(len(leads))


Judged = Sequence[Row] | None


@dataclass(frozen=True, slots=True)
class _Page:
    """Leads with what is said of them, judged when they are come to, and all ids that they have."""

    ids: Sequence[str]
    judged: Iterable[tuple[Identity, Judged]]


def _pages(store: Store, identities: Sequence[Identity], bench: Bench, now: datetime) -> Iterator[_Page]:
    alone = {identity.lead: identity for identity in identities if not identity.merged}
    flows = list(bench.book.all_flows)
    for page in hops_to_judge(store, alone, read_for(flows), paths=paths_for(flows)):
        yield _Page(page.leads, ((alone[lead], _of_rows(store, alone[lead], rows, bench, now)) for lead, rows in page))
    merged = [identity for identity in identities if identity.merged]
    for start in range(0, len(merged), MERGED_A_QUERY):
        some = merged[start : start + MERGED_A_QUERY]
        found = hops_of_identities(store, some)
        ids = [one for identity in some for one in identity.ids]
        yield _Page(ids, [(one, _tried(one, partial(bench.judged, one, found[one.lead], now))) for one in some])


def _of_rows(store: Store, identity: Identity, rows: HopRows, bench: Bench, now: datetime) -> Judged:
    """What is said of a lead whose hops were read; one with too many is judged by its first and last ones."""
    if len(rows) < MAX_HOPS_OF_A_LEAD:
        return _tried(identity, partial(bench.rows_of, rows, now))
    ends = hops_of_identities(store, [identity])[identity.lead]
    return _tried(identity, partial(bench.judged, identity, ends, now))


def _tried(identity: Identity, judged: Callable[[], Sequence[Row]]) -> Judged:
    """What is said; None, told in the log, where judging fails: one lead must not hold up the others."""
    try:
        return judged()
    except Exception:
        NOT_JUDGED.inc()
        log.exception("lead_not_judged", lead=identity.lead)
        return None


@dataclass(slots=True)
class _News:
    """What differs from what is written, and when to look again."""

    now: datetime
    made: list[Row] = field(default_factory=list)
    gone: list[Row] = field(default_factory=list)
    reminders: list[tuple[datetime, str]] = field(default_factory=list)

    def take(self, identity: Identity, judged: Iterable[Row], before: Iterable[Mapping[verdicts.Key, str]]) -> None:
        """All verdicts on a lead, beside what was written of it under each of its ids."""
        known = {key: body for written in before for key, body in written.items()}
        for row in judged:
            if known.pop((row.flow, row.lead_id, row.entry), None) != row.body:
                self.made.append(row)
            if row.due_at is not None:
                due = min(max(moment(row.due_at * MS), self.now), self.now + LOOK_AGAIN)
                self.reminders.append((due + timedelta(milliseconds=1), identity.lead))
        self.gone += [withdrawn(verdicts.verdict_of(body)) for body in known.values()]


# ── in memory ───────────────────────────────────────────────────────────────────────────────────────────────────────


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
