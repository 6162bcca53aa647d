"""What a question about counts looks at: which moments, and what of it does not count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from model.decisions import Correction
from slo.period import period_of
from slo.plan import Plan
from slo.slices import Stretch, joined
from store.slo_counts import HOUR_S, LeftOut, Range, hour_of

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """`since` is the earliest moment that counts. `blind` are stretches in seconds in which a feed was not heard."""

    plan: Plan
    now: datetime
    since: datetime
    period_from: datetime
    corrected: tuple[Range, ...] = ()
    blind: tuple[Stretch, ...] = ()

    @property
    def now_ms(self) -> int:
        return ms(self.now)

    @property
    def lengths(self) -> list[timedelta]:
        """The windows of the tiers, the longest first."""
        return sorted(
            {length for tier in self.plan.objective.tiers for length in (tier.long, tier.short)}, reverse=True
        )

    @property
    def period_ms(self) -> int:
        """The first moment of the period. A rolling one is, like a window, (now - length, now]."""
        return ms(self.period_from) + self.plan.objective.window.rolling

    @property
    def left_out(self) -> LeftOut:
        return LeftOut(self.corrected, [Range(begun * 1000, ended * 1000) for begun, ended in self.blind])

    def with_blind(self, stretches: Iterable[Stretch]) -> "Scope":
        since_s = ms(self.since) // 1000 - int(self.plan.longest_wait.total_seconds())
        return replace(self, blind=tuple(one for one in joined(stretches) if one[1] >= since_s))

    def cut_hours(self, since_ms: int) -> set[int]:
        """Hours since then that are not counted as a whole: a correction cuts them or takes a part of their groups, or
        silent units lie in them.
        """
        first, last = hour_of(since_ms), hour_of(self.now_ms)
        cut = {hour_of(at) for one in self.corrected for at in (one.since_ms, one.until_ms)}
        for one in self.corrected:
            if one.group:
                cut |= set(range(max(hour_of(one.since_ms), first), min(one.until_ms // 1000, last) + 1, HOUR_S))
        wait_s = int(self.plan.longest_wait.total_seconds())
        for begun, ended in self.blind:
            cut |= set(range(max(hour_of(begun * 1000), first), min(ended + wait_s, last) + 1, HOUR_S))
        return {hour for hour in cut if first <= hour <= last}


def scope_of(plan: Plan, now: datetime, since: datetime, without: Sequence[Correction] = ()) -> Scope:
    """The scope of a question that looks back to `since`, the period and all windows."""
    period_from, _ = period_of(plan.objective.window, now)
    lengths = [length for tier in plan.objective.tiers for length in (tier.long, tier.short)]
    earliest = min([since, period_from, *(now - length for length in lengths)])
    corrected = tuple(
        Range(ms(one.starts_at), ms(one.ends_at), tuple(value for _, value in one.group))
        for one in without
        if one.objective == plan.objective.name and one.removed_at is None and one.ends_at > earliest
    )
    return Scope(plan, now, earliest, period_from, corrected)


def ms(moment: datetime) -> int:
    """Milliseconds since the epoch, down to the whole one."""
    return (moment - _EPOCH) // _MS


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
