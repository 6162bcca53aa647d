"""leadtrace's indicators in OpenSLO's words: a metric source of type `leadtrace` that names what is counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches

from model.flow import Flow
from model.objective import INDICATORS, Indicator
from slo.openslo.nodes import Listing, Scalar
from slo.openslo.objects import Shelf
from slo.openslo.place import Place, nearest

SOURCE_TYPE = "leadtrace"
MAX_LIMIT = timedelta(days=28)
_STEPS = frozenset({"from", "to", "step"})


@dataclass(frozen=True, slots=True)
class IndicatorKind:
    """How an indicator is written. One with a limit is a thresholdMetric, one without a ratioMetric."""

    has_limit: bool
    parameters: tuple[str, ...] = ()
    sliced: bool = False


KINDS: Mapping[str, IndicatorKind] = {
    "delivery_latency": IndicatorKind(has_limit=True, parameters=("from", "to")),
    "freshness": IndicatorKind(has_limit=True, parameters=("events", "visible", "step"), sliced=True),
    "duplicates": IndicatorKind(has_limit=False, parameters=("events", "system")),
    "enrolment": IndicatorKind(has_limit=False),
    "routing": IndicatorKind(has_limit=False, parameters=("step",)),
    "backlog": IndicatorKind(has_limit=True, sliced=True),
}


def metrics_of(indicator: Place) -> list[Place]:
    """The metric sources of an indicator: one of a threshold, two of a ratio."""
    spec = indicator.get("spec")
    if spec is None:
        return []
    places = [spec.at("thresholdMetric"), *(spec.at("ratioMetric", key) for key in ("good", "bad", "total", "raw"))]
    return [source for place in places if place is not None and (source := place.get("metricSource")) is not None]


def source_type(metric: Place, shelf: Shelf) -> str:
    """Who answers a metric: the type it gives, or that of the data source it names."""
    if metric.text("type"):
        return metric.text("type")
    named = shelf.find("DataSource", metric.text("metricSourceRef"))
    return (named.place.get("spec") or named.place).text("type") if named is not None else ""


def read_indicator(indicator: Place, objective: Place, flows: Mapping[str, Flow]) -> Indicator | None:
    """What is counted, or None after telling why it cannot be. Without flows, names of flows and steps are believed."""
    given = _parameters(metrics_of(indicator))
    metric = metrics_of(indicator)[0]
    name = given.get("indicator")
    if name is None:
        (metric.get("spec") or metric).wrong(
            "names no indicator", f"Add `spec: {{indicator: enrolment, flow: …}}`; there are {_listed()}"
        )
        return None
    if name.text() not in INDICATORS:
        name.wrong(f"`{name.text()}` is no indicator", nearest(name.text(), INDICATORS))
        return None
    kind = KINDS[name.text()]
    flow = _flow(given.get("flow"), metric, flows)
    _check_parameters(name.text(), given, kind, flows.get(flow))
    limit = _limit(name.text(), kind, indicator, objective)
    if not flow or (kind.has_limit and limit is None):
        return None
    kept = {key: _joined(place) for key, place in given.items() if key not in {"indicator", "flow"}}
    return Indicator(name.text(), flow, limit, kept)


def _listed() -> str:
    return ", ".join(INDICATORS)


def _parameters(metrics: list[Place]) -> dict[str, Place]:
    """The words of all sources of an indicator; a ratio's two count the same units, so they must not differ."""
    found: dict[str, Place] = {}
    for metric in metrics:
        spec = metric.get("spec")
        for key, value in spec.entries() if spec is not None else ():
            first = found.setdefault(key.text, value)
            if _joined(first) != _joined(value):
                value.wrong(
                    f"is `{_joined(value)}`, and `{_joined(first)}` in line {first.line}",
                    "Both parts of a ratio count the same units: write the same",
                )
    return found


def _joined(place: Place) -> str:
    """A text, or a list as one."""
    if isinstance(place.node, Listing):
        return ",".join(one.text.strip() for one in place.node.items if isinstance(one, Scalar))
    return place.text()


def _flow(place: Place | None, metric: Place, flows: Mapping[str, Flow]) -> str:
    name = place.text() if place is not None else ""
    if place is None:
        metric.wrong("names no flow", "Add `flow:` with the name of a flow")
    elif not name:
        place.wrong("is no name", "Write the name of one flow")
    elif flows and name not in flows:
        place.wrong(f"`{name}` is no flow", nearest(name, tuple(sorted(flows))))
    return name


def _check_parameters(name: str, given: dict[str, Place], kind: IndicatorKind, flow: Flow | None) -> None:
    known = ("indicator", "flow", *kind.parameters)
    for key, place in given.items():
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"Did you mean `{near[0]}`?" if near else f"It takes {', '.join(known)}"
            place.wrong(f"is nothing that {name} asks for", hint)
        elif not _joined(place):
            place.wrong("is empty", "Give it a value, or remove it")
        elif key in _STEPS and flow is not None:
            steps = tuple(step.name for step in flow.steps)
            if place.text() not in steps:
                place.wrong(f"`{place.text()}` is no step of {flow.name}", nearest(place.text(), steps))
    routes = flow is None or "step" in given or any(step.kind == "route" for step in flow.steps)
    if name == "routing" and flow is not None and not routes:
        given["indicator"].wrong(
            f"needs a step, and {flow.name} has none of kind route", "Add `step:` with the name of the step that routes"
        )


def _limit(name: str, kind: IndicatorKind, indicator: Place, objective: Place) -> timedelta | None:
    """The longest good time in seconds, which is the objective's `value`."""
    spec = indicator.get("spec") or indicator
    if not kind.has_limit:
        if spec.get("thresholdMetric") is not None:
            spec.wrong(f"gives {name} as a thresholdMetric", "Write a ratioMetric with good and total: it has no limit")
        return None
    if spec.get("thresholdMetric") is None:
        mend = "Write a thresholdMetric, and `op: lte` and `value:` beside the target"
        spec.wrong(f"gives {name} as a ratioMetric", mend)
        return None
    return _seconds(name, objective, inline=indicator.about == objective.about)


def _seconds(name: str, objective: Place, *, inline: bool) -> timedelta | None:
    value, operator = objective.get("value"), objective.get("op")
    if operator is not None and operator.text() in {"gt", "gte"}:
        mend = "Write `op: lte`: good is at most the limit"
        operator.wrong(f"`{operator.text()}` would call bad what is in time", mend)
        return None
    if value is None:
        if not inline:  # else the rules told it
            objective.wrong(f"has no limit for {name}", "Add `op: lte` and `value: 300`, in seconds")
        return None
    number = value.number()
    if number is None:
        return None
    if not 0 < number <= MAX_LIMIT.total_seconds():
        value.wrong(f"is {value.text()} seconds", "Write a limit above 0 and of at most 28 days, in seconds")
        return None
    return timedelta(seconds=float(number))
