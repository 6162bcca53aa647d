"""Who is told what, and when. Pure; the states of the alerts are decided before (`slo/evaluate.py`).

case → quiet? (silence, inhibition) → what each receiver last heard → whom to tell → which message, due when

As in Alertmanager: silences, a page inhibits tickets, groups wait, what still fires is repeated, and whoever heard of
an incident hears of its end. Somebody who acknowledged hears no repetition, but hears when it gets worse.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

from model.alert import Alert, Happening, Kind
from model.decisions import Silence
from model.objective import Group, Severity
from slo.notify.notifier import Notifier
from slo.receivers import Receivers, Routing
from store.alerts import Addressed

_URGENCY: Mapping[Severity, int] = {"ticket": 1, "page": 2}


@dataclass(frozen=True, slots=True)
class Heard:
    """What a receiver heard last of an incident."""

    happening: Happening
    severity: Severity
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """An incident as routing sees it. `happening` is what this evaluation said of it, None where it said nothing.

    `at_risk` are the groups that the alert names, `cause` the leading one; `receivers` are who should hear of it while
    it fires. `acknowledged` is the severity at which somebody took it on. One that is `held`, unmeasured or about to
    end, is not repeated.
    """

    incident: str
    objective: str
    flow: str
    indicator: str
    group: Group
    severity: Severity
    kind: Kind = "burn"
    firing: bool = True
    held: bool = False
    happening: Happening | None = None
    at_risk: tuple[Group, ...] = ()
    cause: str = ""
    receivers: tuple[str, ...] = ()
    acknowledged: Severity | None = None
    heard: Mapping[str, Heard] = field(default_factory=dict)


# ── quiet ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def silenced_by(case: Case, silences: Iterable[Silence]) -> Silence | None:
    """The active silence that covers it: its own group, or every group that it names."""
    return next((silence for silence in silences if _covers(silence, case)), None)


def _covers(silence: Silence, case: Case) -> bool:
    if silence.fits(_facts(case, case.group)):
        return True
    return bool(case.at_risk) and all(silence.fits(_facts(case, group)) for group in case.at_risk)


def _facts(case: Case, group: Group) -> dict[str, tuple[str, ...]]:
    return {
        "objective": (case.objective,),
        "flow": (case.flow,),
        "indicator": (case.indicator,),
        "severity": (case.severity,),
        "cause": (case.cause,) if case.cause else (),
        **{key: (value,) for key, value in group},
    }


def inhibited_by(case: Case, others: Iterable[Case]) -> Case | None:
    """The page that speaks for this ticket: of the same flow, about the same leads or more. Lost measurement is other
    news than a page, and is told.
    """
    if case.severity == "page" or case.kind != "burn":
        return None
    return next((page for page in others if _speaks_for(page, case)), None)


def _speaks_for(page: Case, case: Case) -> bool:
    burns = page.firing and page.severity == "page" and page.kind == "burn"
    return burns and page.flow == case.flow and set(page.group) <= set(case.group) and page.incident != case.incident


# ── whom to tell what ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class News:
    """What is told of an incident now, and whom."""

    happening: Happening
    receivers: tuple[str, ...]


def news(case: Case, receivers: Receivers, now: datetime, *, quiet: bool) -> News | None:
    """Who hears what of it; None when nobody does. `quiet` says that it is silenced or inhibited."""
    if not case.firing:
        return _to([name for name, heard in case.heard.items() if heard.happening != "resolved"], "resolved", receivers)
    if quiet:
        return None
    unchanged: tuple[Happening, ...] = ("acknowledged", "repeated")
    found = (_of(case, happening, receivers, now) for happening in ((case.happening,) if case.happening else unchanged))
    return next((one for one in found if one is not None), None)


def _of(case: Case, happening: Happening, receivers: Receivers, now: datetime) -> News | None:
    names = dict.fromkeys((*case.receivers, *case.heard))
    repeat = receivers.routing.repeat_interval
    return _to([name for name in names if _wants(case, name, happening, repeat, now)], happening, receivers)


def _wants(case: Case, name: str, happening: Happening, repeat: timedelta, now: datetime) -> bool:
    """Should this receiver hear it now?"""
    heard = case.heard.get(name)
    if happening == "acknowledged":
        return is_taken_on(case) and heard is not None and heard.happening != "acknowledged"
    if heard is None:
        return name in case.receivers
    if happening != "repeated" or case.happening == "repeated" or _URGENCY[case.severity] > _URGENCY[heard.severity]:
        return True
    return now - heard.at >= repeat and not is_taken_on(case) and not case.held


def _to(names: Sequence[str], happening: Happening, receivers: Receivers) -> News | None:
    """Those of them that want to hear such a thing; who is no longer in the file gets nothing new."""
    found = [name for name in names if (one := receivers.by_name.get(name)) and happening in one.tells]
    return News(happening, tuple(found)) if found else None


def is_taken_on(case: Case) -> bool:
    """Did somebody acknowledge it, at the severity that it has?"""
    return case.acknowledged is not None and _URGENCY[case.acknowledged] >= _URGENCY[case.severity]


def receivers_of(named: Collection[str], receivers: Receivers) -> tuple[str, ...]:
    """Who hears of an alert: those named that the file has; everybody where none is, since somebody must hear."""
    known = tuple(name for name in named if name in receivers.by_name)
    return known or tuple(receivers.by_name)


# ── which message ───────────────────────────────────────────────────────────────────────────────────────────────────

Batch = tuple[str, str]
"""Whose news share a message: those to one receiver about one flow."""


@dataclass(slots=True)
class Batches:
    """Puts news into messages. `flushed` is when a batch last had a message that was due, by severity."""

    open: dict[Batch, Addressed] = field(default_factory=dict)
    flushed: dict[tuple[Batch, Severity], datetime] = field(default_factory=dict)

    def address(
        self, to: Notifier, alert: Alert, routing: Routing, now: datetime, is_open: Callable[[str, datetime], bool]
    ) -> Addressed:
        """The message that tells this receiver of an alert, and when it is due. A page is due at once, unless another
        page of the flow was told a moment ago.
        """
        if not to.grouped:
            return Addressed(_message(to.name, alert.id), to.name, now)
        batch = (to.name, alert.flow)
        send_at = self._due(batch, alert, routing, now)
        joined = self.open.get(batch)
        if joined is not None and is_open(joined.message, now):
            addressed = Addressed(joined.message, to.name, min(joined.send_at, send_at))
        else:
            addressed = Addressed(_message(to.name, alert.id), to.name, send_at)
        self._note(batch, addressed, alert)
        return addressed

    def _due(self, batch: Batch, alert: Alert, routing: Routing, now: datetime) -> datetime:
        """An interval after the batch's last message: for a page, after the last page."""
        if _news_of(alert) == "page":
            return self._after(batch, ("page",), routing, now)
        return max(now + routing.group_wait, self._after(batch, ("page", "ticket"), routing, now))

    def _after(self, batch: Batch, severities: tuple[Severity, ...], routing: Routing, now: datetime) -> datetime:
        last = [self.flushed[batch, severity] for severity in severities if (batch, severity) in self.flushed]
        return max(now, *(at + routing.group_interval for at in last)) if last else now

    def recall(self, addressed: Addressed, alert: Alert) -> None:
        """What was addressed before a restart."""
        self._note((addressed.receiver, alert.flow), addressed, alert)

    def _note(self, batch: Batch, addressed: Addressed, alert: Alert) -> None:
        self.open[batch] = addressed
        self.flushed[batch, _news_of(alert)] = addressed.send_at


def _news_of(alert: Alert) -> Severity:
    """The end of a page is no page."""
    return "ticket" if alert.happening == "resolved" else alert.severity


def _message(receiver: str, transition: str) -> str:
    """The same news to the same receiver has the same id, however often it is worked out. No full stop is in it."""
    return f"msg_{blake2b(f'{receiver}/{transition}'.encode(), digest_size=12).hexdigest()}"
