"""Judging again by an edited flow file: looked at first, then chosen.

Entries are judged by the version that was in force at their capture. `preview` says what another version would have
said of entries that are there; `apply` makes a version the one that judges them from a moment on.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from lineage.answers import Answer
from lineage.ask import Library, NotFoundError
from lineage.flowbook import READ_AGAIN
from lineage.identity import hops_of_identities, read_merges
from lineage.journey import journeys
from lineage.verdict import judge
from model.flow import Flow
from model.verdict import Verdict
from store import agenda, counts, flow_versions
from store.counts import Slice
from store.flow_versions import FlowVersion
from store.verdicts import verdicts_of_leads

MOST_LEADS = 100_000
LEADS_A_QUERY = 1_000
EXAMPLES = 5
AFTER_READING = READ_AGAIN + timedelta(seconds=1)


class Turn(Answer):
    """Entries that would be said to have ended otherwise, with a few of their leads."""

    was: str
    would_be: str
    entries: int
    examples: list[str]


class Preview(Answer):
    """What a version of a flow would say of entries that are there. `cut` says that there were more leads."""

    flow: str
    version: str
    since: datetime
    entries: int
    same: int
    turns: list[Turn]
    cut: bool


def preview(library: Library, flow: Flow, since: datetime, *, now: datetime) -> Preview:
    """Judge the entries captured since a moment by `flow`, and compare with what is said of them."""
    leads = counts.leads_of_flow(library.store, Slice(flow.name, since, now), most=MOST_LEADS + 1)
    turned: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}
    for was, would_be in _both(library, flow, leads[:MOST_LEADS], since, now):
        turn = (_said(was), _said(would_be))
        turned[turn] += 1
        if len(examples.setdefault(turn, [])) < EXAMPLES:
            examples[turn].append(was.lead)
    return Preview(
        flow=flow.name,
        version=flow.version,
        since=since,
        entries=turned.total(),
        same=sum(count for (was, would_be), count in turned.items() if was == would_be),
        turns=[
            Turn(was=was, would_be=would_be, entries=count, examples=examples[(was, would_be)])
            for (was, would_be), count in turned.most_common()
            if was != would_be
        ],
        cut=len(leads) > MOST_LEADS,
    )


def _both(
    library: Library, flow: Flow, leads: Sequence[str], since: datetime, now: datetime
) -> Iterator[tuple[Verdict, Verdict]]:
    """Each entry's verdict as it stands, and as `flow` would have it."""
    flows = {**library.flows(), flow.name: flow}
    for start in range(0, len(leads), LEADS_A_QUERY):
        some = leads[start : start + LEADS_A_QUERY]
        merges = read_merges(library.store, some)
        read = hops_of_identities(library.store, [merges.identity(lead) for lead in some])
        for lead, written in verdicts_of_leads(library.store, some).items():
            hops = read[lead].hops if lead in read else ()  # not there: merged since, and not settled yet
            made = {one.entry: one for one in journeys(lead, hops, flows)}
            for one in written:
                was = one.verdict
                if was.flow == flow.name and was.captured_at >= since and was.entry in made:
                    yield was, judge(made[was.entry], flow, now, library.codes())


def _said(verdict: Verdict) -> str:
    cause = f" {verdict.cause} at {verdict.step}" if verdict.cause and verdict.status != "entered" else ""
    return f"{verdict.status.value}{cause}"


def apply(library: Library, name: str, since: datetime, *, now: datetime) -> int:
    """Judge entries captured since a moment by the version in force now; returns how many leads that concerns.

    Raises NotFoundError for a flow that no file describes.
    """
    flow = library.flows().get(name)
    if flow is None:
        raise NotFoundError(f"No flow file describes “{name}”. The flows are: {', '.join(sorted(library.flows()))}.")
    store = library.store
    flow_versions.record(store, FlowVersion(flow.name, flow.version, flow.text, since, now))
    leads = counts.leads_of_flow(store, Slice(name, since, now), most=10 * MOST_LEADS)
    # The settle loop reads versions again every few seconds; it must know of this one when it comes to these leads.
    due = agenda.engine_now(store) + AFTER_READING
    agenda.remind(store, [(due, lead) for lead in leads])
    return len(leads)
