"""What is due on the agenda, in order, and once more what became visible behind the cursor.

An insert can become visible after later ones. So the lines of each moment in the stretch just behind the cursor are
counted again on every tick; a moment with more lines than were handled is read again. Whatever is done twice changes
nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from store import agenda
from store.agenda import Due, Shard
from store.engine import Store

FIRST_LOOK_BACK = timedelta(days=3)
MAX_LATE_MOMENTS = 1_000


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to handle: those that are due, and those that became visible late. `more` says that others wait."""

    due: Sequence[Due]
    late: Sequence[Due]
    until: Due
    more: bool


class DueLines:
    """The agenda of one shard from a cursor on. `read` gives lines, `handled` moves the cursor behind them.

    Of a moment that has more lines than fit, the next lines are read next; memory is bounded by `most` lines a read.
    """

    def __init__(self, store: Store, shard: Shard, *, overlap: timedelta, most: int) -> None:
        self._store = store
        self._shard = shard
        self._overlap = overlap
        self._most = most
        self._last: Due | None = None
        self._since = datetime.min.replace(tzinfo=UTC)
        self._handled: Counter[datetime] = Counter()

    def read(self, now: datetime) -> Lines:
        """At most `most` of the lines that are due at `now`, and those that appeared late."""
        last = self._last or self._started(now)
        late = self._appeared_late(last)
        due = agenda.due_after(self._store, last, now, self._shard, most=self._most)
        more = len(due) >= self._most
        return Lines(due, late, due[-1] if more else agenda.end_of(now), more)

    def handled(self, lines: Lines) -> None:
        """These lines were dealt with."""
        moved = self._last is None or lines.until.at > self._last.at
        self._last = lines.until
        for moment in {line.at for line in lines.late}:
            self._handled[moment] = 0
        self._handled.update(line.at for line in (*lines.late, *lines.due))
        self._forget_before(lines.until.at - self._overlap)
        if moved and (lines.due or lines.late):
            agenda.move_cursor(self._store, self._shard, lines.until.at)

    def _started(self, now: datetime) -> Due:
        stored = agenda.cursor(self._store, self._shard)
        self._since = stored - self._overlap if stored is not None else now - FIRST_LOOK_BACK
        self._last = agenda.end_of(self._since)
        return self._last

    def _appeared_late(self, last: Due) -> list[Due]:
        """Lines of moments behind the cursor that have more of them than were handled."""
        counted = agenda.count_by_moment(self._store, self._since, last, self._shard)
        grown = [moment for moment, count in counted.items() if count > self._handled[moment]]
        grown = sorted(grown)[:MAX_LATE_MOMENTS]  # the rest is found again on the next tick
        return agenda.due_at(self._store, grown, last, self._shard, most=10 * self._most) if grown else []

    def _forget_before(self, moment: datetime) -> None:
        self._since = max(self._since, moment)
        self._handled = Counter({at: count for at, count in self._handled.items() if at > self._since})
