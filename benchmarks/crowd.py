"""Millions of leads at once: the rows that ingest would have made, made by the engine itself.

A lead's id is a hash of its number, so ids come in no order, as real ones do; ten hops a lead, one in ten leads stopped
at the CRM. Everybody has a verdict, so that counting the others affected costs what it costs.
"""

import random
from importlib.resources import files

from benchmarks.measure import say
from store.engine import Store

HOPS_A_LEAD = 10
LEADS_A_BATCH = 100_000


def build(store: Store, spans: int) -> int:
    """Fill timeline, lead_keys and verdicts; returns how many leads there are."""
    leads = spans // HOPS_A_LEAD
    statements = files("benchmarks").joinpath("crowd.sql").read_text().split(";\n")
    for start in range(0, leads, LEADS_A_BATCH):
        for statement in filter(str.strip, statements):
            store.command(statement, {"start": start, "leads": min(LEADS_A_BATCH, leads - start)})
        say(f"  crowd: {min(start + LEADS_A_BATCH, leads):,} of {leads:,} leads")
    return leads


def some_leads(store: Store, leads: int, wanted: int) -> list[str]:
    """Ids of leads taken by chance, the same at every run."""
    numbers = random.Random(7).sample(range(leads), min(wanted, leads))
    with store.client() as client:
        rows = client.query(
            "SELECT concat('L-', lower(hex(sipHash64(arrayJoin({numbers:Array(UInt64)})))))",
            parameters={"numbers": numbers},
        ).result_rows
    return [row[0] for row in rows]
