"""Which services went silent, and when. Silence is no data, and no data is neither good nor bad.

A feed is lost when it was silent for at least 10 minutes and three times its longest pause of the 7 days before. One
that spoke in fewer than MIN_MINUTES minutes has no habit yet: of random pauses one is three times as long as all 30
before it once in tens of thousands, and three times as long as the one before it in one case of four.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from model.budget import Feed
from store import feeds
from store.engine import Store
from store.feeds import Spoken

MIN_SILENCE_S = 600
FACTOR = 3
HABIT = timedelta(days=7)
MIN_MINUTES = 30
UNUSUAL_S = 120
_MINUTE_S = 60
_TELLING_PAUSE_S = MIN_SILENCE_S // FACTOR  # shorter ones cannot raise the bar above MIN_SILENCE_S

Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Loss:
    """A time in which a service was lost, in seconds: silent from, known to be lost from, heard again."""

    service: str
    silent_from_s: int
    known_from_s: int
    until_s: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of one service until `now_s`."""

    spoken: Spoken
    now_s: int

    @property
    def silent_from_s(self) -> int:
        """The end of the last minute that it spoke in."""
        return self.spoken.last_s + _MINUTE_S

    @property
    def silence_s(self) -> int:
        """For how long nothing came, less the delay with which its words usually come."""
        return self.now_s - self.silent_from_s - self.spoken.usually_late_s

    def is_lost(self) -> bool:
        return self._has_habit() and self.silence_s >= _bar_s(self._longest_pause_s(self.now_s))

    def is_unusual(self) -> bool:
        """Silent for longer than in a week: what time alone would call bad now is not called so yet."""
        return self._has_habit() and self.silence_s >= max(UNUSUAL_S, self._longest_pause_s(self.now_s))

    def blind(self) -> list[Stretch]:
        """When it was lost, and from when on it may be: stretches in seconds, [from, until)."""
        if not self._has_habit():
            return []
        lost = [
            (before + _MINUTE_S, after)
            for before, after in self.spoken.pauses
            if after - before - _MINUTE_S >= _bar_s(self._longest_pause_s(before))
        ]
        return [*lost, (self.silent_from_s, self.now_s + 1)] if self.is_unusual() else lost

    def losses(self) -> list[Loss]:
        """Each time that it was lost, the last of which may still last."""
        if not self._has_habit():
            return []
        pauses = [
            (before + _MINUTE_S, after, _bar_s(self._longest_pause_s(before))) for before, after in self.spoken.pauses
        ]
        pauses.append((self.silent_from_s, self.now_s, _bar_s(self._longest_pause_s(self.now_s))))
        known = [(silent, silent + bar + self.spoken.usually_late_s, until) for silent, until, bar in pauses]
        return [Loss(self.spoken.service, *one) for one in known if one[1] <= one[2]]

    def _has_habit(self) -> bool:
        return self.spoken.minutes >= MIN_MINUTES

    def _longest_pause_s(self, at_s: int) -> int:
        """The longest pause that ended in the 7 days before a moment."""
        since_s = at_s - int(HABIT.total_seconds())
        return max((after - before for before, after in self.spoken.pauses if since_s <= after <= at_s), default=0)


def _bar_s(longest_pause_s: int) -> int:
    return max(MIN_SILENCE_S, FACTOR * longest_pause_s)


def as_feed(heard: Heard) -> Feed:
    return Feed(
        name=heard.spoken.service,
        last_seen=datetime.fromtimestamp(heard.spoken.last_s, UTC),
        silent_since=datetime.fromtimestamp(heard.silent_from_s, UTC) if heard.is_lost() else None,
    )


def heard(store: Store, services: Sequence[str], since: datetime, now: datetime) -> list[Heard]:
    """The services that spoke since `since`, or in the week before it."""
    now_s = int(now.timestamp())
    since_s = max(int((since - HABIT).timestamp()), 0)
    found = feeds.spoken(store, services, since_s=since_s, now_s=now_s, pause_s=_TELLING_PAUSE_S)
    return [Heard(one, now_s) for one in found]
