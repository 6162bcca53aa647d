"""The same counting in plain Python, from the definitions of docs/objectives.md: slow, and written without looking at SQL.

What is known is the last verdict on each entry, all events, and who stands for whom.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from model.budget import Count
from model.objective import Objective
from model.verdict import Verdict

NEVER = datetime.fromisoformat("2100-01-01T00:00:00+00:00")
ABSENT = "observability.expected_but_absent"


@dataclass(frozen=True)
class Happened:
    """An event of a lead."""

    event: str
    lead: str
    at: datetime
    done: datetime
    ok: bool
    system: str = ""
    record: str = ""
    key: str = ""
    hop: str = ""
    campaign: str = ""


Failure = tuple[str, str, datetime]


@dataclass(frozen=True)
class Unit:
    lead: str
    good: bool
    began: datetime
    decided: datetime
    over: datetime
    group: tuple[str, ...]
    failure: Failure


def units(
    of: Objective, verdicts: Iterable[Verdict], events: Sequence[Happened], goes_as: Mapping[str, str]
) -> list[Unit]:
    """Every unit of an objective."""
    made = {
        "enrolment": _enrolment,
        "routing": _routing,
        "delivery_latency": _delivery,
        "backlog": _backlog,
    }
    said = list(verdicts)
    if of.indicator.name in made:
        return [unit for one in said for unit in made[of.indicator.name](of, one)]
    mine = [(goes_as.get(one.lead, one.lead), one) for one in events]
    by_lead: dict[str, list[Happened]] = defaultdict(list)
    for lead, one in mine:
        by_lead[lead].append(one)
    entries: dict[str, list[Verdict]] = defaultdict(list)
    for one in said:
        entries[one.lead].append(one)
    rule = _freshness if of.indicator.name == "freshness" else _duplicates
    return [unit for lead in entries for unit in rule(of, lead, by_lead[lead], entries[lead])]


def _unit(
    of: Objective, lead: str, good: object, began, decided, values: Mapping[str, str], cause="", system="", over=None
) -> Unit:
    group = tuple(values.get(key, "") for key in of.group_by)
    return Unit(
        lead, good, began, decided, over or decided, group, (cause, system, decided.replace(second=0, microsecond=0))
    )


def _values(one: Verdict) -> dict[str, str]:
    return {"campaign": one.campaign, "segment": one.segment, "source": one.source, "system": one.system}


def _enrolment(of: Objective, one: Verdict):
    if one.status == "pending" and of.decision_deadline:
        due = one.captured_at + of.decision_deadline
        yield _unit(of, one.lead, False, one.captured_at, due, _values(one), one.cause, one.system)
    if one.status in {"entered", "blocked"}:
        yield _unit(
            of, one.lead, one.status == "entered", one.captured_at, one.since, _values(one), one.cause, one.system
        )


def _routing(of: Objective, one: Verdict):
    done = dict(zip(one.reached, one.reached_at, strict=True)).get("routing")
    if done is not None:
        yield _unit(of, one.lead, True, one.captured_at, done, _values(one), "", one.system)
    elif one.status == "blocked" and one.step == "routing":
        yield _unit(of, one.lead, False, one.captured_at, one.since, _values(one), one.cause, one.system)


def _delivery(of: Objective, one: Verdict):
    limit = of.indicator.limit
    steps = dict(zip(one.reached, one.reached_at, strict=True))
    to = of.indicator.parameters.get("to", "")
    done = steps.get(to) if to else one.entered_at
    if done is None and one.status in {"skipped", "unknown"}:
        return
    good = done is not None and done - one.captured_at <= limit
    decided = done if good else one.captured_at + limit
    yield _unit(of, one.lead, good, one.captured_at, decided, _values(one), "" if good else one.cause, one.system)


def _backlog(of: Objective, one: Verdict):
    limit = of.indicator.limit
    if one.status == "unknown":
        return
    settled = NEVER if one.status == "pending" else one.since
    good = settled - one.captured_at <= limit
    decided = settled if good else one.captured_at + limit
    yield _unit(of, one.lead, good, one.captured_at, decided, _values(one), over=settled)


def _at(entries: Sequence[Verdict], moment: datetime) -> Verdict:
    ranked = sorted(entries, key=lambda one: one.captured_at)
    return next((one for one in reversed(ranked) if one.captured_at <= moment), ranked[0])


def _freshness(of: Objective, lead: str, events: Sequence[Happened], entries: Sequence[Verdict]):
    changes: dict[tuple[str, str], Happened] = {}
    for one in sorted(events, key=lambda one: one.at):
        if one.event == "ScoreChanged":
            changes.setdefault((one.event, one.key or one.hop), one)
    for change in changes.values():
        seen = [one.done for one in events if one.event == "CrmWritten" and one.ok and one.at >= change.at]
        shown = min(seen, default=NEVER)
        good = shown - change.at <= of.indicator.limit
        decided = shown if good else change.at + of.indicator.limit
        entry = _at(entries, change.at)
        values = {"campaign": change.campaign or entry.campaign, "system": change.system}
        yield _unit(of, lead, good, change.at, decided, values, "" if good else entry.cause, change.system, over=shown)


def _duplicates(of: Objective, lead: str, events: Sequence[Happened], entries: Sequence[Verdict]):
    writes: dict[tuple[str, str], list[Happened]] = defaultdict(list)
    for one in events:
        if one.event == "CrmWritten" and one.ok:
            writes[one.system, one.key or one.hop].append(one)
    records: dict[tuple[str, str], list[Happened]] = defaultdict(list)
    for (system, key), told in writes.items():
        records[system, max(one.record for one in told) or f"key {key}"] += told
    seen: Counter[str] = Counter()
    for (system, _), told in sorted(records.items(), key=lambda one: min(hop.at for hop in one[1])):
        first = min(told, key=lambda hop: hop.at)
        seen[system] += 1
        good = seen[system] == 1
        values = {"campaign": first.campaign or _at(entries, first.at).campaign, "system": system}
        cause = "" if good else "identity.duplicate"
        yield _unit(of, lead, good, first.at, first.at + of.decision_deadline, values, cause, system)


# ── counting them ───────────────────────────────────────────────────────────────────────────────────────────────────


def groups_of(found: Sequence[Unit], now: datetime) -> set[tuple[str, ...]]:
    """Of the units decided by then."""
    decided = [one for one in found if one.decided <= now]
    return {one.group[:level] for one in decided for level in range(len(one.group) + 1)}


def window(found: Iterable[Unit], group: tuple[str, ...], since: datetime, until: datetime) -> Count:
    """Of the units decided in (since, until]."""
    mine = [one for one in found if one.group[: len(group)] == group and since < one.decided <= until]
    sizes = Counter(one.failure for one in mine if not one.good)
    bad, cut = (
        sum(sizes.values()),
        [sizes[first] * sizes[_minutes_on(first, 1)] for first in sizes if _is_cut(sizes, first)],
    )
    return Count(
        len(mine) - bad, bad, len(sizes) - len(cut), sum(size * size for size in sizes.values()) + 2 * sum(cut)
    )


def _is_cut(sizes: Counter[Failure], first: Failure) -> bool:
    """Did several units fail in this minute and the next, in the same hour, and in none beside the two?"""
    before, one, second, after = (_minutes_on(first, by) for by in (-1, 0, 1, 2))
    alone = not any(it in sizes and it[2].hour == first[2].hour for it in (before, after))
    return alone and second in sizes and second[2].hour == one[2].hour and sizes[one] + sizes[second] > 2


def _minutes_on(failure: Failure, by: int) -> Failure:
    cause, system, minute = failure
    return cause, system, minute + timedelta(minutes=by)


def slices(found: Iterable[Unit], group: tuple[str, ...], since: datetime, until: datetime) -> Count:
    """Of the minutes in (since, until]."""
    mine = [one for one in found if one.group[: len(group)] == group]
    first = min((one.decided for one in mine if one.decided <= until), default=None)
    late = [(one.decided, one.over) for one in mine if not one.good]
    minute = since.replace(second=0, microsecond=0)
    good = bad = 0
    while first is not None and minute <= until:
        if minute > since and minute >= first:
            is_bad = any(begun <= minute < ended for begun, ended in late)
            good, bad = good + (not is_bad), bad + is_bad
        minute += timedelta(minutes=1)
    return Count(good, bad, bad, bad)
