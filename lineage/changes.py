"""What changed near the onset of a cause: noticed by itself or told, ranked by how well it overlaps the cause.

A change overlaps a cause when the cause began after it. Ranked first are changes of the systems in evidence; then by
the share of affected entries that came after the change; then by how soon after it the first of them came.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from model.verdict import Verdict
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


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a change is asked to explain. `affected` are (moment, campaign) of whom it hit, the earliest first;
    `services` are the systems in evidence. Changes after `until` explain nothing.
    """

    flow: str
    affected: Sequence[tuple[datetime, str]]
    services: Collection[str]
    until: datetime


def what_changed(store: Store, verdict: Verdict, affected: Sequence[tuple[datetime, str]]) -> list[Ranked]:
    """The changes in the day before the cause began to stop leads, the best explanation first. `affected` are those
    that the same thing stopped around it, if any is written yet.
    """
    services = {one.service for one in verdict.evidence}
    hit = affected or [(verdict.since, verdict.campaign)]
    return explanations(store, Trouble(verdict.flow, hit, services, verdict.since))


def explanations(store: Store, trouble: Trouble) -> list[Ranked]:
    """The changes since a day before the first who was affected, the best explanation first."""
    since = min(trouble.affected[0][0], trouble.until) - NEAR
    found = [
        *changes.versions_between(store, since, trouble.until),
        *changes.contracts_between(store, since, trouble.until),
        *changes.flow_edits_between(store, trouble.flow, since, trouble.until),
        *changes.told_between(store, since, trouble.until),
    ]
    ranked = [one for change in found if (one := _ranked(change, trouble)) is not None]
    return sorted(ranked, key=lambda one: (not one.touches, -one.overlap, one.first_after))[:SHOWN]


def _ranked(change: Change, trouble: Trouble) -> Ranked | None:
    """None for a change that touches something else, or that came after most of what it would explain."""
    if change.flow not in {"", trouble.flow} or (change.service and change.service not in trouble.services):
        return None
    counted = [at for at, campaign in trouble.affected if change.campaign in {"", campaign}]
    after = [at for at in counted if at >= change.at]
    if not after or len(after) < MIN_OVERLAP * len(trouble.affected):
        return None
    touches = bool(change.service or change.campaign or change.flow)
    return Ranked(change, len(after) / len(trouble.affected), after[0] - change.at, touches)
