"""Which of a lead's hops belong to which entry.

In this order: a hop belongs to the entry whose correlation id it carries; to the only entry that its trace names, or
that its nearest ancestor names; to the only entry of the traces that its span links join. What still has none begins an
entry where a capture happened: named by that trace, or, where an entry lacks its capture and began near it, that one.
The rest belongs to the entry that had begun last when it happened.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from model.flow import Flow
from model.hop import NS, Hop

Key = tuple[str, str]

_NO_CAPTURE = frozenset({"client", "producer"})  # who sends or publishes was captured by somebody else


def entries_of(hops: Sequence[Hop], flows: Mapping[str, Flow]) -> dict[Key, str]:
    """The entry of every hop, by the hop's key. A lead without ids and captures has one, named by itself."""
    entry_of = _by_correlation(hops)
    joined = _joined_traces(hops)
    _hand_to_joined(hops, joined, entry_of)
    _begin_at_captures(hops, joined, entry_of, flows)
    order = sorted(_began(hops, entry_of).items(), key=lambda item: (item[1], item[0]))
    return {hop.key: entry_of.get(hop.key) or _begun_before(hop, order) for hop in hops}


def _by_correlation(hops: Sequence[Hop]) -> dict[Key, str]:
    """The entries that hops name, handed down to their descendants and to hops of traces that name just one."""
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


def _entry_of(hop: Hop, by_key: Mapping[Key, Hop], of_trace: Mapping[str, set[str]]) -> str:
    entries = of_trace.get(hop.trace_id) or {entry for trace, _ in hop.links for entry in of_trace.get(trace, ())}
    return next(iter(entries)) if len(entries) == 1 else _nearest_entry(hop, by_key)


def _nearest_entry(hop: Hop, by_key: Mapping[Key, Hop]) -> str:
    seen: set[Key] = set()
    current: Hop | None = hop
    while current is not None and current.key not in seen:
        if current.entry:
            return current.entry
        seen.add(current.key)
        current = by_key.get((current.trace_id, current.parent_id))
    return ""


def _joined_traces(hops: Sequence[Hop]) -> dict[str, str]:
    """One name for all traces that span links join, by trace."""
    name = {hop.trace_id: hop.trace_id for hop in hops}

    def find(trace: str) -> str:
        while name[trace] != trace:
            name[trace] = name[name[trace]]
            trace = name[trace]
        return trace

    for hop in hops:
        for linked, _ in hop.links:
            if linked in name:
                name[find(hop.trace_id)] = find(linked)
    return {trace: find(trace) for trace in name}


def _hand_to_joined(hops: Sequence[Hop], joined: Mapping[str, str], entry_of: dict[Key, str]) -> None:
    entries: dict[str, set[str]] = defaultdict(set)
    for hop in hops:
        if hop.key in entry_of and hop.trace_id:
            entries[joined[hop.trace_id]].add(entry_of[hop.key])
    for hop in hops:
        found = entries.get(joined[hop.trace_id], set()) if hop.trace_id else set()
        if hop.key not in entry_of and len(found) == 1:
            entry_of[hop.key] = next(iter(found))


def _begin_at_captures(
    hops: Sequence[Hop], joined: Mapping[str, str], entry_of: dict[Key, str], flows: Mapping[str, Flow]
) -> None:
    """Joined traces without an entry that hold a capture are one entry, or complete one that lacks its capture."""
    captures = [hop for hop in hops if _is_capture(hop, flows)]
    complete = {entry_of[hop.key] for hop in captures if hop.key in entry_of}
    lacking = {entry: at for entry, at in _began(hops, entry_of).items() if entry not in complete}
    longest_ns = max((int(flow.deadline.total_seconds()) * NS for flow in flows.values()), default=0)
    named: dict[str, str] = {}
    for hop in sorted(captures, key=lambda hop: (hop.at_ns, hop.hop_id)):
        group = joined[hop.trace_id]
        if hop.key in entry_of or not hop.trace_id or group in named:
            continue
        near = min(lacking, key=lambda entry: (abs(lacking[entry] - hop.at_ns), entry), default=None)
        if near is not None and abs(lacking[near] - hop.at_ns) <= longest_ns:
            named[group] = near
            del lacking[near]
        else:
            named[group] = hop.trace_id
    for hop in hops:
        if hop.key not in entry_of and hop.trace_id and joined[hop.trace_id] in named:
            entry_of[hop.key] = named[joined[hop.trace_id]]


def _is_capture(hop: Hop, flows: Mapping[str, Flow]) -> bool:
    return hop.kind not in _NO_CAPTURE and any(
        flow.step_of(hop) == flow.capture for name, flow in flows.items() if hop.flow in {"", name}
    )


def _began(hops: Sequence[Hop], entry_of: Mapping[Key, str]) -> dict[str, int]:
    began: dict[str, int] = {}
    for hop in hops:
        if hop.key in entry_of:
            began[entry_of[hop.key]] = min(began.get(entry_of[hop.key], hop.at_ns), hop.at_ns)
    return began


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
