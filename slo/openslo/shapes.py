"""The fields and types of every OpenSLO object, as the official SDK decodes them (github.com/OpenSLO/go-sdk)."""

import re
from dataclasses import replace
from fractions import Fraction
from typing import TypeAlias

from slo.openslo.nodes import Listing, Mapping, Scalar
from slo.openslo.place import Place, nearest

#: A value's type: a name of the kinds below, the fields of an object, or the one type of a list's members.
Shape: TypeAlias = "str | dict[str, Shape] | list[Shape]"

TEXT, FLAG, NUMBER, WHOLE, LENGTH, ANY, WORDS, TEXTS = (
    "text", "flag", "number", "whole number", "length", "any", "words", "texts",
)  # fmt: skip

V1, V1ALPHA, V2ALPHA = "openslo/v1", "openslo/v1alpha", "openslo.com/v2alpha"

LENGTHS = re.compile(r"([0-9]+)([mhdwMQY])")
_BOOLEANS_OF_YAML_1_1 = re.compile(r"y|yes|n|no|on|off", re.IGNORECASE)

_CALENDAR: Shape = {"startTime": TEXT, "timeZone": TEXT}
_WINDOW: Shape = {"duration": LENGTH, "isRolling": FLAG, "calendar": _CALENDAR}
_CONDITION: Shape = {
    "severity": TEXT,
    "description": TEXT,
    "condition": {"kind": TEXT, "op": TEXT, "threshold": NUMBER, "lookbackWindow": LENGTH, "alertAfter": LENGTH},
}
_TARGET: Shape = {"description": TEXT, "target": TEXT}
_DATA_SOURCE: Shape = {"description": TEXT, "type": TEXT, "connectionDetails": ANY}


def _inline(metadata: Shape, spec: Shape, **reference: Shape) -> Shape:
    """An object inside another: whole, or by its name."""
    return {"kind": TEXT, "metadata": metadata, "spec": spec, **reference}


def _sli(metric: Shape) -> Shape:
    ratio: Shape = {"counter": FLAG, "good": metric, "bad": metric, "total": metric, "rawType": TEXT, "raw": metric}
    return {"description": TEXT, "thresholdMetric": metric, "ratioMetric": ratio}


def _kinds(metadata: Shape, metric: Shape, sli_key: str, service_key: str) -> dict[str, Shape]:
    sli = _sli(metric)
    policy: Shape = {
        "description": TEXT, "alertWhenNoData": FLAG, "alertWhenBreaching": FLAG, "alertWhenResolved": FLAG,
        "conditions": [_inline(metadata, _CONDITION, conditionRef=TEXT)],
        "notificationTargets": [_inline(metadata, _TARGET, targetRef=TEXT)],
    }  # fmt: skip
    indicator: dict[str, Shape] = {sli_key: {"metadata": metadata, "spec": sli}, f"{sli_key}Ref": TEXT}
    objective: Shape = {
        "displayName": TEXT, "op": TEXT, "value": NUMBER, "target": NUMBER, "targetPercent": NUMBER,
        "timeSliceTarget": NUMBER, "timeSliceWindow": LENGTH, "compositeWeight": NUMBER, **indicator,
    }  # fmt: skip
    slo: Shape = {
        "description": TEXT, service_key: TEXT, "budgetingMethod": TEXT, "timeWindow": [_WINDOW], **indicator,
        "objectives": [objective], "alertPolicies": [_inline(metadata, policy, alertPolicyRef=TEXT)],
    }  # fmt: skip
    specs: dict[str, Shape] = {
        "SLO": slo, "SLI": sli, "DataSource": _DATA_SOURCE, "Service": {"description": TEXT}, "AlertPolicy": policy,
        "AlertCondition": _CONDITION, "AlertNotificationTarget": _TARGET,
    }  # fmt: skip
    head: dict[str, Shape] = {"apiVersion": TEXT, "kind": TEXT, "metadata": metadata}
    return {kind: {**head, "spec": spec} for kind, spec in specs.items()}


def _v1alpha() -> dict[str, Shape]:
    metadata: Shape = {"name": TEXT, "displayName": TEXT}
    metric: Shape = {"source": TEXT, "queryType": TEXT, "query": TEXT}
    ratio: Shape = {"good": metric, "total": metric, "incremental": FLAG}
    objective: Shape = {
        "displayName": TEXT, "value": NUMBER, "ratioMetrics": ratio, "target": NUMBER, "timeSliceTarget": NUMBER,
        "op": TEXT,
    }  # fmt: skip
    window: Shape = {"unit": TEXT, "count": WHOLE, "isRolling": FLAG, "calendar": _CALENDAR}
    slo: Shape = {
        "timeWindows": [window], "budgetingMethod": TEXT, "description": TEXT, "service": TEXT,
        "indicator": {"thresholdMetric": metric}, "objectives": [objective],
    }  # fmt: skip
    head: dict[str, Shape] = {"apiVersion": TEXT, "kind": TEXT, "metadata": metadata}
    return {"Service": {**head, "spec": {"description": TEXT}}, "SLO": {**head, "spec": slo}}


SHAPES: dict[str, dict[str, Shape]] = {
    V1: _kinds(
        {"name": TEXT, "displayName": TEXT, "labels": WORDS, "annotations": TEXTS},
        {"metricSource": {"metricSourceRef": TEXT, "type": TEXT, "spec": ANY}},
        "indicator",
        "service",
    ),
    V1ALPHA: _v1alpha(),
    V2ALPHA: _kinds(
        {"name": TEXT, "labels": TEXTS, "annotations": TEXTS},
        {"dataSourceRef": TEXT, "dataSourceSpec": _DATA_SOURCE, "spec": ANY},
        "sli",
        "serviceRef",
    ),
}


def check_shape(place: Place, shape: Shape) -> None:
    """Tells every field that OpenSLO does not know and every value of another type, all at once."""
    if isinstance(shape, dict):
        _check_fields(place, shape)
    elif isinstance(shape, list):
        _check_members(place, shape[0])
    else:
        _CHECKS[shape](place)


def _check_fields(place: Place, fields: dict[str, Shape]) -> None:
    if not isinstance(place.node, Mapping):
        place.misshapen("is not a mapping", "Write it as `key: value` lines")
        return
    _check_keys(place, tuple(fields))
    for key, shape in fields.items():
        if (inner := place.get(key)) is not None:
            check_shape(inner, shape)


def _check_keys(place: Place, known: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for key in place.keys():  # noqa: SIM118  a place is no dict
        here = replace(place, node=key, path=f"{place.path}.{key.text}" if place.path else key.text)
        if known and key.text not in known:
            here.odd("is a field that OpenSLO does not know", nearest(key.text, known), _ignored(key.text, known))
        elif key.text in seen:
            here.odd("is given twice", "Keep one of the two", "The last one counts")
        seen.add(key.text)


def _ignored(word: str, known: tuple[str, ...]) -> str:
    return f"It is ignored. {nearest(word, known)}"


def _check_members(place: Place, shape: Shape) -> None:
    if not isinstance(place.node, Listing):
        place.odd("is not a list", "Write it as lines that start with `-`", "It is read as a list of one")
        check_shape(replace(place, path=f"{place.path}[0]"), shape)
        return
    for number, node in enumerate(place.node.items):
        check_shape(replace(place, node=node, path=f"{place.path}[{number}]"), shape)


def _check_text(place: Place) -> None:
    if not isinstance(place.node, Scalar):
        place.misshapen("is not a text", "Give it one plain value")
        return
    node, shown = place.node, place.node.text
    if not isinstance(node.value, str):
        what = "number" if isinstance(node.value, Fraction) else "truth value"
        place.odd(f"`{shown}` is a {what}, and a text is wanted", f'Write "{shown}" in quotes', "It is read as a text")
    elif node.plain and _BOOLEANS_OF_YAML_1_1.fullmatch(shown):
        place.odd(f"`{shown}` is a truth value to older YAML", f'Write "{shown}" in quotes', "It is read as a text")


def _check_flag(place: Place) -> None:
    if isinstance(place.node, Scalar) and isinstance(place.node.value, bool):
        return
    if place.truth() is not None:
        place.odd(f"`{place.text()}` is neither true nor false", "Write `true` or `false`", "It is read as meant")
    else:
        place.misshapen("is neither true nor false", "Write `true` or `false`")


def _check_number(place: Place) -> None:
    if isinstance(place.node, Scalar) and isinstance(place.node.value, Fraction):
        return
    if place.number() is not None:
        place.odd(f"`{place.text()}` is a text, and a number is wanted", "Remove the quotes", "It is read as a number")
    else:
        place.misshapen(f"`{place.text()}` is not a number", "Write a number, such as 0.99")


def _check_whole(place: Place) -> None:
    _check_number(place)
    number = place.number()
    if number is not None and number.denominator != 1:
        place.wrong(f"`{place.text()}` is not a whole number", "Write one, such as 28")


def _check_length(place: Place) -> None:
    shown = place.text()
    if LENGTHS.fullmatch(shown):
        return
    if LENGTHS.fullmatch(shown.replace(" ", "")):
        place.warn(f"`{shown}` has a space in it", "Write it without")
        return
    place.misshapen(
        f"`{shown}` is not a length of time",
        "Write a number and one of m, h, d, w, M (months), Q, Y, such as 5m or 28d",
    )


def _check_texts(place: Place) -> None:
    """Keys with one text each."""
    if not isinstance(place.node, Mapping):
        place.misshapen("is not a mapping", "Write it as `key: value` lines")
        return
    _check_keys(place, ())
    for _, value in place.entries():
        _check_text(value)


def _check_words(place: Place) -> None:
    """Keys with a text or a list of texts each."""
    if not isinstance(place.node, Mapping):
        place.misshapen("is not a mapping", "Write it as `key: value` lines")
        return
    _check_keys(place, ())
    for _, value in place.entries():
        if isinstance(value.node, Listing):
            _check_members(value, TEXT)
        else:
            _check_text(value)


def _check_any(place: Place) -> None:
    """Whatever it is, it is somebody else's."""


_CHECKS = {
    TEXT: _check_text, FLAG: _check_flag, NUMBER: _check_number, WHOLE: _check_whole, LENGTH: _check_length,
    TEXTS: _check_texts, WORDS: _check_words, ANY: _check_any,
}  # fmt: skip
