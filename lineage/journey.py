"""Assembles journeys: which hops belong to which entry, and in which causal order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from lineage.merged import entries_of_identity
from model.flow import Flow
from model.hop import Hop
from model.kept import kept

MAX_DEPTH = 100


@dataclass(frozen=True)
class Journey:
    """All hops of one entry in causal order. `cut` says that the lead has more hops than were read."""

    lead: str
    entry: str
    hops: tuple[Hop, ...]
    cut: bool = False

    @kept
    def by_key(self) -> dict[tuple[str, str], Hop]:
        return {hop.key: hop for hop in self.hops}

    @kept
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

    @kept
    def ids(self) -> tuple[str, ...]:
        """The ids under which its hops came in, in the order in which they did."""
        return tuple(dict.fromkeys(hop.lead for hop in self.hops))

    @property
    def came_as(self) -> tuple[str, ...]:
        """Those other than the lead's own: of leads that were merged into it."""
        return tuple(one for one in self.ids if one != self.lead)

    def first(self, attribute: str) -> str:
        """The first value that any hop gives to an attribute; '' where none does."""
        for hop in self.hops:
            if value := hop.attributes.get(attribute):
                return value
        return ""

    @kept
    def telling(self) -> tuple[Hop, ...]:
        """The hops that say by name what happened."""
        return tuple([hop for hop in self.hops if hop.event])

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
    """A lead's entries, each with its hops, in the order in which they began; `entries.py` says which is whose.

    The hops may have come in under several ids (`Hop.lead`); `lead` is the one under which the lead goes on.
    """
    once = list({hop.key: hop for hop in hops}.values())
    named = {hop.entry for hop in once}
    if len(named) == 1 and "" not in named:
        return [Journey(lead, named.pop(), _causal(once), cut)]
    entry_of = entries_of_identity(once, flows)
    grouped: dict[str, list[Hop]] = defaultdict(list)
    for hop in once:
        grouped[entry_of[hop.key]].append(hop)
    made = [Journey(lead, entry, _causal(members), cut) for entry, members in grouped.items()]
    return sorted(made, key=lambda journey: (journey.hops[0].at_ns, journey.entry))


def _causal(hops: Sequence[Hop]) -> tuple[Hop, ...]:
    """By time, but never a child before its parent: causality is certain, clocks are not."""
    by_key = {hop.key: hop for hop in hops}
    if _clocks_agree(hops, by_key):
        return tuple(sorted(hops, key=_began))
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


_began = attrgetter("at_ns")


def _clocks_agree(hops: Sequence[Hop], by_key: Mapping[tuple[str, str], Hop]) -> bool:
    """Did each hop begin at a moment of its own, and after its parent? Then time alone is the causal order."""
    if len({hop.at_ns for hop in hops}) < len(hops):
        return False
    for hop in hops:
        parent = by_key.get((hop.trace_id, hop.parent_id))
        if parent is not None and parent.at_ns >= hop.at_ns:
            return False
    return True
