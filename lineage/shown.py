"""The parts of answers, made of what was read and judged. Nothing is asked or decided here."""

from collections.abc import Mapping, Sequence

from lineage.answers import (
    ContributionAnswer,
    EntryAnswer,
    EvidenceAnswer,
    HopAnswer,
    LeftAgain,
    MergeAnswer,
    StepState,
    ThenNowAnswer,
)
from lineage.footnotes import why_left
from lineage.journey import Journey
from lineage.signs import Sign
from lineage.verdict import Seen, StepSeen
from model.causes import causes
from model.hop import NS, Hop, moment
from model.verdict import Contribution, Evidence, ThenNow, Verdict
from store.leads import Key
from store.merges import MergeSaid

EARLY_FROM_NS = NS // 1_000  # a clock that differs by less than a millisecond misleads nobody


def mask_of(keys: Sequence[Key]) -> str:
    return next((key.mask for kind in ("email", "phone") for key in keys if key.kind == kind and key.mask), "")


def known_by(keys: Sequence[Key]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(key.kind, []).append(key.key)
    return {kind: list(dict.fromkeys(names)) for kind, names in found.items()}


def entry_answer(verdict: Verdict) -> EntryAnswer:
    return EntryAnswer(
        entry=verdict.entry,
        flow=verdict.flow,
        captured_at=verdict.captured_at,
        status=verdict.status.value,
        cause=verdict.cause or None,
        headline=verdict.headline,
        campaign=verdict.campaign,
        segment=verdict.segment,
        came_as=list(verdict.came_as),
    )


def step_state(one: StepSeen) -> StepState:
    return StepState(
        step=one.step.name,
        title=one.step.title or one.step.name,
        kind=one.step.kind,
        owner=one.step.owner,
        state=one.state,
        at=moment(one.at_ns) if one.at_ns is not None else None,
    )


def evidence_answer(one: Evidence) -> EvidenceAnswer:
    return EvidenceAnswer(
        trace_id=one.trace_id, span_id=one.span_id, service=one.service, name=one.name, at=one.at, outcome=one.outcome
    )


def then_now_answer(one: ThenNow) -> ThenNowAnswer:
    return ThenNowAnswer(
        step=one.step, attribute=one.attribute, then=one.then, now=one.now, then_at=one.then_at, now_at=one.now_at
    )


def contribution_answer(one: Contribution) -> ContributionAnswer:
    known = causes().get(one.cause)
    return ContributionAnswer(cause=one.cause, step=one.step, title=known.title if known else one.cause)


# ── hops ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def hop_answers(journey: Journey, seen: Seen | None, most: int) -> list[HopAnswer]:
    """At most `most` hops of a journey, the first and the last where there are more; `seen` says what the judge saw in
    them, if a flow describes it.
    """
    placed = seen.hops if seen else {}
    return [_hop(hop, journey, *placed.get(hop.key, ("", None))) for hop in _both_ends(journey.hops, most)]


def _both_ends(hops: Sequence[Hop], most: int) -> Sequence[Hop]:
    if len(hops) <= most:
        return hops
    last = most // 2
    return [*hops[: most - last], *hops[len(hops) - last :]]


_SAID = {"success": "ok", "failure": "failed", "stop": "skipped", "neutral": "seen"}


def _hop(hop: Hop, journey: Journey, step: str, sign: Sign | None) -> HopAnswer:
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
        entry=journey.entry,
        event=hop.event,
        service_version=hop.service_version,
        cause=sign.cause or None if sign else None,
        attributes=dict(hop.attributes),
        events=[
            {"at": moment(event.at_ns), "name": event.name, "attributes": dict(event.attributes)}
            for event in hop.events
        ],
        lead=hop.lead,
        early_ms=_early_ns(hop, journey.by_key) / 1e6,
    )


def _early_ns(hop: Hop, by_key: Mapping[tuple[str, str], Hop]) -> int:
    """How long before its cause the hop says that it began: its parent, else the last of what its links point at."""
    parent = by_key.get((hop.trace_id, hop.parent_id))
    causes = [parent] if parent is not None else [by_key[link] for link in hop.links if link in by_key]
    early = max((cause.at_ns for cause in causes), default=hop.at_ns) - hop.at_ns
    return early if early >= EARLY_FROM_NS else 0


# ── after the goal ──────────────────────────────────────────────────────────────────────────────────────────────────


def left_again(verdict: Verdict, journey: Journey, seen: Seen | None) -> LeftAgain | None:
    """That a lead which had entered left again, if that was the last that was heard of it."""
    entered_at = verdict.entered_at
    if entered_at is None or seen is None:
        return None
    told = ((hop, why_left(hop, seen.hops[hop.key][1])) for hop in journey.hops if hop.at >= entered_at)
    words = [(hop, why) for hop, why in told if why is not None]
    if not words:
        return None
    last, why = max(words, key=lambda pair: (pair[0].at_ns, pair[0].hop_id))
    reason = last.reason or None
    return LeftAgain(at=last.at, event=last.event, service=last.service, reason=reason, why=why) if why else None


# ── merges ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def merges_told(said: Sequence[MergeSaid]) -> list[MergeAnswer]:
    """Each merge once, with the moment at which it was taken back or gave way to another."""
    by_lead: dict[str, list[MergeSaid]] = {}
    for one in said:
        by_lead.setdefault(one.merged, []).append(one)
    told = [_merge(one, by_lead[one.merged]) for one in said if one.survivor]
    return sorted(told, key=lambda one: (one.at, one.lead))


def _merge(merge: MergeSaid, words: Sequence[MergeSaid]) -> MergeAnswer:
    others = [other for other in words if other is not merge]
    again = any(merge.first_at < other.last_at < merge.last_at for other in others)
    at = merge.last_at if again else merge.first_at
    until = min((other.last_at for other in others if other.last_at > merge.last_at), default=None)
    return MergeAnswer(lead=merge.merged, into=merge.survivor, at=at, until=until)
