"""What the official SDK asks of an SLO of v1alpha beyond its shape."""

import re
from fractions import Fraction

from slo.openslo.common_rules import (
    METHODS,
    OPERATORS,
    check_description,
    check_method,
    check_windows,
    lacking,
    missing,
    one_of,
    target_mend,
    under,
    within,
)
from slo.openslo.place import Place

UNITS = ("Second", "Day", "Week", "Month", "Quarter")


def check_slo(spec: Place) -> None:
    objectives = spec.items("objectives")
    ratios, indicator = any(one.get("ratioMetrics") is not None for one in objectives), spec.get("indicator")
    if ratios == (indicator is not None):
        what = "gives both `indicator` and `ratioMetrics`" if ratios else "gives none of `indicator` and `ratioMetrics`"
        spec.wrong(what, "Keep one" if ratios else "Add one")
        return
    check_description(spec)
    if not spec.text("service"):
        lacking(spec, "service", "Add `service: the-service-it-is-about`", "It belongs to no service")
    if indicator is not None:
        metric = indicator.get("thresholdMetric")
        _check_metric(metric) if metric else missing(indicator, "thresholdMetric", "Say what is measured")
    check_method(spec, METHODS[:2])
    check_windows(spec, "timeWindows", _check_window)
    for objective in objectives:
        _check_objective(objective, sliced=spec.text("budgetingMethod") == "Timeslices")


def _check_window(window: Place) -> None:
    if not window.text("unit"):
        missing(window, "unit", "Add `unit: Day`")
    else:
        one_of(window.get("unit"), UNITS)
    if (window.number("count") or 0) <= 0:
        under(window, "count").wrong("is not above 0", "Write how many units, such as 28")


def _check_objective(objective: Place, *, sliced: bool) -> None:
    ratio = objective.get("ratioMetrics")
    for key in ("good", "total"):
        if ratio is not None:
            metric = ratio.get(key)
            _check_metric(metric) if metric else missing(ratio, key, "Say what is counted")
    if objective.get("value") is None:
        if ratio is not None:
            lacking(objective, "value", "Add `value: 1`, which v1alpha asks for", "A ratio has no use for it")
        else:
            missing(objective, "value", "Add the limit, `value: 300`")
    if objective.get("target") is None:
        missing(objective, "target", "Add `target: 0.99`")
    within(
        objective.get("target"), Fraction(0), Fraction(1), low_in=True, high_in=False,
        mend=target_mend(objective.number("target")),
    )  # fmt: skip
    _check_operator(objective, ratio)
    if sliced and objective.get("timeSliceTarget") is None:
        lacking(objective, "timeSliceTarget", "Add `timeSliceTarget: 1`", "It is read as 1")
    within(
        objective.get("timeSliceTarget"), Fraction(0), Fraction(1), low_in=True, high_in=True,
        mend="Write the share of a slice that must be good, 0 to 1",
    )  # fmt: skip


def _check_operator(objective: Place, ratio: Place | None) -> None:
    operator = objective.get("op")
    if ratio is not None and operator is not None:
        operator.odd("does not go with ratioMetrics", "Remove it", "It is ignored")
    elif ratio is None and operator is None:
        lacking(objective, "op", "Add `op: lte`: good is what is at most the limit", "It is read as lte")
    elif ratio is None:
        one_of(operator, OPERATORS)


def _check_metric(metric: Place) -> None:
    for key in ("source", "queryType", "query"):
        text = metric.text(key)
        if not text:
            missing(metric, key, "Say what is asked of whom")
        elif key != "query" and not re.fullmatch(r"[a-zA-Z]+", text):
            under(metric, key).odd(f"`{text}` has other characters than letters", "Use letters only", "It is kept")
