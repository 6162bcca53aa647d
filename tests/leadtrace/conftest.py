"""What the front door's tests share: an environment without settings of this machine's, and a right flow file."""

import os
from pathlib import Path

import pytest
import structlog

FLOW = """\
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: NAME, title: Demo request, owner: growth}
spec:
  goal: enrol
  deadline: 15m
  steps:
    - {name: capture, kind: capture, owner: web, match: [{event: FormSubmitted}]}
    - {name: enrol, kind: sequence, after: [capture], within: 5m, owner: sales-ops, match: [{event: SequenceEnrolled}]}
"""


@pytest.fixture(autouse=True)
def logs_as_before():
    """Commands run in this process set up logs for themselves."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for key in list(os.environ):
        if key.startswith("LEADTRACE_"):
            monkeypatch.delenv(key)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def flow_text():
    """`flow_text("demo-request")` is a right flow file."""
    return lambda name="demo-request": FLOW.replace("NAME", name)
