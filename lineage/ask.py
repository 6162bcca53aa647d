"""Asks the store, judges what must be judged, and makes the answers that people read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from lineage.affected import AffectedBy
from lineage.answers import (
    AlsoAffected,
    ChangeAnswer,
    DuplicateAnswer,
    FlowCheck,
    Found,
    FoundLead,
    HopAnswer,
    LeadAnswer,
    Why,
)
from lineage.changes import what_changed
from lineage.flowbook import FlowReader
from lineage.history import told_before
from lineage.identity import HopsRead, Identity, hops_of_identities, read_merges
from lineage.journey import Journey, journeys
from lineage.judging import judge_journeys
from lineage.kept import Kept
from lineage.obstacles import MERGED_AWAY
from lineage.shown import (
    contribution_answer,
    entry_answer,
    evidence_answer,
    hop_answers,
    known_by,
    left_again,
    mask_of,
    merges_told,
    step_state,
    then_now_answer,
)
from lineage.verdict import Seen, seen
from model.causes import VendorCodes, built_in_codes, causes
from model.flow import Flow
from model.verdict import Status, Verdict
from store import leads
from store.engine import Store
from store.leads import Key
from store.merges import MergeSaid, merges_of_leads
from store.verdicts import Written, body_of, history_of_entry, verdicts_of_leads

PAGE = 25
MAX_SKIP = 10_000
SHOWN_HOPS = 2_000
SHOWN_DUPLICATES = 20
CHECKED_AGAIN_S = 60.0
_STOPPED = frozenset({Status.BLOCKED, Status.SKIPPED})
MAX_TRACES = 500


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

    @cached_property
    def affected(self) -> AffectedBy:
        """Says whom else a cause stopped."""
        return AffectedBy(self.store)

    @cached_property
    def checks(self) -> Kept[tuple[str, str], FlowCheck]:
        """What was found of each version of a flow; looking reads thousands of hops."""
        return Kept(keep_s=CHECKED_AGAIN_S, most=100)


# ── finding a lead ──────────────────────────────────────────────────────────────────────────────────────────────────


def search(library: Library, text: str, *, cursor: str | None = None, now: datetime) -> Found:
    """Leads that `text` finds (id, correlation id, e-mail, CRM id, trace id); the latest leads for an empty text.

    A lead that was merged into another is found as the one that goes on.
    """
    skip = int(cursor) if cursor and cursor.isdecimal() else 0
    hits = _hits(library, text, skip, now) or _hits(library, text.strip(), skip, now)
    merges = read_merges(library.store, [hit.lead for hit in hits[:PAGE]])
    shown: dict[Identity, leads.Hit] = {}
    for hit in hits[:PAGE]:
        identity = merges.identity(hit.lead)
        if identity not in shown or (hit.lead == identity.lead and not shown[identity].exact):
            shown[identity] = hit
    ids = [one for identity in shown for one in identity.ids]
    keys = leads.keys_of(library.store, ids)
    written = verdicts_of_leads(library.store, [identity.lead for identity in shown])
    more = len(hits) > PAGE and skip + PAGE < MAX_SKIP
    return Found(
        leads=[
            _found(identity, hit, _all_keys(identity, keys), written.get(identity.lead, []))
            for identity, hit in shown.items()
        ],
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
    found: list[str] = []
    if len(text) == 32 and skip == 0:
        found = leads.leads_of_trace(store, text.lower())
    elif _merged_into(library, text) and skip == 0:
        found = [text]
    return [leads.Hit(lead, exact=True, last_seen=now, found_by="trace") for lead in found]


def _merged_into(library: Library, lead: str) -> bool:
    """Was another lead merged into this one? Then it is known, though nothing came in under its id."""
    return bool(merges_of_leads(library.store, [lead], most=1))


def _found(identity: Identity, hit: leads.Hit, keys: Sequence[Key], written: Sequence[Written]) -> FoundLead:
    written = sorted(written, key=lambda one: _is_elsewhere(one.verdict, hit.lead))
    latest = written[0].verdict if written else None
    return FoundLead(
        lead=identity.lead,
        mask=mask_of(keys),
        campaign=latest.campaign if latest else "",
        last_seen=max([hit.last_seen, *(one.verdict.last_hop_at for one in written)]),
        entries=[entry_answer(one.verdict) for one in written[:20]],
        found_as=hit.lead if hit.lead != identity.lead else "",
    )


def _is_elsewhere(verdict: Verdict, asked: str) -> bool:
    """Was the entry merged away from another id than the one that is looked for? Then it says least about it."""
    return verdict.cause == MERGED_AWAY and asked not in verdict.came_as


def _all_keys(identity: Identity, keys: Mapping[str, Sequence[Key]]) -> list[Key]:
    return [key for one in identity.ids for key in keys.get(one, ())]


# ── looking one up ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Known:
    """All that is known of one lead at a moment, read once. `asked` is the id by which it was asked for."""

    library: Library
    asked: str
    identity: Identity
    said: Sequence[MergeSaid]
    read: HopsRead
    now: datetime

    @property
    def lead(self) -> str:
        return self.identity.lead

    @property
    def ids(self) -> list[str]:
        """Its ids, and those that it once had."""
        named = [name for one in self.said for name in (one.merged, one.survivor) if name]
        return list(dict.fromkeys([*self.identity.ids, *named]))

    @cached_property
    def journeys(self) -> list[Journey]:
        return journeys(self.lead, self.read.hops, self.library.flows(), cut=self.read.cut)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """One verdict an entry and flow, as of the moment; the latest captured first."""
        judged = judge_journeys(self.journeys, self.library.book(self.now), self.now, self.library.codes())
        return sorted(judged, key=lambda one: (one.captured_at, one.entry), reverse=True)

    @cached_property
    def written(self) -> list[Written]:
        """What the store has of its verdicts."""
        return verdicts_of_leads(self.library.store, [self.lead]).get(self.lead, [])

    def seen(self, journey: Journey, flow: str) -> Seen | None:
        """What the judge saw of an entry in a flow; None where no file describes it."""
        if (journey.entry, flow) not in self._seen:
            described = self.library.book(self.now).in_force(flow, journey.hops[0].at)
            found = seen(journey, described, self.now, self.library.codes()) if described else None
            self._seen[journey.entry, flow] = found
        return self._seen[journey.entry, flow]

    @cached_property
    def _seen(self) -> dict[tuple[str, str], Seen | None]:
        return {}


def look_up(library: Library, text: str, *, now: datetime) -> Known:
    """The lead that `text` names: its id, or any key that belongs to it alone. Raises NotFoundError otherwise.

    A lead that was merged into another is the one that goes on, with the hops of both.
    """
    found = _ids_of(library, text)
    merges = read_merges(library.store, found)
    identities = list(dict.fromkeys(merges.identity(one) for one in found))
    if len(identities) > 1:
        some = ", ".join(one.lead for one in identities[:5])
        raise NotFoundError(f"“{text.strip()}” belongs to {len(identities)} leads: {some}. Ask for one of them.")
    (identity,) = identities
    return Known(
        library=library,
        asked=found[0] if len(found) == 1 else identity.lead,
        identity=identity,
        said=merges.told_of(identity),
        read=hops_of_identities(library.store, [identity])[identity.lead],
        now=now,
    )


def _ids_of(library: Library, text: str) -> list[str]:
    """The lead ids that a text names; one where it is an id itself. Blanks around it count where the id has them."""
    wanted = text.strip()
    for key in dict.fromkeys((text, wanted, *library.tokens(wanted))):
        exact = [hit.lead for hit in leads.search(library.store, key, skip=0, most=20) if hit.exact]
        if exact:
            return [key] if key in exact else sorted(set(exact))
    if found := leads.leads_of_trace(library.store, wanted.lower()):
        return found[:1]
    if _merged_into(library, wanted):
        return [wanted]
    raise NotFoundError(f"No lead is known by “{wanted}”. Search for the start of its id, or for its e-mail address.")


# ── a lead's journey ────────────────────────────────────────────────────────────────────────────────────────────────


def journey_of(library: Library, text: str, *, now: datetime) -> LeadAnswer:
    """Everything that is known of a lead. Raises NotFoundError."""
    return journey_answer(look_up(library, text, now=now))


def journey_answer(known: Known) -> LeadAnswer:
    """The same, of a lead that was looked up."""
    if not known.read.hops:
        raise NotFoundError(f"Nothing is known of the lead “{known.lead}” any more.")
    store = known.library.store
    keys = _all_keys(known.identity, leads.keys_of(store, known.identity.ids))
    hops = _hops(known)
    return LeadAnswer(
        lead=known.lead,
        keys=known_by(keys),
        mask=mask_of(keys),
        entries=[entry_answer(one) for one in known.verdicts],
        hops=hops,
        cut=known.read.cut or len(hops) < sum(len(one.hops) for one in known.journeys),
        asked=known.asked,
        merges=merges_told(known.said),
        duplicates=_duplicates(known, keys),
        shared_traces=_shared_traces(known, hops),
    )


def _hops(known: Known) -> list[HopAnswer]:
    flows = known.library.flows()
    shown: list[HopAnswer] = []
    for journey in known.journeys:
        found = next((found for name in journey.flows(flows) if (found := known.seen(journey, name))), None)
        shown += hop_answers(journey, found, SHOWN_HOPS - len(shown))
    return shown


def _duplicates(known: Known, keys: Sequence[Key]) -> list[DuplicateAnswer]:
    telling = [key for key in keys if key.kind in {"email", "crm"}]
    others = leads.sharing(known.library.store, known.identity.ids, telling, most=SHOWN_DUPLICATES)
    return [DuplicateAnswer(lead=one.lead, by=one.kind, mask=one.mask, last_seen=one.last_seen) for one in others]


def _shared_traces(known: Known, hops: Sequence[HopAnswer]) -> dict[str, int]:
    traces = list(dict.fromkeys(hop.trace_id for hop in hops if hop.trace_id))
    others = leads.others_of_traces(known.library.store, traces[:MAX_TRACES], known.identity.ids)
    return {trace: count + 1 for trace, count in others.items()}


# ── why ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def why(library: Library, text: str, *, flow: str | None = None, entry: str | None = None, now: datetime) -> Why:
    """The answer for the flow and entry asked, else for the lead's latest entry. Raises NotFoundError."""
    return why_answer(look_up(library, text, now=now), flow=flow, entry=entry)


def why_answer(known: Known, *, flow: str | None = None, entry: str | None = None) -> Why:
    """The same, of a lead that was looked up. Of merged leads, who asks by one id means what came in as that."""
    wanted = [one for one in known.verdicts if flow in (None, one.flow) and entry in (None, one.entry)]
    if not wanted:
        raise NotFoundError(_no_entry(known, flow, entry))
    by_entry = {journey.entry: journey for journey in known.journeys}
    verdict = next((one for one in wanted if known.asked in by_entry[one.entry].ids), wanted[0])
    journey = by_entry[verdict.entry]
    found = known.seen(journey, verdict.flow)
    return _why(known, verdict, journey, found)


def _no_entry(known: Known, flow: str | None, entry: str | None) -> str:
    asked = f"entry “{entry}”" if entry else f"entry in the flow “{flow}”" if flow else "entry in any flow"
    has = ", ".join(sorted({one.flow for one in known.verdicts}))
    return f"{known.lead} has no {asked}. " + (f"It has entries in: {has}." if has else "Its hops belong to no flow.")


def _decided_at(known: Known, verdict: Verdict) -> datetime:
    """When the verdict was written; now, when the settle loop has not come to it yet."""
    body = body_of(verdict)
    return next((one.decided_at for one in known.written if one.body == body), known.now)


def _why(known: Known, verdict: Verdict, journey: Journey, found: Seen | None) -> Why:
    library = known.library
    meant = causes().get(verdict.cause)
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
        decided_at=_decided_at(known, verdict),
        deadline_at=verdict.deadline_at,
        owner=verdict.owner or None,
        playbook=verdict.playbook or None,
        raw_reason=verdict.raw_reason or None,
        evidence=[evidence_answer(one) for one in verdict.evidence],
        contributing=[contribution_answer(one) for one in verdict.contributing],
        also_affected=_also_affected(known, verdict),
        changes=_changes(library, verdict),
        title=meant.title if meant else "",
        remedy=meant.remedy if meant else "",
        system=verdict.system or None,
        campaign=verdict.campaign,
        segment=verdict.segment,
        source=verdict.source,
        notes=list(verdict.notes),
        steps=[step_state(one) for one in found.steps] if found else [],
        history=told_before(history_of_entry(library.store, known.ids, verdict.flow, verdict.entry)),
        hops=verdict.hops,
        flow_version=verdict.flow_version,
        asked=known.asked,
        came_as=list(verdict.came_as),
        merges=merges_told(known.said),
        left_again=left_again(verdict, journey, found),
        then_and_now=[then_now_answer(one) for one in verdict.then_and_now],
    )


def _also_affected(known: Known, verdict: Verdict) -> AlsoAffected:
    if verdict.status not in _STOPPED:
        return AlsoAffected(leads=0, since=None)
    others, since = known.library.affected.others(verdict, [one.verdict for one in known.written])
    return AlsoAffected(leads=others, since=since)


def _changes(library: Library, verdict: Verdict) -> list[ChangeAnswer]:
    if verdict.status not in _STOPPED or not verdict.cause:
        return []
    return [
        ChangeAnswer(
            at=one.change.at,
            what=one.change.what,
            kind=one.change.kind,
            overlap=one.overlap,
            link=one.change.link or None,
        )
        for one in what_changed(library.store, verdict, library.affected.times(verdict))
    ]
