"""Which hops do a flow's steps claim, of those that really come in? Looked at on some of the leads heard of last.

`leadtrace flow check` reads the file alone; what the systems send is known only here. A flow of which nothing is
claimed, everything, or one hop by two steps, answers wrongly without a mistake in its file.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from lineage.answers import Finding, FlowCheck
from model.flow import Flow, Step
from model.hop import Hop
from store import counts, leads
from store.engine import Store
from store.hops import hops_of_leads

SAMPLE_LEADS = 100
SAMPLE_LINES = 20_000
HOPS_A_LEAD = 200
FEWEST = 20  # of fewer hops nothing can be said
SHOWN = 20


def check(store: Store, flow: Flow) -> FlowCheck:
    """Look at the hops of leads that tried the flow last, and of as many that were heard of last."""
    half = SAMPLE_LEADS // 2
    asked = counts.leads_of_flow_last(store, flow.name, most=half)
    asked += leads.heard_last(store, lines=SAMPLE_LINES, most=SAMPLE_LEADS - half)
    found = hops_of_leads(store, list(dict.fromkeys(asked)), most=HOPS_A_LEAD)
    hops = [hop for some in found.values() for hop in some if hop.flow in {"", flow.name}]
    findings = list(_findings(flow, hops, len(found)))[:SHOWN] if len(hops) >= FEWEST else []
    return FlowCheck(flow=flow.name, version=flow.version, leads=len(found), hops=len(hops), findings=findings)


def _findings(flow: Flow, hops: Sequence[Hop], leads: int) -> Iterator[Finding]:
    claimed: Counter[str] = Counter()
    shared: Counter[tuple[str, str]] = Counter()
    for hop in hops:
        named = flow.step_of(hop)
        claims = [step.name for step in flow.steps if _claims(step, hop)]
        claimed.update({*claims, named.name} if named is not None else claims)
        if len(claims) > 1 and named is not None and named.name == claims[0]:
            shared.update((claims[0], other) for other in claims[1:])
    of = f"of the {len(hops):,} hops of the {leads:,} leads heard of last"
    if not claimed:
        yield Finding(kind="nothing", step="", other="", hops=0, says=f"None {of} belongs to any step of this flow.")
        return
    for step in flow.steps:
        if not claimed[step.name]:
            says = f"None {of} belongs to the step {_called(step)}."
            yield Finding(kind="nothing", step=step.name, other="", hops=0, says=says)
        elif step.matchers and claimed[step.name] == len(hops) and len(flow.steps) > 1:
            says = f"The step {_called(step)} claims every one {of}."
            yield Finding(kind="everything", step=step.name, other="", hops=len(hops), says=says)
    for (first, other), count in shared.most_common():
        one, two = _called(flow.by_name[first]), _called(flow.by_name[other])
        says = f"{count:,} {of} fit both {one} and {two}; they count for {one}, the first in the flow."
        yield Finding(kind="shared", step=first, other=other, hops=count, says=says)


def _claims(step: Step, hop: Hop) -> bool:
    return any(matcher.matches(hop) for matcher in step.matchers)


def _called(step: Step) -> str:
    return f"“{step.title or step.name}”"
