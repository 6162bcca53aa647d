"""Which leads were merged into which, and taken out again, as the telemetry said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.engine import Store


@dataclass(frozen=True, slots=True)
class MergeSaid:
    """`merged` was merged into `survivor`, or taken out again where that is ''. It may be said more than once."""

    merged: str
    survivor: str
    first_at: datetime
    last_at: datetime


def merges_of_leads(store: Store, leads: Sequence[str], *, most: int) -> dict[str, list[MergeSaid]]:
    """What was said of each lead: merges of it, into it, and taking back; the earliest `most` of each lead.

    A lead that no merge concerns is absent.
    """
    found: dict[str, list[MergeSaid]] = {}
    for lead, *said in store.rows("merges_of_leads", leads=list(leads), most=most):
        found.setdefault(lead, []).append(MergeSaid(*said))
    return found
