"""How things are written on pages: times, lengths, counts, shares, addresses. Rounding happens here, nowhere else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from lineage.headline import spoken
from model.causes import causes

STATUSES = ("entered", "skipped", "blocked", "pending", "unknown")


@dataclass(frozen=True, slots=True)
class Meaning:
    """A status in words: its label, and what it means to someone who meets it first."""

    label: str
    says: str


MEANINGS: Mapping[str, Meaning] = {
    "entered": Meaning("Entered", "reached the goal of the flow"),
    "skipped": Meaning("Skipped", "stopped by a rule that did its work: consent, a gate, a paused campaign"),
    "blocked": Meaning("Blocked", "stopped by a fault that someone can mend"),
    "pending": Meaning("Pending", "on its way, and still in time"),
    "unknown": Meaning("Unknown", "the telemetry does not tell, or no flow file fits"),
}

#: Where a budget stands, in words.
STANDINGS: Mapping[str, Meaning] = {
    "ok": Meaning("OK", "the budget lasts"),
    "burning": Meaning("Burning", "an alert fires: at this rate the budget does not last"),
    "exhausted": Meaning("Exhausted", "nothing is left of the budget in this period"),
    "frozen": Meaning("Not measured", "a system that it rests on has fallen silent, so alerts hold their state"),
    "no_data": Meaning("No data", "no unit was counted in this period yet"),
}

#: What happened last with an alert, in words.
HAPPENINGS: Mapping[str, str] = {
    "fired": "fired",
    "escalated": "became a page",
    "eased": "eased to a ticket",
    "resolved": "resolved",
    "repeated": "still fires",
    "acknowledged": "acknowledged",
    "frozen": "cannot be measured",
    "thawed": "is measured again",
}

#: What a hop did, in three groups that pages show by shape and colour; any other word is shown as `seen`.
_OUTCOMES = {
    "ok": "ok",
    "success": "ok",
    "succeeded": "ok",
    "failed": "failed",
    "failure": "failed",
    "error": "failed",
    "rejected": "failed",
    "dead_lettered": "failed",
    "retrying": "failed",
    "skipped": "skipped",
    "filtered": "skipped",
}


_MEASURE = re.compile(r"(?<=\d) (?=(?:ms|s|min|h|d)\b)")


def outcome_state(outcome: str) -> str:
    """ok, failed, skipped or seen, whatever word the sender chose."""
    return _OUTCOMES.get(outcome, "seen")


def length(of: timedelta) -> str:
    """`850 ms`, `3 min 20 s`; `under 1 ms` for what is shorter."""
    return spoken(of) if of >= timedelta(milliseconds=1) else "under 1 ms"


def unbroken(sentence: str) -> str:
    """The sentence with each number kept on one line with its unit."""
    return _MEASURE.sub("\N{NO-BREAK SPACE}", sentence)


def milliseconds(ms: float) -> str:
    return length(timedelta(milliseconds=ms))


def offset(of: timedelta) -> str:
    """How long after the start: `+1.2 s`; a hop before it (clocks differ) has a minus."""
    sign = "\N{MINUS SIGN}" if of < timedelta() else "+"
    return sign + spoken(abs(of))


def moment(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M:%S} UTC"


def short_moment(at: datetime) -> str:
    return f"{at.day} {at:%b, %H:%M}"


def ago(at: datetime, now: datetime) -> str:
    """`just now`, `4 min ago`, `yesterday`, then the date."""
    passed = now - at
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return f"{passed // timedelta(minutes=1)} min ago"
    if passed < timedelta(hours=24):
        return f"{passed // timedelta(hours=1)} h ago"
    if passed < timedelta(hours=48):
        return "yesterday"
    return f"{at.day} {at:%b}" if at.year == now.year else f"{at.day} {at:%b %Y}"


def number(count: int) -> str:
    return f"{count:,}"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 lead`, `1,204 leads`, `2 entries`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """A percentage that never says 0% of something or 100% of less than all."""
    if not part or not whole:
        return "0%"
    if part == whole:
        return "100%"
    percent = 100 * part / whole
    return "under 1%" if percent < 1 else f"{min(round(percent), 99)}%"


def percent(of: float) -> str:
    """A share between 0 and 1; like `share`, it never says all or nothing of what is neither."""
    return share(round(of * 1_000_000), 1_000_000)


def seconds(of: float | None) -> str:
    """A length in seconds, for a table; a dash where there is none."""
    return "\N{EN DASH}" if of is None else length(timedelta(seconds=of))


def budget_left(of: float | None) -> str:
    """What is left of a budget: `38%`; `none` when it is spent, `overspent by 12%` beyond, a dash without data."""
    if of is None:
        return "\N{EN DASH}"
    if of < 0:
        return f"overspent by {number(round(-100 * of))}%" if round(-100 * of) else "none"
    return percent(of) if of else "none"


def left_words(of: float | None) -> str:
    """What a bar says to who cannot see it: `38% left`, `overspent by 12%`."""
    said = "no data" if of is None else budget_left(of)
    return f"{said} left" if of is not None and of >= 0 else said


def burn_rate(burn: float | None) -> str:
    """A burn rate as a multiple: 14 times, 0.4 times."""
    if burn is None:
        return "\N{EN DASH}"
    return (number(round(burn)) if burn >= 1_000 else f"{burn:.3g}") + "\N{MULTIPLICATION SIGN}"


def times(of: float) -> str:
    """How many times as often, with a place under ten and none above: both ends of a range read alike."""
    return (f"{of:.1f}" if of < 9.95 else number(round(of))) + "\N{MULTIPLICATION SIGN}"


def target_share(of: float) -> str:
    """`99.5%`, with as many places as it has."""
    return f"{100 * of:.6f}".rstrip("0").rstrip(".") + "%"


def left_share(of: float | None) -> str:
    """What is left of a budget, for a table: `38%`; overspent with a minus."""
    if of is None:
        return "\N{EN DASH}"
    if of >= 0:
        return percent(of)
    return f"\N{MINUS SIGN}{number(max(round(-100 * of), 1))}%"


def precisely(share: float) -> str:
    """A share with three digits: `13.4%`, `0.93%`."""
    return f"{100 * share:.3g}%"


def excess_units(excess: float) -> str:
    """Units beyond what the target allows, with a sign: `+12`, `+0.4`."""
    sign = "+" if excess >= 0 else "\N{MINUS SIGN}"
    size = abs(excess)
    return f"{sign}{number(round(size))}" if size >= 10 or size == round(size) else f"{sign}{size:.1f}"


def group_name(group: Mapping[str, str]) -> str:
    """`campaign spring-webinar, segment smb`; `everything` for the whole."""
    return ", ".join(f"{key} {value or 'none'}" for key, value in group.items()) or "everything"


def length_s(of: float) -> str:
    """A length in seconds, in words."""
    return length(timedelta(seconds=of))


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def spoken_value(name: str, value: str) -> str:
    """What the affected share, in words: `Captured on a Monday`, `form.version is 7`."""
    if name.startswith("weekday of capture") and value in {"1", "2", "3", "4", "5", "6", "7"}:
        return f"Captured on a {_DAYS[int(value) - 1]}"
    if name.startswith("hour of capture"):
        return f"Captured from {value}:00 to {value}:59 UTC"
    return (
        f"{name[:1].upper()}{name[1:]} is {value}"
        if name in {"campaign", "segment", "source"}
        else f"{name} is {value}"
    )


def cause_title(cause: str | None) -> str:
    known = causes().get(cause or "")
    return known.title if known else cause or "No flow file fits"


def short_id(text: str, keep: int = 8) -> str:
    return text if len(text) <= keep + 4 else f"{text[:keep]}…"


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def call_name(name: str, attributes: Mapping[str, str]) -> str:
    """A span's name; stock HTTP clients name a call only `POST`, so whom and what it called is added."""
    if name not in _METHODS:
        return name
    try:
        url = urlsplit(attributes.get("url.full") or attributes.get("http.url") or "")
    except ValueError:
        return name
    whom = attributes.get("lead.system") or attributes.get("peer.service") or ""
    return " ".join(part for part in (name, whom, url.path or attributes.get("url.path", "")) if part)


def answered(attributes: Mapping[str, str]) -> str:
    """The HTTP status that a call was answered with, by the stable or the older convention; '' without one."""
    text = attributes.get("http.response.status_code") or attributes.get("http.status_code") or ""
    return text if text.isdecimal() and len(text) == 3 else ""


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────────────


def lead_url(lead: str, **query: str | int | None) -> str:
    return _url(f"/leads/{quote(lead, safe='')}", query)


def flow_url(flow: str, **query: str | int | None) -> str:
    return _url(f"/flows/{quote(flow, safe='')}", query)


def causes_url(flow: str, **query: str | int | None) -> str:
    return _url(f"/flows/{quote(flow, safe='')}/causes", query)


def alignment_url(flow: str, **query: str | int | None) -> str:
    return _url(f"/flows/{quote(flow, safe='')}/alignment", query)


def slo_url(objective: str, **query: str | int | None) -> str:
    return _url(f"/slos/{quote(objective, safe='')}", query)


def alert_url(incident: str) -> str:
    return f"/alerts/{quote(incident, safe='')}"


def alerts_url(**query: str | int | None) -> str:
    return _url("/alerts", query)


def search_url(**query: str | int | None) -> str:
    return _url("/leads", query)


def trace_url(trace_id: str, span_id: str = "", **query: str | int | None) -> str:
    return _url(f"/traces/{quote(trace_id, safe='')}", query) + (f"#{span_anchor(span_id)}" if span_id else "")


def span_anchor(span_id: str) -> str:
    return f"span-{span_id}"


def hop_anchor(trace_id: str, span_id: str) -> str:
    return f"hop-{trace_id[:8]}-{span_id}"


def _url(path: str, query: Mapping[str, str | int | None]) -> str:
    given = {key: value for key, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(given)}" if given else path
