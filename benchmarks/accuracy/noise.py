"""What happens to telemetry on its way: loss, doubles, disorder, wrong clocks, attributes that are not there."""

import random
from dataclasses import dataclass, replace

from benchmarks.accuracy.told import Case, Said

OPTIONAL = ("lead.flow", "lead.correlation_id")


@dataclass(frozen=True)
class Noise:
    """Up to `loss` of a lead's spans are lost and up to `skew_s` lies between two services' clocks; for `share` of all
    leads each. The others arrive whole.
    """

    loss: float = 0.05
    skew_s: float = 300.0
    doubles: float = 0.05
    share: float = 0.5


QUIET = Noise(0.0, 0.0, 0.0, 0.0)


def noisy(case: Case, noise: Noise, seed: int) -> Case:
    chance = random.Random(f"{seed}/{case.lead}/noise")
    said = case.said
    lost: set[str] = set()
    if chance.random() < noise.share and noise.loss:
        rate = chance.uniform(0.0, noise.loss)
        lost = {one.id for one in said if chance.random() < rate}
        if len(lost) == len(said):
            lost = set()
    skew: dict[str, float] = {}
    if chance.random() < noise.share and noise.skew_s:
        width = chance.uniform(0.0, noise.skew_s)
        skew = {service: chance.uniform(-width / 2, width / 2) for service in sorted({one.service for one in said})}
    kept = [_clocked(one, skew.get(one.service, 0.0)) for one in said if one.id not in lost]
    if chance.random() < noise.share and len({truth.entry for truth in case.truths}) == 1:
        kept = [_bare(one, chance) for one in kept]
    kept += [one for one in kept if chance.random() < noise.doubles]
    if noise.share:
        chance.shuffle(kept)
    return replace(case, said=kept, lost=frozenset(lost), skew=skew)


def _clocked(said: Said, by: float) -> Said:
    if not by:
        return said
    return replace(said, at=said.at + by, events=[(at + by, name, told) for at, name, told in said.events])


def _bare(said: Said, chance: random.Random) -> Said:
    """One span in five says neither the entry nor the flow."""
    if chance.random() > 0.2:
        return said
    return replace(said, attributes={key: value for key, value in said.attributes.items() if key not in OPTIONAL})
