"""What an objective would have told over the stored history: the answer of `leadtrace slo backtest`."""

from collections.abc import Callable
from datetime import datetime

from lineage.answers import Answer
from lineage.budgets import CauseLeadsCount

#: What a list holds at most.
SHOWN_FIRINGS = 100
SHOWN_BACKTEST_CAUSES = 3


class FiringAnswer(Answer):
    """One incident that would have been told. Counts and burn are of the tier's long window as it fired.

    `resolved_at` is null when it would still fire. `leads` and `causes` are of the units that were bad from that window
    until it ended. `also` says that the definition it is compared with would have told one of the same group then, too.
    """

    kind: str
    tier: str
    severity: str
    group: dict[str, str]
    fired_at: datetime
    resolved_at: datetime | None
    reason: str
    good: int
    bad: int
    total: int
    burn: float | None
    leads: int
    causes: list[CauseLeadsCount]
    also: bool


class WalkAnswer(Answer):
    """One definition over the history. `firings` are the latest; `pages` and `tickets` count all, by their severity.

    `counted_from` is when its first unit was decided, null without any. Good, bad and budget left are of the period
    that ends at the end.
    """

    definition: str
    pages: int
    tickets: int
    firing_s: float
    firings: list[FiringAnswer]
    good: int
    bad: int
    total: int
    budget_left: float | None
    groups: int
    counted_from: datetime | None


class BacktestAnswer(Answer):
    """What an objective would have told from `since` until `until`, looked at every `step_s` seconds.

    `in_force` is the objective of that name as it is now, over the same time; null when there is none.
    """

    name: str
    title: str
    flow: str
    since: datetime
    until: datetime
    step_s: int
    would: WalkAnswer
    in_force: WalkAnswer | None


class BacktestsAnswer(Answer):
    """Of every objective that a file describes; `warnings` are what was mended in it."""

    warnings: list[str]
    objectives: list[BacktestAnswer]


class BacktestError(ValueError):
    """A file that holds nothing to walk, or too much; the message says which and the mend."""


#: A file's text, since when, until when → the answer. Raises BacktestError, and StoreError.
Backtest = Callable[[str, datetime, datetime], BacktestsAnswer]
