"""What may be asked of the counting of units: windows for alerts, slots for pages, evidence for messages.

Two clocks: a unit *began* (reports) and was *decided* (alerts), both in event time, never in the time of judging; so
a backfill of 30 days counts in old minutes and pages nobody. A unit whose failure is a matter of time alone is kept as
bad from a moment in the future on, and counts when that moment has come: no work is done because time passes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from model.budget import Affected, CauseCount, Feed, GroupCounts, Slot, Waiting
from model.decisions import Correction
from model.objective import Group, Objective

Clock = Literal["began", "decided"]


class Counting(Protocol):
    """What `Counter` does. Every moment is an aware UTC datetime; `now` bounds what is looked at.

    A group is a prefix of the objective's keys: `()` is all units, `(("campaign", "spring"),)` one campaign.
    """

    def tick(self, now: datetime) -> bool:
        """Take in what changed since the stored cursor, and a step of what was never counted. True: there is more."""

    def counted(self, objective: Objective) -> bool:
        """Was all of its history counted? Before that, its counts are of a part of the leads and nothing may fire."""

    def recount(self, objective: Objective, now: datetime) -> None:
        """Count all of its history again, to the end."""

    def counts(self, objective: Objective, now: datetime, without: Sequence[Correction] = ()) -> list[GroupCounts]:
        """Every group of every level, `()` included, by the decided clock.

        The tiers' windows are (now - length, now]. What a correction covers does not count.
        """

    def slots(
        self,
        objective: Objective,
        since: datetime,
        until: datetime,
        step: timedelta,
        group: Group = (),
        *,
        clock: Clock = "decided",
        now: datetime | None = None,
        without: Sequence[Correction] = (),
    ) -> list[Slot]:
        """One slot a `step` in [since, until), also where nothing was counted. `now` (default `until`) says which units
        are decided: one that began in a slot may have been decided after it.
        """

    def affected(self, objective: Objective, group: Group, since: datetime, until: datetime) -> Affected:
        """Whom the bad units decided in (since, until] belong to."""

    def causes(self, objective: Objective, group: Group, since: datetime, until: datetime) -> list[CauseCount]:
        """The same units by cause and step, the most frequent first."""

    def waiting(self, objective: Objective, group: Group, now: datetime) -> Waiting:
        """Who of the group still waits, and until when."""

    def feeds(self, objective: Objective, now: datetime) -> list[Feed]:
        """The services that the flow's matchers name and that were ever seen; silent ones say since when."""

    def excluded(self, objective: Objective, since: datetime, until: datetime) -> Mapping[str, int]:
        """Entries captured in [since, until) that are no units, by reason: a skip's cause, `pending`, `unknown`."""
