"""When a budget's burn is told: the alert policies of an SLO, or the built-in tiers where it has none."""

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from model.objective import Severity, Tier
from slo.burn import burn_rate, is_possible, ratio, target_must_exceed, tiers_for
from slo.openslo.annotations import ON_CONDITION, flag, own
from slo.openslo.lengths import length_of, percent, share, shorthand, span, written
from slo.openslo.objects import Shelf
from slo.openslo.place import Place

#: The workbook's own 10 % in 3 days is a burn of 0.93 over 28 days; what is lower alarms on budgets that are kept.
LOWEST_BURN = Fraction(9, 10)
#: How far a written threshold may be from what its budget share makes, since people round.
ROUNDING = Fraction(1, 100)
SHORT_OF_LONG = 12
MAX_POLICIES = 50
_SEVERITIES: dict[str, Severity] = {
    "page": "page", "critical": "page", "high": "page",
    "ticket": "ticket", "warning": "ticket", "warn": "ticket", "medium": "ticket", "low": "ticket", "info": "ticket",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Budget:
    """What the tiers of an objective depend on."""

    period: timedelta
    target: Fraction
    allow_impossible: bool


def read_tiers(spec: Place, shelf: Shelf, budget: Budget) -> tuple[tuple[Tier, ...], dict[str, tuple[str, ...]]]:
    """The tiers and, by a tier's name, who is told; an empty mapping tells everybody."""
    policies = spec.items("alertPolicies")
    if not policies:
        return _built_in(spec, budget), {}
    if len(policies) > MAX_POLICIES:
        spec.wrong(f"has {len(policies)} alertPolicies", f"Keep {MAX_POLICIES} at most")
        return (), {}
    tiers: dict[str, Tier] = {}
    receivers: dict[str, tuple[str, ...]] = {}
    for named in policies:
        policy = _found(named, "alertPolicyRef", "AlertPolicy", shelf)
        for tier in _tiers_of(policy, shelf, budget) if policy is not None else ():
            tiers.setdefault(tier.name, tier)
            told = (*receivers.get(tier.name, ()), *_receivers(policy))
            receivers[tier.name] = tuple(dict.fromkeys(told))
    ordered = sorted(tiers.values(), key=lambda tier: (tier.severity != "page", tier.long))
    return tuple(ordered), {name: told for name, told in receivers.items() if told}


def _built_in(spec: Place, budget: Budget) -> tuple[Tier, ...]:
    tiers = tiers_for(budget.period)
    for tier in tiers:
        _check_possible(tier, spec, budget, allowed=budget.allow_impossible)
    return tiers


def _found(holder: Place, reference: str, kind: str, shelf: Shelf) -> Place | None:
    found = shelf.resolved(holder, reference, kind)
    if found is None:
        place = holder.get(reference) or holder
        place.wrong(f"`{place.text()}` names no {kind} in these files", "Describe it, or name its file as well")
    return found


def _tiers_of(policy: Place, shelf: Shelf, budget: Budget) -> list[Tier]:
    spec = policy.get("spec")
    if spec is None:
        return []
    if spec.truth("alertWhenBreaching") is not True:
        spec.warn("does not say `alertWhenBreaching: true`, so it never alerts", "Add it")
        return []
    conditions = (_found(named, "conditionRef", "AlertCondition", shelf) for named in spec.items("conditions"))
    tiers = (_tier(condition, budget) for condition in conditions if condition is not None)
    return [tier for tier in tiers if tier is not None]


def _receivers(policy: Place | None) -> list[str]:
    """The names of who is told: those of the receivers file."""
    spec = policy.get("spec") if policy is not None else None
    told: list[str] = []
    for target in spec.items("notificationTargets") if spec is not None else ():
        inline = target.get("metadata")
        told.append(target.text("targetRef") or (inline.text("name") if inline is not None else ""))
    return [name for name in told if name]


# ── one condition ───────────────────────────────────────────────────────────────────────────────────────────────────


def _tier(condition: Place, budget: Budget) -> Tier | None:
    spec = condition.get("spec")
    burning = spec.get("condition") if spec is not None else None
    if spec is None or burning is None:
        return None
    given = own(condition.get("metadata"), ON_CONDITION)
    severity, long = _severity(spec), _long(burning, budget.period)
    if severity is None or long is None:
        return None
    short = _short(given.get("short-window"), long)
    rate = _burn(burning, given.get("budget-share") or given.get("budget-spent"), long, budget.period)
    if short is None or rate is None:
        return None
    tier = Tier(severity, long, short, rate * ratio(long, budget.period), rate)
    _check_possible(tier, burning, budget, allowed=budget.allow_impossible or flag(given.get("allow-impossible")))
    return tier


def _severity(spec: Place) -> Severity | None:
    place, text = spec.get("severity"), spec.text("severity").lower()
    severity = _SEVERITIES.get(text)
    if place is not None and severity is None:
        place.wrong(f"`{text}` is no severity", "Write `page`, which wakes people, or `ticket`, which does not")
    elif place is not None and severity is not None and text != severity:
        place.warn(f"`{text}` is read as {severity}", f"Write `{severity}`")
    return severity


def _long(burning: Place, period: timedelta) -> timedelta | None:
    place, known = burning.get("lookbackWindow"), shorthand(burning.text("lookbackWindow"))
    if place is None or known is None:
        return None
    long = length_of(*known)
    if long < timedelta(minutes=5):
        place.wrong(f"`{place.text()}` is shorter than 5 minutes", "Write a longer window, such as 1h")
        return None
    if long > period:
        place.wrong(f"`{place.text()}` is longer than the budget's {written(period)}", "Write a shorter window")
        return None
    if burning.text("op") in {"lt", "lte"}:
        (burning.get("op") or burning).wrong("alerts while all is well", "Write `op: gte`")
    after = shorthand(burning.text("alertAfter"))
    if after is not None and after[0]:
        mend = "Write 0m, or leave it out"
        (burning.get("alertAfter") or burning).warn("does nothing: the short window decides", mend)
    return long


def _short(place: Place | None, long: timedelta) -> timedelta | None:
    """The short window; a twelfth of the long one where none is given, as in the SRE Workbook."""
    if place is None:
        return max(long // SHORT_OF_LONG, timedelta(minutes=1))
    short = span(place.text())
    if short is None:
        place.wrong(f"`{place.text()}` is no length of time", 'Write it as "5m"')
    elif short >= long:
        what = f"`{place.text()}` is not shorter than the long window of {written(long)}"
        place.wrong(what, f'Write "{written(long // SHORT_OF_LONG)}"')
        return None
    elif short < timedelta(minutes=1):
        place.wrong(f"`{place.text()}` is shorter than a minute", 'Write at least "1m"')
        return None
    return short


def _burn(burning: Place, spent: Place | None, long: timedelta, period: timedelta) -> Fraction | None:
    """The burn rate: what the budget share makes, exactly, or the threshold as it is written."""
    threshold, asked = burning.number("threshold"), burning.get("threshold") or burning
    rate = threshold
    if spent is not None:
        part = share(spent.text())
        if part is None or not 0 < part <= 1:
            spent.wrong(f"`{spent.text()}` is no share of a budget", 'Write "0.02" or "2%"')
            return None
        rate = burn_rate(part, period, long)
        if threshold is not None and abs(threshold - rate) > rate * ROUNDING:
            burns = f"{percent(part)} of the budget in {written(long)} of {written(period)} is {_short_number(rate)}"
            asked.wrong(f"is {_short_number(threshold)}, and {burns}", "Mend one of the two")
            return None
    if rate is None:
        asked.wrong("gives neither a threshold nor a budget share", "Add `threshold: 13.44`")
    elif rate < LOWEST_BURN:
        _tell_low_burn(spent or asked, rate, long, period)
        return None
    return rate


def _tell_low_burn(place: Place, rate: Fraction, long: timedelta, period: timedelta) -> None:
    least = ratio(long, period)
    works = next((tier for tier in tiers_for(period) if tier.long == long), None)
    example = f", such as {percent(works.share)}, a burn of {_short_number(works.burn)}" if works is not None else ""
    mend = (
        f"In {written(long)} of {written(period)} a share works above {percent(least)}{example}"
        if least < 1
        else "Write a shorter long window"
    )
    place.wrong(f"makes a burn rate of {_short_number(rate)}, which alerts on a budget that is kept", mend)


def _check_possible(tier: Tier, place: Place, budget: Budget, *, allowed: bool) -> None:
    if allowed or is_possible(tier, budget.target):
        return
    place.wrong(
        f"cannot fire as {tier.name}: at a target of {percent(budget.target)} even a total outage burns"
        f" {_short_number(1 / (1 - budget.target))} times too fast, and it asks for {_short_number(tier.burn)}",
        f"Raise the target above {percent(target_must_exceed(tier))}, write alertPolicies with other windows, or allow"
        ' it by the annotation leadtrace.dev/allow-impossible: "true"',
    )


def _short_number(number: Fraction) -> str:
    return f"{float(number):.4g}"
