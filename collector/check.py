"""Which spans and log records are refused, one by one, so that their neighbours go in."""

from collections import Counter
from typing import Any, Final

from collector.otlp import Signal

MAX_TIME_NS: Final = 2**63 - 1
_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)

BAD_TRACE_ID: Final = "trace_id"
BAD_SPAN_ID: Final = "span_id"
BAD_PARENT: Final = "parent_span_id"
BAD_LINK: Final = "link"
BAD_TIME: Final = "time"
UNDECODABLE: Final = "undecodable"

#: What the sender is told of each reason.
SENTENCES: Final = {
    BAD_TRACE_ID: "a trace_id that is not 16 bytes, or all zeros",
    BAD_SPAN_ID: "a span_id that is not 8 bytes, or all zeros",
    BAD_PARENT: "a parent_span_id that is neither empty nor 8 bytes",
    BAD_LINK: "a link whose ids are neither empty nor 16 and 8 bytes",
    BAD_TIME: "a time beyond the year 2262",
    UNDECODABLE: "bytes that are not what they claim to be, such as text that is not UTF-8",
}


def remove_bad_records(signal: Signal, request: Any) -> tuple[int, Counter[str]]:
    """How many records stay in the request, and how many were taken out, by reason."""
    fault_of = span_fault if signal.name == "traces" else log_fault
    kept = 0
    refused: Counter[str] = Counter()
    for scope in signal.scopes(request):
        records = signal.records(scope)
        faults = [fault_of(record) for record in records]
        kept += len(faults)
        if any(faults):
            kept -= _remove(records, faults, refused)
    return kept, refused


def _remove(records: Any, faults: list[str | None], refused: Counter[str]) -> int:
    found = Counter(fault for fault in faults if fault)
    refused.update(found)
    good = [record for record, fault in zip(records, faults, strict=True) if not fault]
    del records[:]
    records.extend(good)
    return found.total()


def span_fault(span: Any) -> str | None:
    """Why a span cannot be stored, or None. It runs once a span, so each field is read once."""
    trace_id = span.trace_id
    if len(trace_id) != 16 or trace_id == _NO_TRACE:
        return BAD_TRACE_ID
    span_id = span.span_id
    if len(span_id) != 8 or span_id == _NO_SPAN:
        return BAD_SPAN_ID
    if len(span.parent_span_id) not in (0, 8):
        return BAD_PARENT
    if span.start_time_unix_nano > MAX_TIME_NS or span.end_time_unix_nano > MAX_TIME_NS:
        return BAD_TIME
    events = span.events
    if events and any(event.time_unix_nano > MAX_TIME_NS for event in events):
        return BAD_TIME
    links = span.links
    return BAD_LINK if links and any(_is_bad_link(link) for link in links) else None


def log_fault(record: Any) -> str | None:
    """Why a log record cannot be stored, or None. Its ids may be empty: not every event happens in a trace."""
    if len(record.trace_id) not in (0, 16):
        return BAD_TRACE_ID
    if len(record.span_id) not in (0, 8):
        return BAD_SPAN_ID
    if record.time_unix_nano > MAX_TIME_NS or record.observed_time_unix_nano > MAX_TIME_NS:
        return BAD_TIME
    return None


def _is_bad_link(link: Any) -> bool:
    """Empty and zero ids are legal here: the trace API keeps links to invalid contexts for their attributes."""
    return len(link.trace_id) not in (0, 16) or len(link.span_id) not in (0, 8)
