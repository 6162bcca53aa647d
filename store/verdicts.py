"""Writes and reads verdicts. The newest version of an entry's verdict counts; a version is the moment of writing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from model.verdict import Verdict
from store.engine import Store

_BODY = TypeAdapter(Verdict)

_COLUMNS = (
    "flow", "lead_id", "entry", "version", "gone", "status", "cause", "class", "step", "reached", "late", "raw_reason",
    "system", "campaign", "segment", "source", "captured_at", "entered_at", "since", "deadline_at", "due_at",
    "last_hop_at", "decided_at", "body",
)  # fmt: skip

# ClickHouse's DateTime64 goes from 1900 to 2299; a sender's broken clock must not break the row.
_EARLIEST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_LATEST = datetime.fromisoformat("2261-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Written:
    """A verdict as it stands in the store, with the moment at which it was decided."""

    verdict: Verdict
    decided_at: datetime
    body: str

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.verdict.flow, self.verdict.lead, self.verdict.entry)


def body_of(verdict: Verdict) -> str:
    """The verdict as JSON; equal verdicts give equal text."""
    return _BODY.dump_json(verdict).decode()


def verdicts_of_leads(store: Store, leads: Sequence[str]) -> dict[str, list[Written]]:
    """What was said of each lead's entries, the latest captured first."""
    found: dict[str, list[Written]] = {}
    for _flow, lead, _entry, decided_at, body in store.rows("verdicts_of_leads", leads=list(leads)):
        found.setdefault(lead, []).append(Written(_BODY.validate_json(body), decided_at, body))
    return found


def history_of_entry(store: Store, lead: str, flow: str, entry: str, *, most: int = 100) -> list[Written]:
    """What was said of one entry, the oldest first."""
    rows = store.rows("history_of_entry", lead=lead, flow=flow, entry=entry, most=most)
    return [Written(_BODY.validate_json(body), decided_at, body) for decided_at, body in rows]


def write(store: Store, made: Iterable[tuple[Verdict, str]], gone: Iterable[Verdict], *, decided_at: datetime) -> None:
    """Write verdicts (each with its body) and withdraw those of entries that are no longer there."""
    version = int(decided_at.timestamp() * 1_000_000)
    rows = [_row(verdict, body, version, decided_at, gone=0) for verdict, body in made]
    rows += [_row(verdict, "{}", version, decided_at, gone=1) for verdict in gone]
    store.insert("verdicts", _COLUMNS, rows)


def _row(verdict: Verdict, body: str, version: int, decided_at: datetime, *, gone: int) -> list[Any]:
    return [
        verdict.flow, verdict.lead, verdict.entry, version, gone, verdict.status.value, verdict.cause, verdict.cls,
        verdict.step, list(verdict.reached), verdict.late, verdict.raw_reason, verdict.system, verdict.campaign,
        verdict.segment, verdict.source, _within(verdict.captured_at),
        _within(verdict.entered_at) if verdict.entered_at else None, _within(verdict.since),
        _within(verdict.deadline_at), _within(verdict.due_at) if verdict.due_at else None,
        _within(verdict.last_hop_at), decided_at, body,
    ]  # fmt: skip


def _within(moment: datetime) -> datetime:
    return min(max(moment, _EARLIEST), _LATEST)
