"""Which lead ids are one lead: those that were merged, under the id of the one that goes on.

The newest word on a lead counts: merged into another, or taken out again. From lead to lead these words lead to the
survivor, and everything that came in under any of their ids is judged as the survivor's. Where they lead in a circle,
the newest merge in it is believed: whoever said last that B goes on as A says that A is there. A chain of more than
MAX_CHAIN merges is not followed, and of more than MAX_MERGED leads merged into one the later stay on their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from model.hop import Hop
from store.engine import Store
from store.hops import MAX_HOPS_OF_A_LEAD, hops_of_leads, last_hops_of_leads
from store.merges import MergeSaid, merges_of_leads

MAX_CHAIN = 20
MAX_MERGED = 100
MAX_READ = 2_000
_BEYOND = 20  # merges read beyond the bound, so that leads which an earlier merge pushes out are judged again


@dataclass(frozen=True, slots=True)
class Identity:
    """One lead under all its ids: `lead` goes on, `merged` were merged into it, in the order of merging."""

    lead: str
    merged: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return (self.lead, *self.merged)


class Merges:
    """What is known of merges among some leads; `said` has a key for every lead that was asked about."""

    def __init__(self, said: Mapping[str, Sequence[MergeSaid]]) -> None:
        self._said = said
        self._newest: dict[str, MergeSaid] = {}
        for one in self._all():
            known = self._newest.get(one.merged)
            if known is None or (one.last_at, one.survivor) > (known.last_at, known.survivor):
                self._newest[one.merged] = one

    def identity(self, lead: str) -> Identity:
        """The lead that this id belongs to."""
        survivor = self._survivors.get(lead, lead)
        return self._identities.get(survivor, Identity(survivor))

    def concerned(self, leads: Iterable[str]) -> list[Identity]:
        """The leads that these ids belong to, belonged to, or are pushed out of; each once."""
        if not self._newest:
            return [Identity(lead) for lead in dict.fromkeys(leads) if lead in self._said]
        found: dict[Identity, None] = {}
        for lead in leads:
            mine = self.identity(lead)
            before = [one.survivor for one in self._said.get(lead, ()) if one.survivor]
            pushed_out = [one.merged for one in self._into(mine.lead)[MAX_MERGED:]]
            found |= dict.fromkeys(self.identity(one) for one in (lead, *before, *pushed_out) if one in self._said)
        return list(found)

    def told_of(self, identity: Identity) -> list[MergeSaid]:
        """What was said of merges of or into any of a lead's ids, the earliest first."""
        ids = set(identity.ids)
        told = {one for one in self._all() if ids & {one.merged, one.survivor}}
        out_again = {one for one in self._all() if not one.survivor and one.merged in {other.merged for other in told}}
        return sorted(told | out_again, key=lambda one: (one.first_at, one.merged, one.survivor))

    def _all(self) -> Iterable[MergeSaid]:
        return (one for rows in self._said.values() for one in rows)

    def _into(self, survivor: str) -> list[MergeSaid]:
        return [one for one in self._said.get(survivor, ()) if one.survivor == survivor]

    @cached_property
    def _with_room(self) -> dict[str, frozenset[str]]:
        return {lead: frozenset(one.merged for one in self._into(lead)[:MAX_MERGED]) for lead in self._said}

    def _goes_on_as(self, lead: str) -> str:
        newest = self._newest.get(lead)
        if newest is None or not newest.survivor:
            return ""
        room = self._with_room.get(newest.survivor)
        return newest.survivor if room is None or lead in room else ""

    def _survivor(self, lead: str) -> str:
        path = [lead]
        while into := self._goes_on_as(path[-1]):
            if into in path:
                circle = path[path.index(into) :]
                return self._newest[max(circle, key=lambda one: (self._newest[one].last_at, one))].survivor
            if len(path) > MAX_CHAIN or into not in self._said:
                return lead
            path.append(into)
        return path[-1]

    @cached_property
    def _survivors(self) -> dict[str, str]:
        found = {lead: self._survivor(lead) for lead in self._said}
        members: dict[str, list[str]] = {}
        for lead, survivor in found.items():
            if lead != survivor:
                members.setdefault(survivor, []).append(lead)
        for crowd in members.values():
            crowd.sort(key=lambda lead: (self._newest[lead].first_at, lead))
            found |= {lead: lead for lead in crowd[MAX_MERGED:]}
        return found

    @cached_property
    def _identities(self) -> dict[str, Identity]:
        members: dict[str, list[str]] = {}
        for lead, survivor in self._survivors.items():
            if lead != survivor:
                members.setdefault(survivor, []).append(lead)
        return {
            survivor: Identity(survivor, tuple(sorted(merged, key=lambda one: (self._newest[one].first_at, one))))
            for survivor, merged in members.items()
        }


def read_merges(store: Store, leads: Iterable[str]) -> Merges:
    """All merges that these leads are joined by, over at most MAX_CHAIN steps and MAX_READ further leads."""
    said: dict[str, Sequence[MergeSaid]] = {}
    ahead = list(dict.fromkeys(leads))
    most = len(ahead) + MAX_READ
    for _ in range(MAX_CHAIN + 2):
        if not ahead:
            break
        found = merges_of_leads(store, ahead, most=MAX_MERGED + _BEYOND)
        said |= {lead: found.get(lead, ()) for lead in ahead}
        named = (name for rows in found.values() for one in rows for name in (one.survivor, one.merged) if name)
        ahead = [name for name in dict.fromkeys(named) if name not in said][: max(most - len(said), 0)]
    return Merges(said)


# ── hops ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class HopsRead:
    """A lead's hops under all its ids, the earliest first. `cut` says that there are more: these are the first and the
    last ones, since what led to the goal, or away from it, stands at the ends of a flood.
    """

    hops: Sequence[Hop] = ()
    cut: bool = False


def hops_of_identities(store: Store, identities: Sequence[Identity]) -> dict[str, HopsRead]:
    """The hops of each lead, by the id under which it goes on. Of one with many ids fewer hops of each are read."""
    found: dict[str, HopsRead] = {}
    by_most: dict[int, list[Identity]] = {}
    for identity in identities:
        by_most.setdefault(_most_of_an_id(identity), []).append(identity)
    for most, some in by_most.items():
        hops = hops_of_leads(store, [one for identity in some for one in identity.ids], most=most)
        floods = [one for one, of_one in hops.items() if len(of_one) >= most]
        ends = last_hops_of_leads(store, floods, most=most // 2) if floods else {}
        whole = {one: _both_ends(hops[one], ends.get(one, ()), most) for one in hops}
        found |= {identity.lead: _together(identity, whole, cut=bool(ends.keys() & identity.ids)) for identity in some}
    return found


def _both_ends(first: Sequence[Hop], last: Sequence[Hop], most: int) -> list[Hop]:
    kept = first[: most - most // 2] if last else first
    known = {hop.key for hop in kept}
    return [*kept, *(hop for hop in reversed(last) if hop.key not in known)]


def _most_of_an_id(identity: Identity) -> int:
    """So that all ids together stay near the bound of one; halved, so that few queries do for many leads."""
    most = MAX_HOPS_OF_A_LEAD
    while most * len(identity.ids) > MAX_HOPS_OF_A_LEAD and most > MAX_HOPS_OF_A_LEAD // MAX_MERGED:
        most //= 2
    return most


def _together(identity: Identity, hops: Mapping[str, Sequence[Hop]], *, cut: bool) -> HopsRead:
    of_ids = [hops.get(one, ()) for one in identity.ids]
    if not identity.merged:
        return HopsRead(of_ids[0], cut)
    return HopsRead(sorted((hop for some in of_ids for hop in some), key=lambda hop: (hop.at_ns, hop.hop_id)), cut)
