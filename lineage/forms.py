"""The form of an entry: all that the judge reads of it but its ids, and of its moments no more than their order.

Entries of one form have hops that mean the same one by one, whatever they say that no rule reads; the same hops were
called by the same, the same URLs are alike, and all begins and ends stand in the same order. `precedents.py` says what
follows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import add, gt
from typing import Any

from lineage.calls import leads_to_token, parted
from lineage.rules_read import ALWAYS_READ, BY_RULES
from model import attributes as names
from model.flow import Flow, Gate
from model.hop import NS
from model.shape import Shape
from store.hops_to_judge import HopRows

MAX_MEANINGS = 20_000
MAX_HOPS = 60
"""Of an entry that has a form: what is longer hardly repeats another to the letter."""

LATEST_NS = 7_000_000_000 * NS
"""Moments before 1970 and after 2191 are the judge's alone: no column must be cut to what it holds."""

ONLY_TOLD = {"campaign": names.CAMPAIGN, "segment": names.SEGMENT, "source": names.SOURCE}
"""Attributes that verdicts repeat and no rule decides on, by the names of Verdict's fields."""


@dataclass(frozen=True, slots=True)
class Form:
    """An entry without its ids and times: equal forms repeat each other. `times` are the begins of its hops in the
    order in which they were read, then their ends.
    """

    key: tuple[Any, ...]
    times: Sequence[int]


class Forms:
    """Tells the forms of entries apart, where these flows judge."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._meanings = _Meanings(flows)

    @property
    def full(self) -> bool:
        """Is no more known to be new? Then these are to be forgotten, and all that was kept by them."""
        return self._meanings.full

    def of(self, rows: HopRows) -> Form | None:
        """The form of the one entry that a lead's hops are; None where there are several, or none can be told."""
        count = len(rows)
        if not 0 < count <= MAX_HOPS or any(rows.links):
            return None
        meanings = self._meanings.of(rows)
        if 0 in meanings or not _is_one_entry(rows):
            return None
        called_by = _called_by(rows)
        if any(map(gt, called_by, range(count))):
            return None  # by how much a hop began before its caller is told
        ends = [*map(add, rows.at_ns, rows.duration_ns)]
        times = [*rows.at_ns, *ends]
        in_order = sorted(set(times))
        if in_order[0] < 0 or in_order[-1] > LATEST_NS:
            return None
        order = tuple(map(dict(zip(in_order, range(len(in_order)), strict=True)).__getitem__, times))
        # Hops that end at one moment are told apart by their ids.
        by_id = () if len(set(ends)) == count else tuple(sorted(range(count), key=rows.hop_id.__getitem__))
        return Form((meanings, called_by, order, by_id, _urls(rows), bool(entry_named(rows))), times)


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
        self._only_told = frozenset(ONLY_TOLD.values()).difference(*(flow.attributes_read for flow in flows))
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


def entry_named(rows: HopRows) -> str:
    """The entry that hops name; '' for none."""
    return next(filter(None, rows.entry), "")


def _called_by(rows: HopRows) -> tuple[int, ...]:
    """For each hop the place of the one that called it; -1 where none did, and less for each caller that was not read.
    Then the number of its trace, where there are several.
    """
    places: dict[object, int]
    if rows.trace_id.count(rows.trace_id[0]) == len(rows):
        places = {hop: place for place, hop in enumerate(rows.hop_id)}
        places.setdefault("", -1)
        return tuple([places.setdefault(parent, -len(places)) for parent in rows.parent_id])
    places = {hop: place for place, hop in enumerate(zip(rows.trace_id, rows.hop_id, strict=True))}
    traces = {trace: place for place, trace in enumerate(dict.fromkeys(rows.trace_id))}
    places |= dict.fromkeys(((trace, "") for trace in traces), -1)
    called = [places.setdefault(one, -len(places)) for one in zip(rows.trace_id, rows.parent_id, strict=True)]
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
