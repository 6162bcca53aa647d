"""Asks the store, judges what must be judged, and makes the answers that people read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from lineage.answers import (
    AlsoAffected,
    ChangeAnswer,
    ContributionAnswer,
    EntryAnswer,
    EvidenceAnswer,
    Found,
    FoundLead,
    HopAnswer,
    LeadAnswer,
    StepState,
    Why,
)
from lineage.changes import what_changed
from lineage.flowbook import FlowReader
from lineage.history import told_before
from lineage.journey import Journey, journeys
from lineage.settle import judge_lead
from lineage.signs import Sign
from lineage.verdict import seen
from model.causes import VendorCodes, built_in_codes, causes
from model.flow import Flow
from model.hop import Hop, moment
from model.verdict import Status, Verdict
from store import counts, leads
from store.engine import Store
from store.hops import MAX_HOPS_OF_A_LEAD, hops_of_leads
from store.leads import Key
from store.verdicts import Written, body_of, history_of_entry, verdicts_of_leads

PAGE = 25
MAX_SKIP = 10_000
NEAR = timedelta(hours=24)
SHOWN_HOPS = 2_000


class NotFoundError(LookupError):
    """What was asked for is not there; the message is a sentence for the person who asked."""


@dataclass(frozen=True)
class Library:
    """What answering needs: the store, the flows in force, and the key that turns an e-mail into what is stored."""

    store: Store
    flows: Callable[[], Mapping[str, Flow]]
    tokens: Callable[[str], Sequence[str]] = field(default=lambda _text: ())
    codes: Callable[[], VendorCodes] = field(default=built_in_codes)

    @cached_property
    def book(self) -> FlowReader:
        """Gives, at a moment, every version of the flows."""
        return FlowReader(self.store, self.flows)


# ── finding a lead ──────────────────────────────────────────────────────────────────────────────────────────────────


def lead_of(library: Library, text: str) -> str:
    """The lead that `text` names: its id, or any key that belongs to it alone. Raises NotFoundError otherwise."""
    wanted = text.strip()
    for key in (wanted, *library.tokens(wanted)):
        exact = [hit for hit in leads.search(library.store, key, skip=0, most=20) if hit.exact]
        same = [hit.lead for hit in exact if hit.lead == key]
        found = same or sorted({hit.lead for hit in exact})
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFoundError(
                f"“{wanted}” belongs to {len(found)} leads: {', '.join(found[:5])}. Ask for one of them."
            )
    if found := leads.leads_of_trace(library.store, wanted.lower()):
        return found[0]
    raise NotFoundError(f"No lead is known by “{wanted}”. Search for the start of its id, or for its e-mail address.")


def search(library: Library, text: str, *, cursor: str | None = None, now: datetime) -> Found:
    """Leads that `text` finds (id, correlation id, e-mail, CRM id, trace id); the latest leads for an empty text."""
    skip = int(cursor) if cursor and cursor.isdecimal() else 0
    hits = _hits(library, text.strip(), skip, now)
    shown = hits[:PAGE]
    ids = [hit.lead for hit in shown]
    keys = leads.keys_of(library.store, ids)
    written = verdicts_of_leads(library.store, ids)
    more = len(hits) > PAGE and skip + PAGE < MAX_SKIP
    return Found(
        leads=[_found(hit, keys.get(hit.lead, []), written.get(hit.lead, [])) for hit in shown],
        next=str(skip + PAGE) if more else None,
    )


def _hits(library: Library, text: str, skip: int, now: datetime) -> list[leads.Hit]:
    store = library.store
    if not text:
        return leads.recent(store, skip=skip, most=PAGE + 1)
    for token in library.tokens(text):
        if hits := leads.search(store, token, skip=skip, most=PAGE + 1):
            return hits
    if hits := leads.search(store, text, skip=skip, most=PAGE + 1):
        return hits
    if len(text) == 32 and skip == 0:
        return [
            leads.Hit(lead, exact=True, last_seen=now, found_by="trace")
            for lead in leads.leads_of_trace(store, text.lower())
        ]
    return []


def _found(hit: leads.Hit, keys: Sequence[Key], written: Sequence[Written]) -> FoundLead:
    latest = written[0].verdict if written else None
    return FoundLead(
        lead=hit.lead,
        mask=_mask(keys),
        campaign=latest.campaign if latest else "",
        last_seen=max([hit.last_seen, *(one.verdict.last_hop_at for one in written)]),
        entries=[_entry(one.verdict) for one in written[:20]],
    )


def _mask(keys: Sequence[Key]) -> str:
    return next((key.mask for kind in ("email", "phone") for key in keys if key.kind == kind and key.mask), "")


def _entry(verdict: Verdict) -> EntryAnswer:
    return EntryAnswer(
        entry=verdict.entry,
        flow=verdict.flow,
        captured_at=verdict.captured_at,
        status=verdict.status.value,
        cause=verdict.cause or None,
        headline=verdict.headline,
        campaign=verdict.campaign,
        segment=verdict.segment,
    )


# ── a lead's journey ────────────────────────────────────────────────────────────────────────────────────────────────


def journey_of(library: Library, text: str, *, now: datetime) -> LeadAnswer:
    """Everything that is known of a lead. Raises NotFoundError."""
    lead = lead_of(library, text)
    flows = library.flows()
    hops = hops_of_leads(library.store, [lead]).get(lead, [])
    if not hops:
        raise NotFoundError(f"Nothing is known of the lead “{lead}” any more.")
    cut = len(hops) >= MAX_HOPS_OF_A_LEAD
    made = journeys(lead, hops, flows, cut=cut)
    keys = leads.keys_of(library.store, [lead]).get(lead, [])
    shown = [answer for journey in made for answer in _hops(journey, flows, now, library.codes())]
    verdicts = judge_lead(lead, hops, library.book(now), now, library.codes())
    return LeadAnswer(
        lead=lead,
        keys=_known_by(keys),
        mask=_mask(keys),
        entries=[_entry(one) for one in sorted(verdicts, key=lambda one: one.captured_at, reverse=True)],
        hops=shown[:SHOWN_HOPS],
        cut=cut or len(shown) > SHOWN_HOPS,
    )


def _known_by(keys: Sequence[Key]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(key.kind, []).append(key.key)
    return found


def _hops(journey: Journey, flows: Mapping[str, Flow], now: datetime, codes: VendorCodes) -> list[HopAnswer]:
    flow = next((flows[name] for name in journey.flows(flows) if name in flows), None)
    placed = seen(journey, flow, now, codes).hops if flow else {}
    return [_hop(hop, journey.entry, *placed.get(hop.key, ("", None))) for hop in journey.hops]


_SAID = {"success": "ok", "failure": "failed", "stop": "skipped", "neutral": "seen"}


def _hop(hop: Hop, entry: str, step: str, sign: Sign | None) -> HopAnswer:
    return HopAnswer(
        trace_id=hop.trace_id,
        span_id=hop.hop_id,
        parent_span_id=hop.parent_id,
        service=hop.service,
        name=hop.name,
        step=step or None,
        at=hop.at,
        duration_ms=hop.duration_ns / 1e6,
        outcome=hop.outcome or (_SAID[sign.effect] if sign else "seen"),
        reason=hop.reason or (sign.raw_reason if sign else "") or None,
        attempt=hop.attempt,
        signal=hop.signal,
        kind=hop.kind,
        status=hop.status,
        entry=entry,
        event=hop.event,
        service_version=hop.service_version,
        cause=sign.cause or None if sign else None,
        attributes=dict(hop.attributes),
        events=[
            {"at": moment(event.at_ns), "name": event.name, "attributes": dict(event.attributes)}
            for event in hop.events
        ],
    )


# ── why ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def why(library: Library, text: str, *, flow: str | None = None, entry: str | None = None, now: datetime) -> Why:
    """The answer for the flow and entry asked, else for the lead's latest entry. Raises NotFoundError."""
    lead = lead_of(library, text)
    flows = library.flows()
    hops = hops_of_leads(library.store, [lead]).get(lead, [])
    cut = len(hops) >= MAX_HOPS_OF_A_LEAD
    judged = judge_lead(lead, hops, library.book(now), now, library.codes())
    wanted = [one for one in judged if flow in (None, one.flow) and entry in (None, one.entry)]
    if not wanted:
        raise NotFoundError(_no_entry(lead, judged, flow, entry))
    verdict = max(wanted, key=lambda one: (one.captured_at, one.entry))
    journey = next(one for one in journeys(lead, hops, flows, cut=cut) if one.entry == verdict.entry)
    described = library.book(now).in_force(verdict.flow, journey.hops[0].at)
    return _why(library, verdict, _decided_at(library, verdict, now), _strip(journey, described, now, library.codes()))


def _no_entry(lead: str, judged: Sequence[Verdict], flow: str | None, entry: str | None) -> str:
    asked = f"entry “{entry}”" if entry else f"entry in the flow “{flow}”" if flow else "entry in any flow"
    has = ", ".join(sorted({one.flow for one in judged}))
    return f"{lead} has no {asked}. " + (f"It has entries in: {has}." if has else "Its hops belong to no flow.")


def _decided_at(library: Library, verdict: Verdict, now: datetime) -> datetime:
    """When the verdict was written; now, when the settle loop has not come to it yet."""
    body = body_of(verdict)
    written = verdicts_of_leads(library.store, [verdict.lead]).get(verdict.lead, [])
    return next((one.decided_at for one in written if one.body == body), now)


def _strip(journey: Journey, flow: Flow | None, now: datetime, codes: VendorCodes) -> list[StepState]:
    if flow is None:
        return []
    return [
        StepState(
            step=one.step.name,
            title=one.step.title or one.step.name,
            kind=one.step.kind,
            owner=one.step.owner,
            state=one.state,
            at=moment(one.at_ns) if one.at_ns is not None else None,
        )
        for one in seen(journey, flow, now, codes).steps
    ]


def _why(library: Library, verdict: Verdict, decided_at: datetime, steps: list[StepState]) -> Why:
    known = causes().get(verdict.cause)
    return Why(
        lead=verdict.lead,
        flow=verdict.flow,
        entry=verdict.entry,
        status=verdict.status.value,
        cause=verdict.cause or None,
        cls=verdict.cls or None,
        step=verdict.step or None,
        headline=verdict.headline,
        entered_at=verdict.entered_at,
        late=verdict.late,
        captured_at=verdict.captured_at,
        since=verdict.since,
        decided_at=decided_at,
        deadline_at=verdict.deadline_at,
        owner=verdict.owner or None,
        playbook=verdict.playbook or None,
        raw_reason=verdict.raw_reason or None,
        evidence=[
            EvidenceAnswer(
                trace_id=one.trace_id,
                span_id=one.span_id,
                service=one.service,
                name=one.name,
                at=one.at,
                outcome=one.outcome,
            )
            for one in verdict.evidence
        ],
        contributing=[
            ContributionAnswer(
                cause=one.cause, step=one.step, title=causes()[one.cause].title if one.cause in causes() else one.cause
            )
            for one in verdict.contributing
        ],
        also_affected=_also_affected(library, verdict),
        changes=_changes(library, verdict),
        title=known.title if known else "",
        remedy=known.remedy if known else "",
        system=verdict.system or None,
        campaign=verdict.campaign,
        segment=verdict.segment,
        source=verdict.source,
        notes=list(verdict.notes),
        steps=steps,
        history=told_before(history_of_entry(library.store, verdict.lead, verdict.flow, verdict.entry)),
        hops=verdict.hops,
        flow_version=verdict.flow_version,
    )


def _also_affected(library: Library, verdict: Verdict) -> AlsoAffected:
    if verdict.status not in {Status.BLOCKED, Status.SKIPPED}:
        return AlsoAffected(leads=0, since=None)
    count, since = counts.also_affected(
        library.store,
        flow=verdict.flow,
        status=verdict.status.value,
        cause=verdict.cause,
        step=verdict.step,
        lead=verdict.lead,
        since=verdict.since - NEAR,
        until=verdict.since + NEAR,
    )
    return AlsoAffected(leads=count, since=since)


def _changes(library: Library, verdict: Verdict) -> list[ChangeAnswer]:
    return [
        ChangeAnswer(
            at=one.change.at,
            what=one.change.what,
            kind=one.change.kind,
            overlap=one.overlap,
            link=one.change.link or None,
        )
        for one in what_changed(library.store, verdict)
    ]
