"""What people decide about alerts and budgets: to keep them quiet, to work on them, to leave a stretch of time out.

Each has an author and a reason, and stays readable after it ended or was taken back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from model.flow import Glob
from model.objective import Group, Severity

#: What a silence may match. `cause` is known only once evidence was found.
SILENCE_KEYS = (
    "objective", "flow", "indicator", "severity", "campaign", "segment", "source", "system", "cause",
)  # fmt: skip
MAX_SILENCE = timedelta(days=30)
MAX_CORRECTION = timedelta(days=90)
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that fit every matcher are not told from `starts_at` until `ends_at`. Matchers are globs by key.

    An alert without a key's value fits only a glob that takes the empty text.
    """

    id: str
    matchers: Mapping[str, str]
    author: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    removed_at: datetime | None = None
    removed_by: str = ""

    def active(self, now: datetime) -> bool:
        return self.removed_at is None and self.starts_at <= now < self.ends_at

    def fits(self, facts: Mapping[str, Sequence[str]]) -> bool:
        """Does every matcher take one of the alert's values?"""
        return all(any(map(Glob(glob), facts.get(key, ()) or ("",))) for key, glob in self.matchers.items())


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody works on an incident: it is not repeated while it stays at this severity or below."""

    incident: str
    at: datetime
    author: str
    note: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Correction:
    """Units of a group that were decided in [starts_at, ends_at) do not count in an objective's budget."""

    id: str
    objective: str
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
    created_at: datetime
    group: Group = field(default=())
    removed_at: datetime | None = None
    removed_by: str = ""
