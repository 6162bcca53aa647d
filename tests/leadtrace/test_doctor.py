import json
import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leadtrace import doctor as room
from leadtrace.cli import main
from leadtrace.tokens import Role, Tokens


@pytest.fixture
def doctor(tmp_path, flow_text):
    """Examine a set-up that is right but for what the test changes; None takes a setting away."""
    (tmp_path / "demo.yaml").write_text(flow_text())
    right = {
        "data": tmp_path / "data",
        "flows": tmp_path / "demo.yaml",
        "web": "127.0.0.1:0",
        "otlp_http": "127.0.0.1:0",
        "otlp_grpc": "127.0.0.1:0",
    }

    def examine(**changed: object) -> Result:
        settings = {key: value for key, value in {**right, **changed}.items() if value is not None}
        environment = {f"LEADTRACE_{key.upper()}": str(value) for key, value in settings.items()}
        return CliRunner().invoke(main, ["doctor"], env=environment)

    return examine


def bad(shown: Result) -> list[str]:
    assert shown.exception is None or isinstance(shown.exception, SystemExit), shown.exception
    lines = shown.output.splitlines()
    mends = [line for before, line in zip(lines, [*lines[1:], ""], strict=True) if before.startswith("✗")]
    assert all(mend.startswith("    ") for mend in mends), "each bad finding names its mend"
    return [line for line in lines if line.startswith("✗")]


def test_a_fresh_folder_with_a_flow_is_healthy_and_is_left_as_it_was(doctor, tmp_path):
    shown = doctor()
    assert bad(shown) == []
    assert shown.exit_code == 0
    assert "· no server has run on this data folder yet" in shown.output
    assert "· no tokens yet" in shown.output
    assert "✓ 1 flows are right: demo-request" in shown.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.yaml"]


def test_no_flow_file_is_bad_since_no_lead_would_be_judged(doctor):
    shown = doctor(flows=None)
    assert shown.exit_code == 1
    assert bad(shown) == ["✗ no flow file is named, so no lead is judged"]
    assert "LEADTRACE_FLOWS" in shown.output


def test_a_folder_without_flow_files_is_bad(doctor, tmp_path):
    (tmp_path / "empty").mkdir()
    assert len(bad(doctor(flows=tmp_path / "empty"))) == 1


def test_each_mistake_of_a_broken_flow_is_named_with_its_line_and_mend(doctor, tmp_path, flow_text):
    (tmp_path / "broken.yaml").write_text(
        flow_text().replace("goal: enrol", "goal: enroll").replace("within: 5m", "within: soon")
    )
    shown = doctor(flows=tmp_path / "broken.yaml")
    assert shown.exit_code == 1
    assert len(bad(shown)) == 2
    assert all(line.startswith(f"✗ {tmp_path / 'broken.yaml'}:") for line in bad(shown))


def test_every_wrong_setting_is_named(doctor):
    shown = doctor(web="8080", shard="x")
    assert shown.exit_code == 1
    assert [line.split()[1] for line in bad(shown)] == ["LEADTRACE_WEB", "LEADTRACE_SHARD"]
    assert "docs/settings.md" in shown.output


def test_a_folder_that_cannot_be_written_is_bad(doctor, tmp_path):
    """/proc is the one that not even root can write."""
    where = Path("/proc/leadtrace")
    if os.getuid() != 0:
        where = tmp_path / "locked"
        where.mkdir(mode=0o500)
    elif not where.parent.is_dir():
        pytest.skip("root can write everywhere here")
    shown = doctor(data=where)
    assert shown.exit_code == 1
    assert [line for line in bad(shown) if "cannot be written" in line]
    assert "chown" in shown.output


def test_a_full_disk_is_bad(doctor, monkeypatch):
    monkeypatch.setattr(room, "LOW_DISK_BYTES", 1 << 60)
    assert "MiB free" in bad(doctor())[0]


def test_a_key_that_others_can_read_is_bad(doctor, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "personal.key").write_text("k" * 64)
    (tmp_path / "data" / "personal.key").chmod(0o644)
    shown = doctor()
    assert shown.exit_code == 1
    assert "chmod 600" in bad(shown)[0]


def test_tokens_are_counted_and_a_broken_file_is_bad(doctor, tmp_path):
    Tokens(tmp_path / "data" / "tokens.json").create(Role.READ)
    assert "✓ 1 tokens in" in doctor().output
    (tmp_path / "data" / "tokens.json").write_text("{")
    shown = doctor()
    assert shown.exit_code == 1
    assert "tokens.json cannot be read as tokens" in bad(shown)[0]


@pytest.mark.parametrize("key", ["web", "otlp_http", "otlp_grpc"])
def test_an_address_that_is_taken_is_bad(doctor, key):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        shown = doctor(**{key: address})
    assert shown.exit_code == 1
    assert bad(shown)[0].startswith(f"✗ LEADTRACE_{key.upper()} {address} cannot be listened on")


def test_a_database_that_does_not_answer_is_bad_and_its_password_not_shown(doctor):
    shown = doctor(clickhouse="clickhouse://u:s3cret@127.0.0.1:1/leadtrace")
    assert shown.exit_code == 1
    assert bad(shown)[0].startswith("✗ ClickHouse does not answer")
    assert "s3cret" not in shown.output


def test_going_without_tokens_is_worth_a_note(doctor):
    shown = doctor(auth="off")
    assert shown.exit_code == 0
    assert "· LEADTRACE_AUTH is off" in shown.output


def test_a_note_of_a_server_that_is_gone_does_not_mislead_it(doctor, tmp_path):
    (tmp_path / "data").mkdir()
    note = {"pid": os.getpid(), "web": "http://127.0.0.1:1"}
    (tmp_path / "data" / "server.json").write_text(json.dumps(note))
    shown = doctor()
    assert bad(shown) == []
    assert "a server runs" not in shown.output
