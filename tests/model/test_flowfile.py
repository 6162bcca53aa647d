"""Flow files: what is right is read, what is wrong is told with its line and its mend."""

import pytest

from model.flowfile import FlowProblems, read_flow
from model.hop import Hop

GOOD = """\
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: demo, title: Demo, owner: growth}
spec:
  goal: enrol
  deadline: 1h30m
  steps:
    - {name: enrol, kind: sequence, after: [crm], within: 5m, match: [{event: SequenceEnrolled}]}
    - {name: capture, kind: capture, match: [{service: forms, name: "POST /f*"}]}
    - name: crm
      after: [capture]
      required: true
      gate: {attribute: lead.score, at_least: 60}
      match:
        - {service: writer, kind: client, attributes: {peer.service: "sales*"}}
"""


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(FlowProblems) as caught:
        read_flow(text, "demo.yaml")
    assert all(str(one).startswith(f"demo.yaml:{one.line}: ") for one in caught.value.problems)
    assert all(one.mend for one in caught.value.problems)
    return [(one.line, one.what) for one in caught.value.problems]


def test_a_flow_is_read_with_its_steps_in_causal_order():
    flow = read_flow(GOOD)
    assert [step.name for step in flow.steps] == ["capture", "crm", "enrol"]
    assert flow.deadline.total_seconds() == 5400
    assert flow.before["enrol"] == {"capture", "crm"}
    assert flow.capture.name == "capture"
    assert flow.by_name["crm"].gate.wanted == "at least 60"


def test_the_version_is_the_texts_own():
    assert read_flow(GOOD).version == read_flow(GOOD).version != read_flow(GOOD + "\n").version


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        pytest.param("after: [crm]", "after: [crn]", 8, "step `enrol` comes after `crn`, which is no step", id="unknown step"),
        pytest.param("goal: enrol", "goal: enroll", 5, "the goal `enroll` is no step", id="goal missing"),
        pytest.param("  goal: enrol\n", "", 5, "goal is missing", id="no goal"),
        pytest.param("after: [capture]", "after: [enrol]", 8, "the steps wait for each other in a circle", id="circle"),
        pytest.param("      after: [capture]\n", "", 8, "step `enrol` cannot be reached from `capture`", id="unreachable"),
        pytest.param("name: crm", "name: capture", 10, "step `capture` is named twice", id="duplicate name"),
        pytest.param("deadline: 1h30m", "deadline: soon", 6, "deadline `soon` is not a duration", id="duration"),
        pytest.param("deadline: 1h30m", "deadline: 0s", 6, "deadline `0s` is not between", id="no time at all"),
        pytest.param("required: true", "required: perhaps", 12, "required is neither true nor false", id="boolean"),
        pytest.param("kind: sequence", "kind: sequnce", 8, "kind `sequnce` is unknown", id="kind"),
        pytest.param("at_least: 60", "at_least: many", 13, "at_least `many` is not a number", id="gate"),
        pytest.param("at_least: 60", "at_least: .nan", 13, "at_least `.nan` is not a number", id="gate of nothing"),
        pytest.param('{service: writer, kind: client, attributes: {peer.service: "sales*"}}', "{}", 15, "would match every hop", id="empty matcher"),
        pytest.param("title: Demo", "titel: Demo", 3, "unknown key `titel`", id="typo"),
        pytest.param("title: Demo", "name: other", 3, "gives `name` twice", id="key twice"),
        pytest.param("apiVersion: leadtrace/v1", "apiVersion: v2", 1, "apiVersion is not leadtrace/v1", id="version"),
        pytest.param("  steps:", "  steps: []\n  x:", 7, "steps is empty", id="no steps"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_line(old, new, line, what):
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1))
    assert any(at == line and what in said for at, said in found), found


def test_all_mistakes_are_told_at_once():
    broken = GOOD.replace("kind: sequence", "kind: x").replace("1h30m", "x").replace("goal: enrol", "goal: x")
    assert len(problems(broken)) >= 3


@pytest.mark.parametrize("text", ["", "- a", "a: [", "\t", "x: 1", "{" * 2000, "a: &a [*a]"])
def test_what_is_no_flow_at_all_is_told_too(text):
    assert problems(text)


def test_yaml_never_turns_a_name_into_something_else():
    flow = read_flow(GOOD.replace("name: demo", "name: 2026-03-02").replace("owner: growth", "owner: no"))
    assert (flow.name, flow.owner) == ("2026-03-02", "no")


def make_hop(service="writer", name="x", kind="client", **attributes) -> Hop:
    said = {key.replace("__", "."): value for key, value in attributes.items()}
    return Hop("L", "t", "s", "", "span", 0, 0, service, name, kind, attributes=said)


@pytest.mark.parametrize(
    ("hop", "step"),
    [
        pytest.param(make_hop(peer__service="salesforce"), "crm", id="all keys hold"),
        pytest.param(make_hop(peer__service="hubspot"), None, id="an attribute differs"),
        pytest.param(make_hop(kind="server", peer__service="salesforce"), None, id="the kind differs"),
        pytest.param(make_hop("forms", "POST /form"), "capture", id="a glob"),
        pytest.param(make_hop("forms", "GET /form"), None, id="another name"),
        pytest.param(make_hop("any", lead__event="SequenceEnrolled"), "enrol", id="an event"),
        pytest.param(make_hop("any", lead__step="crm"), "crm", id="the hop names its step"),
        pytest.param(make_hop("any", lead__step="nonsense"), None, id="a step that is none"),
    ],
)
def test_a_hop_belongs_to_the_step_whose_matcher_holds(hop, step):
    found = read_flow(GOOD).step_of(hop)
    assert (found.name if found else None) == step
