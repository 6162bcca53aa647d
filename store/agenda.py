"""When must which lead be looked at? New hops say now; pending verdicts say when their deadline passes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.engine import Store

_LAST = chr(0x10FFFF)  # sorts behind every id


@dataclass(frozen=True, slots=True)
class Shard:
    """The part of all leads that one settle loop looks after."""

    index: int = 0
    count: int = 1

    @property
    def name(self) -> str:
        return f"settle-{self.index}-of-{self.count}"


@dataclass(frozen=True, slots=True)
class Due:
    """A line of the agenda. A line without a lead names a trace whose spans still look for theirs."""

    at: datetime
    lead: str
    trace: str


def end_of(moment: datetime) -> Due:
    """Stands behind every line of a moment."""
    return Due(moment, _LAST, _LAST)


def due_after(store: Store, last: Due, until: datetime, shard: Shard, *, most: int) -> list[Due]:
    """The lines behind `last` up to a moment, in order; at most `most`, unless the last of them stands there twice."""
    rows = store.rows("agenda_after", **_place("last", last), until=until, **_part(shard), most=most)
    return [Due(at, lead, trace) for at, lead, trace in rows]


def count_by_moment(store: Store, since: datetime, last: Due, shard: Shard) -> dict[datetime, int]:
    """How many lines each moment after `since` has, up to and with `last`."""
    rows = store.rows("agenda_counts", since=since, **_place("last", last), **_part(shard))
    return {at: count for at, count in rows}  # noqa: C416  dict() takes no rows of Any


def due_at(store: Store, moments: Sequence[datetime], last: Due, shard: Shard, *, most: int) -> list[Due]:
    """The lines of these moments up to and with `last`."""
    ms = [round(moment.timestamp() * 1000) for moment in moments]
    rows = store.rows("agenda_at", moments=ms, first=min(moments), **_place("last", last), **_part(shard), most=most)
    return [Due(at, lead, trace) for at, lead, trace in rows]


def _place(name: str, line: Due) -> dict[str, Any]:
    return {f"{name}_at": line.at, f"{name}_lead": line.lead, f"{name}_trace": line.trace}


def _part(shard: Shard) -> dict[str, int]:
    return {"shard": shard.index, "shards": shard.count}


def remind(store: Store, reminders: Iterable[tuple[datetime, str]]) -> None:
    """Look at these leads again at these moments."""
    store.insert("agenda", ["at", "lead_id", "trace_id"], [[at, lead, ""] for at, lead in reminders])


def engine_now(store: Store) -> datetime:
    """The engine's clock, which stamps the agenda."""
    now: datetime = store.rows("now")[0][0]
    return now


def cursor(store: Store, shard: Shard) -> datetime | None:
    rows = store.rows("cursor_of_loop", loop=shard.name)
    return rows[0][0] if rows else None


def move_cursor(store: Store, shard: Shard, at: datetime) -> None:
    store.insert("cursors", ["loop", "at", "version"], [[shard.name, at, int(at.timestamp() * 1000)]])
