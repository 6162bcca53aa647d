"""Flow files printed in the documentation are right, and its tables name every key and kind."""

import re
from pathlib import Path

import pytest

from model import flowfile
from model.flow import KINDS, SPAN_KINDS
from model.flowfile import FlowProblems, read_flow

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "flows.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

BAD = """\
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: x}
spec:
  goal: crm
  deadline: 15 minutes
  steps:
    - {name: capture, kind: capture, mach: [{event: FormSubmitted}]}
    - {name: crm, after: [captur]}
"""


def examples() -> list:
    found = [(page, text) for page in PAGES for text in re.findall(r"```yaml\n(.+?)```", page.read_text(), re.DOTALL)]
    return [pytest.param(text, id=page.name) for page, text in found if "kind: Flow" in text]


@pytest.mark.parametrize("text", examples())
def test_an_example_is_right(text):
    assert read_flow(text).goal == "enrol"


def test_every_key_of_a_step_and_a_matcher_is_told():
    assert {f"steps[].{key}" for key in flowfile._STEP_KEYS} <= set(re.findall(r"`(steps\[\]\.\w+)`", PAGE))
    matchers = PAGE[PAGE.index("**Matcher**") :]
    assert set(flowfile._MATCH_KEYS) <= set(re.findall(r"^\| `(\w+)` \|", matchers, re.MULTILINE))
    assert all(f"`{kind}`" in PAGE for kind in (*KINDS, *SPAN_KINDS, *flowfile._COMPARISONS))


def test_the_mistakes_shown_are_the_mistakes_told():
    with pytest.raises(FlowProblems) as raised:
        read_flow(BAD, "bad.yaml")
    assert str(raised.value) in PAGE
