"""Lengths of time, time zones and shares as people write them."""

import re
from datetime import timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from slo.openslo.shapes import LENGTHS

_SPAN = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?")
_SHARE = re.compile(r"(\d{0,3}(?:\.\d{0,12})?) ?(%?)")
_DIGITS = 10
_DAYS = {"d": 1, "w": 7, "M": 30, "Q": 90, "Y": 365}
CALENDAR_UNITS = {"d": "day", "w": "week", "M": "month", "Q": "quarter", "Y": "year"}


def span(text: str) -> timedelta | None:
    """`30m`, `72h`, `1h30m`, `2w`; None for what is no length or none at all."""
    match = _SPAN.fullmatch(text.replace(" ", ""))
    if match is None or not any(match.groups()):
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return length or None


def shorthand(text: str) -> tuple[int, str] | None:
    """OpenSLO's lengths: a count, cut to what is still beyond all bounds, and one of m, h, d, w, M, Q, Y."""
    match = LENGTHS.fullmatch(text.replace(" ", ""))
    return (int(match[1].lstrip("0")[:_DIGITS] or 0), match[2]) if match is not None else None


def length_of(count: int, unit: str) -> timedelta:
    """How long that is; months have 30 days, quarters 90 and years 365, as in the official SDK."""
    if unit in _DAYS:
        return timedelta(days=min(count * _DAYS[unit], 1_000_000))
    return timedelta(minutes=min(count * (60 if unit == "h" else 1), 1_000_000_000))


def share(text: str) -> Fraction | None:
    """`0.02` or `2%`, exact; None for what is no number."""
    match = _SHARE.fullmatch(text.strip())
    if match is None or not any(one.isdigit() for one in match[1]):
        return None
    return Fraction(match[1]) / (100 if match[2] else 1)


def zone(name: str) -> ZoneInfo | None:
    """A time zone by its IANA name; UTC where none is given, None for a name that is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (OSError, ValueError, KeyError):  # a folder or too long; a path or a strange character; unknown
        return None


def written(length: timedelta) -> str:
    """A length as `slo check` shows it: `28d`, `1h30m`."""
    seconds = int(length.total_seconds())
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        if seconds >= size:
            parts.append(f"{seconds // size}{unit}")
            seconds %= size
    return "".join(parts) or "0s"


def percent(part: Fraction) -> str:
    """`99.9 %`, with as many digits as matter; what is not all is not called so."""
    shown = f"{float(part * 100):.6g}"
    return f"{shown} %" if shown != "100" or part == 1 else "almost 100 %"
