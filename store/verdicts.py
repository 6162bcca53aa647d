"""Writes and reads verdicts. The newest version of an entry's verdict counts; a version is the moment of writing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from model.verdict import Verdict
from store.engine import Store

Key = tuple[str, str, str]
"""Flow, lead and entry."""

_BODY = TypeAdapter(Verdict)

# ClickHouse's DateTime64 goes from 1900 to 2299; a sender's broken clock must not break the row.
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_LATEST_MS = 9_183_110_400_000  # 2261-01-01
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Written:
    """A verdict as it stands in the store, with the moment at which it was decided."""

    verdict: Verdict
    decided_at: datetime
    body: str

    @property
    def key(self) -> Key:
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


def history_of_entry(store: Store, leads: Sequence[str], flow: str, entry: str, *, most: int = 100) -> list[Written]:
    """What was said of one entry, under any of these ids of its lead, the oldest first."""
    rows = store.rows("history_of_entry", leads=list(leads), flow=flow, entry=entry, most=most)
    return [Written(_BODY.validate_json(body), decided_at, body) for decided_at, body in rows]


def bodies_of_leads(store: Store, leads: Sequence[str]) -> dict[str, dict[Key, str]]:
    """What was said of each lead's entries, as `body_of` gives it, by flow, lead and entry."""
    found: dict[str, dict[Key, str]] = {}
    for flow, lead, entry, body in store.rows("bodies_of_leads", leads=list(leads)):
        found.setdefault(lead, {})[flow, lead, entry] = body
    return found


def verdict_of(body: str) -> Verdict:
    """The verdict that `body_of` made this of."""
    return _BODY.validate_json(body)


class Row(NamedTuple):
    """A verdict as its table has it, by column; times are milliseconds since the epoch. `body` is all of it."""

    flow: str
    lead_id: str
    entry: str
    status: str
    cause: str
    cls: str
    step: str
    reached: Sequence[str]
    reached_at: Sequence[int]
    late: bool
    raw_reason: str
    system: str
    campaign: str
    segment: str
    source: str
    captured_at: int
    entered_at: int | None
    since: int
    deadline_at: int
    due_at: int | None
    last_hop_at: int
    body: str
    gone: int = 0


_COLUMNS = tuple("class" if name == "cls" else name for name in Row._fields)


def row_of(verdict: Verdict) -> Row:
    return Row(
        verdict.flow,
        verdict.lead,
        verdict.entry,
        verdict.status.value,
        verdict.cause,
        verdict.cls,
        verdict.step,
        verdict.reached,
        [_ms(at) for at in verdict.reached_at],
        verdict.late,
        verdict.raw_reason,
        verdict.system,
        verdict.campaign,
        verdict.segment,
        verdict.source,
        _ms(verdict.captured_at),
        _ms_or_none(verdict.entered_at),
        _ms(verdict.since),
        _ms(verdict.deadline_at),
        _ms_or_none(verdict.due_at),
        _ms(verdict.last_hop_at),
        body_of(verdict),
    )


def withdrawn(verdict: Verdict) -> Row:
    """What is written of an entry that is no longer there."""
    return row_of(verdict)._replace(body="{}", gone=1)


def write(store: Store, rows: Sequence[Row], *, decided_at: datetime) -> None:
    columns: dict[str, Sequence[Any]] = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True)) if rows else {}
    columns["version"] = [int(decided_at.timestamp() * 1_000_000)] * len(rows)
    columns["decided_at"] = [_ms(decided_at)] * len(rows)
    store.insert_columns("verdicts", columns)


def _ms(moment: datetime) -> int:
    """Milliseconds since the epoch, within what the column holds. The driver takes three times as long."""
    ms = (moment - _EPOCH) // _MS
    return ms if 0 <= ms <= _LATEST_MS else 0 if ms < 0 else _LATEST_MS


def _ms_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else _ms(moment)
