"""Whom else did the same thing stop? Asked for every answer, and counted over all verdicts of a flow: so what a cause
did to a step is kept for some seconds, for all of its leads.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from lineage.kept import Kept
from model.verdict import Verdict
from store import changes, counts
from store.counts import Affected, Stops
from store.engine import Store

NEAR = timedelta(hours=24)
KEPT_S = 10.0
MOST_COUNTS = 1_000
MOST_TIMES = 50  # each holds up to 10,000 moments


class AffectedBy:
    """What causes did around the moments at which they stopped a lead: a day before and after, rounded to hours."""

    def __init__(self, store: Store, *, keep_s: float = KEPT_S) -> None:
        self._store = store
        self._counts: Kept[Stops, Affected] = Kept(keep_s=keep_s, most=MOST_COUNTS)
        self._times: Kept[Stops, Sequence[tuple[datetime, str]]] = Kept(keep_s=keep_s, most=MOST_TIMES)

    def others(self, verdict: Verdict, written: Sequence[Verdict]) -> tuple[int, datetime | None]:
        """How many other leads the same thing stopped, and when the first of them; `written` are the verdicts that the
        store has of the verdict's own lead.
        """
        stops = stops_around(verdict)
        found = self._counts.get(stops, lambda: counts.affected(self._store, stops))
        others = found.leads - any(_is_one_of(one, stops) for one in written)
        since = next((at for at, lead in found.first if lead != verdict.lead), None)
        return (others, since) if others > 0 else (0, None)

    def times(self, verdict: Verdict) -> Sequence[tuple[datetime, str]]:
        """(moment, campaign) of each entry that the same thing stopped, the earliest first."""
        stops = stops_around(verdict)
        return self._times.get(stops, lambda: changes.affected_times(self._store, stops))


def stops_around(verdict: Verdict) -> Stops:
    """The same for all leads that one thing stopped within an hour, so that one count does for them."""
    hour = verdict.since.replace(minute=0, second=0, microsecond=0)
    since, until = hour - NEAR, hour + NEAR + timedelta(hours=1)
    return Stops(verdict.flow, verdict.status.value, verdict.cause, verdict.step, since, until)


def _is_one_of(verdict: Verdict, stops: Stops) -> bool:
    said = (verdict.flow, verdict.status.value, verdict.cause, verdict.step)
    return said == (stops.flow, stops.status, stops.cause, stops.step) and stops.since <= verdict.since <= stops.until
