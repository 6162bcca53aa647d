"""Leases: of several processes that could do something, one does.

ClickHouse has no compare-and-set. So whoever wants a lease writes a claim and believes it only when, a turn later, its
claim is still the earliest of the newest term.
"""

from datetime import datetime

from store.engine import Store

PATIENCE_S = 90.0
"""A holder that was not seen for so long has lost its lease."""


def holds(store: Store, name: str, me: str, *, alone: bool = False) -> bool:
    """Call it every turn. True when `me` held the lease before this call and nobody took it since; then it is renewed.

    A process that is `alone` with its engine holds at once: whoever held before it is dead.
    """
    found = store.rows("leases_now", name=name)
    term, holder, ended, silent_s, _ = found[0] if found else (0, "", 1, 0.0, None)
    if holder == me and not ended:
        _write(store, name, term, me)
        return True
    if ended or silent_s > PATIENCE_S or alone:
        _write(store, name, term + 1, me)
        return alone
    return False


def seen(store: Store, name: str) -> datetime | None:
    """When somebody last had its turn; None before the first."""
    found = store.rows("leases_now", name=name)
    return found[0][4] if found else None


def release(store: Store, name: str, me: str) -> None:
    """Let the next one begin at once."""
    found = store.rows("leases_now", name=name)
    if found and found[0][1] == me:
        _write(store, name, found[0][0], me, ended=1)


def _write(store: Store, name: str, term: int, me: str, *, ended: int = 0) -> None:
    store.insert("leases", ["name", "term", "holder", "ended"], [[name, term, me, ended]])
