"""What leadtrace refused or set aside: told to people, never kept silent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.engine import Store


@dataclass(frozen=True, slots=True)
class Refusal:
    """`kind` is `quarantined` (a request that ClickHouse refuses) or `refused` (hops the door turned away)."""

    at: datetime
    kind: str
    signal: str
    reason: str
    count: int
    detail: str = ""


def record(store: Store, refusals: Sequence[Refusal]) -> None:
    columns = ["at", "kind", "signal", "reason", "count", "detail"]
    store.insert(
        "refusals", columns, [[one.at, one.kind, one.signal, one.reason, one.count, one.detail] for one in refusals]
    )


def recent(store: Store, *, most: int = 200) -> list[Refusal]:
    return [Refusal(*row) for row in store.rows("refusals_recent", most=most)]
