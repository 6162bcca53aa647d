"""Entries of a lead that came in under several ids: what was merged is told apart, and what goes on is one entry."""

from collections.abc import Mapping, Sequence

from lineage.entries import Key, entries_of
from model import attributes as names
from model.flow import Flow
from model.hop import Hop


def entries_of_identity(hops: Sequence[Hop], flows: Mapping[str, Flow]) -> dict[Key, str]:
    """The entry of every hop. What came in under one id is told apart as if there were no other; the same correlation
    id is the same entry under all of them. Hops that nothing ties to an entry belong to the one that had begun last
    among those of leads that were merged into theirs by then.
    """
    by_id: dict[str, list[Hop]] = {}
    for hop in hops:
        by_id.setdefault(hop.lead, []).append(hop)
    entry_of = {key: entry for own in by_id.values() for key, entry in entries_of(own, flows).items()}
    return entry_of if len(by_id) == 1 else entry_of | _handed_over(hops, entry_of)


def _handed_over(hops: Sequence[Hop], entry_of: Mapping[Key, str]) -> dict[Key, str]:
    in_time = sorted(hops, key=lambda hop: (hop.at_ns, hop.hop_id))
    loose = [hop for hop in in_time if entry_of[hop.key] == hop.lead]
    began: dict[str, Hop] = {}
    for hop in in_time:
        if entry_of[hop.key] != hop.lead:
            began.setdefault(entry_of[hop.key], hop)
    merges = {hop.lead: hop for hop in reversed(in_time) if merges_away(hop)}
    latest_first = [*reversed(began.items())]
    found = {hop.key: _of_merged(hop, latest_first, merges) for hop in loose}
    return {key: entry for key, entry in found.items() if entry is not None}


def _of_merged(hop: Hop, latest_first: Sequence[tuple[str, Hop]], merges: Mapping[str, Hop]) -> str | None:
    return next((entry for entry, first in latest_first if _goes_on(first, hop, merges)), None)


def _goes_on(first: Hop, hop: Hop, merges: Mapping[str, Hop]) -> bool:
    """Had the lead of the one been merged into the lead of the other when that happened?"""
    lead, seen = first.lead, {first.lead}
    while first.at_ns <= hop.at_ns and lead in merges and merges[lead].at_ns <= hop.at_ns:
        lead = merges[lead].attributes[names.MERGED_INTO]
        if lead == hop.lead:
            return True
        if lead in seen:
            return False
        seen.add(lead)
    return False


def merges_away(hop: Hop) -> bool:
    """Does the hop say that the lead it came in as was merged into another?"""
    into = hop.attributes.get(names.MERGED_INTO, "")
    return bool(into) and into != hop.lead and hop.event != names.IDENTITY_UNMERGED
