"""Vendors' codes as they stand in verdicts."""

from dataclasses import dataclass
from datetime import datetime

from store.engine import Store


@dataclass(frozen=True, slots=True)
class CodeSaid:
    """A code that a vendor gave, and what it was taken to mean."""

    system: str
    code: str
    cause: str
    leads: int
    first_seen: datetime
    last_seen: datetime


def codes_said(store: Store, *, cause: str = "", most: int = 10_000) -> list[CodeSaid]:
    """The codes of all verdicts, or of those with one cause; those that stopped most leads first."""
    return [CodeSaid(*row) for row in store.rows("codes_said", cause=cause, most=most)]


def leads_of_code(store: Store, said: CodeSaid, *, most: int = 1_000_000) -> list[str]:
    rows = store.rows("leads_of_code", system=said.system, reason=said.code, cause=said.cause, most=most)
    return [row[0] for row in rows]
