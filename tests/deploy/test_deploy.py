"""What deploy/ says is true of the code: settings, commands, ports, files and names that refer to each other."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from leadtrace import __version__
from leadtrace.cli import main
from leadtrace.flowfiles import read_flow_file
from leadtrace.settings import PREFIX, Settings, read_settings
from model.flowfile import read_flow

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if name != "clickhouse"}
MANIFESTS = [
    document
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
]
WORKLOADS = [one for one in MANIFESTS if one["kind"] in {"Deployment", "StatefulSet"}]
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
UNIT = DEPLOY / "systemd" / "leadtrace.service"
PORTS = {getattr(Settings(), name).port for name in ("web", "otlp_http", "otlp_grpc")}


def named(manifest: dict) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def is_setting(key: str) -> bool:
    return key.removeprefix(PREFIX).lower() in Settings.model_fields


def settle(environment: dict[str, str], tmp_path: Path) -> Settings:
    """The settings as a process there would read them, with its flow folder standing on this machine."""
    ours = {key: str(value) for key, value in environment.items() if key.startswith(PREFIX)}
    return read_settings({**ours, "LEADTRACE_FLOWS": str(DEPLOY / "flows")}, tmp_path)


# ── the image ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_that_the_image_copies_is_there_and_every_room_is_copied():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert all((ROOT / source).exists() for source in sources)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {package.rstrip("*") for package in packages} <= sources


def test_the_image_installs_what_is_locked_and_runs_as_nobody():
    assert "pip install --no-cache-dir --require-hashes -r requirements.lock" in CONTAINERFILE
    assert re.search(r"^USER (?!0|root)\d+$", CONTAINERFILE, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE) == ["python:3.11-slim"] * 2


def test_the_image_sets_settings_and_shows_their_ports(tmp_path):
    environment = dict(re.findall(r"(LEADTRACE_\w+)=(\S+)", CONTAINERFILE))
    assert environment
    assert all(map(is_setting, environment))
    settings = settle(environment, tmp_path)
    exposed = {int(port) for port in re.search(r"^EXPOSE (.+)$", CONTAINERFILE, re.MULTILINE)[1].split()}
    assert exposed == {settings.web.port, settings.otlp_http.port, settings.otlp_grpc.port} == PORTS
    assert f'CMD ["{"serve"}"]' in CONTAINERFILE


def test_the_probes_are_python_that_compiles():
    compose = [service["healthcheck"].get("test", []) for service in OURS.values()]
    probes = [test[3] for test in compose if test[1:3] == ["python", "-c"]]
    probes += re.findall(r'CMD \["python", "-c", "(.+)"\]', CONTAINERFILE)
    assert len(probes) == 4
    for probe in probes:
        compile(probe, "probe", "exec")


# ── compose ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_there_is_with_settings_that_there_are(name, tmp_path):
    service = OURS[name]
    assert service["command"] == [name]
    assert name in main.commands
    assert all(map(is_setting, service["environment"]))
    environment = {
        key: re.sub(r"\$\{(\w+):([?-])([^}]*)\}", lambda m: "secret" if m[2] == "?" else m[3], value)
        for key, value in service["environment"].items()
    }
    settings = settle(environment, tmp_path)
    listens = {str(one) for one in (settings.web, settings.otlp_http, settings.otlp_grpc) if one.host == "0.0.0.0"}
    published = {f"0.0.0.0:{port.rpartition(':')[2]}" for port in service.get("ports", [])}
    assert listens == published


def test_every_port_is_published_on_this_machine_only():
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_services_refer_to_is_there():
    for service in COMPOSE["services"].values():
        for other, how in service.get("depends_on", {}).items():
            waits = COMPOSE["services"][other]
            assert how["condition"] != "service_healthy" or "test" in waits["healthcheck"]
            assert how["condition"] != "service_completed_successfully" or waits["restart"] == "no"
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_no_secret_has_a_default():
    text = (DEPLOY / "compose.yaml").read_text()
    assert not re.findall(r"\$\{\w*(?:PASSWORD|TOKEN|KEY|SECRET)\w*(?!:\?)[:}-]", text)
    for secret in (one for one in MANIFESTS if one["kind"] == "Secret"):
        assert set(secret["stringData"].values()) == {""}


def test_all_processes_share_their_keys_and_only_one_has_the_spool():
    for key in ("LEADTRACE_TOKENS_FILE", "LEADTRACE_SESSION_KEY_FILE", "LEADTRACE_PII_KEY_FILE"):
        assert len({service["environment"][key] for service in OURS.values()}) == 1
    assert all("keys:/var/lib/leadtrace-keys" in service["volumes"] for service in OURS.values())
    spools = [name for name, service in OURS.items() if "spool:/var/lib/leadtrace" in service["volumes"]]
    assert spools == ["collector"]


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_locked_down(name):
    service = OURS[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["user"] in CONTAINERFILE
    assert service["image"] == f"leadtrace:{__version__}"


def test_compose_itself_reads_the_file():
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no docker compose here")
    command = [docker, "compose", "--file", str(DEPLOY / "compose.yaml"), "config", "--quiet"]
    told = subprocess.run(
        command, env={"CLICKHOUSE_PASSWORD": "x", "PATH": "/usr/bin:/bin"}, capture_output=True, check=False
    )
    assert told.returncode == 0, told.stderr


# ── ClickHouse ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("file", sorted((DEPLOY / "clickhouse").rglob("*.xml")), ids=lambda file: file.parent.name)
def test_a_server_file_is_xml_that_clickhouse_merges(file):
    assert ET.parse(file).getroot().tag == "clickhouse"


def test_the_flow_that_comes_along_is_right():
    assert read_flow_file(DEPLOY / "flows" / "demo-request.yaml").goal == "enrol"


# ── Kubernetes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def containers(workload: dict) -> Iterator[dict]:
    pod = workload["spec"]["template"]["spec"]
    yield from pod["containers"]
    yield from pod["initContainers"]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=named)
def test_a_manifest_has_a_kind_a_name_and_the_namespace(manifest):
    assert manifest["apiVersion"]
    assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "leadtrace"


@pytest.mark.parametrize("workload", WORKLOADS, ids=named)
def test_a_workload_runs_a_command_with_settings_that_there_are(workload, tmp_path):
    container = workload["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == [container["name"]]
    assert container["name"] in main.commands
    shared = next(one["data"] for one in MANIFESTS if named(one) == "ConfigMap leadtrace")
    assert all(map(is_setting, shared))
    own = {one["name"]: one.get("value", "") for one in container["env"]}
    assert all(is_setting(key) for key in own if key != "POD_INDEX")
    shard = own.get("LEADTRACE_SHARD", "").replace("$(POD_INDEX)", "1")
    settings = settle({**shared, **own, "LEADTRACE_SHARD": shard}, tmp_path)
    assert not shard or settings.shard.count == workload["spec"]["replicas"]
    addresses = (settings.web, settings.otlp_http, settings.otlp_grpc, settings.metrics)
    listens = {one.port for one in addresses if one is not None and one.host == "0.0.0.0"}
    assert listens == {port["containerPort"] for port in container.get("ports", [])}


@pytest.mark.parametrize("workload", WORKLOADS, ids=named)
def test_what_a_workload_refers_to_is_there(workload):
    template = workload["spec"]["template"]
    assert workload["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    claims = {one["metadata"]["name"] for one in workload["spec"].get("volumeClaimTemplates", [])}
    volumes = {volume["name"] for volume in template["spec"]["volumes"]} | claims
    have = {named(manifest) for manifest in MANIFESTS}
    for volume in template["spec"]["volumes"]:
        assert "secret" not in volume or f"Secret {volume['secret']['secretName']}" in have
        assert "configMap" not in volume or f"ConfigMap {volume['configMap']['name']}" in have
    for container in containers(workload):
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        assert all(f"ConfigMap {one['configMapRef']['name']}" in have for one in container.get("envFrom", []))
        ports = {port["name"] for port in container.get("ports", [])}
        probes = [container[key] for key in container if key.endswith("Probe")]
        assert {probe.get("httpGet", probe.get("tcpSocket"))["port"] for probe in probes} <= ports
    if workload["kind"] == "StatefulSet":
        assert f"Service {workload['spec']['serviceName']}" in have


@pytest.mark.parametrize("workload", WORKLOADS, ids=named)
def test_a_workload_is_locked_down(workload):
    pod = workload["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"--uid {pod['securityContext']['runAsUser']} " in CONTAINERFILE
    for container in containers(workload):
        assert container["image"] == f"leadtrace:{__version__}"
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("service", [one for one in MANIFESTS if one["kind"] == "Service"], ids=named)
def test_a_service_finds_pods_and_their_ports(service):
    found = [
        one
        for one in WORKLOADS
        if service["spec"]["selector"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
    ]
    assert len(found) == 1
    ports = {port["name"] for one in found for container in containers(one) for port in container.get("ports", [])}
    assert {port["targetPort"] for port in service["spec"].get("ports", [])} <= ports


def test_the_network_policies_open_the_ports_that_are_listened_on():
    policies = [one for one in MANIFESTS if one["kind"] == "NetworkPolicy"]
    opened = {port["port"] for one in policies for rule in one["spec"].get("ingress", []) for port in rule["ports"]}
    assert opened == PORTS


def test_the_flow_in_the_manifests_is_right():
    flows = next(one["data"] for one in MANIFESTS if named(one) == "ConfigMap leadtrace-flows")
    assert [read_flow(text, name).name for name, text in flows.items()] == ["demo-request"]


# ── systemd ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_unit_runs_a_command_with_settings_that_there_are():
    text = UNIT.read_text()
    command = re.search(r"^ExecStart=\S+/leadtrace (\w+)$", text, re.MULTILINE)[1]
    assert command in main.commands
    keys = re.findall(r"^Environment=(\w+)=", text, re.MULTILINE)
    assert keys
    assert all(map(is_setting, keys))


def test_systemd_takes_the_unit(tmp_path):
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd-analyze here")
    there = tmp_path / UNIT.name
    there.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))
    told = subprocess.run([verify, "verify", str(there)], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
