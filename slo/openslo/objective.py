"""An SLO of OpenSLO as leadtrace's objectives."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

from model.flow import Flow
from model.objective import Indicator, Method, Objective, Window
from slo.openslo.annotations import Annotations, read_annotations
from slo.openslo.common_rules import as_label, is_moment
from slo.openslo.indicator import KINDS, SOURCE_TYPE, metrics_of, read_indicator, source_type
from slo.openslo.lengths import CALENDAR_UNITS, length_of, percent, shorthand, written, zone
from slo.openslo.objects import Described, Shelf
from slo.openslo.place import Place
from slo.openslo.tiers import Budget, read_tiers

DEFAULT_WINDOW = Window(timedelta(days=28))
SHORTEST_WINDOW, LONGEST_WINDOW = timedelta(days=1), timedelta(days=366)
SLICE = timedelta(minutes=1)
MAX_TARGETS = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an object: its objectives, or why there are none, as the end of a sentence."""

    described: Described
    objectives: tuple[Objective, ...] = ()
    why_none: str = ""


def outcome_of(described: Described, shelf: Shelf, flows: Mapping[str, Flow]) -> Outcome:
    """Objectives of an object that was checked; mistakes in what leadtrace counts are told to its report."""
    if described.kind != "SLO":
        return Outcome(described, why_none="only an SLO describes one")
    spec = described.place.get("spec") or described.place
    members = spec.items("objectives")
    if any(one.get("indicator") is not None or one.get("indicatorRef") is not None for one in members):
        return Outcome(described, why_none="leadtrace counts no composite SLOs; write an SLO for each part")
    indicator = _indicator_place(spec, shelf)
    if indicator is None:
        name = spec.text("indicatorRef")
        why = f"its indicatorRef `{name}` names no SLI in these files" if name else "it has no indicator"
        return Outcome(described, why_none=why)
    sources = {source_type(metric, shelf) for metric in metrics_of(indicator)}
    if SOURCE_TYPE not in {one.lower() for one in sources}:
        named = ", ".join(sorted(one for one in sources if one)) or "nobody"
        return Outcome(described, why_none=f"its metric comes from {named}, and leadtrace counts only its own")
    return Outcome(described, _Slo(described, spec, indicator, shelf, flows).objectives())


def _indicator_place(spec: Place, shelf: Shelf) -> Place | None:
    if spec.text("indicatorRef"):
        found = shelf.find("SLI", spec.text("indicatorRef"))
        return found.place if found is not None else None
    return spec.get("indicator")


@dataclass(frozen=True, slots=True)
class _Slo:
    """An SLO whose indicator is leadtrace's."""

    described: Described
    spec: Place
    indicator: Place
    shelf: Shelf
    flows: Mapping[str, Flow]

    def objectives(self) -> tuple[Objective, ...]:
        """One for each target. With several, each has its own name: the SLO's, and the target's display name."""
        members = self.spec.items("objectives")
        if not members:
            self.spec.wrong("has no objectives", "Add `objectives: [{target: 0.99}]`")
        if len(members) > MAX_TARGETS:
            self.spec.wrong(f"has {len(members)} objectives", f"Keep {MAX_TARGETS} at most")
            return ()
        annotations = read_annotations(self.described.place.get("metadata"))
        window = _window(self.spec)
        made = [self._objective(member, annotations, window) for member in members]
        if len(members) > 1:
            made = [_named(one, member, at) for at, (one, member) in enumerate(zip(made, members, strict=True), 1)]
        return tuple(replace(one, generation=generation_of(one)) for one in made if one is not None)

    def _objective(self, member: Place, annotations: Annotations, window: Window | None) -> Objective | None:
        indicator, target = read_indicator(self.indicator, member, self.flows), _target(member)
        method = _method(self.spec, member, indicator) if indicator is not None else None
        if target is None or window is None:
            return None
        budget = Budget(window.length, target, annotations.allow_impossible)
        tiers, receivers = read_tiers(self.spec, self.shelf, budget)
        if indicator is None or method is None:
            return None
        metadata = self.described.place.get("metadata") or self.described.place
        return Objective(
            name=_name(self.described.name),
            title=metadata.text("displayName") or self.described.name,
            indicator=indicator,
            target=target,
            window=window,
            tiers=tiers,
            receivers=receivers,
            generation="",
            method=method,
            slice_length=SLICE,
            description=self.spec.text("description"),
            service=self.spec.text("service"),
            owner=annotations.owner,
            playbook=annotations.playbook,
            group_by=annotations.group_by,
            max_groups=annotations.max_groups,
            decision_deadline=annotations.decision_deadline,
            lateness_horizon=annotations.lateness_horizon,
            gate=annotations.gate,
            text=self.described.text,
        )


def _named(objective: Objective | None, member: Place, at: int) -> Objective | None:
    if objective is None:
        return None
    shown = member.text("displayName") or str(at)
    return replace(objective, name=f"{objective.name}-{as_label(shown)}", title=f"{objective.title}: {shown}")


def _name(name: str) -> str:
    return name if re.fullmatch(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", name) else as_label(name)


# ── target, method ──────────────────────────────────────────────────────────────────────────────────────────────────


def _target(objective: Place) -> Fraction | None:
    """The share that must be good, above 0 and below 1; what is beyond these the rules told already."""
    percentage, target = objective.number("targetPercent"), objective.number("target")
    place = objective.get("target") or objective.get("targetPercent")
    if target is None and percentage is not None:
        target = percentage / 100
        if 0 < percentage < 1 and place is not None:
            place.wrong(f"is {place.text()} percent", f"Write `target: {place.text()}` if you mean a share")
            return None
    if target is None or place is None or target >= 1:
        return None
    if target == 0:
        place.wrong("is 0, which everything meets", "Write the share that must be good, such as 0.99")
    return target if target > 0 else None


def _method(spec: Place, objective: Place, indicator: Indicator) -> Method | None:
    """Age is counted by the minute, all else by what happens; leadtrace slices nothing else."""
    asked, place = spec.text("budgetingMethod"), spec.get("budgetingMethod") or spec
    kind = KINDS[indicator.name]
    if asked == "RatioTimeslices" or (asked == "Timeslices" and not kind.sliced):
        place.wrong(f"`{asked}` is not how leadtrace counts {indicator.name}", "Write `budgetingMethod: Occurrences`")
        return None
    if indicator.name == "backlog" and asked != "Timeslices":
        place.warn("of a backlog is always Timeslices, and read so", "Write `budgetingMethod: Timeslices`")
    if indicator.name != "backlog" and asked != "Timeslices":
        return "occurrences"
    length = objective.text("timeSliceWindow")
    if length and shorthand(length) != (1, "m"):
        (objective.get("timeSliceWindow") or objective).wrong(f"is {length}", "Write `timeSliceWindow: 1m`")
        return None
    if objective.number("timeSliceTarget") not in {None, Fraction(1)}:
        told = objective.get("timeSliceTarget") or objective
        told.warn("has no meaning here: a minute is good when nothing in it is too old", "Write `timeSliceTarget: 1`")
    return "timeslices"


# ── window ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _window(spec: Place) -> Window | None:
    """The period of the budget; None after telling what is wrong with it."""
    windows = spec.items("timeWindow")
    if not windows:
        return DEFAULT_WINDOW
    window, duration = windows[0], windows[0].get("duration")
    known = shorthand(window.text("duration"))
    if duration is None or known is None or known[0] == 0:
        return None
    length = length_of(*known)
    calendar = window.get("calendar")
    if not SHORTEST_WINDOW <= length <= LONGEST_WINDOW:
        hint = "A month is `1M`, `1m` is a minute" if known[1] == "m" else "Write a period from 1d to 366d, such as 28d"
        duration.wrong(f"`{duration.text()}` is not between a day and 366 days", hint)
        return None
    if window.truth("isRolling") is True or calendar is None:
        return Window(length)
    return _calendar_window(duration, calendar, known, length)


def _calendar_window(duration: Place, calendar: Place, known: tuple[int, str], length: timedelta) -> Window | None:
    count, letter = known
    if letter not in CALENDAR_UNITS:
        duration.wrong(f"`{duration.text()}` is no calendar period", "Write it in d, w, M, Q or Y, such as 1M")
        return None
    name, start = calendar.text("timeZone") or "UTC", calendar.text("startTime")
    if zone(name) is None or not is_moment(start):
        return None  # the rules told it
    return Window(length, rolling=False, unit=CALENDAR_UNITS[letter], count=count, start=start, timezone=name)


# ── generation ──────────────────────────────────────────────────────────────────────────────────────────────────────


def generation_of(objective: Objective) -> str:
    """A hash of all that decides what is counted and when it is told. Target, texts, owner, playbook and receivers are
    a matter of reading, so changing them keeps what was counted.
    """
    definition: dict[str, Any] = {
        "name": objective.name,
        "indicator": [objective.indicator.name, objective.indicator.flow, _seconds(objective.indicator.limit)],
        "parameters": sorted(objective.indicator.parameters.items()),
        "window": [str(part) for part in _parts(objective.window)],
        "tiers": [[str(part) for part in _parts(tier)] for tier in objective.tiers],
        "method": [objective.method, _seconds(objective.slice_length)],
        "groups": [list(objective.group_by), objective.max_groups],
        "times": [_seconds(objective.decision_deadline), _seconds(objective.lateness_horizon)],
        "gate": [str(part) for part in _parts(objective.gate)],
    }
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:12]


def _parts(value: Any) -> list[Any]:
    return [getattr(value, name) for name in value.__slots__]


def _seconds(length: timedelta | None) -> float | None:
    return length.total_seconds() if length is not None else None


def told(objective: Objective) -> str:
    """An objective in a line: what is counted, how much of it must be good, and when somebody is told."""
    indicator = objective.indicator
    limit = f" within {written(indicator.limit)}" if indicator.limit is not None else ""
    groups = f" by {', '.join(objective.group_by)}" if objective.group_by else ""
    target = f"{percent(objective.target)} good over {_period(objective.window)}"
    tiers = ", ".join(tier.name for tier in objective.tiers) or "nobody"
    return f"{indicator.name}{limit} in {indicator.flow}{groups}, {target}; tells {tiers}"


def _period(window: Window) -> str:
    return written(window.length) if window.rolling else f"{window.count} calendar {window.unit}"
