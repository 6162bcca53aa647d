"""Entries that repeat one another are judged once.

Most leads take one of a few ways: the same systems say the same in the same order, and but for ids, times and the
campaign nothing differs. What the judge said of the first of them it would say of all, each with its own ids and times.
Two entries repeat each other when
- their hops mean the same one by one, whatever they say that no rule reads (`_Meanings`),
- the same hops were called by the same, and the same URLs are alike,
- all their begins and ends stand in the same order. The judge compares moments of hops with each other and with
  deadlines, and with nothing else; tests compare its verdicts with these.

Deadlines are no part of that. So only two kinds of verdict are precedents: `entered`, which asks for none but its own,
and one that says what stopped an entry whose flow's deadline has passed: then every other has, too. Nor is a verdict
one that tells how long something took, or tells of values, of several entries or of merged leads.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import add
from typing import Any

from lineage.calls import leads_to_token, parted
from lineage.case import due_ns, ns
from lineage.flowbook import FlowBook
from lineage.headline import headline
from lineage.journey import Journey, journeys
from lineage.obstacles import NOT_ELIGIBLE, VALUE_LATE
from lineage.rules_read import ALWAYS_READ, BY_RULES
from model import attributes as names
from model.causes import ABSENT, VendorCodes
from model.flow import Flow, Gate
from model.hop import NS, moment
from model.shape import Shape
from model.verdict import Evidence, Status, Verdict
from store.hops_to_judge import HopRows

MAX_PRECEDENTS = 20_000
MAX_MEANINGS = 20_000
MAX_HOPS = 60
"""Of an entry that is compared with precedents: what is longer hardly repeats another to the letter."""

ONLY_TOLD = {"campaign": names.CAMPAIGN, "segment": names.SEGMENT, "source": names.SOURCE}
"""Attributes that verdicts repeat and no rule decides on, by the names of Verdict's fields."""


@dataclass(frozen=True, slots=True)
class Form:
    """An entry without its ids and times: equal forms repeat each other. `times` are the begins of its hops in the
    order in which they were read, then their ends.
    """

    key: tuple[Any, ...]
    times: Sequence[int]


class Precedents:
    """What was judged of entries, by their form, under one book of flows and one set of codes; bounded."""

    def __init__(self) -> None:
        self._laws: tuple[object, ...] = ()
        self._book = FlowBook({})
        self._meanings = _Meanings(())
        self._by_form: dict[tuple[Any, ...], _Precedent] = {}

    def under(self, book: FlowBook, codes: VendorCodes) -> None:
        """From now on these flows and codes are in force; under others nothing that was said stands."""
        laws = (codes, *(flow.this for flow in book.all_flows))
        self._book = book
        if laws != self._laws or len(self._by_form) >= MAX_PRECEDENTS or self._meanings.full:
            self._laws = laws
            self._by_form.clear()
            self._meanings = _Meanings(book.all_flows)

    def form_of(self, rows: HopRows) -> Form | None:
        """The form of the one entry that a lead's hops are; None where it takes the judge to say."""
        count = len(rows)
        if not 0 < count <= MAX_HOPS or any(rows.links):
            return None
        meanings = self._meanings.of(rows)
        if 0 in meanings or not _is_one_entry(rows):
            return None
        times = [*rows.at_ns, *map(add, rows.at_ns, rows.duration_ns)]
        called_by = _called_by(rows)
        # Ends at one moment are told apart by ids, and how much too early a hop began before its caller is told.
        if len(set(times[count:])) < count or any(by > at for at, by in enumerate(called_by) if by < count):
            return None
        order = {at: place for place, at in enumerate(sorted(set(times)))}
        key = (meanings, called_by, tuple(map(order.__getitem__, times)), _urls(rows), bool(_named(rows)))
        return Form(key, times)

    def verdicts(self, rows: HopRows, form: Form, now: datetime) -> list[Verdict] | None:
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


# ── forms ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Meanings:
    """Numbers for what hops of a shape mean to the judge; 0 for those whose meaning hangs on ids. Shapes mean the same
    that differ in nothing but values which verdicts only repeat, and values that pass and fail the same gates.
    """

    def __init__(self, flows: Iterable[Flow]) -> None:
        flows = list(flows)
        matched = {name for flow in flows for step in flow.steps for one in step.matchers for name in one.attributes}
        self._by_url = bool(matched & ALWAYS_READ)
        self._gates: dict[str, list[Gate]] = {}
        for gate in (step.gate for flow in flows for step in flow.steps if step.gate is not None):
            if gate.attribute not in matched | BY_RULES:
                self._gates.setdefault(gate.attribute, []).append(gate)
        gated = {step.gate.attribute for flow in flows for step in flow.steps if step.gate is not None}
        self._only_told = frozenset(ONLY_TOLD.values()) - matched - gated
        self._by_text: dict[str, int] = {}
        self._numbers: dict[object, int] = {}

    def of(self, rows: HopRows) -> tuple[int, ...]:
        known = self._by_text
        try:
            return tuple([known[text] for text in rows.shape])
        except KeyError:
            if self.full:
                return (0,)
            for at, text in enumerate(rows.shape):
                known[text] = self._of_shape(rows.shape_of(at))
            return tuple([known[text] for text in rows.shape])

    @property
    def full(self) -> bool:
        return len(self._by_text) >= MAX_MEANINGS

    def _of_shape(self, shape: Shape) -> int:
        if names.MERGED_INTO in shape.attributes or self._by_url:
            return 0
        one = shape.hop
        said = frozenset((name, self._meant(name, value)) for name, value in shape.attributes.items())
        events = tuple((event.name, frozenset(event.attributes.items())) for event in one.events)
        key = (one.signal, one.service, one.name, one.kind, one.status, one.status_message, said, events)
        return self._numbers.setdefault(key, len(self._numbers) + 1)

    def _meant(self, name: str, value: str) -> object:
        if name in self._only_told:
            return bool(value)
        gates = self._gates.get(name)
        return value if gates is None else (bool(value), *(gate.passes(value) for gate in gates))


def _is_one_entry(rows: HopRows) -> bool:
    """Do all hops name one entry, or are they of one trace that names one at most?"""
    named = set(rows.entry)
    if "" not in named:
        return len(named) == 1
    return len(named) <= 2 and bool(rows.trace_id[0]) and len(set(rows.trace_id)) == 1


def _named(rows: HopRows) -> str:
    """The entry that hops name; '' for none."""
    return next(filter(None, rows.entry), "")


def _called_by(rows: HopRows) -> tuple[int, ...]:
    """For each hop the place of the one that called it; places beyond the last for callers that were not read."""
    places: dict[object, int]
    if rows.trace_id.count(rows.trace_id[0]) == len(rows):
        places = {hop: place for place, hop in enumerate(rows.hop_id)}
        places.setdefault("", len(rows))
        return tuple([places.setdefault(parent, len(places)) for parent in rows.parent_id])
    places = {hop: place for place, hop in enumerate(zip(rows.trace_id, rows.hop_id, strict=True))}
    traces = {trace: place for place, trace in enumerate(dict.fromkeys(rows.trace_id))}
    places |= {(trace, ""): len(places) + place for trace, place in traces.items()}
    called = [places.setdefault(one, len(places)) for one in zip(rows.trace_id, rows.parent_id, strict=True)]
    return (*called, *(traces[trace] for trace in rows.trace_id))


def _urls(rows: HopRows) -> tuple[Any, ...]:
    """What rules read of URLs: whether a token was asked for, of whom, and which of them are one address."""
    said: list[Any] = []
    same: dict[str, int] = {}
    for at, (new, old) in enumerate(zip(rows.url, rows.old_url, strict=True)):
        if url := new or old:
            host, path = parted(url)
            said.append((at, leads_to_token(url), host, same.setdefault(host + path, len(same))))
    return tuple(said)


# ── precedents ──────────────────────────────────────────────────────────────────────────────────────────────────────

_SAME = (
    "flow", "status", "cause", "cls", "step", "owner", "playbook", "raw_reason", "system", "reached", "contributing",
    "notes", "stages", "interventions", "hops", "flow_version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Told:
    """A verdict without its lead: what is the same for all, and which moments and hops it tells of, by their places.
    `since` is the place of what decided; None where that is when the step must have been over.
    """

    flow: Flow
    same: Mapping[str, Any]
    by_trace: bool
    captured: int
    since: int | None
    last_hop: int
    entered: int | None
    touched: int | None
    reached: tuple[int, ...]
    evidence: tuple[tuple[int, str, str, str], ...]
    only_told: tuple[tuple[str, int], ...]
    sentence: str
    places: tuple[int, ...]

    def of(self, rows: HopRows, times: Sequence[int]) -> Verdict:
        at = {place: moment(times[place]) for place in self.places}
        deadline_ns = times[self.captured] + ns(self.flow.deadline)
        said: dict[str, Any] = {
            field: rows.shape_of(place).attributes[ONLY_TOLD[field]] for field, place in self.only_told
        }
        verdict = Verdict(
            lead=rows.lead,
            entry=_named(rows) or (rows.trace_id[0] if self.by_trace else rows.lead),
            captured_at=at[self.captured],
            since=moment(self._due_ns(times)) if self.since is None else at[self.since],
            deadline_at=moment(deadline_ns),
            last_hop_at=at[self.last_hop],
            entered_at=None if self.entered is None else at[self.entered],
            late=self.entered is not None and times[self.entered] > deadline_ns,
            touched_at=None if self.touched is None else at[self.touched],
            reached_at=tuple([at[place] for place in self.reached]),
            evidence=tuple(
                [
                    Evidence(rows.trace_id[place], rows.hop_id[place], service, name, at[place], outcome)
                    for place, service, name, outcome in self.evidence
                ]
            ),
            headline=rows.lead + self.sentence,
            **self.same,
            **said,
        )
        if self.entered is not None:
            object.__setattr__(verdict, "headline", headline(verdict, self.flow))
        return verdict

    def _due_ns(self, times: Sequence[int]) -> int:
        """When the step that was awaited must have been over: what it waits for was reached."""
        step = self.flow.by_name[self.same["step"]]
        reached = dict(zip(self.same["reached"], self.reached, strict=True))
        captured_ns = times[self.captured]
        ready_ns = max([captured_ns, *(times[reached[name]] for name in step.after)])
        return due_ns(step, ready_ns, captured_ns + ns(self.flow.deadline))


@dataclass(frozen=True, slots=True)
class _Precedent:
    """The verdicts on an entry in each flow that it tries. `first` is the place of its first moment."""

    first: int
    told: tuple[_Told, ...]

    def told_of(self, rows: HopRows, form: Form, book: FlowBook, now: datetime) -> list[Verdict] | None:
        began = moment(form.times[self.first])
        now_ns = _ns_of(now)
        for one in self.told:
            if book.in_force(one.flow.name, began) is not one.flow:
                return None
            if one.entered is None and form.times[one.captured] + ns(one.flow.deadline) > now_ns:
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
    if verdict.status in {Status.PENDING, Status.UNKNOWN} or verdict.then_and_now or causes & _BY_VALUES:
        return False
    if any(sign.isdigit() for note in verdict.notes for sign in note):
        return False  # it may tell how long something took
    return verdict.status is Status.ENTERED or (
        verdict.deadline_at <= now and verdict.headline.startswith(verdict.lead)
    )


_BY_VALUES = frozenset({NOT_ELIGIBLE, VALUE_LATE})


def _told(rows: HopRows, times: Sequence[int], journey: Journey, verdict: Verdict, flow: Flow) -> _Told | None:
    """None where the verdict tells a moment that no hop tells, or that two tell to the microsecond."""
    places = _places(times)
    row_of = {key: at for at, key in enumerate(zip(rows.trace_id, rows.hop_id, strict=True))}
    absent = verdict.cause == ABSENT
    moments = [verdict.captured_at, verdict.last_hop_at, *verdict.reached_at, *([] if absent else [verdict.since])]
    moments += [at for at in (verdict.entered_at, verdict.touched_at) if at is not None]
    after = flow.by_name[verdict.step].after
    if any(at not in places for at in moments) or (absent and not set(after) <= set(verdict.reached)):
        return None
    evidence = [(row_of[one.trace_id, one.span_id], one.service, one.name, one.outcome) for one in verdict.evidence]
    told = _Told(
        flow,
        {name: getattr(verdict, name) for name in _SAME},
        by_trace=verdict.entry == rows.trace_id[0],
        captured=places[verdict.captured_at],
        since=None if absent else places[verdict.since],
        last_hop=places[verdict.last_hop_at],
        entered=None if verdict.entered_at is None else places[verdict.entered_at],
        touched=None if verdict.touched_at is None else places[verdict.touched_at],
        reached=tuple(places[at] for at in verdict.reached_at),
        evidence=tuple(evidence),
        only_told=tuple(_only_told(journey, row_of)),
        sentence=verdict.headline.removeprefix(verdict.lead),
        places=tuple({places[at] for at in moments} | {place for place, *_ in evidence}),
    )
    return told if told.of(rows, times) == verdict else None


def _only_told(journey: Journey, row_of: Mapping[tuple[str, str], int]) -> Iterator[tuple[str, int]]:
    """By Verdict's field, the place of the first hop that says it."""
    for field, name in ONLY_TOLD.items():
        if (first := next((hop for hop in journey.hops if hop.attributes.get(name)), None)) is not None:
            yield field, row_of[first.key]


def _ns_of(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * (NS // 1_000_000)
