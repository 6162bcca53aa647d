"""What a trace's page shows, made ready: spans as a tree with bars on one time axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineage import tally
from lineage.answers import SpanAnswer, TraceAnswer, TraceEventAnswer
from lineage.ask import Library
from ui.lead import telling_first
from ui.words import answered, length, milliseconds, offset

SPANS_A_PAGE = 300
MAX_DEPTH = 12
_FAILING_FROM = 400


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One span of the waterfall; `left` and `width` are percents, `depth` counts from 0."""

    span: SpanAnswer
    depth: int
    left: float
    width: float
    state: str
    after: str
    took: str
    attributes: Sequence[tuple[str, str]]
    resource: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TraceView:
    trace: TraceAnswer
    rows: Sequence[SpanRow]
    took: str
    started: datetime | None
    services: Sequence[str]
    failed: int
    first: int
    after: int | None
    before: int | None
    loose: Sequence[TraceEventAnswer]


def trace_view(library: Library, trace_id: str, *, first: int = 0) -> TraceView:
    """The page of a trace. Raises NotFoundError."""
    found = tally.trace(library, trace_id)
    spans = found.spans
    start = min((span.at for span in spans), default=None)
    end = max((_end(span) for span in spans), default=None)
    first = min(first, max(len(spans) - 1, 0)) // SPANS_A_PAGE * SPANS_A_PAGE
    tree = in_tree_order(spans)[first : first + SPANS_A_PAGE]
    return TraceView(
        trace=found,
        rows=[_row(span, depth, start, end) for span, depth in tree] if start and end else [],
        took=length(end - start) if start and end else "",
        started=start or min((event.at for event in found.events), default=None),
        services=sorted({span.service for span in spans} | {event.service for event in found.events}),
        failed=sum(_state(span) == "failed" for span in spans),
        first=first,
        after=first + SPANS_A_PAGE if first + SPANS_A_PAGE < len(spans) else None,
        before=first - SPANS_A_PAGE if first else None,
        loose=found.events,
    )


def in_tree_order(spans: Sequence[SpanAnswer]) -> list[tuple[SpanAnswer, int]]:
    """Each span once, children right after their parent by start; with its depth. Orphans and cycles become roots."""
    ids = {span.span_id for span in spans}
    children: dict[str, list[SpanAnswer]] = {}
    for span in sorted(spans, key=lambda span: (span.at, span.span_id), reverse=True):
        parent = span.parent_span_id if span.parent_span_id in ids and span.parent_span_id != span.span_id else ""
        children.setdefault(parent, []).append(span)
    ordered = _descend([(span, 0) for span in children.get("", [])], children)
    placed = {span.span_id for span, _ in ordered}
    return ordered + [(span, 0) for span in spans if span.span_id not in placed]


def _descend(
    waiting: list[tuple[SpanAnswer, int]], children: Mapping[str, Sequence[SpanAnswer]]
) -> list[tuple[SpanAnswer, int]]:
    ordered: list[tuple[SpanAnswer, int]] = []
    while waiting:
        span, depth = waiting.pop()
        ordered.append((span, depth))
        waiting.extend((child, min(depth + 1, MAX_DEPTH)) for child in children.get(span.span_id, ()))
    return ordered


def _row(span: SpanAnswer, depth: int, start: datetime, end: datetime) -> SpanRow:
    seconds = max((end - start).total_seconds(), 1e-9)
    width = max(100 * span.duration_ms / 1000 / seconds, 0.4)
    left = min(100 * (span.at - start).total_seconds() / seconds, 100 - width)
    return SpanRow(
        span=span,
        depth=depth,
        left=round(max(left, 0.0), 3),
        width=round(min(width, 100.0), 3),
        state=_state(span),
        after=offset(span.at - start),
        took=milliseconds(span.duration_ms),
        attributes=telling_first(span.attributes),
        resource=sorted(span.resource.items()),
    )


def _state(span: SpanAnswer) -> str:
    """An HTTP client's 4xx and 5xx count as failed even where the SDK left the status unset."""
    return "failed" if span.status == "error" or int(answered(span.attributes) or 0) >= _FAILING_FROM else "ok"


def _end(span: SpanAnswer) -> datetime:
    return span.at + timedelta(milliseconds=span.duration_ms)
