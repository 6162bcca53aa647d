"""What Kubernetes adds by itself must not stop a start."""

from pathlib import Path

import pytest
import yaml

from leadtrace.settings import SettingsError, read_settings

KUBERNETES = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
MANIFESTS = [one for file in sorted(KUBERNETES.glob("*.yaml")) for one in yaml.safe_load_all(file.read_text())]
WORKLOADS = [one for one in MANIFESTS if one["kind"] in {"Deployment", "StatefulSet"}]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one["metadata"]["name"])
def test_no_service_writes_its_address_into_the_environment_of_a_pod(workload):
    """A Service `leadtrace-web` would set LEADTRACE_WEB_PORT in every pod, and an unknown setting stops the start."""
    assert workload["spec"]["template"]["spec"]["enableServiceLinks"] is False


def test_such_an_address_would_stop_the_start(tmp_path):
    with pytest.raises(SettingsError, match="LEADTRACE_WEB_PORT is no setting"):
        read_settings({"LEADTRACE_WEB_PORT": "tcp://10.0.0.1:80"}, tmp_path)
