"""Finds leads by what people know of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.engine import Store


@dataclass(frozen=True, slots=True)
class Hit:
    """A lead that a search found. `found_by` names the kind of key that matched."""

    lead: str
    exact: bool
    last_seen: datetime
    found_by: str


@dataclass(frozen=True, slots=True)
class Key:
    """One key by which a lead is known; `mask` is what may be shown of a personal one."""

    kind: str
    key: str
    mask: str


def search(store: Store, text: str, *, skip: int, most: int) -> list[Hit]:
    """Leads with a key that starts with `text` (any case), an exact match first, then the latest seen."""
    return [_hit(row) for row in store.rows("search_leads", text=text.lower(), skip=skip, most=most)]


def recent(store: Store, *, skip: int, most: int) -> list[Hit]:
    return [_hit(row) for row in store.rows("recent_leads", skip=skip, most=most)]


def _hit(row: Sequence[object]) -> Hit:
    lead, exact, last_seen, found_by = row
    return Hit(str(lead), bool(exact), last_seen, str(found_by))  # type: ignore[arg-type]


def heard_last(store: Store, *, lines: int, most: int) -> list[str]:
    """The leads that the last lines of the agenda name, at most `most`."""
    return [row[0] for row in store.rows("leads_heard_last", lines=lines, most=most)]


def keys_of(store: Store, leads: Sequence[str]) -> dict[str, list[Key]]:
    found: dict[str, list[Key]] = {}
    for lead, kind, key, mask, _seen in store.rows("keys_of_leads", leads=list(leads)):
        found.setdefault(lead, []).append(Key(kind, key, mask))
    return found


@dataclass(frozen=True, slots=True)
class Sharing:
    """Another lead that is known by the same key."""

    lead: str
    kind: str
    mask: str
    last_seen: datetime


def sharing(store: Store, leads: Sequence[str], keys: Sequence[Key], *, most: int) -> list[Sharing]:
    """Other leads than these with one of these keys, the latest seen first; a lead once for each kind."""
    kinds = sorted({key.kind for key in keys})
    wanted = sorted({key.key.lower() for key in keys})
    if not wanted:
        return []
    return [Sharing(*row) for row in store.rows("sharing_keys", keys=wanted, kinds=kinds, leads=list(leads), most=most)]


def leads_of_trace(store: Store, trace_id: str) -> list[str]:
    return [row[0] for row in store.rows("lead_of_trace", trace=trace_id)]


def others_of_traces(store: Store, traces: Sequence[str], leads: Sequence[str]) -> dict[str, int]:
    """Of how many leads besides these each trace speaks; a trace that speaks of no other is absent."""
    return {row[0]: row[1] for row in store.rows("others_of_traces", traces=list(traces), leads=list(leads))}
