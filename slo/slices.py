"""Time slices as numbers: stretches [from, until) of them, joined, cut and counted. Pure, in integers."""

from collections.abc import Iterable, Sequence

Stretch = tuple[int, int]


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same slices as stretches in order that neither overlap nor touch."""
    found: list[Stretch] = []
    for begun, ended in sorted(stretches):
        if begun >= ended:
            continue
        if found and begun <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        else:
            found.append((begun, ended))
    return found


def without(stretches: Iterable[Stretch], cuts: Sequence[Stretch]) -> list[Stretch]:
    """Joined stretches less the joined `cuts`."""
    left: list[Stretch] = []
    for begun, ended in stretches:
        at = begun
        for cut_from, cut_until in cuts:
            if cut_until <= at or cut_from >= ended:
                continue
            left.append((at, cut_from))
            at = cut_until
        left.append((at, ended))
    return [(begun, ended) for begun, ended in left if begun < ended]


def counted(stretches: Iterable[Stretch], first: int, until: int) -> int:
    """How many slices of joined stretches lie in [first, until)."""
    return sum(max(min(ended, until) - max(begun, first), 0) for begun, ended in stretches)
