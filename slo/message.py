"""What a message says, in the order in which somebody woken at night reads it: all of it in one sentence, then what is
at risk, the cause, what changed, who owns it, the budget, the link. Every format is made of these parts; nothing else
words an alert.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lineage.headline import spoken
from model.alert import Alert, Burn, GroupAtRisk, Suspect
from model.budget import Count
from slo.states import QUIET
from slo.wording import clean, clock, counted, is_web, name_of, percent, windows

SHOWN_GROUPS = 5
SHOWN_CAUSES = 3
SHOWN_CHANGES = 3
SHOWN_EXAMPLES = 5
SHOWN_ALERTS = 20

#: Evidence that may be missing, by its name in `Alert.missing`.
LEADS, DEADLINES, CAUSES, CHANGES, BUDGET = "leads affected", "deadlines", "causes", "what changed", "budget"


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    url: str


Line = tuple[str | Link, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message with its label; the first line is the one to read."""

    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What one receiver gets at once. `id` is the same over all tries; the worst news comes first."""

    id: str
    alerts: tuple[Alert, ...]

    @property
    def lead(self) -> Alert:
        """The alert that the message is about first of all."""
        return min(self.alerts, key=_urgency)

    @property
    def others(self) -> tuple[Alert, ...]:
        return tuple(sorted((one for one in self.alerts if one is not self.lead), key=_urgency))


# ── headlines and titles ────────────────────────────────────────────────────────────────────────────────────────────

_WHAT = {
    "enrolment": "{leads} did not get into the sequence",
    "routing": "{leads} not routed",
    "delivery_latency": "{leads} delivered too late",
    "freshness": "changes to {leads} not passed on in time",
    "duplicates": "{leads} stored twice",
    "backlog": "{leads} waiting too long",
}


def headline(alert: Alert) -> str:
    """Who is at risk and what became of them, in one line."""
    if alert.key.kind == "measurement_lost":
        return f"Not measured: {clean(alert.reason) or 'its telemetry is silent'}"
    leads = counted(alert.leads_affected) if alert.leads_affected else "leads"
    return f"{_at_risk_name(alert)}: {_WHAT.get(alert.indicator, '{leads} affected').format(leads=leads)}"


def title(message: Message) -> str:
    """The first thing that is read: how urgent, what happened, to whom. One line without a length limit."""
    more = f" (and {len(message.others)} more)" if message.others else ""
    return title_of(message.lead) + more


def pushed(first: str, alert: Alert) -> str:
    """What a lock screen shows: the title, and the cause of what somebody has to act on."""
    return f"{first}. {why(alert)}" if in_short(alert) else first


def title_of(alert: Alert) -> str:
    burns = alert.key.kind == "burn" and alert.happening in {"fired", "escalated", "repeated"}
    soon = alert.by_when if burns else None
    return f"{_opening(alert)}: {alert.headline}" + (f"; next deadline {clock(soon, alert.at)}" if soon else "")


def _opening(alert: Alert) -> str:
    urgent = "PAGE" if alert.severity == "page" else "Ticket"
    lasted = spoken(max(alert.at - alert.fired_at, timedelta(seconds=1)))
    return {
        "escalated": f"{urgent}, it got worse",
        "eased": f"{urgent}, it eased",
        "resolved": f"{'Closed without a measurement' if alert.reason == QUIET else 'Over'} after {lasted}",
        "repeated": f"{urgent}, still after {lasted}",
        "acknowledged": "Somebody works on it",
    }.get(alert.happening, urgent)


def _urgency(alert: Alert) -> tuple[bool, bool, int, str]:
    return (alert.happening == "resolved", alert.severity != "page", -alert.leads_affected, alert.id)


# ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def parts(message: Message) -> list[Part]:
    """The parts of a message about its first alert, then a line for each other one."""
    found = parts_of(message.lead)
    others = message.others
    if others:
        lines: list[Line] = [(f"{title_of(one)} (", Link("open", one.link), ")") for one in others[:SHOWN_ALERTS]]
        beyond: list[Line] = [(f"and {len(others) - SHOWN_ALERTS} more",)] if len(others) > SHOWN_ALERTS else []
        found.append(Part("Also", (*lines, *beyond)))
    return found


def parts_of(alert: Alert) -> list[Part]:
    if alert.key.kind == "measurement_lost":
        found = [Part("At risk", _unmeasured(alert)), Part("Owner", _owner(alert))]
    else:
        found = [
            *in_short(alert),
            Part("At risk", tuple(_at_risk(alert))),
            Part("Cause", tuple(_causes(alert))),
            Part("Changed", tuple(_changed(alert))),
            Part("Owner", _owner(alert)),
            Part("Budget", tuple(_budget(alert))),
        ]
    if alert.reason and alert.happening in {"acknowledged", "resolved"}:
        found.insert(0, Part("News", ((clean(alert.reason),),)))
    return [*found, Part("Link", ((Link(alert.link, alert.link),),))]


def in_short(alert: Alert) -> list[Part]:
    """The second line: cause, change, owner and budget in one breath, of an alert that somebody has to act on."""
    if alert.key.kind != "burn" or alert.happening in {"acknowledged", "resolved"}:
        return []
    left = "" if BUDGET in alert.missing else f" {_left(alert)}"
    owner = clean(alert.owner) or "nobody is named as owner"
    return [Part("In short", ((f"{why(alert)}{left} To act: {owner}", *(_playbook(alert) or (".",))),))]


def why(alert: Alert) -> str:
    """What caused it and what changed before, in one sentence without addresses."""
    return f"{_main_cause(alert)}{_main_change(alert)}."


def _main_cause(alert: Alert) -> str:
    if CAUSES in alert.missing:
        return "The cause could not be found in time"
    if not alert.causes:
        return "No cause is known"
    _, named, leads = alert.causes[0]
    if len(alert.causes) == 1 or leads >= alert.leads_affected:
        return clean(named)
    return f"{clean(named)} ({leads} of {counted(alert.leads_affected)})"


def _main_change(alert: Alert) -> str:
    if not alert.changes:
        return ""
    first = alert.changes[0]
    return f", after {clean(first.what)} at {clock(first.at, alert.at)}"


def _playbook(alert: Alert) -> Line:
    if not alert.playbook:
        return ()
    return (", playbook ", Link(alert.playbook, alert.playbook) if is_web(alert.playbook) else clean(alert.playbook))


def _unmeasured(alert: Alert) -> tuple[Line, ...]:
    what = f"{clean(alert.objective_title)}: nothing can be said of its leads since {clock(alert.onset, alert.at)}."
    if alert.happening == "resolved":
        return ((f"{clean(alert.objective_title)}: it is measured again.",),)
    return (
        (f"{alert.headline}.",),
        (f"{what} Its other alerts stand as they stood; none is resolved by silence.",),
    )


def _at_risk(alert: Alert) -> list[Line]:
    lines: list[Line] = [(_group_line(alert, group),) for group in alert.at_risk[:SHOWN_GROUPS]]
    if LEADS in alert.missing:
        lines.append(("How many leads could not be counted in time.",))
    elif alert.leads_affected:
        lines.append((f"{counted(alert.leads_affected)} affected since {clock(alert.onset, alert.at)}.",))
    lines += [(by_when,)] if (by_when := _by_when(alert)) else []
    if alert.examples:
        lines.append(("For example ", *_listed(alert.examples[:SHOWN_EXAMPLES])))
    return lines or [(f"{_at_risk_name(alert)}.",)]


def _group_line(alert: Alert, group: GroupAtRisk) -> str:
    leads = f", {counted(group.leads)}" if group.leads not in {0, group.bad} else ""
    within = f" in {windows(alert.burn)[0]}" if alert.burn else ""
    return f"{name_of(group.group, alert.flow)}: {group.bad} of {group.total} went wrong{within}{leads}."


def _by_when(alert: Alert) -> str:
    if alert.happening == "resolved":
        return ""
    if DEADLINES in alert.missing:
        return "When the next deadline passes could not be found in time."
    if alert.by_when is None:
        return ""
    left = alert.by_when - alert.at
    soon = f", in {spoken(left)}" if left > timedelta(0) else ""
    return f"Leads that still wait have until {clock(alert.by_when, alert.at)}{soon}."


def _causes(alert: Alert) -> list[Line]:
    if CAUSES in alert.missing:
        return [("Could not be found in time.",)]
    if not alert.causes:
        return [("None is known.",)]
    shown = [(f"{clean(named)} ({code}): {counted(leads)}",) for code, named, leads in alert.causes[:SHOWN_CAUSES]]
    rest = sum(leads for *_, leads in alert.causes[SHOWN_CAUSES:])
    return [*shown, *([(f"Other causes: {counted(rest)}",)] if rest else [])]


def _changed(alert: Alert) -> list[Line]:
    if CHANGES in alert.missing:
        return [("Could not be looked up in time.",)]
    if not alert.changes:
        return [("Nothing that leadtrace heard of in the day before.",)]
    return [_change(one, alert) for one in alert.changes[:SHOWN_CHANGES]]


def _change(one: Suspect, alert: Alert) -> Line:
    before = alert.onset - one.at
    when = f", {spoken(before)} before it began" if before >= timedelta(seconds=1) else ""
    share = "all" if one.overlap >= 1 else percent(one.overlap)
    said = f"{clock(one.at, alert.at)} {clean(one.what)}{when}; {share} of the failures came after it"
    return (f"{said} (", Link("details", one.link), ")") if is_web(one.link) else (said,)


def _owner(alert: Alert) -> tuple[Line, ...]:
    return ((clean(alert.owner) or "Nobody is named as owner", *(_playbook(alert) or (".",))),)


def _budget(alert: Alert) -> list[Line]:
    return [(_left(alert),), *([(_burning(alert, alert.burn),)] if alert.burn else [])]


def _left(alert: Alert) -> str:
    if BUDGET in alert.missing:
        return "What is left of it could not be counted in time."
    period = f"the {spoken(alert.period)} budget"
    if alert.budget_left < 0:
        return f"{_about(1 - alert.budget_left)} of {period} is used: it is overspent."
    rate = alert.exhausted_in if alert.happening != "resolved" else None
    gone = f"; at this rate it is gone in {spoken(rate)}" if rate is not None else ""
    return f"{_about(alert.budget_left)} of {period} is left{gone}."


def _about(share: float) -> str:
    """A share as one says it; never all of less, nor nothing of something."""
    if 0 < share < 0.01:
        return "under 1%"
    return f"{min(round(share * 100), 99) if share < 1 else round(share * 100)}%"


def _burning(alert: Alert, burn: Burn) -> str:
    long, short = windows(burn)
    return (
        f"{clean(alert.objective_title)}, target {percent(alert.target)}:"
        f" burns {burn.long_burn:.3g} times as fast as allowed in {long} ({_of(burn.long)}),"
        f" {burn.short_burn:.3g} in {short} ({_of(burn.short)}); {_why(burn)}."
        f" Confidence: {alert.confidence}."
    )


def _why(burn: Burn) -> str:
    """A tier fires by its burn rate, or by so many bad units that they spend its share of the whole budget."""
    by_rate = min(burn.long_burn, burn.short_burn) > burn.threshold
    return f"a {burn.severity} " + (f"from {burn.threshold:.3g} on" if by_rate else "for so many are bad at once")


# ── plain text ──────────────────────────────────────────────────────────────────────────────────────────────────────


def plain(message: Message) -> str:
    """The whole message as text: what e-mail's first part and the pages show."""
    return "\n\n".join([title(message), *(_plain_part(part) for part in parts(message))]) + "\n"


def plain_lines(part: Part) -> str:
    """A part's lines as text, without its label."""
    return "\n".join("".join(map(_plain_piece, line)) for line in part.lines)


def _plain_part(part: Part) -> str:
    return f"{part.label}: " + plain_lines(part).replace("\n", "\n  ")


def _plain_piece(piece: str | Link) -> str:
    if isinstance(piece, str):
        return piece
    return piece.url if piece.text == piece.url else f"{piece.text} <{piece.url}>"


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _at_risk_name(alert: Alert) -> str:
    groups = alert.at_risk or (GroupAtRisk(alert.key.group, 0.0, 0, 0),)
    more = f" and {len(groups) - 1} more" if len(groups) > 1 else ""
    return f"{name_of(groups[0].group, alert.flow)}{more}"


def _of(count: Count) -> str:
    return f"{count.bad} of {count.total} bad"


def _listed(examples: Sequence[tuple[str, str]]) -> Line:
    pieces: list[str | Link] = []
    for at, (lead, url) in enumerate(examples):
        pieces += [", "] if at else []
        pieces.append(Link(clean(lead), url) if is_web(url) else clean(lead))
    return (*pieces, ".")
