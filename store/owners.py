"""Whose is a hop that names no lead? The lookups that answer it; the deciding is done above."""

from collections.abc import Sequence
from dataclasses import dataclass

from store.engine import Store


@dataclass(frozen=True, slots=True)
class Link:
    """A span link, seen from one of its two ends."""

    trace_id: str
    span_id: str
    other_trace_id: str
    other_span_id: str


def leads_of_traces(store: Store, traces: Sequence[str]) -> dict[str, list[str]]:
    """Which leads each trace's own hops name; a trace that names none is absent."""
    found: dict[str, list[str]] = {}
    for trace_id, lead in store.rows("leads_of_traces", traces=list(traces)):
        found.setdefault(trace_id, []).append(lead)
    return found


def owned_of_traces(store: Store, traces: Sequence[str], *, most: int) -> list[tuple[str, str, str, str]]:
    """(trace, span, parent, lead) of spans that name their lead."""
    return [(row[0], row[1], row[2], row[3]) for row in store.rows("owned_of_traces", traces=list(traces), most=most)]


def links_of_traces(store: Store, traces: Sequence[str], *, most: int) -> list[Link]:
    return [Link(*row) for row in store.rows("links_of_traces", traces=list(traces), most=most)]


def owners_of_spans(store: Store, spans: Sequence[tuple[str, str]]) -> dict[tuple[str, str], set[str]]:
    """The leads of spans, as they said themselves or as was found out; keys are (trace, span)."""
    wanted = set(spans)
    found: dict[tuple[str, str], set[str]] = {}
    rows = store.rows(
        "owners_of_spans", traces=sorted({one[0] for one in wanted}), spans=sorted({one[1] for one in wanted})
    )
    for trace_id, span_id, lead in rows:
        if (trace_id, span_id) in wanted:
            found.setdefault((trace_id, span_id), set()).add(lead)
    return found


def leads_of_entries(store: Store, entries: Sequence[str]) -> dict[str, str]:
    """The lead of each correlation id, by the id as given; an id that several leads claim is absent."""
    found = {row[0]: row[1] for row in store.rows("leads_of_entries", entries=[entry.lower() for entry in entries])}
    return {entry: found[entry.lower()] for entry in entries if entry.lower() in found}
