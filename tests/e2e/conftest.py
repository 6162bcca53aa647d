from pathlib import Path

import pytest
from live import Live

FLOW = """\
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: demo-request, title: Demo request, owner: growth}
spec:
  goal: enrol
  deadline: 20s
  steps:
    - {name: capture, kind: capture, owner: web, match: [{event: FormSubmitted}]}
    - {name: crm, kind: crm, after: [capture], within: 3s, owner: revops, match: [{service: crm-writer}]}
    - {name: enrol, kind: sequence, after: [crm], within: 5s, owner: sales-ops, match: [{event: SequenceEnrolled}]}
"""


@pytest.fixture(scope="session")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one flow whose deadlines pass while a test waits."""
    folder = tmp_path_factory.mktemp("flows")
    (folder / "demo-request.yaml").write_text(FLOW)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, flows: Path):
    """A running server that those share who do it no harm."""
    with Live(tmp_path_factory.mktemp("server"), flows=flows) as running:
        yield running
