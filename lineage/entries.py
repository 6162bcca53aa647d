"""Which of a lead's hops belong to which entry.

In this order: a hop belongs to the entry whose correlation id it carries; to the only entry that its trace names, or
that its nearest ancestor names; to the only entry of the traces that its span links join. What still has none begins an
entry where a capture happened: named by that trace, or, where an entry lacks its capture and began near it, that one.
The rest belongs to the entry that had begun last when it happened.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence

from model.flow import Flow
from model.hop import NS, Hop

Key = tuple[str, str]

_NO_CAPTURE = frozenset({"client", "producer"})  # who sends or publishes was captured by somebody else


def entries_of(hops: Sequence[Hop], flows: Mapping[str, Flow]) -> dict[Key, str]:
    """The entry of every hop, by the hop's key. A lead without ids and captures has one, named by itself."""
    entry_of = _by_correlation(hops)
    if len(entry_of) == len(hops):
        return entry_of
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
    if len(entry_of) == len(hops):
        return entry_of
    of_trace: dict[str, set[str]] = defaultdict(set)
    for hop in hops:
        if hop.entry:
            of_trace[hop.trace_id].add(hop.entry)
    above = _Above(hops)
    for hop in hops:
        if hop.key not in entry_of and (entry := _only_entry(hop, of_trace) or above.nearest_entry(hop)):
            entry_of[hop.key] = entry
    return entry_of


def _only_entry(hop: Hop, of_trace: Mapping[str, set[str]]) -> str:
    """The entry that the hop's trace names, else that its links lead to, where it is just one; else ''."""
    entries = of_trace.get(hop.trace_id, set())
    for trace, _ in hop.links if not entries else ():
        entries = entries | of_trace.get(trace, set())
        if len(entries) > 1:
            break
    return next(iter(entries)) if len(entries) == 1 else ""


class _Above:
    """What the hops above a hop say of its entry. Each hop is gone up from once."""

    def __init__(self, hops: Sequence[Hop]) -> None:
        self._by_key = {hop.key: hop for hop in hops}
        self._nearest: dict[Key, str] = {}

    def nearest_entry(self, hop: Hop) -> str:
        """The entry of the hop, or of the nearest above it that names one; '' where none does."""
        path: dict[Key, None] = {}
        found, current = "", self._by_key.get(hop.key)
        while current is not None and current.key not in path:
            found = current.entry or self._nearest.get(current.key, "")
            path[current.key] = None
            if found or current.key in self._nearest:
                break
            current = self._by_key.get((current.trace_id, current.parent_id))
        self._nearest |= dict.fromkeys(path, found)
        return found


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
    lacking = sorted((at, entry) for entry, at in _began(hops, entry_of).items() if entry not in complete)
    longest_ns = max((int(flow.deadline.total_seconds()) * NS for flow in flows.values()), default=0)
    named: dict[str, str] = {}
    for hop in sorted(captures, key=lambda hop: (hop.at_ns, hop.hop_id)):
        group = joined[hop.trace_id]
        if hop.key in entry_of or not hop.trace_id or group in named:
            continue
        near = _nearest(lacking, hop.at_ns)
        if near is not None and abs(lacking[near][0] - hop.at_ns) <= longest_ns:
            named[group] = lacking.pop(near)[1]
        else:
            named[group] = hop.trace_id
    for hop in hops:
        if hop.key not in entry_of and hop.trace_id and joined[hop.trace_id] in named:
            entry_of[hop.key] = named[joined[hop.trace_id]]


def _nearest(moments: Sequence[tuple[int, str]], at_ns: int) -> int | None:
    """Where the moment nearest to `at_ns` stands among sorted ones; of several, the one of the first name."""
    after = bisect_left(moments, (at_ns, ""))
    near = [after] if after < len(moments) else []
    if after:
        near.append(bisect_left(moments, (moments[after - 1][0], "")))
    return min(near, key=lambda place: (abs(moments[place][0] - at_ns), moments[place][1]), default=None)


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
    return order[max(bisect_right(order, hop.at_ns, key=lambda one: one[1]) - 1, 0)][0]
