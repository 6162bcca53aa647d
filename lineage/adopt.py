"""Finds the lead of hops that name none: spans below or above a lead's spans, and traces reached by span links.

In a trace that speaks of one lead every hop is that lead's. In a trace that speaks of several, an orphan belongs to
the lead of its nearest ancestor that names one; an orphan above them all (a batch that handles many) belongs to none,
since it would put one lead's trouble on another's page. A hop that carries a known correlation id follows it. A trace
that speaks of no lead follows its span links, in either direction.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import structlog

from store.engine import Store
from store.hops import Orphan, adopt, orphans_of_traces
from store.owners import leads_of_entries, leads_of_traces, links_of_traces, owned_of_traces, owners_of_spans

log = structlog.get_logger(__name__)

MAX_ORPHANS = 50_000
MAX_LEADS_OF_A_HOP = 1_000
REMEMBERED = 200_000


class Adopter:
    """Adopts orphans trace by trace, remembering whom it adopted so that a busy trace is not copied again and again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._adopted: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def adopt(self, traces: Sequence[str]) -> set[str]:
        """Put the orphans of these traces, and of traces linked with them, on their leads' timelines.

        Returns the leads that gained hops.
        """
        linked = {link.other_trace_id for link in links_of_traces(self._store, traces, most=MAX_ORPHANS)}
        orphans = orphans_of_traces(self._store, sorted(linked.union(traces)), most=MAX_ORPHANS)
        if not orphans:
            return set()
        if len(orphans) >= MAX_ORPHANS:
            log.warning("orphans_cut", traces=len(traces), most=MAX_ORPHANS)
        finds = [find for find in self._owners(orphans) if self._is_new(find)]
        adopt(self._store, finds)
        for orphan, lead in finds:
            self._remember(orphan, lead)
        return {lead for _, lead in finds}

    def _owners(self, orphans: Sequence[Orphan]) -> list[tuple[Orphan, str]]:
        leads = leads_of_traces(self._store, sorted({orphan.trace_id for orphan in orphans}))
        shared = {trace for trace, owners in leads.items() if len(owners) > 1}
        finds: list[tuple[Orphan, str]] = []
        finds += [(one, leads[one.trace_id][0]) for one in orphans if len(leads.get(one.trace_id, ())) == 1]
        finds += self._by_ancestor([one for one in orphans if one.trace_id in shared])
        lost = [one for one in orphans if one.trace_id not in leads]
        found = self._by_entry(lost)
        finds += found
        traces_found = {orphan.trace_id for orphan, _ in found}
        finds += self._by_link([one for one in lost if one.trace_id not in traces_found])
        return finds

    def _by_ancestor(self, orphans: Sequence[Orphan]) -> list[tuple[Orphan, str]]:
        if not orphans:
            return []
        traces = sorted({orphan.trace_id for orphan in orphans})
        owner = {(row[0], row[1]): row[3] for row in owned_of_traces(self._store, traces, most=MAX_ORPHANS)}
        parent = {(orphan.trace_id, orphan.hop_id): orphan.parent_id for orphan in orphans}
        finds: list[tuple[Orphan, str]] = []
        for orphan in orphans:
            seen: set[str] = set()
            at = orphan.parent_id
            while at and at not in seen:
                seen.add(at)
                if (orphan.trace_id, at) in owner:
                    finds.append((orphan, owner[(orphan.trace_id, at)]))
                    break
                at = parent.get((orphan.trace_id, at), "")
        return finds

    def _by_entry(self, orphans: Sequence[Orphan]) -> list[tuple[Orphan, str]]:
        """By correlation id, which speaks for the whole of a trace that has no lead."""
        entry_of_trace = {orphan.trace_id: orphan.entry for orphan in orphans if orphan.entry}
        if not entry_of_trace:
            return []
        leads = leads_of_entries(self._store, sorted(set(entry_of_trace.values())))
        return [
            (orphan, lead)
            for orphan in orphans
            if (lead := leads.get(orphan.entry or entry_of_trace.get(orphan.trace_id, ""))) is not None
        ]

    def _by_link(self, orphans: Sequence[Orphan]) -> list[tuple[Orphan, str]]:
        """By the spans that a trace points at, or that point into it. A linking span's descendants follow it."""
        if not orphans:
            return []
        own = {(orphan.trace_id, orphan.hop_id): orphan for orphan in orphans}
        targets: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for link in links_of_traces(self._store, sorted({trace for trace, _ in own}), most=MAX_ORPHANS):
            if (link.trace_id, link.span_id) in own:
                found = targets.setdefault((link.trace_id, link.span_id), set())
                found.add((link.other_trace_id, link.other_span_id))
        if not targets:
            return []
        owners = owners_of_spans(self._store, [target for found in targets.values() for target in found])
        direct = {key: set().union(*(owners.get(target, set()) for target in found)) for key, found in targets.items()}
        return [(orphan, lead) for orphan in orphans for lead in _followed(orphan, own, direct)]

    def _is_new(self, find: tuple[Orphan, str]) -> bool:
        orphan, lead = find
        return (orphan.trace_id, orphan.hop_id, lead) not in self._adopted

    def _remember(self, orphan: Orphan, lead: str) -> None:
        self._adopted[(orphan.trace_id, orphan.hop_id, lead)] = None
        while len(self._adopted) > REMEMBERED:
            self._adopted.popitem(last=False)


def _followed(
    orphan: Orphan, own: dict[tuple[str, str], Orphan], direct: dict[tuple[str, str], set[str]]
) -> Iterable[str]:
    """The leads of the hop's own links, else of its nearest ancestor's, else of all its trace's when that is one."""
    seen: set[str] = set()
    at: Orphan | None = orphan
    while at is not None and at.hop_id not in seen:
        if leads := direct.get((at.trace_id, at.hop_id)):
            return sorted(leads)[:MAX_LEADS_OF_A_HOP]
        seen.add(at.hop_id)
        at = own.get((at.trace_id, at.parent_id))
    of_trace = {lead for (trace, _), leads in direct.items() if trace == orphan.trace_id for lead in leads}
    return of_trace if len(of_trace) == 1 else ()
