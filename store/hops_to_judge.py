"""Reads hops as the judge needs them: thousands of leads a query, and no more of each hop than the rules read.

Hops of one shape share what they say, and what their shape means is worked out once. Pages are bounded in hops: leads
with many hops take more queries, not more memory.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from model.hop import Hop, Shape, SpanEvent
from store.engine import Store
from store.hops import MAX_HOPS_OF_A_LEAD
from store.values import PREFIX, readable_all

HOPS_A_PAGE = 25_000
MAX_SHAPES = 20_000
MAX_SHAPE_CHARS = 4_000


@dataclass(frozen=True)
class HopPage:
    """Some leads, each with its hops, earliest first. Leads that nobody spoke of have none."""

    leads: Sequence[str]
    columns: Sequence[Sequence[Any]]
    rows: int

    def __iter__(self) -> Iterator[tuple[str, list[Hop]]]:
        rows = islice(zip(*self.columns, strict=True), self.rows)
        row = next(rows, None)
        for lead in self.leads:
            hops: list[Hop] = []
            while row is not None and row[0] == lead:
                hops.append(_hop(row))
                row = next(rows, None)
            yield lead, hops


def hops_to_judge(
    store: Store,
    leads: Sequence[str],
    read: Sequence[str],
    *,
    most: int = MAX_HOPS_OF_A_LEAD,
    hops_a_page: int = HOPS_A_PAGE,
) -> Iterator[HopPage]:
    """The hops of these leads, at most `most` a lead, with those of their attributes that `read` names.

    Each lead stands on one page, in the order of ids. `hops_a_page` must be more than `most`.
    """
    rest = sorted(set(leads))
    while rest:
        columns = store.columns("hops_to_judge", leads=rest, read=list(read), most=most, rows=hops_a_page)
        page = _page(rest, columns, hops_a_page)
        yield page
        rest = rest[len(page.leads) :]


def _page(leads: Sequence[str], columns: Sequence[Sequence[Any]], hops_a_page: int) -> HopPage:
    """The leads that were read whole: the last one on a full page may have more hops."""
    of_lead = columns[0] if columns else ()
    if len(of_lead) < hops_a_page:
        return HopPage(leads, columns, len(of_lead))
    last = of_lead[-1]
    return HopPage(leads[: leads.index(last)], columns, of_lead.index(last))


def _hop(row: Sequence[Any]) -> Hop:
    """The hop of a row, without its constructor's copies and defaults: this is done ten times an entry."""
    hop = object.__new__(Hop)
    facts = hop.__dict__
    text, links = row[9], row[8]
    facts.update(_shapes.get(text) or _shared(text))
    (
        facts["lead"], facts["trace_id"], facts["hop_id"], facts["parent_id"], facts["at_ns"], facts["duration_ns"],
        facts["entry"], facts["url"], _, _,
    ) = row  # fmt: skip
    if links:
        facts["links"] = tuple((link["trace"], link["span"]) for link in json.loads(links))
    return hop


_shapes: dict[str, dict[str, Any]] = {}


def _shared(text: str) -> dict[str, Any]:
    """What hops of a shape have in common, by the names of Hop's fields."""
    (signal, service, name, kind, status, message, origin), attributes, events, body = json.loads(text)
    plain = readable_all if PREFIX in text else dict
    if body:
        attributes.setdefault("body", body)
    hop = Hop(
        "", "", "", "", signal, 0, 0, service, name, kind, status, message, "", plain(attributes),
        tuple(SpanEvent(0, event, plain(said)) for event, said in events),
    )  # fmt: skip
    facts = {name: value for name, value in vars(hop).items() if value != getattr(Hop, name, "")}
    hop.__dict__["url"] = origin
    facts["shape"] = Shape(hop)
    if len(text) <= MAX_SHAPE_CHARS:
        if len(_shapes) >= MAX_SHAPES:
            _shapes.clear()
        _shapes[text] = facts
    return facts
