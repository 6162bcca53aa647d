"""Assembles journeys: which hops belong to which entry, and in which causal order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from model.flow import Flow
from model.hop import Hop

MAX_DEPTH = 100


@dataclass(frozen=True)
class Journey:
    """All hops of one entry in causal order. `cut` says that the lead has more hops than were read."""

    lead: str
    entry: str
    hops: tuple[Hop, ...]
    cut: bool = False

    @cached_property
    def by_key(self) -> dict[tuple[str, str], Hop]:
        return {hop.key: hop for hop in self.hops}

    @cached_property
    def _ancestors(self) -> dict[tuple[str, str], tuple[Hop, ...]]:
        return {}

    def ancestors(self, hop: Hop) -> tuple[Hop, ...]:
        """The hop's parents within the journey, the nearest first, at most MAX_DEPTH of them."""
        found = self._ancestors.get(hop.key)
        if found is None:
            chain: list[Hop] = []
            at = self.by_key.get((hop.trace_id, hop.parent_id))
            while at is not None and at is not hop and len(chain) < MAX_DEPTH:
                chain.append(at)
                at = self.by_key.get((at.trace_id, at.parent_id))
            found = self._ancestors[hop.key] = tuple(chain)
        return found

    def first(self, attribute: str) -> str:
        """The first value that any hop gives to an attribute; '' where none does."""
        return next((hop.attributes[attribute] for hop in self.hops if hop.attributes.get(attribute)), "")

    def flows(self, known: Mapping[str, Flow]) -> list[str]:
        """The names of the flows this entry tries: those its hops name, else those whose capture it shows."""
        named = list(dict.fromkeys(hop.flow for hop in self.hops if hop.flow))
        if named:
            return named
        captured = [name for name, flow in known.items() if any(flow.step_of(hop) == flow.capture for hop in self.hops)]
        if captured:
            return captured
        return [name for name, flow in known.items() if any(flow.step_of(hop) is not None for hop in self.hops)]


def journeys(lead: str, hops: Sequence[Hop], flows: Mapping[str, Flow], *, cut: bool = False) -> list[Journey]:
    """A lead's entries, each with its hops, in the order in which they began.

    A hop belongs to the entry whose correlation id it carries; without one, to the entry of its nearest ancestor, else
    of its trace; else it begins an entry of its own where it is a capture, named by its trace; else it belongs to the
    entry that had begun last when it happened.
    """
    hops = list({hop.key: hop for hop in hops}.values())
    entry_of = _by_correlation(hops)
    starts = _captures_without_entry(hops, entry_of, flows)
    for hop in hops:
        if hop.key not in entry_of and hop.trace_id in starts:
            entry_of[hop.key] = hop.trace_id
    began: dict[str, int] = {}
    for hop in hops:
        if hop.key in entry_of:
            entry = entry_of[hop.key]
            began[entry] = min(began.get(entry, hop.at_ns), hop.at_ns)
    order = sorted(began.items(), key=lambda item: (item[1], item[0]))
    grouped: dict[str, list[Hop]] = defaultdict(list)
    for hop in hops:
        grouped[entry_of.get(hop.key) or _begun_before(hop, order)].append(hop)
    made = [Journey(lead, entry, _causal(members), cut) for entry, members in grouped.items()]
    return sorted(made, key=lambda journey: (journey.hops[0].at_ns, journey.entry))


def _by_correlation(hops: Sequence[Hop]) -> dict[tuple[str, str], str]:
    """The entries that hops name, handed down to their descendants, to hops of traces that name just one, and to
    traces that link to them.
    """
    entry_of = {hop.key: hop.entry for hop in hops if hop.entry}
    if not entry_of:
        return {}
    by_key = {hop.key: hop for hop in hops}
    of_trace: dict[str, set[str]] = defaultdict(set)
    for hop in hops:
        if hop.entry:
            of_trace[hop.trace_id].add(hop.entry)
    for hop in hops:
        if hop.key not in entry_of and (entry := _entry_of(hop, by_key, of_trace)):
            entry_of[hop.key] = entry
    return entry_of


def _entry_of(hop: Hop, by_key: Mapping[tuple[str, str], Hop], of_trace: Mapping[str, set[str]]) -> str:
    entries = of_trace.get(hop.trace_id) or {entry for trace, _ in hop.links for entry in of_trace.get(trace, ())}
    return next(iter(entries)) if len(entries) == 1 else _nearest_entry(hop, by_key)


def _nearest_entry(hop: Hop, by_key: Mapping[tuple[str, str], Hop]) -> str:
    seen: set[tuple[str, str]] = set()
    current: Hop | None = hop
    while current is not None and current.key not in seen:
        if current.entry:
            return current.entry
        seen.add(current.key)
        current = by_key.get((current.trace_id, current.parent_id))
    return ""


def _captures_without_entry(
    hops: Sequence[Hop], entry_of: Mapping[tuple[str, str], str], flows: Mapping[str, Flow]
) -> set[str]:
    """The traces in which a capture happened that names no entry: each is one."""
    return {
        hop.trace_id
        for hop in hops
        if hop.key not in entry_of
        and hop.trace_id
        and any(flow.step_of(hop) == flow.capture for name, flow in flows.items() if hop.flow in {"", name})
    }


def _begun_before(hop: Hop, order: Sequence[tuple[str, int]]) -> str:
    """The entry that had begun last when the hop happened; the first of all for an earlier hop."""
    if not order:
        return hop.lead
    chosen = order[0][0]
    for entry, began_ns in order:
        if began_ns > hop.at_ns:
            break
        chosen = entry
    return chosen


def _causal(hops: Sequence[Hop]) -> tuple[Hop, ...]:
    """By time, but never a child before its parent: causality is certain, clocks are not."""
    by_key = {hop.key: hop for hop in hops}
    placed: dict[tuple[str, str], tuple[int, int]] = {}

    def place(hop: Hop) -> tuple[int, int]:
        chain: dict[tuple[str, str], Hop] = {}
        current: Hop | None = hop
        while current is not None and current.key not in placed and current.key not in chain:
            chain[current.key] = current
            current = by_key.get((current.trace_id, current.parent_id))
        for one in reversed(chain.values()):
            parent = by_key.get((one.trace_id, one.parent_id))
            at, depth = placed.get(parent.key, (one.at_ns, -1)) if parent is not None else (one.at_ns, -1)
            placed[one.key] = (max(at, one.at_ns), depth + 1)
        return placed[hop.key]

    return tuple(sorted(hops, key=lambda hop: (*place(hop), hop.hop_id)))
