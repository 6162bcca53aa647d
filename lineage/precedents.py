"""Entries that repeat one another are judged once.

Most leads take one of a few ways: the same systems say the same in the same order, and but for ids, times and the
campaign nothing differs. What the judge said of the first of them it would say of all, each with its own ids and times.
Two entries repeat each other when their forms are equal (`forms.py`): hops that mean the same, called by the same, with
begins and ends in the same order. The judge compares moments of hops with each other and with deadlines, and with
nothing else; tests compare its verdicts with these.

Deadlines are no part of that. So only two kinds of verdict are precedents: `entered`, which asks for none but its own,
and one that says what stopped an entry whose flow's deadline has passed: then every other has, too. Nor is a verdict
one that tells how long something took, or tells of values, of several entries or of merged leads.
"""

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

from lineage.case import due_ns, ns
from lineage.flowbook import FlowBook
from lineage.forms import ONLY_TOLD, Form, Forms, entry_named
from lineage.headline import entered_sentence, took
from lineage.journey import Journey, journeys
from lineage.obstacles import RESTS_ON_VALUES
from model.causes import ABSENT, VendorCodes
from model.flow import Flow
from model.hop import MS, moment, ns_of
from model.verdict import Status, Verdict
from store.hops_to_judge import HopRows
from store.verdicts import Row, row_of

MAX_PRECEDENTS = 20_000


class Precedents:
    """What was judged of entries, by their form, under one book of flows and one set of codes; bounded."""

    def __init__(self) -> None:
        self._laws: tuple[object, ...] = ()
        self._book = FlowBook({})
        self._forms = Forms(())
        self._by_form: dict[tuple[Any, ...], _Precedent] = {}

    def under(self, book: FlowBook, codes: VendorCodes) -> None:
        """From now on these flows and codes are in force; under others nothing that was said stands."""
        laws = (codes, *(flow.this for flow in book.all_flows))
        self._book = book
        if laws != self._laws or len(self._by_form) >= MAX_PRECEDENTS or self._forms.full:
            self._laws = laws
            self._by_form.clear()
            self._forms = Forms(book.all_flows)

    def form_of(self, rows: HopRows) -> Form | None:
        """The form of the one entry that a lead's hops are; None where it takes the judge to say."""
        return self._forms.of(rows)

    def rows_of(self, rows: HopRows, form: Form, now: datetime) -> list[Row] | None:
        """What would be said of an entry; None where nothing that repeats it was judged, or its time is not up."""
        known = self._by_form.get(form.key)
        return known.told_of(rows, form, self._book, now) if known is not None else None

    def keep(self, rows: HopRows, form: Form, said: Sequence[Verdict], now: datetime) -> None:
        """Remember what was said of an entry, if that is a precedent for others."""
        if not said or not all(_is_general(verdict, now) for verdict in said):
            return
        made = journeys(rows.lead, rows.hops(), self._book.current)
        found = _precedent(rows, form, made[0], said, self._book) if len(made) == 1 else None
        if found is not None:
            self._by_form[form.key] = found


@dataclass(frozen=True, slots=True)
class _Told:
    """The row of a verdict without its lead: what is the same for all, and by their places the moments and hops that it
    tells of. `since` is None where that is when the step must have been over. `body` is the row's, with names in place
    of what differs (`lead`, `at7`); `sentence` follows the lead's id, and is '' where it tells how long it took.
    """

    flow: Flow
    row: Row
    body: str
    by_trace: bool
    captured: int
    since: int | None
    last_hop: int
    entered: int | None
    took: bool
    reached: tuple[int, ...]
    moments: tuple[tuple[str, int], ...]
    evidence: tuple[int, ...]
    only_told: tuple[tuple[str, int], ...]
    sentence: str

    def of(self, rows: HopRows, times: Sequence[int]) -> Row:
        captured_ns = times[self.captured]
        deadline_ns = captured_ns + ns(self.flow.deadline)
        since_ns = self._due_ns(times) if self.since is None else times[self.since]
        late = self.entered is not None and times[self.entered] > deadline_ns
        entry = entry_named(rows) or (rows.trace_id[0] if self.by_trace else rows.lead)
        said: dict[str, Any] = {
            field: rows.shape_of(place).attributes[ONLY_TOLD[field]] for field, place in self.only_told
        }
        words: dict[str, str] = {name: _as_json(times[place]) for name, place in self.moments}
        words["since"], words["deadline"] = _as_json(since_ns), _as_json(deadline_ns)
        words["lead"], words["entry"], words["late"] = quoted(rows.lead), quoted(entry), "true" if late else "false"
        words["headline"] = quoted(self._headline(rows.lead, times, late=late))
        for place in self.evidence:
            words[f"trace{place}"], words[f"span{place}"] = quoted(rows.trace_id[place]), quoted(rows.hop_id[place])
        for field, value in said.items():
            words[field] = quoted(value)
        return self.row._replace(
            lead_id=rows.lead,
            entry=entry,
            reached_at=[times[place] // MS for place in self.reached],
            late=late,
            captured_at=captured_ns // MS,
            entered_at=None if self.entered is None else times[self.entered] // MS,
            since=since_ns // MS,
            deadline_at=deadline_ns // MS,
            last_hop_at=times[self.last_hop] // MS,
            body=self.body % words,
            **said,
        )

    def _headline(self, lead: str, times: Sequence[int], *, late: bool) -> str:
        if self.entered is None:
            return lead + self.sentence
        took = moment(times[self.entered]) - moment(times[self.captured]) if self.took else None
        return entered_sentence(lead, took, self.flow, late=late)

    def _due_ns(self, times: Sequence[int]) -> int:
        """When the step that was awaited must have been over: what it waits for was reached."""
        step = self.flow.by_name[self.row.step]
        reached = dict(zip(self.row.reached, self.reached, strict=True))
        captured_ns = times[self.captured]
        ready_ns = max([captured_ns, *(times[reached[name]] for name in step.after)])
        return due_ns(step, ready_ns, captured_ns + ns(self.flow.deadline))


def _as_json(at_ns: int) -> str:
    second, us = divmod(at_ns // 1000, 1_000_000)
    return f'"{_second(second)}.{us:06d}Z"' if us else f'"{_second(second)}Z"'


@lru_cache(maxsize=10_000)
def _second(at_s: int) -> str:
    """Entries that are settled together happened together: most of their seconds are the same."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass(frozen=True, slots=True)
class _Precedent:
    """The verdicts on an entry in each flow that it tries. `first` is the place of its first moment."""

    first: int
    told: tuple[_Told, ...]

    def told_of(self, rows: HopRows, form: Form, book: FlowBook, now: datetime) -> list[Row] | None:
        began = moment(form.times[self.first])
        for one in self.told:
            if book.in_force(one.flow.name, began) is not one.flow:
                return None
            if one.entered is None and form.times[one.captured] + ns(one.flow.deadline) > ns_of(now):
                return None
        return [one.of(rows, form.times) for one in self.told]


def _precedent(
    rows: HopRows, form: Form, journey: Journey, said: Sequence[Verdict], book: FlowBook
) -> _Precedent | None:
    first = journey.hops[0]
    row = next(at for at, hop in enumerate(rows.hop_id) if (rows.trace_id[at], hop) == first.key)
    flows = [book.in_force(verdict.flow, first.at) for verdict in said]
    told = [
        _told(rows, form.times, journey, verdict, flow)
        for verdict, flow in zip(said, flows, strict=True)
        if flow is not None
    ]
    whole = tuple(one for one in told if one is not None)
    return _Precedent(row, whole) if len(whole) == len(said) else None


def _places(times: Sequence[int]) -> Mapping[datetime, int]:
    """The place of each moment, without those that are two moments in truth and one to the microsecond."""
    by_moment: dict[datetime, set[int]] = {}
    for at in times:
        by_moment.setdefault(moment(at), set()).add(at)
    return {moment(at): place for place, at in enumerate(times) if len(by_moment[moment(at)]) == 1}


def _is_general(verdict: Verdict, now: datetime) -> bool:
    """Does a verdict hang on nothing but the form of its entry?"""
    causes = {verdict.cause, *(one.cause for one in verdict.contributing)}
    if verdict.status in {Status.PENDING, Status.UNKNOWN} or verdict.then_and_now or causes & RESTS_ON_VALUES:
        return False
    if any(sign.isdigit() for note in verdict.notes for sign in note):
        return False  # it may tell how long something took
    return verdict.status is Status.ENTERED or (verdict.deadline_at < now and verdict.headline.startswith(verdict.lead))


def _told(rows: HopRows, times: Sequence[int], journey: Journey, verdict: Verdict, flow: Flow) -> _Told | None:
    """None where the verdict tells a moment that no hop tells, or that two tell to the microsecond."""
    places = _places(times)
    place_of = {key: at for at, key in enumerate(zip(rows.trace_id, rows.hop_id, strict=True))}
    absent = verdict.cause == ABSENT
    moments = [verdict.captured_at, verdict.last_hop_at, *verdict.reached_at, *([] if absent else [verdict.since])]
    moments += [at for at in (verdict.entered_at, verdict.touched_at) if at is not None]
    after = flow.by_name[verdict.step].after
    if any(at not in places for at in moments) or (absent and not set(after) <= set(verdict.reached)):
        return None
    lasted = took(verdict, flow)
    if lasted is not None and places[verdict.entered_at or verdict.since] == places[verdict.captured_at]:
        return None  # another's might be behind by less than a microsecond, or by more
    evidence = [place_of[one.trace_id, one.span_id] for one in verdict.evidence]
    only_told = tuple(_only_told(journey, place_of))
    row = row_of(verdict)
    told = _Told(
        flow,
        row,
        _body_without(row.body, places, evidence, {field for field, _ in only_told}),
        by_trace=verdict.entry == rows.trace_id[0],
        captured=places[verdict.captured_at],
        since=None if absent else places[verdict.since],
        last_hop=places[verdict.last_hop_at],
        entered=None if verdict.entered_at is None else places[verdict.entered_at],
        took=lasted is not None,
        reached=tuple(places[at] for at in verdict.reached_at),
        moments=tuple({(f"at{place}", place) for place in [*map(places.__getitem__, moments), *evidence]}),
        evidence=tuple(evidence),
        only_told=only_told,
        sentence=verdict.headline.removeprefix(verdict.lead),
    )
    return told if told.of(rows, times) == row else None


def _body_without(body: str, places: Mapping[datetime, int], evidence: Sequence[int], only_told: Iterable[str]) -> str:
    """The body with names in place of what is each entry's own."""
    told = json.loads(body)

    def at(text: str | None) -> str | None:
        return None if text is None else _name(f"at{places[datetime.fromisoformat(text)]}")

    told |= {name: _name(name) for name in ("lead", "entry", "since", "headline", "late", *only_told)}
    told |= {name: at(told[name]) for name in ("captured_at", "last_hop_at", "entered_at", "touched_at")}
    told["deadline_at"] = _name("deadline")
    told["reached_at"] = [at(text) for text in told["reached_at"]]
    for one, place in zip(told["evidence"], evidence, strict=True):
        one |= {"trace_id": _name(f"trace{place}"), "span_id": _name(f"span{place}"), "at": _name(f"at{place}")}
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("%", "%%")
    return _NAMED.sub(r"%(\1)s", text)


def _name(name: str) -> str:
    """Stands for what is filled in; no text of a verdict looks like it."""
    return f"{_MARK}{name}"


_MARK = secrets.token_hex(8)
_NAMED = re.compile(rf'"{_MARK}(\w+)"')


def _only_told(journey: Journey, row_of: Mapping[tuple[str, str], int]) -> Iterator[tuple[str, int]]:
    """By Verdict's field, the place of the first hop that says it."""
    for field, name in ONLY_TOLD.items():
        if (first := next((hop for hop in journey.hops if hop.attributes.get(name)), None)) is not None:
            yield field, row_of[first.key]
