"""Collector, engine and web as processes of their own beside a ClickHouse that is reached over HTTP, and that goes away."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from otlp_requests import span, traces

HERE = Path(__file__).parent
LEADTRACE = str(Path(sys.executable).with_name("leadtrace"))
FLOW = """
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: webinar}
spec:
  goal: enrol
  deadline: 15m
  steps:
    - {name: capture, kind: capture, match: [{service: forms}]}
    - {name: enrol, kind: sequence, after: [capture], match: [{event: SequenceEnrolled}]}
"""


def free_port() -> int:
    """One below those that the system gives to whoever asks for any: a process that comes back finds it free."""
    for port in random.sample(range(10_000, 30_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("of a hundred ports none is free")


def wait_for(what, seconds=30.0):
    """The first true answer; the last one is in the message when none came."""
    until, last = time.monotonic() + seconds, None
    while time.monotonic() < until:
        try:
            last = what()
        except (OSError, ValueError) as error:
            last = error
        if last and not isinstance(last, Exception):
            return last
        time.sleep(0.1)
    pytest.fail(f"it did not happen within {seconds} s; last seen: {last!r}")


def ended(process):
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


class World:
    """A ClickHouse and the three processes, on ports of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clickhouse_port = free_port()
        self.otlp, self.grpc, self.web, self.engine = (free_port() for _ in range(4))
        (folder / "flows").mkdir()
        (folder / "flows" / "webinar.yaml").write_text(FLOW)
        (folder / "ch").mkdir()
        self.processes = {}

    def environment(self, data: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("LEADTRACE_")}
        return {
            **kept,
            "LEADTRACE_DATA": str(self.folder / f"data-{data}"),
            "LEADTRACE_PII_KEY_FILE": str(self.folder / "personal.key"),
            "LEADTRACE_CLICKHOUSE": f"clickhouse://default:@127.0.0.1:{self.clickhouse_port}/leads",
            "LEADTRACE_FLOWS": str(self.folder / "flows"),
            "LEADTRACE_WEB": f"127.0.0.1:{self.web}",
            "LEADTRACE_OTLP_HTTP": f"127.0.0.1:{self.otlp}",
            "LEADTRACE_OTLP_GRPC": f"127.0.0.1:{self.grpc}",
            "LEADTRACE_AUTH": "off",
            **({"LEADTRACE_METRICS": f"127.0.0.1:{self.engine}"} if data == "engine" else {}),
        }

    def start(self, name: str) -> None:
        if name == "clickhouse":
            command = [
                sys.executable,
                str(HERE / "clickhouse_server.py"),
                str(self.folder / "ch"),
                str(self.clickhouse_port),
            ]
        else:
            command = [LEADTRACE, name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment(name), cwd=self.folder, stdout=log, stderr=log
            )

    def stop(self, name: str) -> int:
        return ended(self.processes.pop(name))

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def leadtrace(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [LEADTRACE, *words]
        return subprocess.run(
            command,
            env=self.environment("cli"),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def send(self, *spans) -> int:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.otlp}/v1/traces", traces(*spans), {"Content-Type": "application/x-protobuf"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status

    def get(self, path: str, port: int = 0):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.web}{path}", timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def metrics(self, port: int) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def settled(self) -> float:
        return float(re.search(r"^leadtrace_leads_settled_total (\S+)", self.metrics(self.engine), re.MULTILINE)[1])

    def status_of(self, lead: str) -> str | None:
        status, answer = self.get(f"/api/v1/leads/{lead}/why")
        return answer["status"] if status == 200 else None


@contextmanager
def world(folder: Path):
    made = World(folder)
    try:
        yield made
    finally:
        for name in list(made.processes):
            made.kill(name)


def captured(lead):
    return span(
        "POST /signup",
        service="forms",
        lead=lead,
        entry=f"c-{lead}",
        flow="webinar",
        trace=lead.encode().hex().rjust(32, "a"),
    )


def enrolled(lead):
    return span("enrol", service="sender", at=5, lead=lead, entry=f"c-{lead}", trace=lead.encode().hex().rjust(32, "b"),
                attributes={"lead.event": "SequenceEnrolled"})  # fmt: skip


def test_three_processes_beside_a_clickhouse_that_goes_away_and_comes_back(tmp_path):
    with world(tmp_path) as here:
        here.start("clickhouse")
        wait_for(lambda: socket.create_connection(("127.0.0.1", here.clickhouse_port)).close() or True)
        migrated = here.leadtrace("migrate")
        assert migrated.returncode == 0, migrated.stderr
        for name in ("collector", "engine", "web"):
            here.start(name)
        wait_for(lambda: here.get("/readyz")[0] == 200)
        wait_for(lambda: here.send(captured("L1")) == 200)
        assert here.send(enrolled("L1")) == 200
        wait_for(lambda: here.status_of("L1") == "entered")
        told = here.leadtrace("why", "L1")
        assert told.returncode == 0, told.stderr
        assert "L1 entered the sequence" in told.stdout

        many = ["x" * 200_000, *(f"{'long' * 50}-{n}" for n in range(1_500))]  # a server takes 128 KiB of a bound value
        assert here.send(*(span("POST /signup", service="forms", lead=one, entry=one) for one in many)) == 200
        wait_for(lambda: here.settled() > len(many))

        assert here.get("/readyz", here.otlp)[0] == here.get("/readyz", here.engine)[0] == 200
        assert "leadtrace_door_accepted_total" in here.metrics(here.otlp)
        assert "leadtrace_leads_settled_total" in here.metrics(here.engine)

        here.kill("clickhouse")
        assert here.send(captured("L2"), enrolled("L2")) == 200  # acknowledged while nobody can store it
        assert here.get("/healthz")[0] == 200
        assert here.get("/readyz")[0] == here.get("/readyz", here.engine)[0] == 503
        assert here.get("/readyz", here.otlp)[0] == 200  # it takes telemetry all the same
        assert here.get("/api/v1/leads/L1/why")[0] == 503
        here.kill("collector")  # and the collector dies with the span in its spool

        here.start("clickhouse")
        here.start("collector")
        wait_for(lambda: here.status_of("L2") == "entered", 60)
        assert here.status_of("L1") == "entered"
        for name in ("collector", "engine", "web"):
            assert here.stop(name) == 0, (tmp_path / f"{name}.log").read_text()[-2000:]
