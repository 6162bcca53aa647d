"""When services spoke, whatever they said: what is measured rests on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from store.engine import Store


@dataclass(frozen=True, slots=True)
class Spoken:
    """When a service spoke: in how many minutes, last in which; the pauses that were long, from minute to minute."""

    service: str
    minutes: int
    last_s: int
    pauses: Sequence[tuple[int, int]]
    usually_late_s: int


def spoken(store: Store, services: Sequence[str], *, since_s: int, now_s: int, pause_s: int) -> list[Spoken]:
    """What was heard of these services, by the clock of what they said; one never heard of is absent."""
    rows = store.rows("slo_feeds", services=list(services), since_s=since_s, now_s=now_s, pause_s=pause_s)
    return [Spoken(*row) for row in rows]
