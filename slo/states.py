"""The life of an incident: ok → ticket or page → ok, with frozen on top. Pure: time is an argument.

Every step is the same when it is taken twice at one moment, and none needs the steps between: an engine that was down
for hours goes on from the counts of now.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from model.alert import AlertKey, AlertState, Burn, Firing, GroupAtRisk, Happening, Transition

STAY_CLEAR = timedelta(seconds=30)
"""One evaluation: an incident ends when the short window was clear at two in a row."""

QUIET = "nothing was measured for days, although its systems were heard; closed as quiet, not as mended"
"""Why an incident was closed of which nobody can say that it is over."""

_URGENCY: tuple[Firing, ...] = ("ok", "ticket", "page")


def urgency(firing: Firing) -> int:
    """0 for ok; a page is more urgent than a ticket."""
    return _URGENCY.index(firing)


@dataclass(frozen=True, slots=True)
class Sight:
    """What an evaluation sees of an incident. `burn` is None when nothing of it fires now.

    `is_clear`: the short window of the tier that fired is measured and under its threshold. `is_quiet`: for days no
    unit of the group came, although the feeds speak.
    """

    burn: Burn | None = None
    at_risk: tuple[GroupAtRisk, ...] = ()
    is_clear: bool = False
    is_quiet: bool = False

    @property
    def firing(self) -> Firing:
        return "ok" if self.burn is None else self.burn.severity


Step = tuple[AlertState, Transition | None]


def fired(key: AlertKey, sight: Sight, now: datetime, reason: str = "") -> Step:
    """A new incident."""
    firing: Firing = sight.firing if sight.burn else "ticket"
    state = AlertState(
        key=key,
        firing=firing,
        tier=sight.burn.tier if sight.burn else "",
        incident=_incident(key, now),
        since=now,
        changed_at=now,
        reason=reason or _why(sight),
    )
    return state, _told("fired", AlertState(key), state, now, sight)


def widened(before: AlertState, key: AlertKey, sight: Sight, now: datetime) -> Step:
    """The same incident under a wider key: the trouble of a part is that of the whole."""
    firing = max(before.firing, sight.firing, key=urgency)
    tier = sight.burn.tier if sight.burn else before.tier
    reason = f"not only {name_of(before.key)}: {_why(sight)}"
    state = replace(
        before, key=key, firing=firing, tier=tier, changed_at=now, clear_since=None, frozen_since=None, reason=reason
    )
    return state, _told("escalated", before, state, now, sight)


def seen(state: AlertState, sight: Sight, now: datetime) -> Step:
    """An open incident after an evaluation: it escalates at once, and eases or ends only when that was measured."""
    if sight.is_quiet:
        return ended(state, QUIET, now)
    if urgency(sight.firing) >= urgency(state.firing):
        return _burning(state, sight, now)
    if not sight.is_clear:
        return replace(state, clear_since=None), None
    clear_since = state.clear_since or now
    if now - clear_since < STAY_CLEAR:
        return replace(state, clear_since=clear_since), None
    return (
        _eased(state, sight, now) if sight.burn else ended(state, f"{state.tier}: its short window stayed clear", now)
    )


def _burning(state: AlertState, sight: Sight, now: datetime) -> Step:
    tier = sight.burn.tier if sight.burn else state.tier
    if sight.firing == state.firing:
        return replace(state, tier=tier, clear_since=None), None
    after = replace(state, firing=sight.firing, tier=tier, changed_at=now, clear_since=None, reason=_why(sight))
    return after, _told("escalated", state, after, now, sight)


def _eased(state: AlertState, sight: Sight, now: datetime) -> Step:
    tier = sight.burn.tier if sight.burn else state.tier
    after = replace(state, firing=sight.firing, tier=tier, changed_at=now, clear_since=None, reason=_why(sight))
    return after, _told("eased", state, after, now, sight)


def ended(state: AlertState, reason: str, now: datetime) -> Step:
    """The incident is over, and why."""
    after = AlertState(key=state.key, changed_at=now, reason=reason)
    return after, _told("resolved", state, replace(after, incident=state.incident, since=state.since), now)


def frozen(state: AlertState, reason: str, now: datetime) -> Step:
    """Nothing can be said while the measurement is lost: the incident stands as it is."""
    if state.frozen_since is not None:
        return replace(state, clear_since=None), None
    after = replace(state, frozen_since=now, clear_since=None, reason=reason)
    return after, _told("frozen", state, after, now)


def thawed(state: AlertState, now: datetime) -> Step:
    """The measurement is back; that it is clear counts from now on."""
    after = replace(state, frozen_since=None, clear_since=None, reason="measured again")
    return after, _told("thawed", state, after, now)


def renamed(state: AlertState, reason: str, now: datetime) -> Step:
    """A standing incident with another reason, which is told again; nothing where the reason is the same."""
    if state.reason == reason:
        return state, None
    after = replace(state, reason=reason, changed_at=now)
    return after, _told("repeated", state, after, now)


def _told(
    happening: Happening, before: AlertState, after: AlertState, now: datetime, sight: Sight | None = None
) -> Transition:
    return Transition(
        key=after.key,
        incident=after.incident,
        happening=happening,
        before=before.firing,
        after=after.firing,
        at=now,
        since=after.since or now,
        reason=after.reason,
        at_risk=sight.at_risk if sight else (),
        burn=sight.burn if sight else None,
    )


def _incident(key: AlertKey, now: datetime) -> str:
    """The same firing has the same name however often it is worked out."""
    text = repr((key.objective, key.generation, key.group, key.kind, now.timestamp()))
    return blake2b(text.encode(), digest_size=10).hexdigest()


def _why(sight: Sight) -> str:
    if sight.burn is None:
        return ""
    long, short = sight.burn.long, sight.burn.short
    return f"{sight.burn.tier}: {long.bad} of {long.total} bad, {short.bad} of {short.total} in the short window"


def name_of(key: AlertKey) -> str:
    """The group in words."""
    return ", ".join(f"{name} {value}" for name, value in key.group) or "everything"
