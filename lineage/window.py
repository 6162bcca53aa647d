"""The stretch of time that people ask about: `24h`, `2026-11-24`, `2026-11-24T09:00:00Z`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MAX_TEXT = 40
DEFAULT_BACK = timedelta(days=7)
_RELATIVE = re.compile(r"(\d{1,4})\s*(min|m|h|d|w)")
_UNITS = {
    "min": timedelta(minutes=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_YEARS = range(2000, 2200)
_MEND = "Write a length back from now (24h, 7d), a date (2026-11-24), or a time with its zone (2026-11-24T09:00:00Z)."


class WindowError(ValueError):
    """A time that cannot be read: `parameter` names it, `what` says why, `mend` says what to write instead."""

    def __init__(self, parameter: str, what: str, mend: str = _MEND) -> None:
        super().__init__(f"{parameter}: {what}. {mend}")
        self.parameter = parameter
        self.what = what
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Window:
    """[since, until), aware UTC."""

    since: datetime
    until: datetime


def window(since: str | None, until: str | None, *, now: datetime, back: timedelta = DEFAULT_BACK) -> Window:
    """The window that two texts mean; without them the last `back`. Raises WindowError.

    A plain date begins at midnight UTC; as `until` it ends with that day, so that both ends name days people mean.
    """
    end = _moment("until", until, now) if until and until.strip() else now
    start = _moment("since", since, now) if since and since.strip() else end - back
    if start >= end:
        raise WindowError(
            "since", f"{start:%Y-%m-%d %H:%M} UTC is not before {end:%Y-%m-%d %H:%M} UTC", "Swap the two."
        )
    return Window(start, end)


def stretch(parameter: str, text: str) -> timedelta:
    """The length that a text means: `30min`, `2h`, `7d`. Raises WindowError."""
    relative = _RELATIVE.fullmatch(text.strip().lower())
    if relative is None or not int(relative[1]):
        raise WindowError(parameter, f"“{text[:MAX_TEXT]}” is not a length of time", "Write 30min, 2h or 7d.")
    return int(relative[1]) * _UNITS[relative[2]]


def _moment(parameter: str, text: str, now: datetime) -> datetime:
    text = text.strip()
    if text.lower() == "now":
        return now
    relative = _RELATIVE.fullmatch(text.lower())
    moment = now - int(relative[1]) * _UNITS[relative[2]] if relative else _absolute(parameter, text)
    if moment.year not in _YEARS:
        raise WindowError(parameter, f"the year {moment.year} is out of range")
    is_date = not relative and ":" not in text
    return moment + timedelta(days=1) if is_date and parameter == "until" else moment


def _absolute(parameter: str, text: str) -> datetime:
    plus_kept = re.sub(r" (?=\d\d:?\d\d$)", "+", text) if "T" in text.upper() else text  # a URL turns + into a space
    try:
        moment = datetime.fromisoformat(plus_kept)
    except ValueError as exc:
        raise WindowError(parameter, f"“{text[:MAX_TEXT]}” is not a time") from exc
    if moment.tzinfo is None and ":" in text:
        raise WindowError(parameter, f"“{text[:MAX_TEXT]}” has no zone", "End it with Z for UTC, or with +02:00.")
    # Not astimezone: near the years 1 and 9999 a zone's offset leads out of what a datetime holds.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None or moment.year not in _YEARS else moment.astimezone(UTC)
