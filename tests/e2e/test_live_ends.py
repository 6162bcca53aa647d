"""How the server starts and ends, and what it says when it cannot start."""

import re
import signal
import socket
import stat
import subprocess
import threading
from pathlib import Path

import httpx
import pytest
from live import COMMAND, Live, ask_engine, command, environment, span, wait_for

END_S = 20


def refused_start(folder: Path, **settings: object) -> str:
    """What a start says that must not succeed."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [*COMMAND, "serve"],
        cwd=folder,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "leadtrace is running" not in done.stdout
    sentences = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(sentences) == 1, done.stderr
    return sentences[0]


# ── ending ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sigterm_ends_it_in_order_and_loses_nothing_that_was_acknowledged(tmp_path, flows):
    acknowledged: list[str] = []
    refused: list[int] = []
    with Live(tmp_path, flows=flows) as server:

        def send_until_it_ends() -> None:
            while server.process.poll() is None:
                spans = [span(lead_id="L-1") for _ in range(5)]
                try:
                    status = server.send(*spans).status_code
                except httpx.TransportError:
                    return
                if status != 200:
                    refused.append(status)
                    return
                acknowledged.extend(one.span_id.hex() for one in spans)

        senders = [threading.Thread(target=send_until_it_ends) for _ in range(3)]
        for sender in senders:
            sender.start()
        wait_for(lambda: len(acknowledged) > 200, "some load")
        assert server.stop() == 0, server.log
        for sender in senders:
            sender.join(60)
    assert set(refused) <= {503}, "while it ends it says to send again later"
    assert "Traceback" not in server.log
    assert not (server.data / "server.json").exists(), "nobody is led to a server that is gone"
    stored = {row["span_id"]: int(row["n"]) for row in ask_engine(server.data, COUNTED)}
    if left := [path for path in (server.data / "spool").iterdir() if path.stat().st_size and path.name != "lock"]:
        with Live(tmp_path, flows=flows) as server:  # what was not loaded in time was kept for the next start
            assert server.stop() == 0
        stored = {row["span_id"]: int(row["n"]) for row in ask_engine(server.data, COUNTED)}
    assert not set(acknowledged) - set(stored), f"lost, with {left} left in the spool"
    assert {stored[one] for one in acknowledged} == {1}


COUNTED = "SELECT span_id, count() AS n FROM spans GROUP BY span_id"


def test_a_sender_that_never_finishes_does_not_hold_up_the_end(tmp_path):
    with Live(tmp_path) as server:
        host, _, port = server.otlp_http.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as slow:
            head = f"POST /v1/traces HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.token}\r\n"
            slow.sendall(f"{head}content-type: application/x-protobuf\r\ncontent-length: 99\r\n\r\n".encode())
            assert server.send(span()).status_code == 200
            assert server.stop() == 0, server.log


# ── starting ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_start_prints_all_that_a_beginner_needs_and_ctrl_c_ends_it(tmp_path):
    with Live(tmp_path) as server:
        said = server.welcome
        assert re.search(r"open +http://127\.0\.0\.1:\d+/sign-in\?code=\S+", said)
        assert f"export OTEL_EXPORTER_OTLP_ENDPOINT={server.otlp_http}" in said
        assert f'OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20{server.token}"' in said
        assert "set LEADTRACE_FLOWS" in said
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in server.data.iterdir() if path.is_file()}
        assert modes == dict.fromkeys(("personal.key", "server.json", "session.key", "tokens.json"), 0o600)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(END_S) == 0, "Ctrl-C ends it as SIGTERM does"
        assert "Traceback" not in server.log


def test_a_second_server_on_the_same_data_ends_with_a_sentence_and_leaves_the_first_alone(tmp_path):
    with Live(tmp_path) as first:
        said = refused_start(tmp_path)
        assert str(first.data / "spool") in said
        assert "another leadtrace" in said
        assert first.send(span(lead_id="L-1")).status_code == 200
        wait_for(lambda: first.get("/api/v1/leads/L-1").status_code == 200, "the first server's answer")
        assert "has no entry" in first.command("why", "L-1").stderr


@pytest.mark.parametrize("key", ["web", "otlp_http", "otlp_grpc"])
def test_an_address_that_is_taken_is_told_with_its_setting_and_the_mend(tmp_path, key):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused_start(tmp_path, **{key: address})
    assert f"LEADTRACE_{key.upper()} {address}" in said
    assert "127.0.0.1:0" in said
    assert not (tmp_path / "data" / "server.json").exists(), "nobody is led to a server that did not start"
    assert not (tmp_path / "data" / "tokens.json").exists(), "the first token is still to be shown"


def test_wrong_settings_and_broken_files_stop_the_start_with_a_sentence(tmp_path):
    (tmp_path / "broken.yaml").write_text("apiVersion: leadtrace/v1\nkind: Flaw\n")
    assert "LEADTRACE_OTLP_HTTP 192.0.2.1:4999" in refused_start(tmp_path, otlp_http="192.0.2.1:4999")
    assert f"{tmp_path / 'broken.yaml'}:1:" in refused_start(tmp_path, flows=tmp_path / "broken.yaml")
    (tmp_path / "data" / "tokens.json").write_text("{")
    assert "tokens.json" in refused_start(tmp_path)
    (tmp_path / "data" / "personal.key").write_text("x" * 64)
    (tmp_path / "data" / "personal.key").chmod(0o644)
    assert "chmod 600" in refused_start(tmp_path)


def test_a_data_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    assert "LEADTRACE_DATA" in refused_start(tmp_path, data=tmp_path / "file" / "data")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="/proc is the folder that not even root can write")
def test_it_writes_nothing_into_the_folder_it_was_started_in(tmp_path):
    with Live(tmp_path, cwd=Path("/proc")) as server:
        server.send(span(lead_id="L-1"))
        wait_for(lambda: server.get("/api/v1/leads/L-1").status_code == 200, "a stored span")
        assert "load_postponed" not in server.log


def test_the_command_line_is_not_misled_by_a_note_of_a_server_that_was_killed(tmp_path, flows):
    with Live(tmp_path, flows=flows) as server:
        server.send(span(lead_id="L-1", lead_correlation_id="c-1", lead_event="FormSubmitted"))
        wait_for(lambda: server.why("L-1"), "the answer")
        server.kill()
    note = server.data / "server.json"
    assert note.exists()
    note.write_text(re.sub(r'"pid": \d+', f'"pid": {_somebody_else()}', note.read_text()))
    reused = command(tmp_path, "why", "L-1", flows=flows)
    assert reused.returncode == 0, f"a process that got the killed server's number is not the server: {reused.stderr}"


def _somebody_else() -> int:
    return threading.main_thread().native_id or 1
