"""What a flow file that is right in form says wrongly: matchers for nothing, for everything, for what is taken."""

from pathlib import Path

import pytest

from model.flowcheck import doubts
from model.flowfile import read_flow

ROOT = Path(__file__).resolve().parents[2]
GOOD = """\
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: demo}
spec:
  goal: enrol
  deadline: 1h
  steps:
    - {name: capture, kind: capture, match: [{service: forms}]}
    - name: crm
      after: [capture]
      match:
        - {service: writer, name: "POST /leads*"}
        - {event: CrmWritten}
    - {name: enrol, after: [crm], match: [{event: SequenceEnrolled}]}
"""


def said(old="", new=""):
    assert old in GOOD
    return [(one.line, one.what) for one in doubts(read_flow(GOOD.replace(old, new), "demo.yaml"), "demo.yaml")]


def test_a_sound_flow_leaves_no_doubt():
    assert said() == []


def test_a_flow_whose_hops_name_their_steps_needs_no_matchers():
    assert said(", match: [{service: forms}]") == []


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        pytest.param("[{service: forms}]", "[]", 8, "step `capture` matches nothing: its `match` is empty", id="empty"),
        pytest.param("service: forms", "service: forms-*", 8, "a matcher matches nothing: `service` is no glob", id="a glob as service"),
        pytest.param("event: CrmWritten", "event: Crm*", 13, "a matcher matches nothing: `event` is no glob", id="a glob as event"),
        pytest.param("event: CrmWritten", "attributes: {service.name: w}", 13, "`service.name` is told of a service, not of a hop", id="resource"),
        pytest.param("{service: forms}", '{name: "*"}', 8, "step `capture`: a matcher matches every hop", id="every hop"),
        pytest.param("{service: forms}", '{name: "**", attributes: {lead.id: "*"}}', 8, "a matcher matches every hop", id="every lead"),
        pytest.param("event: SequenceEnrolled", "service: forms", 14, "step `enrol` never gets a hop: `capture` before it takes the same ones", id="the same"),
        pytest.param("event: SequenceEnrolled", "service: writer, name: POST /leads/7", 14, "step `enrol` never gets a hop: `crm`", id="a name within a glob"),
        pytest.param("event: SequenceEnrolled", 'service: writer, name: "POST /leads/*", kind: server', 14, "step `enrol` never gets a hop", id="a glob within a glob"),
        pytest.param("event: CrmWritten", "service: forms, event: CrmWritten", 13, "step `crm`: a matcher never gets a hop: step `capture` takes", id="one of two"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told_with_its_line(old, new, line, what):
    found = said(old, new)
    assert [(at, what in told) for at, told in found if what in told] == [(line, True)], found


@pytest.mark.parametrize(
    "matcher",
    [
        '{service: writer, name: "POST /le*"}',
        '{service: writer, name: "PUT /leads*"}',
        "{service: writer}",
        "{service: forms2, kind: server}",
        '{attributes: {server.address: "*.crm.example"}}',
    ],
)
def test_what_may_still_get_a_hop_is_left_alone(matcher):
    assert said("{event: SequenceEnrolled}", matcher) == []


@pytest.mark.parametrize("path", [*(ROOT / "demo").rglob("*.yaml"), *(ROOT / "docs").glob("*.yaml")], ids=str)
def test_the_flows_that_come_with_leadtrace_leave_no_doubt(path):
    text = path.read_text()
    if "kind: Flow" in text:
        assert doubts(read_flow(text, path.name), path.name) == []
