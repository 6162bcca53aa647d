"""What the official SDK asks of a valid object beyond its shape (github.com/OpenSLO/go-sdk, packages v1, v1alpha and
v2alpha).
"""

import re
from collections.abc import Callable
from fractions import Fraction

from slo.openslo.common_rules import (
    METHODS,
    OPERATORS,
    check_description,
    check_metadata,
    check_method,
    check_windows,
    exactly_one,
    label,
    lacking,
    missing,
    one_of,
    target_mend,
    under,
    within,
)
from slo.openslo.nodes import Mapping
from slo.openslo.place import Place
from slo.openslo.shapes import V1, V1ALPHA, V2ALPHA
from slo.openslo.v1alpha_rules import check_slo as check_slo_v1alpha


def check_rules(place: Place, version: str, kind: str) -> None:
    """Tells every rule of an object that does not hold."""
    check_metadata(place, version)
    spec = place.get("spec")
    if kind == "SLO" and spec is not None:
        check_slo_v1alpha(spec) if version == V1ALPHA else _SloRules(version).check(spec)
    elif kind == "SLO":
        missing(place, "spec", "Add `spec:`; docs/objectives.md shows a whole file")
    else:
        _spec_of_kind(place, version, kind)


def _spec_of_kind(place: Place, version: str, kind: str) -> None:
    rule: Callable[[Place, str], None] | None = _SPECS.get(kind)
    spec = place.get("spec")
    if spec is not None and rule is not None:
        rule(spec, version)
    elif rule is not None and kind != "Service":
        lacking(place, "spec", "Add `spec:`", "It says nothing")


# ── SLO ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _SloRules:
    """v1 and v2alpha differ in names only."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.indicator = "sli" if version == V2ALPHA else "indicator"
        self.service = "serviceRef" if version == V2ALPHA else "service"

    def check(self, spec: Place) -> None:
        check_description(spec)
        if not spec.text(self.service):
            lacking(spec, self.service, f"Add `{self.service}: the-service-it-is-about`", "It belongs to no service")
        composite = any(self._has_indicator(objective) for objective in spec.items("objectives"))
        self._check_indicators(spec, composite=composite)
        check_method(spec, METHODS)
        check_windows(spec, "timeWindow", self._check_window)
        for policy in spec.items("alertPolicies"):
            _reference_or_inline(policy, "alertPolicyRef", "AlertPolicy", self.version)
        for objective in spec.items("objectives"):
            self._check_objective(spec, objective, composite=composite)

    def _check_indicators(self, spec: Place, *, composite: bool) -> None:
        if composite and self._has_indicator(spec):
            spec.wrong(f"has an {self.indicator} and objectives with their own", "Keep one of the two")
        if not composite and not self._has_indicator(spec):
            spec.wrong(f"has no {self.indicator}", f"Add `{self.indicator}:` or `{self.indicator}Ref:`")
        for place in (spec, *(spec.items("objectives") if composite else ())):
            if (self._has_indicator(place) or place is not spec) and exactly_one(
                place, self.indicator, f"{self.indicator}Ref"
            ):
                self._check_indicator(place)

    def _check_indicator(self, place: Place) -> None:
        if (inline := place.get(self.indicator)) is not None:
            check_metadata(inline, self.version, inline=True)
            sli = inline.get("spec")
            _sli(sli, self.version) if sli is not None else missing(inline, "spec", "Say what is measured")
        if (reference := place.get(f"{self.indicator}Ref")) is not None:
            label(reference)

    def _has_indicator(self, place: Place) -> bool:
        return place.get(self.indicator) is not None or place.get(f"{self.indicator}Ref") is not None

    def _check_window(self, window: Place) -> None:
        if not window.text("duration"):
            missing(window, "duration", "Add `duration: 28d`")
        elif (length := window.get("duration")) is not None and re.match(r"0+\D", length.text()):
            length.wrong(f"`{length.text()}` is no time at all", "Write a positive length, such as 28d")

    def _check_objective(self, spec: Place, objective: Place, *, composite: bool) -> None:
        exactly_one(objective, "target", "targetPercent")
        within(
            objective.get("target"), Fraction(0), Fraction(1), low_in=True, high_in=False,
            mend=target_mend(objective.number("target")),
        )  # fmt: skip
        within(
            objective.get("targetPercent"), Fraction(0), Fraction(100), low_in=True, high_in=False,
            mend="Leave a budget: write a percentage below 100, such as 99.9",
        )  # fmt: skip
        self._check_threshold(spec, objective)
        _slices(objective, spec.text("budgetingMethod"))
        if composite and (weight := objective.number("compositeWeight")) is not None and weight <= 0:
            under(objective, "compositeWeight").wrong(f"is {weight}", "Write a weight above 0")

    def _check_threshold(self, spec: Place, objective: Place) -> None:
        if spec.at(self.indicator, "spec", "ratioMetric") is not None:
            for key in ("value", "op"):
                if (place := objective.get(key)) is not None:
                    place.odd("does not go with a ratioMetric", "Remove it", "It is ignored")
        if spec.at(self.indicator, "spec", "thresholdMetric") is not None:
            if objective.get("value") is None:
                missing(objective, "value", "Add the limit, `value: 300`")
            if objective.get("op") is None:
                lacking(objective, "op", "Add `op: lte`: good is what is at most the limit", "It is read as lte")
            one_of(objective.get("op"), OPERATORS)


def _slices(objective: Place, method: str) -> None:
    if method == "Timeslices":
        if objective.get("timeSliceTarget") is None:
            lacking(objective, "timeSliceTarget", "Add `timeSliceTarget: 1`", "It is read as 1")
        within(
            objective.get("timeSliceTarget"), Fraction(0), Fraction(1), low_in=False, high_in=True,
            mend="Write the share of a slice that must be good, above 0, at most 1",
        )  # fmt: skip
    if method in {"Timeslices", "RatioTimeslices"} and objective.get("timeSliceWindow") is None:
        lacking(objective, "timeSliceWindow", "Add `timeSliceWindow: 1m`", "It is read as 1m")


# ── SLI ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sli(spec: Place, version: str) -> None:
    check_description(spec)
    exactly_one(spec, "thresholdMetric", "ratioMetric")
    if (threshold := spec.get("thresholdMetric")) is not None:
        _metric(threshold, version)
    if (ratio := spec.get("ratioMetric")) is not None:
        _ratio(ratio, version)


def _ratio(ratio: Place, version: str) -> None:
    raw = ratio.get("raw")
    if not exactly_one(ratio, "total", "raw"):
        return
    if raw is not None and (ratio.get("good") is not None or ratio.get("bad") is not None):
        ratio.wrong("gives raw, and good or bad", "Keep raw, or total with good or bad")
        return
    if raw is not None:
        kind = ratio.get("rawType")
        one_of(kind, ("success", "failure")) if kind else missing(ratio, "rawType", "Add success or failure")
    elif ratio.get("good") is None and ratio.get("bad") is None:
        ratio.wrong("has neither good nor bad", "Add what is good, or what is bad")
    for key in ("total", "good", "bad", "raw"):
        if (metric := ratio.get(key)) is not None:
            _metric(metric, version)


def _metric(metric: Place, version: str) -> None:
    if version == V2ALPHA:
        exactly_one(metric, "dataSourceRef", "dataSourceSpec")
        if (source := metric.get("dataSourceSpec")) is not None:
            _data_source(source, version)
        reference = metric.get("dataSourceRef")
    else:
        spec = metric.at("metricSource", "spec")
        if spec is not None and not isinstance(spec.node, Mapping):
            spec.misshapen("is not a mapping", "Write it as `key: value` lines")
        elif spec is None or not spec.keys():
            missing(under(metric, "metricSource"), "spec", "Say what is asked of the source")
        reference = metric.at("metricSource", "metricSourceRef")
    if reference is not None:
        label(reference)


# ── the other kinds ───────────────────────────────────────────────────────────────────────────────────────────────────


def _reference_or_inline(place: Place, reference: str, kind: str, version: str) -> None:
    if not exactly_one(place, reference, "spec"):
        return
    if (name := place.get(reference)) is not None:
        label(name)
        return
    if place.text("kind") != kind:
        under(place, "kind").odd(f"is not {kind}", f"Write `kind: {kind}`", f"It is read as {kind}")
    check_metadata(place, version, inline=True)
    spec = place.get("spec")
    if spec is not None:
        _SPECS[kind](spec, version)


def _policy(spec: Place, version: str) -> None:
    check_description(spec)
    conditions = spec.items("conditions")
    if not conditions:
        missing(spec, "conditions", "Add one condition; docs/objectives.md shows one")
    elif len(conditions) > 1:
        under(spec, "conditions").odd(
            f"has {len(conditions)} members", "Keep one; write a policy for each other", "All of them count"
        )
    for condition in conditions:
        _reference_or_inline(condition, "conditionRef", "AlertCondition", version)
    targets = spec.items("notificationTargets")
    if not targets:
        mend = "Add `- targetRef: name-of-a-receiver`"
        lacking(spec, "notificationTargets", mend, "Every receiver is told")
    for target in targets:
        _reference_or_inline(target, "targetRef", "AlertNotificationTarget", version)


def _condition(spec: Place, version: str) -> None:
    check_description(spec)
    if not spec.text("severity"):
        missing(spec, "severity", "Add `severity: page` or `severity: ticket`")
    condition = spec.get("condition")
    if condition is None:
        missing(spec, "condition", "Add `condition: {kind: burnrate, op: gte, threshold: 13.44, lookbackWindow: 1h}`")
        return
    if condition.text("kind") != "burnrate":
        under(condition, "kind").wrong(f"`{condition.text('kind')}` is unknown", "Write `kind: burnrate`")
        return
    one_of(condition.get("op"), OPERATORS)
    if condition.get("op") is None:
        lacking(condition, "op", "Add `op: gte`", "It is read as gte")
    if condition.get("threshold") is None:
        lacking(condition, "threshold", "Add the burn rate, `threshold: 13.44`", "It follows from the budget share")
    if condition.get("lookbackWindow") is None:
        missing(condition, "lookbackWindow", "Add the long window, `lookbackWindow: 1h`")
    if version == V2ALPHA and condition.get("alertAfter") is None:
        lacking(condition, "alertAfter", "Add `alertAfter: 0m`", "It is read as 0m")


def _target(spec: Place, _version: str) -> None:
    check_description(spec)
    if not spec.text("target"):
        lacking(spec, "target", "Add `target: slack` or what it is", "It is found by its name")


def _data_source(spec: Place, _version: str) -> None:
    check_description(spec)
    if not spec.text("type"):
        lacking(spec, "type", "Add `type: prometheus` or what it is", "leadtrace has no use for it")
    if spec.get("connectionDetails") is None:
        lacking(spec, "connectionDetails", "Add them", "leadtrace has no use for them")


def _service(spec: Place, _version: str) -> None:
    check_description(spec)


_SPECS: dict[str, Callable[[Place, str], None]] = {
    "SLI": _sli, "Service": _service, "AlertPolicy": _policy, "AlertCondition": _condition,
    "AlertNotificationTarget": _target, "DataSource": _data_source,
}  # fmt: skip


KINDS = {V1: ("SLO", *_SPECS), V2ALPHA: ("SLO", *_SPECS), V1ALPHA: ("SLO", "Service")}
