"""Every mistake in an objective file is a sentence with its line, object, property and mend."""

from datetime import timedelta
from pathlib import Path

import pytest
from writing_slos import annotated, changed, condition, policy, read, slo

from model.flowfile import read_flow
from model.objective import INDICATORS

FLOW = read_flow((Path(__file__).resolve().parents[2] / "demo" / "flows" / "demo-request.yaml").read_text())
GOOD = "spec.indicator.spec.ratioMetric.good.metricSource"
LATENCY = "spec.indicator.spec.thresholdMetric.metricSource"
TARGET = "spec.objectives.0.target"
WINDOW = "spec.timeWindow.0"
CALENDAR = {
    "duration": "1M",
    "isRolling": False,
    "calendar": {"startTime": "2026-01-01 00:00:00", "timeZone": "Europe/Warsaw"},
}
SEVEN_DAYS = changed(slo(), f"{WINDOW}.duration", "7d")


def with_policy(document: dict, *conditions: dict) -> dict:
    return changed(document, "spec.alertPolicies", [policy(*conditions)])


def slo_of_ratio(indicator: str) -> dict:
    total = "spec.indicator.spec.ratioMetric.total.metricSource.spec.indicator"
    return changed(changed(slo(), f"{GOOD}.spec.indicator", indicator), total, indicator)


def with_calendar(**calendar: str) -> dict:
    window = {**CALENDAR, "calendar": {**CALENDAR["calendar"], **calendar}}
    return changed(slo(), "spec.timeWindow", [window])


MISTAKES = [
    # what is aimed at
    pytest.param(changed(slo(), TARGET, 1), "objectives[0].target is 1", "below 1, such as 0.99", id="target of 100 %"),
    pytest.param(changed(slo(), TARGET, 0), "is 0, which everything meets", "such as 0.99", id="target of 0"),
    pytest.param(changed(slo(), TARGET, -1), "too low", "below 1", id="target below 0"),
    pytest.param(changed(slo(), TARGET, 99.9), "is 99.9", "`target: 0.999` or `targetPercent: 99.9`", id="a percentage"),
    pytest.param(changed(slo(), TARGET, "high"), "`high` is not a number", "such as 0.99", id="a target in words"),
    pytest.param(changed(slo(), TARGET, None), "none of `target` and `targetPercent`", "Add one", id="no target"),
    pytest.param(
        changed(slo(), "spec.objectives.0", {"targetPercent": 0.99}), "0.99 percent", "`target: 0.99`", id="a share as percentage"
    ),
    pytest.param(
        changed(slo(), "spec.objectives.0", {"targetPercent": 100}), "too high", "below 100", id="a hundred percent"
    ),
    pytest.param(changed(slo(), "spec.objectives", []), "has no objectives", "Add `objectives", id="no objectives"),
    # over which time
    pytest.param(changed(slo(), f"{WINDOW}.duration", "0d"), "`0d` is no time", "such as 28d", id="a window of nothing"),
    pytest.param(changed(slo(), f"{WINDOW}.duration", "1m"), "between a day", "A month is `1M`", id="a minute for a month"),
    pytest.param(changed(slo(), f"{WINDOW}.duration", "3Y"), "between a day and 366", "1d to 366d", id="three years"),
    pytest.param(changed(slo(), f"{WINDOW}.duration", "9" * 5_000 + "d"), "is not between", "1d to 366d", id="a window for ever"),
    pytest.param(changed(slo(), f"{WINDOW}.duration", "a month"), "is not a length of time", "28d", id="a window in words"),
    pytest.param(changed(slo(), f"{WINDOW}.duration", None), "duration is missing", "28d", id="a window without length"),
    pytest.param(
        changed(slo(), "spec.timeWindow", [{"duration": "7d", "isRolling": True}] * 2), "has 2 members", "Keep one", id="two windows"
    ),
    pytest.param(with_calendar(startTime="2026-01-01T00:00:00Z"), "is no moment", '"2026-01-01 00:00:00"', id="a moment of ISO"),
    pytest.param(with_calendar(startTime="2026-01-01"), "is no moment", "in quotes", id="a date for a moment"),
    pytest.param(with_calendar(timeZone="Warsaw"), "`Warsaw` is no time zone", "Europe/Warsaw", id="a town for a zone"),
    pytest.param(with_calendar(timeZone="/etc/passwd"), "is no time zone", "Write UTC", id="a file for a zone"),
    pytest.param(
        changed(with_calendar(), f"{WINDOW}.duration", "720h"), "no calendar period", "such as 1M", id="a calendar of hours"
    ),
    # of what
    pytest.param(changed(slo(), f"{GOOD}.spec.indicator", "enrollment"), "is no indicator", "`enrolment`", id="an indicator misspelt"),
    pytest.param(changed(slo("backlog"), f"{LATENCY}.spec", {"flow": "f"}), "no indicator", "backlog", id="no indicator"),
    pytest.param(changed(slo(), f"{GOOD}.spec.flow", "demo-requets"), "is no flow", "`demo-request`", id="an unknown flow"),
    pytest.param(changed(slo("backlog"), f"{LATENCY}.spec.flow", ["f"]), "spec.flow is no name", "one flow", id="a list of flows"),
    pytest.param(changed(slo("backlog"), f"{LATENCY}.spec", {"indicator": "backlog"}), "names no flow", "flow:", id="no flow"),
    pytest.param(
        changed(slo("delivery_latency"), f"{LATENCY}.spec.form", "capture"), "asks for", "`from`", id="an unknown parameter"
    ),
    pytest.param(
        slo("delivery_latency", to="crmm"), "`crmm` is no step of demo-request", "Did you mean `crm`?", id="an unknown step"
    ),
    pytest.param(slo("freshness", events=""), "is empty", "remove it", id="an empty parameter"),
    pytest.param(
        changed(slo("routing", step="routing"), f"{GOOD}.spec.step", "crm"), "`routing`", "the same", id="a ratio of two things"
    ),
    pytest.param(
        changed(slo("delivery_latency"), "spec.objectives.0.value", None), "value is missing", "`value: 300`", id="no limit"
    ),
    pytest.param(
        changed(slo("delivery_latency"), "spec.objectives.0.value", 0), "is 0 seconds", "above 0", id="a limit of nothing"
    ),
    pytest.param(
        changed(slo("delivery_latency"), "spec.objectives.0.op", "gte"), "would call bad", "`op: lte`", id="the wrong way round"
    ),
    pytest.param(
        changed(slo("backlog"), f"{LATENCY}.spec.indicator", "enrolment"), "thresholdMetric", "ratioMetric", id="a limit on a ratio"
    ),
    pytest.param(slo_of_ratio("backlog"), "backlog as a ratioMetric", "Write a thresholdMetric", id="a ratio of what has a limit"),
    pytest.param(
        changed(slo(), "spec.budgetingMethod", "RatioTimeslices"), "not how leadtrace counts", "Occurrences", id="ratio slices"
    ),
    pytest.param(
        changed(slo("backlog"), "spec.objectives.0.timeSliceWindow", "5m"), "is 5m", "`timeSliceWindow: 1m`", id="other slices"
    ),
    # by whom
    pytest.param(annotated(slo(), group_by="campain"), "`campain` is nothing", "`campaign`", id="an unknown group"),
    pytest.param(annotated(slo(), group_by="source,source"), "names a key twice", "Keep one", id="a group twice"),
    pytest.param(annotated(slo(), max_groups="10001"), "from 1 to 10000", '"2000"', id="too many groups"),
    pytest.param(annotated(slo(), max_groups="0"), "from 1 to 10000", '"2000"', id="no groups"),
    pytest.param(annotated(slo(), alpha="0.5"), "no chance between 0 and 0.05", '"0.0001"', id="a gate that is open"),
    pytest.param(annotated(slo(), alpha="1e-400"), "no chance between 0 and 0.05", '"0.0001"', id="a gate that never opens"),
    pytest.param(annotated(slo(), min_failure_units="many"), "no whole number", '"3"', id="a number in words"),
    pytest.param(annotated(slo(), lateness_horizon="90d"), "longer than 14 days", "shorter", id="a horizon too far"),
    pytest.param(annotated(slo(), decision_deadline="soon"), "no length of time", "15m", id="a deadline in words"),
    pytest.param(annotated(slo(), failure_unit="batch id"), "is no attribute", "batch.id", id="an attribute with a space"),
    pytest.param(annotated(slo(), playbook="wiki"), "not a web address", "https://", id="a playbook without address"),
    pytest.param(annotated(slo(), allow_impossible="perhaps"), "neither true nor false", '"true"', id="a doubtful flag"),
    pytest.param(annotated(slo(), groupby="campaign"), "no annotation of leadtrace", "leadtrace.dev/group-by", id="an unknown annotation"),
    # when somebody is told
    pytest.param(changed(slo(), TARGET, 0.9), "cannot fire as page 1h/5m", "above 92.5595 %", id="a tier that cannot fire"),
    pytest.param(
        with_policy(slo(), condition(13.44, "1h", short_window="1h")), "not shorter than the long window of 1h", '"5m"', id="short as long"
    ),
    pytest.param(
        with_policy(slo(), condition(13.44, "1h", short_window="2h")), "not shorter", '"5m"', id="short longer than long"
    ),
    pytest.param(
        with_policy(SEVEN_DAYS, condition(0.7, "24h", budget_share="10%")),
        "a burn rate of 0.7", "above 14.2857 %, such as 42.8571 %, a burn of 3", id="unchanged shares over 7 days",
    ),
    pytest.param(
        with_policy(SEVEN_DAYS, condition(0.2333, "3d", budget_share="0.1")), "0.2333", "above 42.8571 %", id="and in three"
    ),
    pytest.param(with_policy(slo(), condition(0.5, "1h")), "alerts on a budget that is kept", "above 0.14881 %", id="a burn under 1"),
    pytest.param(
        with_policy(slo(), condition(14.4, "1h", budget_share="2%")), "is 14.4, and 2 %", "Mend one", id="a threshold of 30 days in 28"
    ),
    pytest.param(with_policy(slo(), condition(13.44, "1h", budget_share="2")), "no share", '"2%"', id="more than a budget"),
    pytest.param(with_policy(slo(), condition(2, "60d")), "longer than the budget's 28d", "shorter", id="longer than the period"),
    pytest.param(with_policy(slo(), condition(20, "1m")), "shorter than 5 minutes", "1h", id="a window of a minute"),
    pytest.param(
        with_policy(slo(), changed(condition(13.44, "1h"), "spec.severity", "sev1")), "`sev1` is no severity", "`page`", id="an unknown severity"
    ),
    pytest.param(
        with_policy(slo(), changed(condition(13.44, "1h"), "spec.condition.op", "lt")), "all is well", "`op: gte`", id="an alert on calm"
    ),
    pytest.param(
        changed(slo(), "spec.alertPolicies", [{"alertPolicyRef": "no-policy"}]), "names no AlertPolicy", "Describe it", id="no such policy"
    ),
    pytest.param(
        changed(slo(), "spec.alertPolicies", [policy({"conditionRef": "no-condition"})]), "no AlertCondition", "its file", id="no such condition"
    ),
]  # fmt: skip


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "mending"])
@pytest.mark.parametrize(("document", "what", "mend"), MISTAKES)
def test_a_mistake_is_a_sentence_with_its_mend(document, what, mend, strict):
    errors = read(document, flows={FLOW.name: FLOW}, strict=strict).errors
    assert errors, "nothing was wrong"
    assert any(what in str(one) and mend in one.mend for one in errors), "\n".join(map(str, errors))
    assert all(one.file == "1.yaml" and one.line >= 1 and one.about == "SLO mine" and one.mend for one in errors)


def test_every_mistake_of_a_file_is_told_at_once_in_the_order_of_its_lines():
    document = annotated(changed(changed(slo(), TARGET, 99), f"{WINDOW}.duration", "0d"), group_by="campain")
    errors = read(document, flows={FLOW.name: FLOW}).errors
    assert [one.path for one in errors] == [
        "metadata.annotations.leadtrace.dev/group-by",
        "spec.timeWindow[0].duration",
        "spec.objectives[0].target",
    ]
    assert [one.line for one in errors] == sorted(one.line for one in errors)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("spec", ["service"]),
        ("metadata.name", ["a", "b"]),
        (TARGET, "high"),
        (TARGET, -0.5),
        ("spec.objectives.0", "high"),
        (f"{WINDOW}.duration", "0x1d"),
        (WINDOW, "28d"),
        (f"{LATENCY}.spec", ["backlog"]),
    ],
)
def test_what_has_the_wrong_type_is_one_mistake_and_not_missing_as_well(place, value):
    assert len(read(changed(slo("backlog"), place, value)).errors) == 1


def test_a_burn_that_no_target_reaches_is_told_without_claiming_a_target_of_100_percent():
    [error] = read(with_policy(slo(), condition(1e300, "1h"))).errors
    assert "Raise the target above almost 100 %" in error.mend


def test_two_files_that_name_one_objective_are_a_mistake_in_the_second():
    [error] = read(slo(), slo("routing")).errors
    assert str(error).startswith("2.yaml:4: SLO mine: metadata names the objective `mine`, as 1.yaml:1 does.")


def test_a_limit_that_only_a_referenced_indicator_asks_for_is_missed_as_well():
    sli = {"apiVersion": "openslo/v1", "kind": "SLI", "metadata": {"name": "latency"}}
    sli["spec"] = slo("delivery_latency")["spec"]["indicator"]["spec"]
    document = changed(slo(), "spec.indicator", None)
    document["spec"]["indicatorRef"] = "latency"
    [error] = read(document, sli).errors
    assert (error.file, error.path) == ("1.yaml", "spec.objectives[0]")
    assert "has no limit for delivery_latency" in error.what


@pytest.mark.parametrize("name", INDICATORS)
def test_a_flow_is_believed_where_none_is_known(name):
    assert read(changed(slo(name), "metadata.name", "any")).errors == ()


def test_a_flow_without_a_routing_step_cannot_have_its_routing_measured():
    text = FLOW.text.replace("kind: route", "kind: segment")
    flows = {FLOW.name: read_flow(text)}
    [error] = read(slo("routing"), flows=flows).errors
    assert "needs a step, and demo-request has none of kind route" in error.what
    assert read(slo("routing", step="routing"), flows=flows).errors == ()


def test_an_impossible_tier_may_be_kept():
    low = changed(slo(), TARGET, 0.5)
    assert "cannot fire as page 1h/5m" in "\n".join(map(str, read(low).errors))
    [objective] = read(annotated(low, allow_impossible="true")).objectives
    assert len(objective.tiers) == 4
    one = with_policy(low, condition(13.44, "1h", allow_impossible="true"))
    assert [tier.name for tier in read(one).objectives[0].tiers] == ["page 1h/5m"]


def test_an_unquoted_moment_is_told_although_it_can_be_read():
    text = "{apiVersion: openslo/v1, kind: SLO, metadata: {name: m}, spec: {service: s, timeWindow: [{duration: 1M, isRolling: false, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}], budgetingMethod: Occurrences, objectives: [{target: 0.99}], indicator: {metadata: {name: i}, spec: {ratioMetric: {good: &m {metricSource: {type: leadtrace, spec: {indicator: enrolment, flow: f}}}, total: *m}}}}}"
    reading = read(text, strict=True)
    assert reading.errors == ()
    [warning] = reading.findings
    assert warning.level == "warning"
    assert "is not in quotes, and some readers of YAML turn it into a timestamp. Put it in quotes" in str(warning)
    assert reading.objectives[0].window.start == "2026-01-01 00:00:00"
    assert reading.objectives[0].window.length == timedelta(days=30)
