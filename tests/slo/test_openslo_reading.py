"""What objective files mean: values as they are written, references, versions, windows, tiers, generations."""

import json
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from writing_slos import annotated, changed, condition, policy, read, slo

from model.objective import INDICATORS, Window
from slo.burn import tiers_for
from slo.openslo.nodes import MAX_CHARACTERS, MAX_NODES, Listing, Mapping, NotYamlError, Scalar, read_nodes

DEMO = Path(__file__).resolve().parents[2] / "demo"
RATIO = "spec.indicator.spec.ratioMetric"


def value(text: str) -> object:
    [node] = read_nodes(text, "file.yaml")
    assert isinstance(node, Scalar)
    return node.value


# ── YAML ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1e-4", Fraction(1, 10_000)),
        ("0.995", Fraction(199, 200)),
        (".5", Fraction(1, 2)),
        ("-3", Fraction(-3)),
        ('"0.5"', "0.5"),
        ("true", True),
        ("on", "on"),
        ("No", "No"),
        ("~", None),
        ("''", ""),
        ("2022-01-01", "2022-01-01"),
        ("2022-01-01 12:00:00", "2022-01-01 12:00:00"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("0x1f", "0x1f"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e9999", "1e9999"),
        ("9" * 41, "9" * 41),
        ("!!str 3", "3"),
        ("!!timestamp 2022-01-01", "2022-01-01"),
    ],
)
def test_a_value_is_what_is_written_and_nothing_that_yaml_makes_of_it(text, meant):
    assert value(text) == meant


def test_anchors_merges_documents_and_json_are_read_with_their_lines():
    merged, other = read_nodes("a: &base {x: 1, y: 2}\nb:\n  <<: *base\n  y: 3\n---\n- 4\n", "f.yaml")
    assert isinstance(merged, Mapping)
    b = merged.entries[1][1]
    assert isinstance(b, Mapping)
    assert [(key.text, one.text) for key, one in b.entries] == [("x", "1"), ("y", "3")]
    assert isinstance(other, Listing)
    assert other.line == 6
    [document] = read_nodes('{\n\t"name": "a\\ud83d\\ude00\\/",\n\t"half": "\\ud83d"\n}', "f.json")
    assert isinstance(document, Mapping)
    assert [one.text for _, one in document.entries] == ["a😀/", "�"]
    assert document.entries[1][0].line == 3


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("a: [1", "the file is not YAML", id="open list"),
        pytest.param("a:\n\t- b", "the file is not YAML", id="tab"),
        pytest.param("a: \x07", "a character that YAML does not allow", id="bell"),
        pytest.param('"\\UFFFFFFFF"', "out of range", id="no such character"),
        pytest.param("[" * 50 + "]" * 50, "nested more than", id="deep"),
        pytest.param("[" * 100_000, "nested more than", id="very deep"),
        pytest.param(LAUGHS, f"more than {MAX_NODES} values", id="a billion laughs"),
        pytest.param("a: &a [*a]", "no `&a` named before", id="a circle"),
        pytest.param("? [a]\n: b", "not a plain word", id="a list for a key"),
        pytest.param("x" * (MAX_CHARACTERS + 1), "characters", id="large"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text, what):
    with pytest.raises(NotYamlError) as raised:
        read_nodes(text, "file.yaml")
    assert what in str(raised.value)
    [error] = read(text).errors
    assert error.line == raised.value.line
    assert error.mend


# ── objects ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_documents_lists_and_json_give_the_same_objectives():
    both = [slo("enrolment", "one"), slo("backlog", "two")]
    texts = [yaml.safe_dump_all(both), yaml.safe_dump(both), json.dumps(both), json.dumps(both, indent="\t")]
    readings = [read(text) for text in texts]
    assert all(reading.errors == () for reading in readings)
    assert [[(one.name, one.generation) for one in reading.objectives] for reading in readings] == [
        [(one.name, one.generation) for one in readings[0].objectives]
    ] * 4


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "[]", "just words", "- 1\n- 2", "kind: SLO", "a: 1"])
def test_a_file_without_an_object_is_a_mistake(text):
    errors = read(text).errors
    assert errors
    assert all(error.mend for error in errors)


@pytest.mark.parametrize("kind", ["Slo", "SLOs", ""])
def test_an_unknown_kind_is_told_with_the_nearest(kind):
    [error] = read({"apiVersion": "openslo/v1", "kind": kind, "metadata": {"name": "x"}}).errors
    assert "SLO" in error.mend


def test_an_objective_keeps_its_own_text():
    first, second = yaml.safe_dump(slo(name="one")), yaml.safe_dump(slo(name="two"))
    assert read("# why\n" + first).objectives[0].text == "# why\n" + first
    assert [one.text for one in read(first + "---\n" + second).objectives] == [first, second]


def test_what_leadtrace_does_not_count_is_valid_and_says_why():
    prometheus = changed(slo(), f"{RATIO}.good.metricSource", {"type": "Prometheus", "spec": {"query": "up"}})
    prometheus = changed(prometheus, f"{RATIO}.total.metricSource", {"type": "Prometheus", "spec": {"query": "up"}})
    dangling = changed(slo(), "spec.indicator", None)
    dangling["spec"]["indicatorRef"] = "nothing"
    composite = changed(slo(), "spec.objectives.0.indicatorRef", "part")
    del composite["spec"]["indicator"]
    service = {"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "web"}}
    reading = read(prometheus, dangling, composite, service, strict=True)
    assert reading.errors == ()
    assert reading.objectives == ()
    assert [outcome.why_none for outcome in reading.outcomes] == [
        "its metric comes from Prometheus, and leadtrace counts only its own",
        "its indicatorRef `nothing` names no SLI in these files",
        "leadtrace counts no composite SLOs; write an SLO for each part",
        "only an SLO describes one",
    ]


# ── mending ─────────────────────────────────────────────────────────────────────────────────────────────────────────

ODDITIES = [
    pytest.param(changed(slo(), "spec.objectives.0.op", "lte"), "does not go with a ratioMetric", id="op on a ratio"),
    pytest.param(changed(slo(), "spec.timeWindow", None), "timeWindow is missing", id="no window"),
    pytest.param(changed(slo(), "spec.budgetingMethod", None), "budgetingMethod is missing", id="no method"),
    pytest.param(changed(slo(), "spec.service", None), "service is missing", id="no service"),
    pytest.param(changed(slo(), "spec.objectives.0.target", "0.99"), "is a text, and a number", id="quoted target"),
    pytest.param(changed(slo(), "spec.timeWindow.0.isRolling", "yes"), "neither true nor false", id="yes"),
    pytest.param(changed(slo(), "spec.timeWindow", {"duration": "28d", "isRolling": True}), "not a list", id="no list"),
    pytest.param(changed(slo(), "spec.timeWindow.0.isRolling", None), "neither rolling", id="neither rolling"),
    pytest.param(changed(slo(), "spec.servise", "web"), "Did you mean `service`?", id="unknown field"),
    pytest.param(changed(slo(), "metadata.displayName", "x" * 64), "longer than 63", id="long title"),
    pytest.param(changed(slo(), "spec.indicator.metadata", None), "metadata is missing", id="nameless indicator"),
    pytest.param(annotated(slo(), max_groups=2_000), "`2000` is a number", id="unquoted annotation"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "what"), ODDITIES)
def test_an_oddity_is_a_mistake_when_strict_and_mended_otherwise(document, what):
    assert what in "\n".join(map(str, read(document, strict=True).errors))
    mended = read(document)
    assert mended.errors == ()
    assert [one.level for one in mended.findings] == ["warning"]
    assert what in str(mended.findings[0])
    [objective], [plain] = mended.objectives, read(slo()).objectives
    assert (objective.target, objective.window, objective.group_by) == (plain.target, plain.window, plain.group_by)
    assert objective.generation == plain.generation


def test_a_name_that_is_none_is_mended_to_one():
    [objective] = read(changed(slo(), "metadata.name", "Campaign enrolment!")).objectives
    assert objective.name == "campaign-enrolment"
    assert objective.title == "Campaign enrolment!"


def test_a_backlog_by_occurrences_is_counted_by_the_minute_all_the_same():
    document = changed(slo("backlog"), "spec.budgetingMethod", "Occurrences")
    reading = read(document, strict=True)
    assert reading.objectives[0].method == "timeslices"
    assert [one.level for one in reading.findings] == ["warning"]


# ── references ──────────────────────────────────────────────────────────────────────────────────────────────────────


def obj(kind: str, name: str, spec: dict, **metadata: object) -> dict:
    return {"apiVersion": "openslo/v1", "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def test_references_across_files_mean_what_is_written_inline():
    inline = changed(slo("delivery_latency"), "spec.alertPolicies", [policy(condition(13.44, "1h"))])
    [expected] = read(inline).objectives
    sli = obj("SLI", "mine", inline["spec"]["indicator"]["spec"])
    burning = condition(13.44, "1h")
    alert = obj("AlertCondition", "burning", burning["spec"])
    told = {**policy({"conditionRef": "burning"})["spec"], "notificationTargets": [{"targetRef": "on-call"}]}
    rule = obj("AlertPolicy", "rule", told)
    whom = obj("AlertNotificationTarget", "on-call", {"target": "slack"})
    document = changed(changed(inline, "spec.indicator", None), "spec.alertPolicies", [{"alertPolicyRef": "rule"}])
    document["spec"]["indicatorRef"] = "mine"
    reading = read(whom, rule, alert, sli, document, strict=True)
    assert reading.errors == ()
    [objective] = reading.objectives
    assert (objective.tiers, objective.receivers) == (expected.tiers, {"page 1h/5m": ("on-call",)})
    assert objective.generation == expected.generation


def test_a_data_source_of_leadtrace_may_stand_for_the_type():
    document = changed(slo(), f"{RATIO}.good.metricSource.type", None)
    document["spec"]["indicator"]["spec"]["ratioMetric"]["good"]["metricSource"]["metricSourceRef"] = "here"
    source = obj("DataSource", "here", {"type": "leadtrace", "connectionDetails": {}})
    assert len(read(document, source, strict=True).objectives) == 1


# ── windows, targets, tiers ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("duration", "unit", "count", "days"),
    [
        ("1d", "day", 1, 1),
        ("2w", "week", 2, 14),
        ("1M", "month", 1, 30),
        ("1Q", "quarter", 1, 90),
        ("1Y", "year", 1, 365),
    ],
)
def test_a_calendar_window_has_its_unit_start_and_zone(duration, unit, count, days):
    calendar = {"startTime": "2026-01-01 00:00:00", "timeZone": "Europe/Warsaw"}
    document = changed(slo(), "spec.timeWindow", [{"duration": duration, "isRolling": False, "calendar": calendar}])
    [objective] = read(document, strict=True).objectives
    assert objective.window == Window(
        timedelta(days=days), rolling=False, unit=unit, count=count, start="2026-01-01 00:00:00", timezone="Europe/Warsaw"
    )  # fmt: skip


@pytest.mark.parametrize(("duration", "days"), [("28d", 28), ("4w", 28), ("672h", 28), ("1M", 30), ("1Q", 90)])
def test_a_rolling_window_has_its_length(duration, days):
    [objective] = read(changed(slo(), "spec.timeWindow.0.duration", duration), strict=True).objectives
    assert objective.window == Window(timedelta(days=days))
    assert objective.tiers == tiers_for(timedelta(days=days))
    assert objective.receivers == {}


def test_targets_are_exact_as_shares_and_as_percentages():
    assert read(changed(slo(), "spec.objectives.0.target", 0.999)).objectives[0].target == Fraction(999, 1000)
    assert read(changed(slo(), "spec.objectives.0", {"targetPercent": 99.95})).objectives[0].target == Fraction(
        1999, 2000
    )


def test_several_targets_are_objectives_of_their_own():
    members = [{"displayName": "Internal goal", "target": 0.999}, {"target": 0.99}]
    found = read(changed(slo(), "spec.objectives", members), strict=True).objectives
    assert [(one.name, one.title, one.target) for one in found] == [
        ("mine-internal-goal", "mine: Internal goal", Fraction(999, 1000)),
        ("mine-2", "mine: 2", Fraction(99, 100)),
    ]


def test_policies_become_tiers_with_who_is_told():
    ticket = changed(condition(2.8, "24h", budget_spent="10%"), "spec.severity", "ticket")
    policies = [
        policy(condition(13.4, "1h", budget_share="2%"), tells=["pager", "slack"]),
        policy(ticket, tells=["slack"]),
    ]
    [objective] = read(changed(slo(), "spec.alertPolicies", policies), strict=True).objectives
    assert objective.tiers == (tiers_for(timedelta(days=28))[0], tiers_for(timedelta(days=28))[2])
    assert objective.receivers == {"page 1h/5m": ("pager", "slack"), "ticket 1d/2h": ("slack",)}


def test_a_threshold_alone_says_the_share_that_it_spends():
    [objective] = read(changed(slo(), "spec.alertPolicies", [policy(condition(13.44, "1h"))])).objectives
    assert objective.tiers == tiers_for(timedelta(days=28))[:1]


def test_a_policy_that_does_not_alert_on_breaching_is_told_and_makes_no_tier():
    quiet = changed(policy(condition(13.44, "1h")), "spec.alertWhenBreaching", False)
    reading = read(changed(slo(), "spec.alertPolicies", [quiet]), strict=True)
    assert reading.objectives[0].tiers == ()
    assert "so it never alerts" in str(reading.findings[0])


# ── generations ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "document",
    [
        changed(slo(), "spec.objectives.0.target", 0.98),
        changed(slo(), "metadata.displayName", "Another title"),
        changed(slo(), "spec.description", "Other words"),
        annotated(slo(), owner="somebody", playbook="https://playbooks.acme.example"),
        changed(slo(), "spec.service", "other"),
    ],
)
def test_a_matter_of_reading_keeps_the_generation(document):
    assert read(document).objectives[0].generation == read(slo()).objectives[0].generation


@pytest.mark.parametrize(
    "document",
    [
        slo(name="other"),
        slo("routing"),
        slo("routing", step="crm"),
        changed(slo(), "spec.timeWindow.0.duration", "30d"),
        annotated(slo(), group_by="campaign"),
        annotated(slo(), failure_unit="batch.id"),
        changed(slo(), "spec.alertPolicies", [policy(condition(13.44, "1h"))]),
    ],
)
def test_another_definition_is_another_generation(document):
    assert read(document).objectives[0].generation != read(slo()).objectives[0].generation


def test_who_is_told_keeps_the_generation():
    one, other = (
        read(changed(slo(), "spec.alertPolicies", [policy(condition(13.44, "1h"), tells=[name])])).objectives[0]
        for name in ("a", "b")
    )
    assert one.generation == other.generation


# ── other versions ──────────────────────────────────────────────────────────────────────────────────────────────────

V1ALPHA = """\
apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: old}
spec:
  service: web
  budgetingMethod: Occurrences
  timeWindows: [{unit: Week, count: 4, isRolling: true}]
  objectives:
    - displayName: enrolled
      target: 0.99
      value: 1
      ratioMetrics:
        good: {source: leadtrace, queryType: enrolment, query: flow=demo-request}
        total: {source: leadtrace, queryType: enrolment, query: flow=demo-request}
"""
V1ALPHA_LIMIT = """\
apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: old}
spec:
  service: web
  budgetingMethod: Occurrences
  timeWindows: [{unit: Day, count: 30, isRolling: false}]
  indicator:
    thresholdMetric: {source: leadtrace, queryType: latency, query: "indicator=delivery_latency flow=demo-request to=crm"}
  objectives: [{displayName: in time, op: lte, target: 0.99, value: 300}]
"""
V2ALPHA = """\
apiVersion: openslo.com/v2alpha
kind: SLO
metadata: {name: new, labels: {env: prod}, annotations: {leadtrace.dev/group-by: campaign}}
spec:
  serviceRef: web
  budgetingMethod: Occurrences
  timeWindow: [{duration: 4w, isRolling: true}]
  sli:
    metadata: {name: new}
    spec:
      thresholdMetric:
        dataSourceSpec: {type: leadtrace, connectionDetails: {}}
        spec: {indicator: delivery_latency, flow: demo-request, to: crm}
  objectives: [{op: lte, target: 0.99, value: 300}]
"""


def test_v1alpha_means_what_v1_means():
    reading = read(V1ALPHA, strict=True)
    assert reading.errors == ()
    [objective] = reading.objectives
    assert (objective.indicator.name, objective.indicator.flow) == ("enrolment", "demo-request")
    assert (objective.target, objective.window) == (Fraction(99, 100), Window(timedelta(days=28)))


def test_v1alpha_of_others_habits_is_mended():
    """A period that neither rolls nor has a calendar, as a well-known generator's examples write it."""
    strict = read(V1ALPHA_LIMIT, strict=True)
    assert [one.path for one in strict.errors] == ["spec.timeWindows[0]"]
    [objective] = read(V1ALPHA_LIMIT).objectives
    assert objective.indicator.parameters == {"to": "crm"}
    assert (objective.indicator.limit, objective.window) == (timedelta(minutes=5), Window(timedelta(days=30)))


def test_v2alpha_means_what_v1_means():
    reading = read(V2ALPHA, strict=True)
    assert reading.errors == ()
    [objective] = reading.objectives
    assert (objective.service, objective.group_by) == ("web", ("campaign",))
    assert (objective.indicator.limit, objective.indicator.parameters) == (timedelta(minutes=5), {"to": "crm"})


# ── the demo's ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_demo_has_an_objective_of_every_indicator_valid_as_the_sdk_wants():
    from leadtrace.flowfiles import read_flows  # noqa: PLC0415
    from leadtrace.objectivefiles import read_files  # noqa: PLC0415

    reading = read_files([DEMO / "objectives"], flows=read_flows([DEMO / "flows"]), strict=True)
    assert reading.findings == ()
    assert {one.indicator.name for one in reading.objectives} == set(INDICATORS)
    assert all(one.owner and one.playbook and one.description + one.title for one in reading.objectives)
