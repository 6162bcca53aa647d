"""Messages on their way: what waits, what was sent, what is dead. A message's id stays the same over all its tries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from model.alert import Alert
from store.alerts import alert_of
from store.engine import Store

Outcome = Literal["sent", "failed", "dead", "waiting"]
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that waits: what it says, the earliest first, and how far it got. `since` is when it was committed."""

    message: str
    receiver: str
    send_at: datetime
    since: datetime
    alerts: tuple[Alert, ...]
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message at its last try. `next_at` is when the next is due; without meaning once it is final."""

    message: str
    receiver: str
    outcome: Outcome
    attempts: int
    at: datetime
    next_at: datetime
    error: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One alert in a message."""

    incident: str
    objective: str
    kind: str
    happening: str
    headline: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as people look it up. `state` is waiting, sent or dead."""

    message: str
    receiver: str
    said: tuple[Said, ...]
    since: datetime
    attempts: int
    next_at: datetime
    error: str
    state: str


def pending(store: Store, *, most: int = MOST) -> list[Pending]:
    """Every message that is neither sent nor dead, the earliest first."""
    rows = store.rows("outbox_pending", most=most)
    ids = sorted({one for row in rows for one in row[4]})
    told: dict[str, str] = dict(map(tuple, store.rows("alerts_told", ids=ids))) if ids else {}
    order = {one: at for at, one in enumerate(told)}
    return [
        Pending(
            message,
            receiver,
            max(send_at, next_at) if attempts else send_at,
            since,
            tuple(alert_of(told[one]) for one in sorted(transitions, key=order.__getitem__) if told[one]),
            attempts,
        )
        for message, receiver, send_at, since, transitions, attempts, next_at in rows
    ]


def record(store: Store, receipts: Sequence[Receipt]) -> None:
    """Keep what became of messages; of several receipts for one message the one that was tried last counts."""
    columns = ["message", "version", "receiver", "outcome", "attempts", "at", "next_at", "error"]
    rows = [
        [one.message, int(one.at.timestamp() * 1_000_000), one.receiver, one.outcome, one.attempts, one.at, one.next_at,
         one.error[:500]]
        for one in receipts
    ]  # fmt: skip
    store.insert("deliveries", columns, rows)


def deliveries(store: Store, *, state: str = "", message: str = "", skip: int = 0, most: int) -> list[Delivery]:
    """A page of messages, the latest first."""
    return [
        Delivery(one, receiver, tuple(Said(*parts) for parts in said), since, attempts, next_at, error, standing)
        for one, receiver, said, since, attempts, next_at, error, standing in store.rows(
            "outbox_deliveries", state=state, message=message, skip=skip, most=most
        )
    ]


def dead_by_receiver(store: Store) -> dict[str, int]:
    return {receiver: int(count) for receiver, count in store.rows("outbox_dead")}
