"""Whatever comes in whatever order, however often and however late: what is counted is what a full count finds, and what
plain Python finds.
"""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from counting_oracle import Happened, groups_of, slices, units, window
from counting_world import World, at, entry, minutes, objective

from slo.intake import Pace

BY_CAMPAIGN = {"group_by": ("campaign", "segment")}
OBJECTIVES = (
    objective(**BY_CAMPAIGN),
    objective(name="enrolment-in-time", decision_deadline=minutes(20), group_by=("system",)),
    objective("routing", **BY_CAMPAIGN),
    objective("delivery_latency", limit=8, to="crm", **BY_CAMPAIGN),
    objective("freshness", limit=7, group_by=("campaign",)),
    objective("duplicates", decision_deadline=minutes(3), group_by=("system",)),
    objective("backlog", limit=9, **BY_CAMPAIGN),
)
LEADS = [f"L-{number}" for number in range(8)]
CAMPAIGNS = ("spring", 'über/ma"y', "")


class Story:
    """What becomes of some leads, told in pieces that may come in any order."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.final = {}
        self.pieces = []  # of several on the same entry the order counts
        self.events = []
        self.goes_as = {}
        for lead in LEADS:
            for nth in range(self.dice.choice((1, 1, 2))):
                self._tell(lead, f"{lead}-{nth}")
        for number in range(30):
            self.events.append(self._event(number))
        self.goes_as = {LEADS[1]: LEADS[0], LEADS[2]: LEADS[0]}
        for merged in self.goes_as:
            for key, verdict in list(self.final.items()):
                if verdict.lead == merged:
                    piece = next(piece for piece in self.pieces if piece[-1] == ("said", verdict))
                    piece.append(("moved", verdict, replace(verdict, lead=LEADS[0])))
                    self.final[key] = replace(verdict, lead=LEADS[0])

    def _tell(self, lead, name):
        captured, campaign = self.dice.uniform(0, 150), self.dice.choice(CAMPAIGNS)
        segment, system = self.dice.choice(("smb", "")), self.dice.choice(("salesforce", "hubspot"))
        said = []
        for _ in range(self.dice.choice((1, 2, 3))):
            status = self.dice.choice(("entered", "entered", "blocked", "pending", "skipped", "unknown"))
            steps = ["capture", *(step for step in ("routing", "crm") if self.dice.random() < 0.7)]
            said.append(
                entry(name, status, lead=lead, at=captured, after=self.dice.uniform(0.1, 25), campaign=campaign, segment=segment,
                      system=system, step=self.dice.choice(("routing", "crm")), reached={step: self.dice.uniform(0, 12) for step in steps})
            )  # fmt: skip
        if self.dice.random() < 0.15:
            self.pieces.append([("said", one) for one in said] + [("gone", said[-1])])
        else:
            self.pieces.append([("said", one) for one in said])
            self.final[name] = said[-1]

    def _event(self, number):
        dice = self.dice
        return {
            "event": dice.choice(("ScoreChanged", "CrmWritten", "CrmWritten", "StageSeen")),
            "lead": dice.choice(LEADS),
            "at": dice.uniform(0, 170),
            "took": dice.choice((0, 0.5)),
            "key": dice.choice(("", "", f"k-{number % 5}")),
            "record": dice.choice(("", "003A", "003B")),
            "system": dice.choice(("salesforce", "hubspot")),
            "outcome": dice.choice(("", "", "failed")),
            "hop": f"{number:016x}",
            **dice.choice(({}, {"campaign": "spring"})),
        }

    @property
    def happened(self):
        def shaped(one):
            began = at(one["at"])
            began = began.replace(microsecond=began.microsecond // 1000 * 1000)
            done = began + minutes(one["took"])
            return Happened(
                one["event"],
                one["lead"],
                began,
                done,
                not one["outcome"],
                one["system"],
                one["record"],
                one["key"],
                one["hop"],
                one.get("campaign", ""),
            )

        return [shaped(one) for one in self.events if one["event"] != "StageSeen"]

    def told_to(self, world: World):
        """All of it, shuffled and in portions, some of it twice, with restarts between."""
        queues = [list(piece) for piece in self.pieces] + [[("event", one)] for one in self.events]
        queues += [[("merge", lead, into)] for lead, into in self.goes_as.items()]
        told = 0
        while queues:
            queue = self.dice.choice(queues)
            step = queue.pop(0)
            if not queue:
                queues.remove(queue)
            for _ in range(self.dice.choice((1, 1, 2))):
                self._say(world, step)
            told += 1
            if told % 35 == 0:
                world.count()
            if told % 50 == 0:
                world.counting_anew()
        world.count()

    def _say(self, world, step):
        match step:
            case ("said", verdict):
                world.said(verdict, count=False)
            case ("gone", verdict):
                world.said(gone=[verdict], count=False)
            case ("moved", old, new):
                world.said(new, gone=[old], count=False)
            case ("event", one):
                world.event(**one)
            case ("merge", lead, into):
                world.merged(lead, into, at=1)


def to_ms(found):
    """Verdicts as the columns keep them."""

    def cut(moment):
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000) if moment else None

    return [
        replace(
            one,
            captured_at=cut(one.captured_at),
            since=cut(one.since),
            entered_at=cut(one.entered_at),
            reached_at=tuple(map(cut, one.reached_at)),
        )
        for one in found
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_counted_is_what_plain_python_counts_and_what_a_full_count_finds(store, seed):
    story = Story(seed)
    world = World(store, pace=Pace(lines_a_batch=60, leads_a_step=5)).wants(*OBJECTIVES)
    story.told_to(world)
    for of in OBJECTIVES:
        anew = replace(of, generation="again")
        world.counter.recount(anew, world.now())
        found = units(of, to_ms(story.final.values()), story.happened, story.goes_as)
        count = slices if of.method == "timeslices" else window
        for now in (at(63.3), at(181.9)):
            counted = world.counter.counts(of, now)
            assert {one.group for one in counted} == {named(of, group) for group in groups_of(found, now)}, of.name
            for one in counted:
                group = tuple(value for _, value in one.group)
                asked = {length: count(found, group, now - length, now) for length in one.windows}
                assert (of.name, one.group, one.windows) == (of.name, one.group, asked)
                assert one.period == asked[timedelta(days=3)]
        assert counted == world.counter.counts(anew, now), of.name


def named(of, group):
    return tuple(zip(of.group_by, group, strict=False))


def test_a_new_generation_is_counted_from_history_in_the_background(store):
    world = World(store, pace=Pace(leads_a_step=2, batches_a_tick=1))
    world.said(*(entry(f"c-{number}", at=number) for number in range(7)))
    of = objective()
    world.wants(of)
    assert not world.counter.counted(of)
    ticks = 1
    while world.counter.tick(world.now()):
        ticks += 1
    assert ticks > 3
    assert world.counter.counted(of)
    assert world.total(of) == (7, 0)
