"""What the official SDK asks of objects of every version and kind. The paths are those that the SDK names."""

import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction

from slo.openslo.lengths import zone
from slo.openslo.nodes import Scalar
from slo.openslo.place import Place, nearest
from slo.openslo.shapes import V2ALPHA

OPERATORS = ("gt", "lt", "gte", "lte")
METHODS = ("Occurrences", "Timeslices", "RatioTimeslices")

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"[a-zA-Z0-9](?:[-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
_DOMAIN = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_QUALIFIED_KEY = re.compile(rf"(?:{_DOMAIN}(?:\.{_DOMAIN})*/)?[a-zA-Z0-9](?:[-._a-zA-Z0-9]{{0,61}}[a-zA-Z0-9])?")
_LABEL_VALUE_V2 = re.compile(r"(?:[a-z0-9](?:[-._a-z0-9]{0,61}[a-z0-9])?)?")
_MOMENT = "%Y-%m-%d %H:%M:%S"


def check_metadata(place: Place, version: str, *, inline: bool = False) -> None:
    """An object needs a name; one that stands inline in another is found without."""
    metadata = place.get("metadata")
    if metadata is None or not metadata.keys():
        _unnamed(place, "metadata", "Add `metadata: {name: my-name}`", inline=inline)
        return
    if not metadata.text("name"):
        _unnamed(metadata, "name", "Add `name: my-name`", inline=inline)
    elif (name := metadata.get("name")) is not None:
        label(name)
    if (title := metadata.get("displayName")) is not None and len(title.text()) > 63:
        title.odd("is longer than 63 characters", "Shorten it; `spec.description` takes 1050", "It is kept")
    _keys(metadata, "labels", _QUALIFIED_KEY if version == V2ALPHA else _LABEL_KEY)
    _keys(metadata, "annotations", _QUALIFIED_KEY)
    if version == V2ALPHA and (labels := metadata.get("labels")) is not None:
        for _, value in labels.entries():
            if not _LABEL_VALUE_V2.fullmatch(value.text()):
                value.odd(f"`{value.text()}` is no label", "Use a-z, 0-9, `-`, `.` and `_`", "It is kept")


def _unnamed(place: Place, key: str, mend: str, *, inline: bool) -> None:
    if inline:
        lacking(place, key, mend, "It needs none here")
    else:
        missing(place, key, mend)


def _keys(metadata: Place, key: str, allowed: re.Pattern[str]) -> None:
    place = metadata.get(key)
    for name, value in place.entries() if place is not None else ():
        if not allowed.fullmatch(name.text):
            value.odd(f"`{name.text}` is no key", "Use letters, digits, `-`, `.` and `_`", "It is kept")


def label(place: Place) -> None:
    """A name that objects are found by."""
    if not _LABEL.fullmatch(place.text()):
        mend = "Use a-z, 0-9 and `-`, begin and end with a letter or digit, 63 at most"
        place.odd(f"`{place.text()}` is no name", mend, f"leadtrace calls it `{as_label(place.text())}`")


def as_label(text: str) -> str:
    """A text as a name: `Example service` is `example-service`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-") or "unnamed"


def missing(place: Place, key: str, mend: str) -> None:
    under(place, key).wrong("is missing", mend)


def lacking(place: Place, key: str, mend: str, mended: str) -> None:
    under(place, key).odd("is missing", mend, mended)


def under(place: Place, key: str) -> Place:
    """A place that is not there, for a sentence about it."""
    return Place(place.node, place.report, place.about, f"{place.path}.{key}" if place.path else key, place.index)


def one_of(place: Place | None, known: tuple[str, ...]) -> None:
    if place is not None and place.text() not in known:
        place.wrong(f"`{place.text()}` is unknown", nearest(place.text(), known))


def check_description(spec: Place) -> None:
    place = spec.get("description")
    if place is not None and len(place.text()) > 1050:
        place.odd("is longer than 1050 characters", "Shorten it", "It is kept")


def exactly_one(place: Place, *keys: str) -> bool:
    given = [key for key in keys if place.get(key) is not None]
    if len(given) == 1:
        return True
    names = " and ".join(f"`{key}`" for key in keys)
    what = f"gives both {names}" if given else f"gives none of {names}"
    place.wrong(what, "Keep one" if given else "Add one")
    return False


def within(place: Place | None, low: Fraction, high: Fraction, *, low_in: bool, high_in: bool, mend: str) -> None:
    number = place.number() if place is not None else None
    if place is None or number is None:
        return
    too_low = number < low or (number == low and not low_in)
    too_high = number > high or (number == high and not high_in)
    if too_low or too_high:
        place.wrong(f"is {place.text()}, which is too {'low' if too_low else 'high'}", mend)


def target_mend(target: Fraction | None) -> str:
    if target is not None and 1 < target < 100:
        return f"Write `target: {float(target / 100):.10g}` or `targetPercent: {float(target):.10g}`"
    return "Leave a budget: write a share below 1, such as 0.99"


def check_method(spec: Place, known: tuple[str, ...]) -> None:
    if not spec.text("budgetingMethod"):
        lacking(spec, "budgetingMethod", "Add `budgetingMethod: Occurrences`", "It is read as Occurrences")
    else:
        one_of(spec.get("budgetingMethod"), known)


def check_windows(spec: Place, key: str, check: Callable[[Place], None]) -> None:
    windows = spec.items(key)
    if not windows:
        lacking(spec, key, f"Add `{key}: [{{duration: 28d, isRolling: true}}]`", "It is read as 28 days, rolling")
    elif len(windows) > 1:
        under(spec, key).wrong(f"has {len(windows)} members", "Keep one; write another SLO for the other")
    for window in windows:
        _calendar(window)
        check(window)


def _calendar(window: Place) -> None:
    rolling, calendar = window.truth("isRolling") is True, window.get("calendar")
    if rolling and calendar is not None:
        window.odd("is rolling and has a calendar", "Keep one of the two", "The calendar is ignored")
    if not rolling and calendar is None:
        window.odd("is neither rolling nor has a calendar", "Add `isRolling: true`", "It is read as rolling")
    if calendar is None:
        return
    started = calendar.get("startTime")
    if started is None or not is_moment(started.text()):
        shown = f"`{started.text()}` is no moment" if started is not None else "has no startTime"
        (started or calendar).wrong(shown, 'Write it as "2026-01-01 00:00:00", in quotes, without a zone')
    elif isinstance(started.node, Scalar) and started.node.plain:
        started.warn("is not in quotes, and some readers of YAML turn it into a timestamp", "Put it in quotes")
    _time_zone(calendar)


def is_moment(text: str) -> bool:
    """Is it written as OpenSLO wants a calendar's start: `2026-01-01 00:00:00`?"""
    try:
        datetime.strptime(text, _MOMENT)  # noqa: DTZ007  its zone stands beside it
    except ValueError:
        return False
    return True


def _time_zone(calendar: Place) -> None:
    name = calendar.text("timeZone")
    if zone(name) is None:
        under(calendar, "timeZone").wrong(
            f"`{name}` is no time zone", "Write UTC, or a name such as America/New_York or Europe/Warsaw"
        )
