"""Reads hops: a lead's, from the timeline, and a trace's, from the tables sorted by trace."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from model.hop import Hop, SpanEvent
from store.engine import Store
from store.values import PREFIX, readable, readable_all

MAX_HOPS_OF_A_LEAD = 5_000
MAX_SPANS_OF_A_TRACE = 10_000


def hops_of_leads(store: Store, leads: Sequence[str], *, most: int = MAX_HOPS_OF_A_LEAD) -> dict[str, list[Hop]]:
    """Every hop of each lead, earliest first, at most `most` a lead; a lead that nobody spoke of is absent."""
    return _hops_of_leads(store, "hops_of_leads", leads, most)


def last_hops_of_leads(store: Store, leads: Sequence[str], *, most: int) -> dict[str, list[Hop]]:
    """The same, but the latest of each lead, latest first."""
    return _hops_of_leads(store, "hops_of_leads_last", leads, most)


def _hops_of_leads(store: Store, query: str, leads: Sequence[str], most: int) -> dict[str, list[Hop]]:
    columns = store.columns(query, leads=list(leads), most=most)
    found: dict[str, list[Hop]] = {}
    for row in zip(*columns, strict=True):
        found.setdefault(row[0], []).append(_hop(row))
    return found


def _hop(row: Sequence[Any]) -> Hop:
    (
        lead,
        trace,
        hop_id,
        parent,
        signal,
        at_ns,
        duration_ns,
        service,
        name,
        kind,
        status,
        message,
        version,
        payload,
    ) = row
    said = json.loads(payload)
    plain = readable_all if PREFIX in payload else dict
    attributes = plain(said["a"])
    if body := said.get("b"):
        attributes.setdefault("body", readable(body))
    return Hop(
        lead,
        trace,
        hop_id,
        parent,
        signal,
        at_ns,
        duration_ns,
        service,
        name,
        kind,
        status,
        message,
        version,
        attributes,
        tuple(SpanEvent(int(event["at"]), event["name"], plain(event["a"])) for event in said.get("e", ())),
        tuple((link["trace"], link["span"]) for link in said.get("l", ())),
    )


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything one trace holds. `cut` says that it holds more than was read."""

    trace_id: str
    spans: Sequence[dict[str, Any]]
    events: Sequence[dict[str, Any]]
    leads: Sequence[str]
    cut: bool


def trace(store: Store, trace_id: str, *, most: int = MAX_SPANS_OF_A_TRACE) -> Trace | None:
    """The trace, or None when nothing of it is known."""
    spans = [_readable(row) for row in store.dicts("spans_of_trace", trace=trace_id, most=most + 1)]
    events = [_readable(row) for row in store.dicts("events_of_trace", trace=trace_id, most=most + 1)]
    if not spans and not events:
        return None
    leads = [row[0] for row in store.rows("lead_of_trace", trace=trace_id)]
    return Trace(trace_id, spans[:most], events[:most], leads, cut=len(spans) > most or len(events) > most)


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    row["attributes"] = readable_all(row["attributes"])
    row["resource"] = readable_all(row["resource"])
    if "body" in row:
        row["body"] = readable(row["body"])
    return row


@dataclass(frozen=True, slots=True)
class Orphan:
    """A hop that names no lead."""

    trace_id: str
    hop_id: str
    parent_id: str
    entry: str
    signal: str


def orphans_of_traces(store: Store, traces: Sequence[str], *, most: int) -> list[Orphan]:
    return [Orphan(*row) for row in store.rows("orphans_of_traces", traces=list(traces), most=most)]


def adopt(store: Store, finds: Iterable[tuple[Orphan, str]]) -> None:
    """Put each orphan on the timeline of the lead found for it. Doing it twice adds nothing."""
    for signal, query in (("span", "adopt_spans"), ("event", "adopt_events")):
        chosen = [(orphan, lead) for orphan, lead in finds if orphan.signal == signal]
        if chosen:
            store.run(
                query,
                traces=[orphan.trace_id for orphan, _ in chosen],
                hops=[orphan.hop_id for orphan, _ in chosen],
                leads=[lead for _, lead in chosen],
            )
