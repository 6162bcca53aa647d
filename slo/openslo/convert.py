"""v1alpha and v2alpha objects as v1 nodes that keep their lines."""

import re
from collections.abc import Callable
from dataclasses import replace

from slo.openslo.nodes import Listing, Mapping, Node, Scalar
from slo.openslo.shapes import V1ALPHA, V2ALPHA

_UNITS = {"Day": "d", "Week": "w", "Month": "M", "Quarter": "Q", "Second": "s"}
_V2_NAMES = {"sli": "indicator", "sliRef": "indicatorRef", "serviceRef": "service"}


def as_v1(node: Mapping, version: str) -> Mapping:
    """The same object in v1's words. A shape that is wrong was told before; it comes out wrong as well."""
    if version == V2ALPHA:
        return _within(node, "spec", _slo_of_v2alpha)
    if version == V1ALPHA:
        return _within(node, "spec", _slo_of_v1alpha)
    return node


# ── v2alpha ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _slo_of_v2alpha(spec: Mapping) -> Mapping:
    named = _within(_renamed(spec, _V2_NAMES), "indicator", _indicator_of_v2alpha)
    return _metrics_of_v2alpha(named)


def _indicator_of_v2alpha(indicator: Mapping) -> Mapping:
    return _within(indicator, "spec", _metrics_of_v2alpha)


def _metrics_of_v2alpha(spec: Mapping) -> Mapping:
    spec = _within(spec, "thresholdMetric", _metric_of_v2alpha)
    for key in ("good", "bad", "total", "raw"):
        spec = _within(spec, "ratioMetric", lambda ratio, key=key: _within(ratio, key, _metric_of_v2alpha))  # type: ignore[misc]
    return spec


def _metric_of_v2alpha(metric: Mapping) -> Mapping:
    inline = _get(metric, "dataSourceSpec")
    source: dict[str, Node | None] = {
        "type": _get(inline, "type") if isinstance(inline, Mapping) else None,
        "metricSourceRef": _get(metric, "dataSourceRef"),
        "spec": _get(metric, "spec"),
    }
    return _made(metric, {"metricSource": _made(metric, source)})


# ── v1alpha ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _slo_of_v1alpha(spec: Mapping) -> Mapping:
    """Each objective of a ratio names its own metrics; v1 calls that an objective with its own indicator."""
    objectives = _get(spec, "objectives")
    members = objectives.items if isinstance(objectives, Listing) else ()
    indicator = _get(spec, "indicator")
    if not isinstance(indicator, Mapping) and len(members) == 1 and isinstance(members[0], Mapping):
        indicator = _ratio_of_v1alpha(members[0])
    elif isinstance(indicator, Mapping):
        indicator = _made(indicator, {"spec": _within(indicator, "thresholdMetric", _metric_of_v1alpha)})
    windows = _get(spec, "timeWindows")
    return _made(
        spec,
        {
            "description": _get(spec, "description"),
            "service": _get(spec, "service"),
            "budgetingMethod": _get(spec, "budgetingMethod"),
            "indicator": indicator,
            "timeWindow": _each(windows, _window_of_v1alpha),
            "objectives": _each(objectives, lambda one: _without(one, "ratioMetrics")),
        },
    )


def _ratio_of_v1alpha(objective: Mapping) -> Mapping | None:
    ratio = _get(objective, "ratioMetrics")
    if not isinstance(ratio, Mapping):
        return None
    for key in ("good", "total"):
        ratio = _within(ratio, key, _metric_of_v1alpha)
    return _made(ratio, {"spec": _made(ratio, {"ratioMetric": ratio})})


def _metric_of_v1alpha(metric: Mapping) -> Mapping:
    """`query` holds leadtrace's parameters as `key=value` words; `queryType` may name the indicator."""
    query, kind = _get(metric, "query"), _get(metric, "queryType")
    words: dict[str, Node | None] = {"indicator": kind}
    if isinstance(query, Scalar):
        for key, value in re.findall(r"(\w+)=([^\s,;&]+)", query.text):
            words[key] = replace(query, text=value, plain=False)
    source = {"type": _get(metric, "source"), "spec": _made(metric, words)}
    return _made(metric, {"metricSource": _made(metric, source)})


def _window_of_v1alpha(window: Mapping) -> Mapping:
    count, unit = _get(window, "count"), _get(window, "unit")
    length: Node | None = None
    if isinstance(count, Scalar) and isinstance(unit, Scalar):
        length = replace(count, text=f"{count.text}{_UNITS.get(unit.text, '?')}", plain=False)
    kept = {"isRolling": _get(window, "isRolling"), "calendar": _get(window, "calendar")}
    return _made(window, {"duration": length, **kept})


# ── trees ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _get(node: Mapping, key: str) -> Node | None:
    return next((value for name, value in reversed(node.entries) if name.text == key), None)


def _made(like: Mapping, values: dict[str, Node | None]) -> Mapping:
    entries = [(Scalar(like.file, value.line, key), value) for key, value in values.items() if value is not None]
    return replace(like, entries=tuple(entries))


def _renamed(node: Mapping, names: dict[str, str]) -> Mapping:
    entries = [(replace(key, text=names.get(key.text, key.text)), value) for key, value in node.entries]
    return replace(node, entries=tuple(entries))


def _within(node: Mapping, key: str, change: Callable[[Mapping], Mapping]) -> Mapping:
    """The node with what stands under a key changed, where that is a mapping."""
    entries = [
        (name, change(value) if name.text == key and isinstance(value, Mapping) else value)
        for name, value in node.entries
    ]
    return replace(node, entries=tuple(entries))


def _without(node: Mapping, key: str) -> Mapping:
    return replace(node, entries=tuple(entry for entry in node.entries if entry[0].text != key))


def _each(node: Node | None, change: Callable[[Mapping], Mapping]) -> Node | None:
    if not isinstance(node, Listing):
        return node
    return replace(node, items=tuple(change(item) if isinstance(item, Mapping) else item for item in node.items))
