"""When must which lead be looked at? New hops say now; pending verdicts say when their deadline passes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from store.engine import Store


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


def due_between(store: Store, after: datetime, until: datetime, shard: Shard, *, most: int) -> list[Due]:
    rows = store.rows("agenda_between", after=after, until=until, shard=shard.index, shards=shard.count, most=most)
    return [Due(at, lead, trace) for at, lead, trace in rows]


def count_between(store: Store, after: datetime, until: datetime, shard: Shard) -> int:
    rows = store.rows("agenda_count", after=after, until=until, shard=shard.index, shards=shard.count)
    return int(rows[0][0])


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
