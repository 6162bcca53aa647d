"""Writes SLOs for tests: a valid one of each indicator, changed by a test, and any objective as OpenSLO."""

import copy
from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import yaml

from model.objective import Objective
from slo.openslo.annotations import PREFIX
from slo.openslo.indicator import KINDS
from slo.openslo.objects import Source
from slo.openslo.read import Reading, read_openslo


def slo(indicator: str = "enrolment", name: str = "mine", **parameters: str) -> dict[str, Any]:
    """A valid SLO."""
    spec = {"indicator": indicator, "flow": "demo-request", **parameters}
    metric = {"metricSource": {"type": "leadtrace", "spec": spec}}
    kind = KINDS[indicator]
    objective: dict[str, Any] = {"target": 0.99}
    if kind.has_limit:
        objective |= {"op": "lte", "value": 300}
    if indicator == "backlog":
        objective |= {"timeSliceTarget": 1, "timeSliceWindow": "1m"}
    measured = (
        {"thresholdMetric": metric}
        if kind.has_limit
        else {"ratioMetric": {"good": metric, "total": copy.deepcopy(metric)}}
    )
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": name},
        "spec": {
            "service": "web",
            "indicator": {"metadata": {"name": name}, "spec": measured},
            "timeWindow": [{"duration": "28d", "isRolling": True}],
            "budgetingMethod": "Timeslices" if indicator == "backlog" else "Occurrences",
            "objectives": [objective],
        },
    }


def condition(threshold: float, long: str, **annotations: str) -> dict[str, Any]:
    given = {PREFIX + key.replace("_", "-"): value for key, value in annotations.items()}
    burning = {"kind": "burnrate", "op": "gte", "threshold": threshold, "lookbackWindow": long}
    return {
        "kind": "AlertCondition",
        "metadata": {"name": "burning", "annotations": given},
        "spec": {"severity": "page", "condition": burning},
    }


def policy(*conditions: dict[str, Any], tells: Iterable[str] = ("on-call",)) -> dict[str, Any]:
    spec = {
        "alertWhenBreaching": True,
        "conditions": list(conditions),
        "notificationTargets": [{"targetRef": name} for name in tells],
    }
    return {"kind": "AlertPolicy", "metadata": {"name": "policy"}, "spec": spec}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The document with what stands at `spec.objectives.0.target` replaced, or removed for None."""
    document = copy.deepcopy(document)
    *way, last = [int(part) if part.isdigit() else part for part in path.replace("\\.", "\0").split(".")]
    there: Any = document
    for part in way:
        there = there.setdefault(part.replace("\0", "."), {}) if isinstance(part, str) else there[part]
    key = last.replace("\0", ".") if isinstance(last, str) else last
    if value is None:
        del there[key]
    else:
        there[key] = value
    return document


def annotated(document: dict[str, Any], **annotations: str) -> dict[str, Any]:
    given = {PREFIX + key.replace("_", "-"): value for key, value in annotations.items()}
    return changed(document, "metadata.annotations", given)


def read(*documents: dict[str, Any] | str, **how: Any) -> Reading:
    """Each a file of its own: a document, or a text."""
    texts = (one if isinstance(one, str) else yaml.safe_dump(one, sort_keys=False) for one in documents)
    return read_openslo([Source(f"{at}.yaml", text) for at, text in enumerate(texts, 1)], **how)


# ── any objective as OpenSLO ────────────────────────────────────────────────────────────────────────────────────────

_UNITS = {"day": "d", "week": "w", "month": "M", "quarter": "Q", "year": "Y"}


def written(objective: Objective) -> dict[str, Any]:
    """The SLO that means an objective; its tiers as alert policies of their own."""
    indicator = objective.indicator
    document = slo(indicator.name, objective.name, **{"flow": indicator.flow, **indicator.parameters})
    metadata, spec = document["metadata"], document["spec"]
    metadata |= {"displayName": objective.title, "annotations": _annotations(objective)}
    spec |= {"description": objective.description, "service": objective.service}
    spec["timeWindow"] = [_window(objective)]
    spec["objectives"][0]["target"] = _decimal(objective.target)
    if objective.indicator.limit is not None:
        spec["objectives"][0]["value"] = objective.indicator.limit.total_seconds()
    if objective.method == "timeslices":
        spec["budgetingMethod"] = "Timeslices"
        spec["objectives"][0] |= {"timeSliceTarget": 1, "timeSliceWindow": "1m"}
    spec["alertPolicies"] = []
    for tier in objective.tiers:
        given = {"short_window": f"{int(tier.short.total_seconds())}s", "budget_share": str(_decimal(tier.share))}
        one = condition(float(tier.burn), f"{int(tier.long.total_seconds()) // 60}m", **given)
        one["spec"]["severity"] = tier.severity
        spec["alertPolicies"].append(policy(one, tells=objective.receivers[tier.name]))
    return document


def _annotations(objective: Objective) -> dict[str, str]:
    given = {
        "group-by": ",".join(objective.group_by),
        "max-groups": str(objective.max_groups),
        "lateness-horizon": _seconds(objective.lateness_horizon),
        "min-failure-units": str(objective.gate.min_failure_units),
        "min-budget-failures": str(objective.gate.min_budget_failures),
        "alpha": repr(objective.gate.alpha),
        "owner": objective.owner,
        "allow-impossible": "true",
    }
    optional = {"failure-unit": objective.gate.failure_unit, "playbook": objective.playbook}
    if objective.decision_deadline is not None:
        optional["decision-deadline"] = _seconds(objective.decision_deadline)
    return {PREFIX + key: value for key, value in {**given, **{k: v for k, v in optional.items() if v}}.items()}


def _window(objective: Objective) -> dict[str, Any]:
    window = objective.window
    if window.rolling:
        return {"duration": f"{window.length.days}d", "isRolling": True}
    return {
        "duration": f"{window.count}{_UNITS[window.unit]}",
        "isRolling": False,
        "calendar": {"startTime": window.start, "timeZone": window.timezone},
    }


def _seconds(length: timedelta) -> str:
    return f"{int(length.total_seconds())}s"


def _decimal(part: Fraction) -> float:
    return float(part)
