"""Reads hops as the judge needs them: thousands of leads a query, and no more of each hop than the rules read.

Hops of one shape share what they say, and what their shape means is worked out once. Pages are bounded in hops: leads
with many hops take more queries, not more memory.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from model.hop import Hop, SpanEvent
from model.shape import Shape
from store.engine import Store
from store.hops import MAX_HOPS_OF_A_LEAD
from store.values import PREFIX, readable_all

HOPS_A_PAGE = 50_000
MAX_SHAPES = 10_000
MAX_SHAPE_CHARS = 4_000
COLUMNS = 11


@dataclass(frozen=True, slots=True)
class HopRows:
    """A lead's hops, earliest first, as the store gives them: by column, and with the text that stands for the shape of
    each. Hops are made of them when they are asked for.
    """

    _shapes: "_Shapes"
    lead: str
    trace_id: Sequence[str]
    hop_id: Sequence[str]
    parent_id: Sequence[str]
    at_ns: Sequence[int]
    duration_ns: Sequence[int]
    entry: Sequence[str]
    url: Sequence[str]
    old_url: Sequence[str]
    links: Sequence[str]
    shape: Sequence[str]

    def __len__(self) -> int:
        return len(self.hop_id)

    def shape_of(self, at: int) -> Shape:
        """What the hop at a place says alike with others."""
        shape: Shape = self._shapes[self.shape[at]]["shape"]
        return shape

    def hops(self) -> list[Hop]:
        return [self._hop(at) for at in range(len(self))]

    def _hop(self, at: int) -> Hop:
        """The hop at a place, without its constructor's defaults and copies: this is done ten times an entry."""
        hop = object.__new__(Hop)
        facts = hop.__dict__
        facts.update(self._shapes[self.shape[at]])
        facts["lead"] = self.lead
        facts["trace_id"], facts["hop_id"] = facts["key"] = (self.trace_id[at], self.hop_id[at])
        facts["parent_id"] = self.parent_id[at]
        facts["at_ns"], facts["duration_ns"] = self.at_ns[at], self.duration_ns[at]
        facts["entry"] = self.entry[at]
        if self.url[at] or self.old_url[at]:
            urls = {"url.full": self.url[at], "http.url": self.old_url[at]}
            facts["attributes"] = facts["attributes"] | {name: value for name, value in urls.items() if value}
        if self.links[at]:
            facts["links"] = tuple((link["trace"], link["span"]) for link in json.loads(self.links[at]))
        return hop


@dataclass(frozen=True)
class HopPage:
    """Some leads, each with its hops, earliest first. Leads that nobody spoke of have none."""

    leads: Sequence[str]
    _columns: Sequence[Sequence[Any]]
    _shapes: "_Shapes"

    def __iter__(self) -> Iterator[tuple[str, HopRows]]:
        of_lead, *columns = self._columns or [()] * COLUMNS
        start, count = 0, len(of_lead)
        for lead in self.leads:
            end = start
            while end < count and of_lead[end] == lead:
                end += 1
            yield lead, HopRows(self._shapes, lead, *[column[start:end] for column in columns])
            start = end


def hops_to_judge(
    store: Store,
    leads: Iterable[str],
    read: Iterable[str],
    *,
    paths: Iterable[str] = (),
    most: int = MAX_HOPS_OF_A_LEAD,
    hops_a_page: int = HOPS_A_PAGE,
) -> Iterator[HopPage]:
    """The hops of these leads, at most `most` a lead, with those of their attributes that `read` names, and URLs.

    Each lead stands on one page, in the order of ids. `hops_a_page` must be more than `most`; `read` must have at least
    the names of a hop's event, flow and outcome. Of the attributes in `paths` only the gist is read, without ids.
    """
    shapes = _shapes(frozenset(read))
    asked = {"read": sorted(shapes.read), "paths": sorted(paths), "most": most, "rows": hops_a_page}
    rest = sorted(set(leads))
    while rest:
        columns = store.columns("hops_to_judge", leads=rest, **asked)
        page = _page(rest, columns, hops_a_page, shapes)
        yield page
        rest = rest[len(page.leads) :]


def _page(leads: Sequence[str], columns: Sequence[Sequence[Any]], hops_a_page: int, shapes: "_Shapes") -> HopPage:
    """The leads that were read whole: the last one on a full page may have more hops."""
    of_lead = columns[0] if columns else ()
    whole = leads if len(of_lead) < hops_a_page else leads[: leads.index(of_lead[-1])]
    return HopPage(whole, columns, shapes)


class _Shapes(dict[str, dict[str, Any]]):
    """What hops of a shape have in common, by the names of Hop's fields, for the text that stands for the shape."""

    def __init__(self, read: frozenset[str]) -> None:
        super().__init__()
        self.read = read
        self._known_without_url = read | {"url.full", "http.url"}

    def __missing__(self, text: str) -> dict[str, Any]:
        (signal, service, name, kind, status, message, has_url), attributes, events, body = json.loads(text)
        plain = readable_all if PREFIX in text else dict
        if body:
            attributes.setdefault("body", body)
        facts: dict[str, Any] = {
            "signal": signal, "service": service, "name": name, "kind": kind, "status": status,
            "status_message": message, "attributes": plain(attributes),
            "events": tuple(SpanEvent(0, event, plain(said)) for event, said in events),
        }  # fmt: skip
        shape = Shape(facts, self.read if has_url else self._known_without_url)
        facts |= {"shape": shape, "event": shape.hop.event, "flow": shape.hop.flow, "outcome": shape.hop.outcome}
        if len(text) <= MAX_SHAPE_CHARS:
            if len(self) >= MAX_SHAPES:
                self.clear()
            self[text] = facts
        return facts


@lru_cache(maxsize=8)
def _shapes(read: frozenset[str]) -> _Shapes:
    return _Shapes(read)
