"""What was said of an entry before, when, and why it changed."""

from collections.abc import Sequence
from datetime import datetime

from lineage.answers import SaidBefore
from model.verdict import Status, Verdict
from store.verdicts import Written


def told_before(written: Sequence[Written]) -> list[SaidBefore]:
    """The verdicts on one entry, oldest first, where they differ in what they say."""
    told: list[SaidBefore] = []
    before: Verdict | None = None
    shown: Verdict | None = None
    for one in written:
        verdict = one.verdict
        if shown is None or _says(verdict) != _says(shown):
            why = _why(before, verdict, one.decided_at) if before is not None else ""
            told.append(
                SaidBefore(
                    decided_at=one.decided_at,
                    status=verdict.status.value,
                    cause=verdict.cause or None,
                    step=verdict.step or None,
                    headline=verdict.headline,
                    why=why,
                )
            )
            shown = verdict
        before = verdict
    return told


def _says(verdict: Verdict) -> tuple[object, ...]:
    return (verdict.status, verdict.cause, verdict.step, verdict.late)


def _why(before: Verdict, now: Verdict, decided_at: datetime) -> str:
    if before.lead != now.lead:
        merged = before.lead in now.came_as
        return f"{before.lead} was merged into {now.lead}" if merged else _parted(before, now)
    if before.flow_version != now.flow_version:
        return f"the flow file was edited (version {now.flow_version}) and this entry judged again by it"
    if now.hops > before.hops:
        more = now.hops - before.hops
        return f"{more} more {'hop' if more == 1 else 'hops'} arrived, the latest of {now.last_hop_at:%H:%M:%S} UTC"
    if before.status is Status.PENDING and before.due_at is not None and before.due_at <= decided_at:
        return f"its time was up at {before.due_at:%H:%M:%S} UTC"
    if before.raw_reason and before.cause != now.cause:
        return f"the vendor's code “{before.raw_reason}” was mapped"
    return "what was known was looked at again"


def _parted(before: Verdict, now: Verdict) -> str:
    if now.lead in before.came_as:
        return f"{now.lead} was taken out of {before.lead} again"
    return f"the lead goes on as {now.lead}, no longer as {before.lead}"
