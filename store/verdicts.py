"""Writes and reads verdicts. The newest version of an entry's verdict counts; a version is the moment of writing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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


def write(store: Store, made: Sequence[tuple[Verdict, str]], gone: Sequence[Verdict], *, decided_at: datetime) -> None:
    """Write verdicts (each with its body) and withdraw those of entries that are no longer there."""
    rows = [*(verdict for verdict, _ in made), *gone]
    columns = {name: [value(one) for one in rows] for name, value in _COLUMNS.items()}
    columns["body"] = [*(body for _, body in made), *("{}" for _ in gone)]
    columns["gone"] = [*(0 for _ in made), *(1 for _ in gone)]
    columns["version"] = [int(decided_at.timestamp() * 1_000_000)] * len(rows)
    columns["decided_at"] = [_ms(decided_at)] * len(rows)
    store.insert_columns("verdicts", columns)


def _ms(moment: datetime) -> int:
    """Milliseconds since the epoch, within what the column holds. The driver takes three times as long."""
    ms = (moment - _EPOCH) // _MS
    return ms if 0 <= ms <= _LATEST_MS else 0 if ms < 0 else _LATEST_MS


def _ms_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else _ms(moment)


_COLUMNS: Mapping[str, Callable[[Verdict], Any]] = {
    "flow": lambda one: one.flow,
    "lead_id": lambda one: one.lead,
    "entry": lambda one: one.entry,
    "status": lambda one: one.status.value,
    "cause": lambda one: one.cause,
    "class": lambda one: one.cls,
    "step": lambda one: one.step,
    "reached": lambda one: one.reached,
    "reached_at": lambda one: [_ms(at) for at in one.reached_at],
    "late": lambda one: one.late,
    "raw_reason": lambda one: one.raw_reason,
    "system": lambda one: one.system,
    "campaign": lambda one: one.campaign,
    "segment": lambda one: one.segment,
    "source": lambda one: one.source,
    "captured_at": lambda one: _ms(one.captured_at),
    "entered_at": lambda one: _ms_or_none(one.entered_at),
    "since": lambda one: _ms(one.since),
    "deadline_at": lambda one: _ms(one.deadline_at),
    "due_at": lambda one: _ms_or_none(one.due_at),
    "last_hop_at": lambda one: _ms(one.last_hop_at),
}
