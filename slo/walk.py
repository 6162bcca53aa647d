"""Walks the alert engine over the past: what it would have told, step by step. Pure; the engine is `slo/evaluate.py`.

Nothing is evaluated while nothing can change: an alert begins only where a group burns too fast in some tier, so these
moments are found first, cheaply; from then on every step is evaluated until no incident is open.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from model.alert import AlertKey, AlertState, Transition
from model.budget import Count, Feed, GroupCounts
from model.decisions import Correction
from model.objective import Group, Objective, Tier
from slo.evaluate import evaluate
from slo.ledger import Ledger
from slo.period import period_of
from slo.reading import read, rules_of
from slo.slices import joined

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """A feed that was not heard: from which minute on it was silent, from which one on it was known, and until when."""

    feed: str
    silent_from: int
    known_from: int
    until: int


@dataclass
class Walk:
    """One objective over a ledger. `step` is in minutes; the engine itself looks twice a minute."""

    objective: Objective
    ledger: Ledger
    silences: Sequence[Silence] = ()
    step: int = 1
    corrections: Sequence[Correction] = ()
    _period: tuple[int, int] = (0, 0)

    def transitions(self, since: int, until: int) -> Iterator[Transition]:
        """What would have been told in the minutes [since, until], in order."""
        watch = _Watch(self, since)
        states: dict[AlertKey, AlertState] = {}
        at = watch.next_after(since - 1, until)
        while at is not None:
            found = evaluate(
                self.objective,
                [self.counts(group, at) for group in self._looked_at(at, states)],
                states,
                self._feeds(at),
                moment(at),
                groups=len(self.ledger),
                corrections=self.corrections,
            )
            yield from found.transitions
            states = {key: state for key, state in found.states.items() if state.firing != "ok"}
            at = min(at + self.step, until) if states and at < until else watch.next_after(at, until)

    def counts(self, group: Group, at: int) -> GroupCounts:
        """What an evaluation at the beginning of a minute counts of a group."""
        track = self.ledger[group]
        lengths = {length for tier in self.objective.tiers for length in (tier.long, tier.short)}
        return GroupCounts(
            group=group,
            windows={length: track.count(at - minutes(length), at) for length in lengths},
            period=track.totals(self.period_from(at), at),
            first_unit_at=moment(track.first),
        )

    def period_from(self, at: int) -> int:
        """The first minute of the budget's period at a minute."""
        window = self.objective.window
        if window.rolling:
            return at - minutes(window.length)
        if not self._period[0] <= at < self._period[1]:
            begins, ends = period_of(window, moment(at))
            self._period = minute_of(begins), minute_of(ends)
        return self._period[0]

    # ── one evaluation ──────────────────────────────────────────────────────────────────────────────────────────

    def _looked_at(self, at: int, states: Mapping[AlertKey, AlertState]) -> list[Group]:
        """Groups that have something bad in the longest window, those around them, and those with an open incident."""
        longest = max((minutes(tier.long) for tier in self.objective.tiers), default=0)
        found: set[Group] = {key.group for key in states if key.group in self.ledger}
        found |= {group for group, track in self.ledger.items() if track.totals(at - longest, at).bad}
        around = {group[:size] for group in found for size in range(len(group))}
        return sorted(found | (around & self.ledger.keys()))

    def _feeds(self, at: int) -> list[Feed]:
        return [
            Feed(one.feed, moment(one.silent_from), moment(one.silent_from))
            for one in self.silences
            if one.known_from <= at < one.until
        ]


class _Watch:
    """Finds the next step at which anything begins: a group that fires, or a feed that is known to be lost."""

    def __init__(self, walk: Walk, since: int) -> None:
        self._walk = walk
        self._since = since
        self._rules = rules_of(walk.objective, len(walk.ledger))
        short = max((minutes(tier.short) for tier in walk.objective.tiers), default=0)
        spans = {group: track.bad_spans() for group, track in walk.ledger.items()}
        #: A tier fires only while its short window has something bad in it.
        self._spans = {
            group: joined((first + 1, last + short) for first, last in found) for group, found in spans.items() if found
        }
        self._next: dict[Group, int | None] = {}
        self._limits = [_limit(tier, walk.objective) for tier in walk.objective.tiers]

    def next_after(self, at: int, until: int) -> int | None:
        lost = [max(one.known_from, at + 1) for one in self._walk.silences if one.until > at + 1]
        fires = [self._next_of(group, at, until) for group in self._spans]
        return min((one for one in (*lost, *fires) if one is not None and one <= until), default=None)

    def _next_of(self, group: Group, at: int, until: int) -> int | None:
        """The next step after a moment at which a group fires; what was found is kept until it has passed."""
        if group not in self._next or ((known := self._next[group]) is not None and known <= at):
            self._next[group] = next((one for one in self._steps(group, at, until) if self._fires(group, one)), None)
        return self._next[group]

    def _steps(self, group: Group, at: int, until: int) -> Iterator[int]:
        spans, step = self._spans[group], self._walk.step
        for begun, ended in spans[max(bisect_right(spans, (at, at)) - 1, 0) :]:
            first = max(begun, at + 1, self._since)
            yield from range(first, min(ended, until + 1), step)

    def _fires(self, group: Group, at: int) -> bool:
        if not self._may_fire(group, at):
            return False
        return read(self._rules, self._walk.counts(group, at), moment(at)).fires() is not None

    def _may_fire(self, group: Group, at: int) -> bool:
        """Cheap, and never false where a tier fires: failure units and exact arithmetic are asked for only then."""
        track, budget = self._walk.ledger[group], float(self._walk.objective.error_budget)
        allowed = budget * track.totals(self._walk.period_from(at), at).total
        for one in self._limits:
            short, long = track.totals(at - one.short, at), track.totals(at - one.long, at)
            enough = short.bad and long.bad >= self._rules.gate.min_failure_units
            if enough and one.may_be_over(short, long, allowed):
                return True
        return False


@dataclass(frozen=True, slots=True)
class _Limit:
    """A tier in plain numbers, a hair below the exact ones; lengths in minutes."""

    short: int
    long: int
    ratio: float
    short_share: float
    long_share: float

    def may_be_over(self, short: Count, long: Count, allowed: float) -> bool:
        return self._is_over(short, self.short_share * allowed) and self._is_over(long, self.long_share * allowed)

    def _is_over(self, count: Count, spent: float) -> bool:
        return count.bad > self.ratio * count.total or count.bad > spent


def _limit(tier: Tier, objective: Objective) -> _Limit:
    short, long, below = minutes(tier.short), minutes(tier.long), 1 - 1e-9
    ratio = float(tier.burn * objective.error_budget) * below
    a_minute = float(tier.burn) / minutes(objective.window.length) * below
    return _Limit(short, long, ratio, a_minute * short, a_minute * long)


def moment(minute: int) -> datetime:
    """When a minute begins."""
    return datetime.fromtimestamp(minute * 60, UTC)


def minute_of(at: datetime) -> int:
    """The minute that a moment lies in."""
    return int(at.timestamp()) // 60


def minutes(length: timedelta) -> int:
    """A length in minutes, the next whole number of them."""
    return -(-length // _MINUTE)
