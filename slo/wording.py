"""Words for people: a group, a number, a moment, a window, and foreign text made fit for a line."""

from datetime import datetime, timedelta

from lineage.headline import spoken
from model.alert import Burn
from model.objective import Group

LONGEST_NAME = 120
LONGEST_URL = 2_000


def name_of(group: Group, flow: str) -> str:
    """A group as people call it: `Campaign spring-webinar, segment smb`; all of a flow without one."""
    if not group:
        return f"All of {clean(flow)}"
    name = ", ".join(f"{key} {clean(value) or '(none)'}" for key, value in group)
    return name[0].upper() + name[1:]


def counted(leads: int) -> str:
    return "1 lead" if leads == 1 else f"{leads} leads"


def clock(at: datetime, now: datetime) -> str:
    """A moment as it is said at another: `02:41 UTC`, with the date when that is another one."""
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


def percent(share: float) -> str:
    return f"{share * 100:.4g}%"


def windows(burn: Burn) -> tuple[str, str]:
    """A tier's windows as they are said: `page 1h/5m` gives 1 h and 5 min."""
    long, _, short = burn.tier.rpartition(" ")[2].partition("/")
    return _window(long), _window(short)


def _window(name: str) -> str:
    sizes = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
    return spoken(int(name[:-1]) * sizes[name[-1]]) if name[:-1].isdecimal() and name[-1] in sizes else "its window"


def clean(text: str, longest: int = LONGEST_NAME) -> str:
    """Foreign text fit for one line: no control characters, bounded."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def is_web(url: str) -> bool:
    """Is it an address that a message may link to?"""
    return url.startswith(("https://", "http://")) and len(url) <= LONGEST_URL
