"""Objective files through the front door: `slo check`, the setting, what is in force while it runs, the doctor."""

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from leadtrace import watched
from leadtrace.cli import main
from leadtrace.flowfiles import FlowFiles
from leadtrace.objectivefiles import ObjectiveFiles
from leadtrace.serve import Service
from leadtrace.settings import read_settings
from slo.openslo.findings import ObjectiveProblems

DEMO = Path(__file__).resolve().parents[2] / "demo"
RIGHT = (DEMO / "objectives" / "enrolment.yaml").read_text()
PROMETHEUS = RIGHT.replace("type: leadtrace", "type: Prometheus")
_moments = iter(range(1_700_000_000, 1_800_000_000))


def save(path: Path, text: str) -> Path:
    path.write_text(text)
    at = next(_moments)
    os.utime(path, (at, at))
    return path


def run(*arguments: object, **settings: object) -> Result:
    environment = {f"LEADTRACE_{key.upper()}": str(value) for key, value in settings.items()}
    return CliRunner().invoke(main, [str(one) for one in arguments], env=environment)


# ── slo check ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_right_files_end_with_0_and_a_line_for_each_objective():
    shown = run("slo", "check", "--strict", DEMO / "objectives", flows=DEMO / "flows")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert len(shown.stdout.splitlines()) == 6
    assert all(
        re.match(r".+\.yaml: `demo-[\w-]+` is right: .+ in demo-request", line) for line in shown.stdout.splitlines()
    )


def test_a_mistake_ends_with_1_and_a_sentence_each(tmp_path):
    wrong = RIGHT.replace("target: 0.94", "target: 94").replace("duration: 28d", "duration: 0d")
    save(tmp_path / "right.yaml", RIGHT.replace("demo-enrolment", "other"))
    save(tmp_path / "wrong.yaml", wrong)
    shown = run("slo", "check", "right.yaml", "wrong.yaml")
    assert (shown.exit_code, shown.stdout) == (1, "")
    lines = shown.stderr.splitlines()
    assert len(lines) == 2
    assert all(re.match(r"wrong\.yaml:\d+: SLO demo-enrolment: spec\.\S+ .+\. \S.+", line) for line in lines)


def test_an_unknown_field_is_a_warning_and_strictly_a_mistake(tmp_path):
    save(tmp_path / "odd.yaml", RIGHT.replace("  service:", "  servise: x\n  service:"))
    mended, strict = run("slo", "check", "odd.yaml"), run("slo", "check", "--strict", "odd.yaml")
    assert (mended.exit_code, strict.exit_code) == (0, 1)
    assert ": warning: SLO demo-enrolment: spec.servise is a field that OpenSLO does not know." in mended.stderr
    assert "Did you mean `service`?" in strict.stderr
    assert "`demo-enrolment` is right" in mended.stdout


def test_names_of_flows_are_checked_where_flows_are_known(tmp_path):
    save(tmp_path / "any.yaml", RIGHT.replace("flow: demo-request", "flow: webinar"))
    assert run("slo", "check", "any.yaml").exit_code == 0
    assert run("slo", "check", "any.yaml", "--flows", DEMO / "flows").exit_code == 1
    shown = run("slo", "check", "any.yaml", flows=DEMO / "flows")
    assert shown.exit_code == 1
    assert "`webinar` is no flow. Known are demo-request" in shown.stderr


def test_what_is_not_counted_is_valid_and_says_so(tmp_path):
    save(tmp_path / "any.yaml", PROMETHEUS)
    shown = run("slo", "check", "--strict", "any.yaml")
    assert shown.exit_code == 0
    assert "any.yaml: SLO demo-enrolment is valid and yields no objective: its metric comes from Prom" in shown.stdout


@pytest.mark.parametrize("named", ["missing.yaml", "."])
def test_a_check_of_nothing_ends_with_1_and_a_sentence(named):
    shown = run("slo", "check", named)
    assert shown.exit_code == 1
    assert "Traceback" not in shown.output
    assert shown.output in {
        "Error: no objective file in .\n",
        "missing.yaml:1: the file cannot be read: No such file or directory. Name a file that is there and may be read\n",
    }


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * 300_000])
def test_a_file_that_is_no_text_or_too_long_is_a_sentence(tmp_path, content):
    (tmp_path / "any.yaml").write_bytes(content)
    shown = run("slo", "check", "any.yaml")
    assert shown.exit_code == 1
    assert shown.stderr.startswith("any.yaml:1: the file ")
    assert len(shown.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read: No such file or directory"), (b"\xff\xfe\x00", "Save it as UTF-8 text")],
    ids=["none", "no text"],
)
def test_a_back_test_of_what_cannot_be_read_ends_with_1_and_a_sentence(tmp_path, content, said):
    if content is not None:
        (tmp_path / "any.yaml").write_bytes(content)
    shown = run("slo", "backtest", "any.yaml")
    assert shown.exit_code == 1
    assert shown.stderr.startswith("Error: any.yaml: the file cannot be read: ")
    assert said in shown.stderr


# ── in force ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def looks_each_time(monkeypatch):
    monkeypatch.setattr(watched, "LOOK_AGAIN_S", -1.0)


def test_an_edit_comes_into_force_and_a_broken_one_keeps_what_was(tmp_path, looks_each_time):
    path = save(tmp_path / "a.yaml", RIGHT)
    objectives = ObjectiveFiles([tmp_path], FlowFiles([DEMO / "flows"]))
    assert list(objectives()) == ["demo-enrolment"]
    save(path, RIGHT.replace("name: demo-enrolment", "name: edited"))
    assert list(objectives()) == ["edited"]
    with capture_logs() as logs:
        save(path, RIGHT.replace("flow: demo-request", "flow: gone"))
        assert list(objectives()) == ["edited"]
    assert [one["event"] for one in logs] == ["objectives_kept"]


def test_what_was_mended_and_what_is_not_counted_is_logged(tmp_path):
    save(tmp_path / "a.yaml", RIGHT.replace("  budgetingMethod: Occurrences\n", ""))
    save(tmp_path / "b.yaml", PROMETHEUS.replace("name: demo-enrolment", "name: other"))
    with capture_logs() as logs:
        objectives = ObjectiveFiles([tmp_path], dict)
    assert list(objectives()) == ["demo-enrolment"]
    assert [one["event"] for one in logs] == ["objective_mended", "objective_not_counted"]


def test_a_mistake_stops_the_start_with_its_sentences(tmp_path):
    save(tmp_path / "a.yaml", RIGHT.replace("0.94", "1"))
    addresses = dict.fromkeys(("WEB", "OTLP_HTTP", "OTLP_GRPC"), "127.0.0.1:0")
    environment = {f"LEADTRACE_{key}": value for key, value in addresses.items()}
    environment |= {"LEADTRACE_DATA": str(tmp_path / "data"), "LEADTRACE_OBJECTIVES": str(tmp_path / "a.yaml")}
    with pytest.raises(ObjectiveProblems, match=r"a\.yaml:\d+: SLO demo-enrolment: spec\.objectives\[0\]\.target is 1"):
        Service(read_settings(environment, tmp_path))


# ── doctor ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def doctor(tmp_path: Path, **settings: object) -> Result:
    free = dict.fromkeys(("web", "otlp_http", "otlp_grpc"), "127.0.0.1:0")
    return run("doctor", data=tmp_path / "data", flows=DEMO / "flows", **free, **settings)


def test_the_doctor_counts_objectives(tmp_path):
    shown = doctor(tmp_path, objectives=DEMO / "objectives")
    assert shown.exit_code == 0
    assert "✓ 6 objectives are right: demo-backlog, demo-delivery-latency," in shown.output
    assert "· no objective file is named" in doctor(tmp_path).output


def test_the_doctor_names_each_mistake_and_what_is_not_counted(tmp_path):
    wrong = save(tmp_path / "wrong.yaml", RIGHT.replace("flow: demo-request", "flow: demo-requets"))
    shown = doctor(tmp_path, objectives=wrong)
    assert shown.exit_code == 1
    assert "`demo-requets` is no flow\n    Did you mean `demo-request`?" in shown.output
    other = save(tmp_path / "other.yaml", PROMETHEUS)
    assert (
        "· SLO demo-enrolment is not counted: its metric comes from Prom" in doctor(tmp_path, objectives=other).output
    )
