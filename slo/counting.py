"""The counting of units: windows for alerts, slots for pages, evidence for messages.

Two clocks: a unit *began* (reports) and was *decided* (alerts), both in event time, never in the time of judging; so
a backfill of 30 days counts in old minutes and pages nobody. A unit whose failure is a matter of time alone is kept as
bad from a moment in the future on, and counts when that moment has come: no work is done because time passes.

Bad by silence alone is no failure while a feed of the objective was not heard: such units do not count, nor do slices.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from lineage.flowbook import FlowReader, FlowsNow
from model.budget import Affected, CauseCount, Feed, GroupCounts, Slot, Waiting
from model.decisions import Correction
from model.objective import Group, Objective
from slo import occurrences, timeslices
from slo.feeds import Heard, as_feed, heard
from slo.intake import Intake, Pace
from slo.plan import Plan, key_of, plan_of
from slo.scope import Scope, scope_of
from store import slo_evidence, slo_units
from store.engine import Store
from store.slo_evidence import BadUnits

Clock = Literal["began", "decided"]
EXAMPLES = 5
LOOKED_BACK = timedelta(days=90)


class Counter:
    """Every moment is an aware UTC datetime; `now` bounds what is looked at. Safe to read while another ticks.

    A group is a prefix of the objective's keys: `()` is all units, `(("campaign", "spring"),)` one campaign. Groups
    beyond the objective's `max_groups` are counted together as `(other)`.
    """

    def __init__(
        self,
        store: Store,
        objectives: Callable[[], Mapping[str, Objective]],
        flows: FlowsNow,
        pace: Pace | None = None,
    ) -> None:
        self._store = store
        self._objectives = objectives
        self._book = FlowReader(store, flows)
        self._intake = Intake(store, pace)

    # ── taking in ───────────────────────────────────────────────────────────────────────────────────────────────

    def tick(self, now: datetime) -> bool:
        """Take in what changed since the stored cursor, and a step of what was never counted. True: there is more."""
        return self._intake.tick([self._plan(objective, now) for objective in self._objectives().values()])

    def counted(self, objective: Objective) -> bool:
        """Was all of its history counted? Before that, its counts are of a part of the leads and nothing may fire."""
        known = slo_units.progress_of(self._store, [key_of(objective)])
        return key_of(objective) in known and known[key_of(objective)].counted

    def recount(self, objective: Objective, now: datetime) -> None:
        """Count all of its history again, to the end."""
        self._intake.recount(self._plan(objective, now))

    # ── counts ──────────────────────────────────────────────────────────────────────────────────────────────────

    def counts(self, objective: Objective, now: datetime, without: Sequence[Correction] = ()) -> list[GroupCounts]:
        """Every group of every level, `()` included, by the decided clock; none where nothing was counted.

        The tiers' windows are (now - length, now]. What a correction covers does not count.
        """
        scope = self._scope(objective, now, now, without)
        return timeslices.counts(self._store, scope) if scope.plan.sliced else occurrences.counts(self._store, scope)

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
        scope = self._scope(objective, now or until, since, without)
        asked = occurrences.Asked(since, until, step, group, clock)
        if scope.plan.sliced:
            return timeslices.slots(self._store, scope, asked)
        return occurrences.slots(self._store, scope, asked)

    # ── evidence ────────────────────────────────────────────────────────────────────────────────────────────────

    def affected(self, objective: Objective, group: Group, since: datetime, until: datetime) -> Affected:
        """Whom the bad units decided in (since, until] belong to; of slices, those that made a slice in it bad."""
        bad = self._bad(objective, group, since, until)
        found = slo_evidence.affected(self._store, bad, examples=EXAMPLES)
        by_cause: dict[str, int] = {}
        for cause, _, units, _ in slo_evidence.causes(self._store, bad):
            by_cause[cause] = by_cause.get(cause, 0) + units
        return Affected(
            leads=found["leads"],
            examples=tuple(found["examples"]),
            causes=dict(sorted(by_cause.items(), key=lambda one: (-one[1], one[0]))),
            first_at=found["first"] if found["leads"] else None,
            last_at=found["last"] if found["leads"] else None,
            services=tuple(found["services"]),
        )

    def causes(self, objective: Objective, group: Group, since: datetime, until: datetime) -> list[CauseCount]:
        """The same units by cause and step, the most frequent first."""
        bad = self._bad(objective, group, since, until)
        return [CauseCount(*row) for row in slo_evidence.causes(self._store, bad)]

    def waiting(self, objective: Objective, group: Group, now: datetime) -> Waiting:
        """Who of the group still waits, and until when. Of groups under `(other)` nobody is named."""
        leads, due = slo_evidence.waiting(
            self._store,
            flow=objective.indicator.flow,
            group_by=objective.group_by,
            group=[value for _, value in group],
            since=now - LOOKED_BACK,
            now=now,
        )
        return Waiting(leads, due)

    def feeds(self, objective: Objective, now: datetime) -> list[Feed]:
        """The services that the flow's matchers name and that were ever seen; silent ones say since when."""
        return [as_feed(one) for one in self._heard(self._plan(objective, now), now, now)]

    def excluded(self, objective: Objective, since: datetime, until: datetime) -> Mapping[str, int]:
        """Entries captured in [since, until) that are no units, by reason: a skip's cause, `pending`, `unknown`."""
        return slo_evidence.excluded(self._store, flow=objective.indicator.flow, since=since, until=until)

    # ── what a question is asked of ─────────────────────────────────────────────────────────────────────────────

    def _plan(self, objective: Objective, now: datetime) -> Plan:
        return plan_of(objective, self._book(now), now)

    def _heard(self, plan: Plan, since: datetime, now: datetime) -> list[Heard]:
        return heard(self._store, plan.services, since, now) if plan.services else []

    def _scope(self, objective: Objective, now: datetime, since: datetime, without: Sequence[Correction] = ()) -> Scope:
        plan = self._plan(objective, now)
        scope = scope_of(plan, now, since, without)
        blind = [stretch for one in self._heard(plan, scope.since, now) for stretch in one.blind()]
        return scope.with_blind(blind)

    def _bad(self, objective: Objective, group: Group, since: datetime, until: datetime) -> BadUnits:
        plan = self._plan(objective, until)
        values = [value for _, value in group]
        kept = occurrences.kept_groups(self._store, scope_of(plan, until, since)) if occurrences.OTHER in values else []
        return BadUnits(plan.key, values, since, until, sliced=plan.sliced, kept=kept)
