"""What a lead's page shows, made ready: the answer, the entries to choose from, the drawing, the hops of this page."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lineage import ask
from lineage.answers import EntryAnswer, EvidenceAnswer, HopAnswer, LeadAnswer, Why
from lineage.ask import Known, Library, NotFoundError
from model.causes import UNMAPPED
from ui.timeline import Awaited, Bar, Timeline, timeline
from ui.words import (
    call_name,
    cause_title,
    causes_url,
    hop_anchor,
    lead_url,
    milliseconds,
    offset,
    outcome_state,
    trace_url,
)

HOPS_A_PAGE = 200
_NEAR = timedelta(hours=24)
_FIRST = ("exception.", "error", "http.", "url.", "server.", "rpc.", "messaging.", "db.")
_KEYS = {"lead": "Lead id", "crm": "CRM id", "entry": "Correlation id", "email": "E-mail token", "phone": "Phone token"}


@dataclass(frozen=True, slots=True)
class Question:
    """Which lead, which of its entries, and whose hops: `show` is one, all, or '' for what suits the lead."""

    lead: str
    flow: str = ""
    entry: str = ""
    since_hop: int = 0
    show: str = ""


@dataclass(frozen=True, slots=True)
class HopRow:
    hop: HopAnswer
    anchor: str
    state: str
    after: str
    name: str
    cause: str
    attributes: Sequence[tuple[str, str]]
    came_as: str
    entry: str
    early: str
    shared: int


@dataclass(frozen=True, slots=True)
class Tab:
    """One entry to choose."""

    entry: EntryAnswer
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """A hop that shows it, with the address at which it stands on this page or another."""

    evidence: EvidenceAnswer
    name: str
    attempt: int
    url: str


@dataclass(frozen=True, slots=True)
class LeadView:
    known: LeadAnswer
    why: Why | None
    tabs: Sequence[Tab]
    shows_all: bool
    other_hops_url: str
    drawing: Timeline | None
    total: int
    early: Sequence[HopAnswer]
    rows: Sequence[HopRow]
    first: int
    before_url: str
    after_url: str
    proofs: Sequence[Proof]
    others_url: str
    keys: Sequence[tuple[str, Sequence[str]]]
    titles: Mapping[str, str]
    url: str
    pending: bool
    digest: str
    page: "_Page"

    def url_of_bar(self, bar: Bar) -> str:
        """Where the hop of a bar stands: on this page or another."""
        here = bar.number // HOPS_A_PAGE * HOPS_A_PAGE == self.first
        return f"#{bar.anchor}" if here else f"{self.page.url(bar.number)}#{bar.anchor}"


def lead_view(library: Library, asked: Question, *, now: datetime) -> LeadView:
    """The page of a lead. Raises NotFoundError for an unknown lead, and for an entry or flow it does not have."""
    found = ask.look_up(library, asked.lead, now=now)
    known = ask.journey_answer(found)
    why = _why(found, known, asked)
    tabs = _tabs(known, why)
    shows_all = why is None or asked.show == "all" or (asked.show != "one" and bool(found.identity.merged))
    hops = _in_time(known.hops) if shows_all else [hop for hop in known.hops if why and hop.entry == why.entry]
    first = min(asked.since_hop, max(len(hops) - 1, 0)) // HOPS_A_PAGE * HOPS_A_PAGE
    page = _Page(known.asked, why, hops, asked.show)
    titles = {step.step: step.title for step in why.steps} if why else {}
    alone = len({hop.entry for hop in hops}) == 1
    return LeadView(
        known=known,
        why=why,
        tabs=tabs,
        shows_all=shows_all,
        other_hops_url=replace(page, show="one" if shows_all else "all").url(0) if tabs else "",
        drawing=timeline(hops, titles, _awaited(why) if why and alone else None),
        total=len(hops),
        early=[hop for hop in hops if hop.early_ms],
        rows=_rows(hops, first, known, tabs),
        first=first,
        before_url=page.url(first - HOPS_A_PAGE) if first else "",
        after_url=page.url(first + HOPS_A_PAGE) if first + HOPS_A_PAGE < len(hops) else "",
        proofs=[page.proof(one) for one in why.evidence] if why else [],
        others_url=_others_url(why) if why else "",
        keys=[(_KEYS[kind], known.keys[kind]) for kind in _KEYS if kind in known.keys],
        titles=titles,
        url=page.url(0),
        pending=why is not None and why.status == "pending",
        digest=_digest(why, len(known.hops)),
        page=page,
    )


def _awaited(why: Why) -> Awaited | None:
    """The step that the verdict rests on, where it is one that nothing was heard of."""
    step = next((step for step in why.steps if step.step == why.step and step.state in {"absent", "waiting"}), None)
    if step is None or why.status not in {"blocked", "pending"}:
        return None
    over = why.status == "blocked"
    return Awaited(step.title, step.owner, why.since if over else why.deadline_at, over)


def _in_time(hops: Sequence[HopAnswer]) -> list[HopAnswer]:
    """The hops of all entries by time, each entry's own in its causal order."""
    latest: dict[str, datetime] = {}
    placed: list[tuple[datetime, HopAnswer]] = []
    for hop in hops:
        latest[hop.entry] = max(latest.get(hop.entry, hop.at), hop.at)
        placed.append((latest[hop.entry], hop))
    return [hop for _, hop in sorted(placed, key=lambda pair: pair[0])]


def _why(found: Known, known: LeadAnswer, asked: Question) -> Why | None:
    """The verdict; None for a lead whose hops belong to no flow, unless one was asked for by name."""
    try:
        return ask.why_answer(found, flow=asked.flow or None, entry=asked.entry or None)
    except NotFoundError:
        if known.entries or asked.flow or asked.entry:
            raise
        return None


def _tabs(known: LeadAnswer, why: Why | None) -> list[Tab]:
    if len(known.entries) < 2 or why is None:
        return []
    return [
        Tab(
            entry,
            lead_url(known.asked, flow=entry.flow, entry=entry.entry),
            chosen=(entry.flow, entry.entry) == (why.flow, why.entry),
        )
        for entry in known.entries
    ]


@dataclass(frozen=True, slots=True)
class _Page:
    """Knows on which page of the journey a hop stands."""

    lead: str
    why: Why | None
    hops: Sequence[HopAnswer]
    show: str

    def url(self, number: int) -> str:
        """The page on which the `number`th hop stands."""
        named = {"flow": self.why.flow, "entry": self.why.entry} if self.why else {}
        return lead_url(self.lead, **named, show=self.show, hop=number // HOPS_A_PAGE * HOPS_A_PAGE or None)

    def proof(self, evidence: EvidenceAnswer) -> Proof:
        wanted = (evidence.trace_id, evidence.span_id)
        at = next((at for at, hop in enumerate(self.hops) if (hop.trace_id, hop.span_id) == wanted), None)
        if at is None:
            return Proof(evidence, evidence.name, 0, trace_url(*wanted))
        hop = self.hops[at]
        url = f"{self.url(at)}#{hop_anchor(*wanted)}"
        return Proof(evidence, call_name(hop.name, hop.attributes), hop.attempt, url)


def _rows(hops: Sequence[HopAnswer], first: int, known: LeadAnswer, tabs: Sequence[Tab]) -> list[HopRow]:
    start = hops[0].at if hops else None
    number = {tab.entry.entry: len(tabs) - at for at, tab in enumerate(tabs)}
    several = len({hop.entry for hop in hops}) > 1
    return [
        HopRow(
            hop=hop,
            anchor=hop_anchor(hop.trace_id, hop.span_id),
            state=outcome_state(hop.outcome),
            after=offset(hop.at - start) if start else "",
            name=hop.event or call_name(hop.name, hop.attributes),
            cause=cause_title(hop.cause) if hop.cause and (hop.cause != UNMAPPED or hop.reason) else "",
            attributes=telling_first(hop.attributes),
            came_as=hop.lead if hop.lead != known.lead else "",
            entry=f"entry {number[hop.entry]}" if several and hop.entry in number else "",
            early=milliseconds(hop.early_ms) if hop.early_ms else "",
            shared=known.shared_traces.get(hop.trace_id, 0),
        )
        for hop in hops[first : first + HOPS_A_PAGE]
    ]


def telling_first(attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    """What tells most first: errors, then the call, then the rest; the lead's own, the same on every hop, last."""

    def rank(key: str) -> tuple[int, str]:
        known = next((at for at, start in enumerate(_FIRST) if key.startswith(start)), len(_FIRST))
        return (known + 1 if key.startswith("lead.") else known, key)

    return sorted(attributes.items(), key=lambda pair: rank(pair[0]))


def _others_url(why: Why) -> str:
    """The list of leads that the same cause stopped around the same time."""
    since = (why.also_affected.since or why.since) - (why.deadline_at - why.captured_at) - _NEAR
    return causes_url(
        why.flow,
        cause=why.cause,
        step=why.step,
        status=why.status,
        since=f"{since:%Y-%m-%dT%H:%M:%SZ}",
        until=f"{why.since + _NEAR:%Y-%m-%dT%H:%M:%SZ}",
    )


def _digest(why: Why | None, hops: int) -> str:
    """Changes when the page would say something else."""
    text = f"{why.status} {why.headline}" if why else ""
    return hashlib.sha256(f"{text} {hops}".encode()).hexdigest()[:12]
