"""Starts `leadtrace serve` as a user would, on free loopback ports, and asks it over real HTTP."""

import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

REPO = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "leadtrace"]
PROTOBUF = {"content-type": "application/x-protobuf"}
START_S = 120.0
PATIENCE_S = 60.0
END_S = 60.0

Found = TypeVar("Found")


def wait_for(look: Callable[[], Found], what: str, timeout_s: float = PATIENCE_S) -> Found:
    """The first true value that `look` gives."""
    until = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < until, f"{what} did not happen within {timeout_s:g} s"
        time.sleep(0.05)
    return found


def environment(folder: Path, **settings: object) -> dict[str, str]:
    """That of a user with these settings and none of this machine's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LEADTRACE_", "OTEL_"))}
    given = {
        "data": folder / "data",
        "web": "127.0.0.1:0",
        "otlp_http": "127.0.0.1:0",
        "otlp_grpc": "127.0.0.1:0",
        **settings,
    }
    named = {f"LEADTRACE_{key.upper()}": str(value) for key, value in given.items() if value is not None}
    return {**kept, **named, "PYTHONPATH": str(REPO), "PYTHONUNBUFFERED": "1"}


def command(folder: Path, *arguments: str, timeout_s: float = 60, **settings: object) -> subprocess.CompletedProcess:
    """`leadtrace …` run to its end beside the server of that folder."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def ask_engine(data: Path, query: str) -> list[dict[str, Any]]:
    """The rows that a query finds in the embedded engine of a data folder whose server has stopped.

    In a process of its own: an engine belongs to one process, and this one's is the tests'.
    """
    script = (
        "import json, sys; from store.engine import Store; store = Store(f'chdb://{sys.argv[1]}/clickhouse');"
        "client = store.client(); c = client.__enter__();"
        "json.dump(list(c.query(sys.argv[2]).named_results()), sys.stdout, default=str);"
        "client.__exit__(None, None, None); store.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(data), query],
        cwd=data,
        env=environment(data.parent),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Live:
    """One server. `start` and `kill` may follow each other on the same folder; ports change with each start."""

    def __init__(self, folder: Path, *, cwd: Path | None = None, **settings: object) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.settings = settings
        self._cwd = cwd or folder
        self._log = folder / "server.log"
        self._process: subprocess.Popen | None = None
        self.welcome = ""
        self.token: str | None = None
        self._session = ("", "")

    # ── its life ────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> Self:
        begins = self.launch()
        wait_for(lambda: self._is_up(begins), "the server's start", START_S)
        return self

    def launch(self) -> int:
        """Start it and do not wait until it is up; where in the log it begins."""
        self.folder.mkdir(parents=True, exist_ok=True)
        begins = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "serve"],
                cwd=self._cwd,
                env=environment(self.folder, **self.settings),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        return begins

    def _is_up(self, begins: int) -> bool:
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log}"
        said = self._log.read_bytes()[begins:].decode("utf-8", "replace")
        if "leadtrace is running." not in said or "OTLP/gRPC" not in said.rpartition("leadtrace is running.")[2]:
            return False
        self.welcome = said[said.index("leadtrace is running.") :]
        if found := re.search(r"Bearer%20(lt\w_[\w-]+)", self.welcome):
            self.token = found[1]
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.web}/readyz").status_code == 200
        return False

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(END_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: nothing of it runs on, not even a handler."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, *_exc: object) -> None:
        self.kill()

    @property
    def process(self) -> subprocess.Popen:
        assert self._process is not None, "it was not started"
        return self._process

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    # ── where it is ─────────────────────────────────────────────────────────────────────────────────────────────

    def _said(self, what: str) -> str:
        return re.search(rf"{what} +(\S+)", self.welcome)[1]

    @property
    def web(self) -> str:
        return re.match(r"https?://[^/]+", self.link)[0]

    @property
    def link(self) -> str:
        """The address that the start tells to open: the sign-in link."""
        return self._said("open")

    @property
    def otlp_http(self) -> str:
        return self._said("OTLP/HTTP")

    @property
    def otlp_grpc(self) -> str:
        return self._said("OTLP/gRPC")

    # ── what is asked of it ─────────────────────────────────────────────────────────────────────────────────────

    def bearer(self, role: str | None = None) -> dict[str, str]:
        """The header of the first start's token, or of a new one with this role."""
        if role is None:
            return {"authorization": f"Bearer {self.token}"} if self.token else {}
        made = self.command("token", "create", "--role", role)
        assert made.returncode == 0, made.stderr
        return {"authorization": f"Bearer {made.stdout.strip()}"}

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        return command(self.folder, *arguments, **self.settings)

    def send(self, *spans: Span, service: str = "web-forms") -> httpx.Response:
        content = export(*spans, service=service).SerializeToString()
        return httpx.post(f"{self.otlp_http}/v1/traces", content=content, headers={**PROTOBUF, **self.bearer()})

    def get(self, path: str, **query: str) -> httpx.Response:
        """An answer of pages or API to one who signed in as people do."""
        if self._session[0] != self.link:
            self._session = (self.link, _signed_in(self.link))
        cookie = {"cookie": self._session[1]}
        return httpx.get(f"{self.web}{path}", params=query or None, headers=cookie, timeout=30)

    def why(self, lead: str) -> dict[str, Any] | None:
        """The answer; None while there is none."""
        answer = self.get(f"/api/v1/leads/{lead}/why")
        return answer.json() if answer.status_code == 200 else None

    def peak_memory_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def _signed_in(link: str) -> str:
    answer = httpx.get(link)
    assert answer.status_code == 303, answer.text
    return answer.headers["set-cookie"].partition(";")[0]


# ── what is sent ────────────────────────────────────────────────────────────────────────────────────────────────────

_numbers = itertools.count(1)


def span(name: str = "POST /forms", *, at_ns: int | None = None, **attributes: str) -> Span:
    """A span with ids of its own; `lead_id="L-1"` is its attribute `lead.id`."""
    number = next(_numbers)
    start = at_ns or time.time_ns()
    made = Span(
        trace_id=b"live" + os.getpid().to_bytes(4, "big") + number.to_bytes(8, "big"),
        span_id=number.to_bytes(8, "big"),
        name=name,
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=start,
        end_time_unix_nano=start + 1_000_000,
    )
    for key, value in attributes.items():
        made.attributes.append(_attribute(key.replace("_", ".", 1), value))
    return made


def export(*spans: Span, service: str = "web-forms") -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.append(_attribute("service.name", service))
    resource.scope_spans.add().spans.extend(spans)
    return request


def _attribute(key: str, value: str) -> KeyValue:
    made = KeyValue(key=key)
    made.value.string_value = value
    return made
