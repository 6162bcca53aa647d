"""What changed near the onset of a cause: noticed by itself or told, ranked by how well it overlaps the cause.

A change overlaps a cause when the cause began after it. Ranked first are changes of the systems in evidence; then by
the share of affected entries that came after the change; then by how soon after it the first of them came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from model.verdict import Status, Verdict
from store import changes
from store.changes import Change
from store.engine import Store

NEAR = timedelta(hours=24)
SHOWN = 5
MIN_OVERLAP = 0.5


@dataclass(frozen=True, slots=True)
class Ranked:
    """A change with its overlap: the share (0 to 1) of affected entries that were stopped after it."""

    change: Change
    overlap: float
    first_after: timedelta
    touches: bool


def what_changed(store: Store, verdict: Verdict) -> list[Ranked]:
    """The changes in the day before the cause began to stop leads, the best explanation first."""
    if verdict.status not in {Status.BLOCKED, Status.SKIPPED} or not verdict.cause:
        return []
    until = verdict.since
    affected = changes.affected_times(
        store,
        flow=verdict.flow,
        status=verdict.status.value,
        cause=verdict.cause,
        step=verdict.step,
        since=verdict.since - NEAR,
        until=verdict.since + NEAR,
    ) or [(verdict.since, verdict.campaign)]
    since = min(affected[0][0], until) - NEAR
    found = [
        *changes.versions_between(store, since, until),
        *changes.contracts_between(store, since, until),
        *changes.flow_edits_between(store, verdict.flow, since, until),
        *changes.told_between(store, since, until),
    ]
    services = {one.service for one in verdict.evidence}
    ranked = [one for change in found if (one := _ranked(change, affected, services, verdict)) is not None]
    return sorted(ranked, key=lambda one: (not one.touches, -one.overlap, one.first_after))[:SHOWN]


def _ranked(
    change: Change, affected: Sequence[tuple[datetime, str]], services: set[str], verdict: Verdict
) -> Ranked | None:
    """None for a change that touches something else, or that came after most of what it would explain."""
    if change.flow not in {"", verdict.flow} or (change.service and change.service not in services):
        return None
    counted = [at for at, campaign in affected if change.campaign in {"", campaign}]
    after = [at for at in counted if at >= change.at]
    if not after or len(after) < MIN_OVERLAP * len(affected):
        return None
    touches = bool(change.service or change.campaign or change.flow)
    return Ranked(change, len(after) / len(affected), after[0] - change.at, touches)
