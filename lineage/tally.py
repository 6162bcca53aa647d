"""Funnels, causes, flows and traces as people read them: counts over verdicts, never verdicts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lineage.answers import (
    Bucket,
    CauseCount,
    CauseLeads,
    FlowAnswer,
    FlowCheck,
    FlowStep,
    Funnel,
    PartCount,
    SourceCount,
    SpanAnswer,
    StepCount,
    TraceAnswer,
    TraceEventAnswer,
)
from lineage.ask import PAGE, Library, NotFoundError
from lineage.claims import check
from model.causes import causes
from model.flow import Flow
from model.hop import moment
from model.verdict import Status
from store import counts, hops
from store.counts import Slice
from store.values import readable_all

STATUSES = tuple(status.value for status in Status)
_BUCKETS_S = (1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400, 604_800)
MAX_BUCKETS = 60


def funnel(library: Library, of: Slice) -> Funnel:
    """How a flow's entries ended. Raises NotFoundError for a flow that neither a file nor an entry names."""
    flow = library.flows().get(of.flow)
    by_status = dict.fromkeys(STATUSES, 0) | expect_flow(library, of)
    entries = sum(by_status.values())
    by_step = counts.by_step(library.store, of)
    steps = list(flow.by_name) if flow else sorted(by_step)
    return Funnel(
        flow=of.flow,
        title=flow.title if flow else "",
        since=of.since,
        until=of.until,
        entries=entries,
        by_status=by_status,
        steps=[_step(name, flow, by_step.get(name, (0, 0))) for name in [*steps, *sorted(set(by_step) - set(steps))]],
        causes=[_cause(row, entries) for row in counts.by_cause(library.store, of)],
        parts=[PartCount(**row) for row in counts.parts(library.store, of)],
        over_time=_buckets(library, of),
        bucket_s=_bucket_s(of),
        sources=[SourceCount(**row) for row in counts.sources(library.store, of)],
    )


def expect_flow(library: Library, of: Slice) -> dict[str, int]:
    """Its entries by status. Raises NotFoundError for a flow that neither a file nor an entry names."""
    by_status = counts.by_status(library.store, of)
    if of.flow not in library.flows() and not by_status:
        raise _no_flow(library, of.flow)
    return by_status


def _no_flow(library: Library, name: str) -> NotFoundError:
    known = ", ".join(sorted(library.flows())) or "none"
    return NotFoundError(f"No flow is called “{name}”. The flows are: {known}.")


def _step(name: str, flow: Flow | None, count: tuple[int, int]) -> StepCount:
    title = flow.by_name[name].title if flow and name in flow.by_name else ""
    return StepCount(step=name, reached=count[0], stopped_here=count[1], title=title or name)


def _cause(row: Mapping[str, Any], entries: int) -> CauseCount:
    known = causes().get(row["cause"])
    return CauseCount(
        cause=row["cause"] or None,
        cls=row["class"] or None,
        step=row["step"] or None,
        entries=row["entries"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        status=row["status"],
        title=known.title if known else row["cause"] or "No flow file fits",
        share=row["entries"] / entries if entries else 0.0,
        leads=row["leads"],
    )


def _bucket_s(of: Slice) -> int:
    span_s = max((of.until - of.since).total_seconds(), 1)
    return next((size for size in _BUCKETS_S if span_s / size <= MAX_BUCKETS), int(span_s / MAX_BUCKETS) + 1)


def _buckets(library: Library, of: Slice) -> list[Bucket]:
    found: dict[datetime, dict[str, int]] = {}
    for at, status, entries in counts.over_time(library.store, of, bucket_s=_bucket_s(of)):
        found.setdefault(at, {})[status] = entries
    return [Bucket(at=at, by_status=by_status) for at, by_status in found.items()]


def leads_behind(library: Library, of: Slice, *, status: str, cause: str, step: str, cursor: str | None) -> CauseLeads:
    """The leads behind one number of the funnel, the latest captured first."""
    skip = int(cursor) if cursor and cursor.isdecimal() else 0
    rows = counts.leads_behind(library.store, of, status=status, cause=cause, step=step, skip=skip, most=PAGE + 1)
    shown = [{"lead": row.pop("lead_id"), **row} for row in rows[:PAGE]]
    return CauseLeads(flow=of.flow, leads=shown, next=str(skip + PAGE) if len(rows) > PAGE else None)


def flows(library: Library, *, now: datetime, back: timedelta = timedelta(days=7)) -> list[FlowAnswer]:
    """Every flow that a file describes or an entry names, with how its entries of the last days ended."""
    known = library.flows()
    counted = counts.entries_of_flows(library.store, now - back, now + timedelta(days=1))
    return [
        _flow(name, known.get(name), counted.get(name, {})) for name in [*known, *sorted(set(counted) - set(known))]
    ]


def flow_check(library: Library, name: str) -> FlowCheck:
    """What a flow's steps claim of the hops that come in. Raises NotFoundError for a flow that no file describes."""
    flow = library.flows().get(name)
    if flow is None:
        raise _no_flow(library, name)
    return library.checks.get((flow.name, flow.version), lambda: check(library.store, flow))


def _flow(name: str, flow: Flow | None, by_status: Mapping[str, int]) -> FlowAnswer:
    return FlowAnswer(
        name=name,
        title=flow.title or name if flow else name,
        owner=flow.owner if flow else "",
        goal=flow.goal if flow else "",
        deadline_s=flow.deadline.total_seconds() if flow else 0,
        version=flow.version if flow else "",
        known=flow is not None,
        steps=[
            FlowStep(
                name=step.name,
                title=step.title or step.name,
                kind=step.kind,
                owner=step.owner,
                required=step.required,
                after=list(step.after),
                within_s=step.within.total_seconds() if step.within else None,
            )
            for step in (flow.steps if flow else ())
        ],
        by_status={status: by_status.get(status, 0) for status in STATUSES},
    )


def trace(library: Library, trace_id: str) -> TraceAnswer:
    """One trace with all its spans and events. Raises NotFoundError."""
    found = hops.trace(library.store, trace_id.lower())
    if found is None:
        raise NotFoundError(f"No trace has the id “{trace_id}”.")
    return TraceAnswer(
        trace_id=found.trace_id,
        leads=list(found.leads),
        spans=[_span(row) for row in found.spans],
        events=[_event(row) for row in found.events],
        cut=found.cut,
    )


def _span(row: Mapping[str, Any]) -> SpanAnswer:
    return SpanAnswer(
        **{
            key: row[key]
            for key in ("span_id", "parent_span_id", "service", "service_version", "name", "kind", "status")
        },
        status_message=row["status_message"],
        at=moment(row["at_ns"]),
        duration_ms=row["duration_ns"] / 1e6,
        lead=row["lead_id"],
        attributes=row["attributes"],
        resource=row["resource"],
        events=[
            {"at": moment(at_ns), "name": name, "attributes": readable_all(attributes)}
            for at_ns, name, attributes in map(_members, row["events"])
        ],
        links=[dict(zip(("trace_id", "span_id"), _members(link), strict=True)) for link in row["links"]],
    )


def _members(value: Any) -> tuple[Any, ...]:
    """A tuple's members: the driver gives named tuples as dicts and unnamed ones as tuples."""
    return tuple(value.values()) if isinstance(value, dict) else tuple(value)


def _event(row: Mapping[str, Any]) -> TraceEventAnswer:
    keys = ("event_id", "span_id", "service", "event_name", "severity", "body")
    return TraceEventAnswer(
        **{key: row[key] for key in keys}, at=moment(row["at_ns"]), lead=row["lead_id"], attributes=row["attributes"]
    )
