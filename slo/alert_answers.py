"""Incidents as people read them: the news of the last message that had any, and where it stands now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage.answers import ChangeAnswer
from lineage.budgets import (
    AcknowledgedBy,
    AlertAnswer,
    CauseLeadsCount,
    CorrectionAnswer,
    DeliveryAnswer,
    ExampleLead,
    RiskAnswer,
    SilenceAnswer,
    WindowBurn,
)
from model.alert import Alert, Burn
from model.decisions import Acknowledgement, Correction, Silence
from slo.message import Message, plain
from slo.openslo.lengths import span
from slo.routing import Case, inhibited_by, silenced_by
from slo.summaries import window_burn
from store.alerts import Committed, Incident
from store.outbox import Delivery

#: What these say is that something ended or cannot be seen, not what is wrong.
_WITHOUT_NEWS = frozenset({"resolved", "frozen", "thawed", "acknowledged"})


@dataclass(frozen=True, slots=True)
class Told:
    """All that was committed of one incident, and who took it on."""

    incident: Incident
    steps: Sequence[Committed]
    acknowledgements: Sequence[Acknowledgement]

    @property
    def alerts(self) -> list[Alert]:
        return [step.alert for step in self.steps if step.alert is not None]


def alert_answer(told: Told, silences: Sequence[Silence], pages: Sequence[Case]) -> AlertAnswer:
    """An incident of which something was said. `silences` are the active ones, `pages` the pages that fire."""
    last = told.alerts[-1]
    news = next((one for one in reversed(told.alerts) if one.happening not in _WITHOUT_NEWS), last)
    over, state = told.incident.resolved, told.steps[-1].state
    long, short = _windows(news.burn)
    case = case_of(told)
    silence, speaker = silenced_by(case, silences), inhibited_by(case, pages)
    return AlertAnswer(
        id=told.incident.id,
        objective=last.key.objective,
        title=last.objective_title,
        flow=last.flow,
        indicator=last.indicator,
        kind=last.key.kind,
        group=dict(last.key.group),
        phase="resolved" if over else "firing",
        severity=told.incident.severity,
        tier=news.burn.tier if news.burn else "",
        headline=news.headline,
        happening=last.happening,
        fired_at=told.incident.fired_at,
        changed_at=last.at,
        resolved_at=told.incident.changed_at if over else None,
        onset=news.onset,
        frozen_since=None if over else state.frozen_since,
        silenced_by=silence.id if silence and not over else None,
        inhibited_by=speaker.incident if speaker and not over else None,
        acknowledged=_acknowledged(told),
        at_risk=[
            RiskAnswer(group=dict(one.group), excess=one.excess, bad=one.bad, total=one.total, leads=one.leads)
            for one in news.at_risk
        ],
        leads_affected=news.leads_affected,
        by_when=None if over else news.by_when,
        examples=[ExampleLead(lead=lead, link=link) for lead, link in news.examples],
        causes=[CauseLeadsCount(cause=code, title=title, leads=leads) for code, title, leads in news.causes],
        changes=[
            ChangeAnswer(at=one.at, what=one.what, kind=one.kind, overlap=one.overlap, link=one.link or None)
            for one in news.changes
        ],
        owner=last.owner,
        playbook=last.playbook,
        long=long,
        short=short,
        long_now=None,
        short_now=None,
        threshold=news.burn.threshold if news.burn else None,
        target=last.target,
        budget_left=None if "budget" in last.missing else last.budget_left,
        exhausted_in_s=last.exhausted_in.total_seconds() if last.exhausted_in else None,
        confidence=news.confidence,
        missing=list(news.missing),
        link=last.link,
        text=plain(Message(last.id, (last,))),
    )


def _windows(burn: Burn | None) -> tuple[WindowBurn | None, WindowBurn | None]:
    """The two windows of a tier, whose lengths stand in its name: `page 1h/5m`."""
    if burn is None:
        return None, None
    long, _, short = burn.tier.rpartition(" ")[2].partition("/")
    lengths = span(long), span(short)
    if lengths[0] is None or lengths[1] is None:
        return None, None
    return window_burn(lengths[0], burn.long, burn.long_burn), window_burn(lengths[1], burn.short, burn.short_burn)


def _acknowledged(told: Told) -> AcknowledgedBy | None:
    """Who said first that somebody works on it, since it became as bad as it is."""
    worst = told.incident.severity
    said = [one for one in told.acknowledgements if one.severity == "page" or worst != "page"]
    return AcknowledgedBy(author=said[0].author, at=said[0].at, note=said[0].note) if said else None


def case_of(told: Told) -> Case:
    """The incident as routing sees it, so that pages say of silences what the sender does."""
    last = told.alerts[-1]
    return Case(
        incident=told.incident.id,
        objective=last.key.objective,
        flow=last.flow,
        indicator=last.indicator,
        group=last.key.group,
        severity=last.severity,
        kind=last.key.kind,
        firing=not told.incident.resolved,
        at_risk=tuple(one.group for one in last.at_risk),
        cause=last.causes[0][0] if last.causes else "",
    )


def silence_answer(one: Silence, now: datetime) -> SilenceAnswer:
    return SilenceAnswer(
        id=one.id,
        matcher=dict(one.matchers),
        starts_at=one.starts_at,
        ends_at=one.removed_at or one.ends_at,
        reason=one.reason,
        author=one.author,
        created_at=one.created_at,
        active=one.active(now),
    )


def correction_answer(one: Correction) -> CorrectionAnswer:
    return CorrectionAnswer(
        id=one.id,
        objective=one.objective,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        reason=one.reason,
        author=one.author,
        created_at=one.created_at,
    )


def delivery_answer(one: Delivery) -> DeliveryAnswer:
    """A message, by the first alert that it tells."""
    said = one.said[0]
    return DeliveryAnswer(
        id=one.message,
        alert=said.incident,
        objective=said.objective,
        receiver=one.receiver,
        kind=said.kind,
        state="sent" if one.state == "sent" else "dead" if one.state == "dead" else "waiting",
        happening=said.happening,
        headline=said.headline,
        created_at=one.since,
        attempts=one.attempts,
        next_try_at=one.next_at if one.state == "waiting" and one.attempts else None,
        error=one.error,
    )
