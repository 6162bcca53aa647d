"""What is said of an entry because it repeats another is what the judge would have said of it."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from benchmarks.accuracy.judged import FLOWS, moment
from benchmarks.accuracy.measure import cases
from benchmarks.accuracy.noise import Noise
from benchmarks.accuracy.stored import land
from lineage.flowbook import FlowBook
from lineage.judging import judge_lead
from lineage.precedents import Precedents
from lineage.rules_read import paths_for, read_for
from model.causes import built_in_codes
from model.verdict import Status
from store.hops_to_judge import hops_to_judge
from store.verdicts import row_of

CASES, REPEATS = 120, 12
BOOK = FlowBook(FLOWS)
NOISES = (
    Noise(share=0.0),
    Noise(share=0.2, skew_s=0.0),
    Noise(share=0.5, loss=0.02, skew_s=0.05),
    Noise(share=1.0, loss=0.05, skew_s=300.0),
)


def again(case, number, jitter):
    """The same case of another lead: other ids, campaign, score and URLs, and each hop a little earlier or later."""

    def other(one):
        return f"{random.Random(f'{one}/{number}').getrandbits(4 * len(one)):0{len(one)}x}" if one else ""

    def said_otherwise(key, value):
        if key == "lead.campaign":
            return f"campaign-{number % 5}"
        if key == "lead.score" and isinstance(value, int | float):
            return value + number % 3 * (1 if value >= 60 else -1)
        if key == "lead.correlation_id":
            return f"{value}-{number}"
        return value.replace(case.lead, lead) if isinstance(value, str) else value

    def moved(one):
        chance = random.Random(f"{one.id}/{number}")
        by = chance.uniform(0, jitter)
        return replace(
            one, trace=other(one.trace), id=other(one.id), parent=other(one.parent),
            at=one.at + by, took=one.took * chance.uniform(1 - min(jitter, 0.9), 1 + jitter),
            attributes={key: said_otherwise(key, value) for key, value in one.attributes.items()},
            links=[(other(trace), other(target)) for trace, target in one.links],
            events=[(at + by, name, told) for at, name, told in one.events],
        )  # fmt: skip

    lead = f"{case.lead}-{number}"
    return replace(case, lead=lead, said=[moved(one) for one in case.said])


@pytest.fixture(scope="module")
def repeated(module_store):
    """Leads that mostly repeat one another, by id."""
    jitters = (0.0, 1e-5, 1e-3, 0.1)
    made = [
        again(case, REPEATS * seed + number, jitters[number % len(jitters)])
        for seed, noise in enumerate(NOISES)
        for case in cases(CASES // len(NOISES), 70 + seed, noise, healthy=0.4)
        for number in range(REPEATS)
    ]
    land(module_store, made)
    return {case.lead: case for case in made}


@pytest.mark.parametrize("asked", ["when the case ends", "long after"])
def test_a_precedent_says_what_the_judge_says(module_store, repeated, asked):
    precedents, codes = Precedents(), built_in_codes()
    precedents.under(BOOK, codes)
    repeats, judged = Counter(), 0
    for page in hops_to_judge(module_store, repeated, read_for(FLOWS.values()), paths=paths_for(FLOWS.values())):
        for lead, rows in page:
            now = moment(repeated[lead].now) + timedelta(days=30 if asked == "long after" else 0)
            said = judge_lead(lead, rows.hops(), BOOK, now, codes)
            form = precedents.form_of(rows)
            known = precedents.rows_of(rows, form, now) if form is not None else None
            judged += len(said)
            if known is not None:
                assert known == [row_of(verdict) for verdict in said], repeated[lead].plot
                repeats.update(row.status for row in known)
            elif form is not None:
                precedents.keep(rows, form, said, now)
    assert repeats[Status.ENTERED] > judged / 15
    assert repeats[Status.BLOCKED] > judged / 30
