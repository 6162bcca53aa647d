"""The period of a budget at a moment: the last 28 days, or this month as people there have it on the wall."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from model.objective import Window

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}


def period_of(window: Window, now: datetime) -> tuple[datetime, datetime]:
    """From when until when the budget runs: [since, until) in UTC.

    A rolling one ends now. A calendar one ends in the future; it begins and ends at the wall clock's time of its start,
    so a day with a change to summer time has 23 hours. Steps of months count from the start: one that begins on a 31st
    begins on the last day of shorter months. A moment before the start lies in the period before the first.
    """
    if window.rolling:
        return now - window.length, now
    zone = ZoneInfo(window.timezone)
    local = now.astimezone(zone).replace(tzinfo=None)
    start = datetime.fromisoformat(window.start)
    step = _steps_before(window, start, local)

    def begins(step: int) -> datetime:
        return _after(window, start, step).replace(tzinfo=zone).astimezone(UTC)

    while begins(step + 1) <= now:  # an hour that the wall clock shows twice
        step += 1
    while begins(step) > now:  # an hour that it never shows
        step -= 1
    return begins(step), begins(step + 1)


def _steps_before(window: Window, start: datetime, local: datetime) -> int:
    """How many whole periods lie between the start and a moment; negative before the start."""
    if window.unit in _DAYS:
        return (local - start) // timedelta(days=_DAYS[window.unit] * window.count)
    months = (local.year - start.year) * 12 + local.month - start.month
    step = months // (_MONTHS[window.unit] * window.count)
    return step if _after(window, start, step) <= local else step - 1


def _after(window: Window, start: datetime, steps: int) -> datetime:
    if window.unit in _DAYS:
        return start + steps * timedelta(days=_DAYS[window.unit] * window.count)
    years, month = divmod(start.month - 1 + steps * _MONTHS[window.unit] * window.count, 12)
    year, month = start.year + years, month + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))
