"""docs/objectives.md tells every indicator, parameter, annotation and tier as the code has it; its examples are right."""

import re
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from model.objective import INDICATORS
from slo.burn import target_must_exceed, tiers_for
from slo.openslo import annotations
from slo.openslo.indicator import KINDS
from slo.openslo.lengths import percent
from slo.openslo.nodes import MAX_CHARACTERS
from slo.openslo.objective import told
from slo.openslo.objects import MAX_OBJECTS, Source
from slo.openslo.read import read_openslo

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "objectives.md").read_text()
WHOLE = [text for text in re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL) if text.startswith("apiVersion")]
POLICIES = next(text for text in re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL) if "alertPolicies" in text)

BAD = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: enrolment
  annotations:
    leadtrace.dev/group-by: campain
spec:
  service: demo-request
  indicator:
    metadata: {name: enrolment}
    spec:
      ratioMetric:
        good: &units {metricSource: {type: leadtrace, spec: {indicator: enrollment, flow: demo-request}}}
        total: *units
  timeWindow: [{duration: 0d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 99.9}]
"""


def table(heading: str) -> list[list[str]]:
    """The rows of the first table after some words."""
    rows = re.search(r"((?:^\|.*\n)+)", PAGE[PAGE.index(heading) :], re.MULTILINE)[1].splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


@pytest.mark.parametrize("text", WHOLE)
def test_an_example_is_right_even_strictly(text):
    reading = read_openslo([Source("objectives/enrolment.yaml", text)], strict=True)
    assert reading.findings == ()
    assert len(reading.objectives) == 1


def test_the_check_says_of_the_first_example_what_the_page_shows():
    [objective] = read_openslo([Source("objectives/enrolment.yaml", WHOLE[0])]).objectives
    assert f"objectives/enrolment.yaml: `enrolment` is right: {told(objective)}\n" in PAGE


def test_the_alert_policies_shown_fit_the_first_example():
    reading = read_openslo([Source("enrolment.yaml", WHOLE[0] + POLICIES)], strict=True)
    assert reading.findings == ()
    [objective] = reading.objectives
    assert objective.tiers == tiers_for(timedelta(days=28))[:1]
    assert objective.receivers == {"page 1h/5m": ("growth-oncall",)}


def test_the_mistakes_shown_are_the_mistakes_told():
    assert "\n".join(map(str, read_openslo([Source("bad.yaml", BAD)]).findings)) in PAGE


def test_every_indicator_is_told_with_its_metric_and_parameters():
    rows = {row[0].strip("`"): row for row in table("Both parts of a ratio")}
    assert set(rows) == set(INDICATORS) == set(KINDS)
    for name, kind in KINDS.items():
        assert rows[name][1] == ("thresholdMetric" if kind.has_limit else "ratioMetric")
        assert tuple(re.findall(r"`(\w+)`", rows[name][4])) == kind.parameters
    parameters = {row[0].strip("`") for row in table("| parameter |")}
    assert parameters == {key for kind in KINDS.values() for key in kind.parameters}


def test_every_annotation_is_told_with_its_default():
    on_objective, on_condition = table("On the SLO's `metadata`"), table("On the `metadata` of an alert condition")
    assert [row[0] for row in on_objective] == [f"`{annotations.PREFIX}{name}`" for name in rows_of(on_objective)]
    assert set(rows_of(on_objective)) == set(annotations.ON_OBJECTIVE)
    assert {*rows_of(on_condition), "budget-spent"} == set(annotations.ON_CONDITION)
    plain = annotations.Annotations()
    defaults = {name: row[1].strip("`") for name, row in zip(rows_of(on_objective), on_objective, strict=True)}
    assert defaults["max-groups"] == str(plain.max_groups)
    assert defaults["min-failure-units"] == str(plain.gate.min_failure_units)
    assert defaults["min-budget-failures"] == str(plain.gate.min_budget_failures)
    assert float(defaults["alpha"]) == plain.gate.alpha
    assert plain.lateness_horizon == timedelta(hours=int(defaults["lateness-horizon"].strip("h")))
    assert f"{annotations.MAX_GROUPS} at most" in PAGE
    assert f"{annotations.MAX_LATENESS.days} days at most" in PAGE
    assert f"{annotations.MAX_DEADLINE.days} days at most" in PAGE


def rows_of(rows: list[list[str]]) -> list[str]:
    return [row[0].strip("`").removeprefix(annotations.PREFIX) for row in rows]


def test_the_tiers_told_are_the_tiers_there_are():
    rows = table("The built-in tiers:")
    for days, column in ((28, 3), (30, 4), (90, 5), (7, 6)):
        for row, tier in zip(rows, tiers_for(timedelta(days=days)), strict=True):
            assert row[0] == tier.severity
            assert row[column].split(" ")[0] == f"{float(tier.burn):.4g}"
            if days == 7:
                assert f"({float(tier.share * 100):.4g} %)" in row[column]
    for row, tier in zip(rows, tiers_for(timedelta(days=28)), strict=True):
        least = target_must_exceed(tier)
        assert row[2] == percent(tier.share)
        assert row[7] == (f"{float(least * 100):.4g} %" if least > Fraction(0) else "any")


def test_the_bounds_told_are_the_bounds_there_are():
    assert f"{MAX_CHARACTERS} characters and {MAX_OBJECTS} objects" in PAGE
