"""Entries of a lead that came in under several ids: what was merged is told apart, and what goes on is one entry."""

from collections.abc import Mapping, Sequence

from lineage.entries import Key, entries_of
from model import attributes as names
from model.flow import Flow
from model.hop import Hop


def entries_of_identity(hops: Sequence[Hop], flows: Mapping[str, Flow]) -> dict[Key, str]:
    """The entry of every hop. What came in under one id is told apart as if there were no other; the same correlation
    id is the same entry under all of them. Hops that nothing ties to an entry belong, once their id was merged with
    another, to the entry that had begun last.
    """
    by_id: dict[str, list[Hop]] = {}
    for hop in hops:
        by_id.setdefault(hop.lead, []).append(hop)
    entry_of = {key: entry for own in by_id.values() for key, entry in entries_of(own, flows).items()}
    return entry_of if len(by_id) == 1 else entry_of | _tied(hops, entry_of)


def _tied(hops: Sequence[Hop], entry_of: Mapping[Key, str]) -> dict[Key, str]:
    began: dict[str, Hop] = {}
    loose: list[Hop] = []
    for hop in sorted(hops, key=lambda hop: (hop.at_ns, hop.hop_id)):
        if entry_of[hop.key] == hop.lead:
            loose.append(hop)
        else:
            began.setdefault(entry_of[hop.key], hop)
    joined_ns = {hop.lead: hop.at_ns for hop in reversed(hops) if merges_away(hop)}
    return {
        hop.key: entry
        for hop in loose
        if (entry := _begun_before(hop, list(began.items()), joined_ns.get(hop.lead), joined_ns)) is not None
    }


def _begun_before(
    hop: Hop, began: Sequence[tuple[str, Hop]], left_ns: int | None, joined_ns: Mapping[str, int]
) -> str | None:
    """The entry of another id that had begun last, of those whose id or the hop's was merged by then."""
    for entry, first in reversed(began):
        merged_ns = joined_ns.get(first.lead, left_ns)
        if first.at_ns <= hop.at_ns and merged_ns is not None and merged_ns <= hop.at_ns:
            return entry
    return None


def merges_away(hop: Hop) -> bool:
    """Does the hop say that the lead it came in as was merged into another?"""
    into = hop.attributes.get(names.MERGED_INTO, "")
    return bool(into) and into != hop.lead and hop.event != names.IDENTITY_UNMERGED
