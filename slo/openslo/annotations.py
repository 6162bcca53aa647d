"""What OpenSLO cannot say stands in annotations `leadtrace.dev/…`, which are texts."""

from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches

from model.objective import GROUP_KEYS, Gate
from slo.openslo.lengths import share, span
from slo.openslo.place import Place, nearest

PREFIX = "leadtrace.dev/"

#: On an SLO.
ON_OBJECTIVE = (
    "group-by",
    "max-groups",
    "decision-deadline",
    "lateness-horizon",
    "failure-unit",
    "min-failure-units",
    "min-budget-failures",
    "alpha",
    "owner",
    "playbook",
    "allow-impossible",
)
#: On an alert condition. `budget-spent` is another word for `budget-share`.
ON_CONDITION = ("short-window", "budget-share", "budget-spent", "allow-impossible")

MAX_GROUPS = 10_000
MAX_LATENESS = timedelta(days=14)
MAX_DEADLINE = timedelta(days=28)
MAX_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Annotations:
    """The annotations of an SLO, with defaults where it gives none."""

    group_by: tuple[str, ...] = ()
    max_groups: int = 2_000
    decision_deadline: timedelta | None = None
    lateness_horizon: timedelta = timedelta(hours=72)
    gate: Gate = field(default_factory=Gate)
    owner: str = ""
    playbook: str = ""
    allow_impossible: bool = False


def own(metadata: Place | None, known: tuple[str, ...]) -> dict[str, Place]:
    """Annotations of leadtrace by their short names; tells those it does not know, since a typo changes a meaning."""
    annotations = metadata.get("annotations") if metadata is not None else None
    found: dict[str, Place] = {}
    for key, value in annotations.entries() if annotations is not None else ():
        if not key.text.startswith(PREFIX):
            continue
        name = key.text.removeprefix(PREFIX)
        if name in known:
            found[name] = value
        else:
            near = get_close_matches(name, known, 1)
            hint = f"Did you mean `{PREFIX}{near[0]}`?" if near else f"Known are {', '.join(known)}"
            value.wrong("is no annotation of leadtrace", hint)
    return found


def read_annotations(metadata: Place | None) -> Annotations:
    """Those of an SLO. What is wrong is told, and its default stands in."""
    given = own(metadata, ON_OBJECTIVE)
    plain = Annotations()
    return Annotations(
        group_by=_groups(given.get("group-by")),
        max_groups=_whole(given.get("max-groups"), 1, MAX_GROUPS, plain.max_groups),
        decision_deadline=_length(given.get("decision-deadline"), MAX_DEADLINE),
        lateness_horizon=_length(given.get("lateness-horizon"), MAX_LATENESS) or plain.lateness_horizon,
        gate=Gate(
            min_failure_units=_whole(given.get("min-failure-units"), 1, 1_000, plain.gate.min_failure_units),
            alpha=_alpha(given.get("alpha")),
            min_budget_failures=_whole(given.get("min-budget-failures"), 1, 1_000, plain.gate.min_budget_failures),
            failure_unit=_attribute(given.get("failure-unit")),
        ),
        owner=given["owner"].text() if "owner" in given else "",
        playbook=_playbook(given.get("playbook")),
        allow_impossible=flag(given.get("allow-impossible")),
    )


def flag(place: Place | None) -> bool:
    truth = place.truth() if place is not None else False
    if place is not None and truth is None:
        place.wrong(f"`{place.text()}` is neither true nor false", 'Write "true" or "false"')
    return bool(truth)


def _groups(place: Place | None) -> tuple[str, ...]:
    if place is None:
        return ()
    keys = tuple(part.strip() for part in place.text().split(",") if part.strip())
    for key in keys:
        if key not in GROUP_KEYS:
            place.wrong(f"`{key}` is nothing that leads are grouped by", nearest(key, GROUP_KEYS))
    if len(set(keys)) < len(keys):
        place.wrong("names a key twice", "Keep one of the two")
    return tuple(key for key in dict.fromkeys(keys) if key in GROUP_KEYS)


def _whole(place: Place | None, low: int, high: int, default: int) -> int:
    if place is None:
        return default
    number = place.number()
    if number is None or number.denominator != 1 or not low <= number <= high:
        place.wrong(f"`{place.text()}` is no whole number from {low} to {high}", f'Write one, such as "{default}"')
        return default
    return int(number)


def _length(place: Place | None, most: timedelta) -> timedelta | None:
    if place is None:
        return None
    length = span(place.text())
    if length is None:
        place.wrong(f"`{place.text()}` is no length of time", "Write it as 30s, 15m, 72h or 1h30m")
    elif length > most:
        place.wrong(f"`{place.text()}` is longer than {most.days} days", "Write a shorter one")
        return None
    return length


def _alpha(place: Place | None) -> float:
    if place is None:
        return Gate().alpha
    number = place.number() or share(place.text())
    if number is None or number > MAX_ALPHA or not float(number) > 0:
        place.wrong(f"`{place.text()}` is no chance between 0 and {MAX_ALPHA}", 'Write one, such as "0.0001"')
        return Gate().alpha
    return float(number)


def _attribute(place: Place | None) -> str:
    name = place.text() if place is not None else ""
    if place is not None and (not name or len(name) > 100 or any(one.isspace() for one in name)):
        place.wrong(f"`{name[:100]}` is no attribute", "Name the one that tells batches apart, such as batch.id")
        return ""
    return name


def _playbook(place: Place | None) -> str:
    text = place.text() if place is not None else ""
    if place is not None and not text.startswith(("https://", "http://")):
        place.wrong(f"`{text}` is not a web address", "Write it with https://")
        return ""
    return text
