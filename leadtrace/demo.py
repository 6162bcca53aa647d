"""The demo: a real server, a real martech stack beside it, planted faults, and the comparison of what was said with
what was planted.

Server and stack are processes of their own, started as a user would start them and ended by their own ids.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from leadtrace.guard import Doorkeeper
from leadtrace.remote import RemoteError, RunningServer, running_server
from leadtrace.settings import Settings, read_settings
from leadtrace.telling import told, told_alert
from leadtrace.tokens import Role, Signer, Tokens, session_key

Echo = Callable[[str], None]

START_S = 60.0
DRIVE_S = 180.0
SETTLE_S = 90.0
STORE_S = 10.0
ALERT_S = 75.0
SHOWN_MISSES = 20
ROUND = timedelta(seconds=5)


class DemoError(RuntimeError):
    """The demo could not be shown; the message says what failed and where to look."""


def run_demo(*, once: bool, leads: int, seed: int, data: Path | None, echo: Echo) -> int:
    """Show it. 0 when every verdict is as planted, 1 when one differs or something failed."""
    folder = data.resolve() if data else Path(tempfile.mkdtemp(prefix="leadtrace-demo-"))
    try:
        return _Demo(folder, leads, seed, echo).run(once=once)
    except DemoError as error:
        echo(f"The demo failed: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Demo:
    folder: Path
    leads: int
    seed: int
    echo: Echo

    def run(self, *, once: bool) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = self._environment()
        settings = read_settings(environment, self.folder)
        token = Tokens(settings.tokens_path).create(Role.INGEST, "the demo's stack")
        with self._server(environment) as server_process:
            server = self._wait_for(settings, server_process)
            self.echo("leadtrace runs. Now a small martech stack starts and sends leads, some with planted faults.")
            with self._stack(server, token, stay=not once) as truth_path:
                truth = json.loads(truth_path.read_text())
                misses = self._compared(server, truth)
                self._shown(server, truth, misses)
                self._alerted(server, once=once)
                if not once:
                    self.echo(f"\nOpen it: {_sign_in_link(server)}\nBudgets: {server.address}/slos\n")
                    self._stay(server_process)
        return 1 if misses else 0

    # ── processes ───────────────────────────────────────────────────────────────────────────────────────────────

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("LEADTRACE_")}
        return {
            **kept,
            "LEADTRACE_DATA": str(self.folder / "data"),
            "LEADTRACE_FLOWS": str(files("demo").joinpath("flows")),
            "LEADTRACE_OBJECTIVES": str(files("demo").joinpath("objectives")),
            "LEADTRACE_WEB": _free_or_any(8080),
            "LEADTRACE_OTLP_HTTP": _free_or_any(4318),
            "LEADTRACE_OTLP_GRPC": _free_or_any(4317),
        }

    @contextmanager
    def _server(self, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "leadtrace", "serve"],
                env=dict(environment),
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
            try:
                yield process
            finally:
                _end(process)

    def _wait_for(self, settings: Settings, process: subprocess.Popen[bytes]) -> RunningServer:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if process.poll() is not None:
                break
            server = running_server(settings)
            if server is not None:
                with suppress(OSError, RemoteError):
                    server.get("/api/v1/flows")
                    return server
            time.sleep(0.1)
        raise DemoError(f"the server did not start; it said:\n{self._tail('server.log')}")

    @contextmanager
    def _stack(self, server: RunningServer, token: str, *, stay: bool) -> Iterator[Path]:
        truth = self.folder / "truth.json"
        truth.unlink(missing_ok=True)
        command = [sys.executable, "-m", "demo", "--otlp-http", self._otlp(server), "--leads", str(self.leads)]
        command += ["--headers", f"authorization=Bearer {token}", "--seed", str(self.seed), "--truth", str(truth)]
        with (self.folder / "stack.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  our own command
                [*command, *(["--stay"] if stay else [])], cwd=self.folder, stdout=log, stderr=log
            )
            try:
                self._wait_for_truth(process, truth)
                yield truth
            finally:
                _end(process)

    def _otlp(self, server: RunningServer) -> str:
        note = json.loads((server.settings.data / "server.json").read_text())
        return str(note["otlp_http"])

    def _wait_for_truth(self, process: subprocess.Popen[bytes], truth: Path) -> None:
        until = time.monotonic() + DRIVE_S
        while not truth.exists() or not _finished(truth):
            if process.poll() not in (None, 0) or time.monotonic() > until:
                raise DemoError(f"the martech stack did not finish; it said:\n{self._tail('stack.log')}")
            time.sleep(0.2)

    def _stay(self, server_process: subprocess.Popen[bytes]) -> None:
        self.echo("It goes on sending a lead every few seconds. Stop it with Ctrl-C.")
        stopping: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
        with suppress(KeyboardInterrupt):
            while server_process.poll() is None and not stopping:
                time.sleep(0.3)

    def _tail(self, name: str) -> str:
        lines = (self.folder / name).read_text(errors="replace").splitlines()
        return textwrap.indent("\n".join(lines[-15:]), "  ")

    # ── comparing ───────────────────────────────────────────────────────────────────────────────────────────────

    def _compared(self, server: RunningServer, truth: Mapping[str, Any]) -> list[str]:
        """Ask why of every entry until it is as planted, or until its deadline is long past; what differs at last."""
        open_entries = list(truth["leads"])
        self.echo(
            f"{len(open_entries)} entries were sent. The last verdicts fall when the flow's deadlines have passed."
        )
        until = time.monotonic() + SETTLE_S
        while True:
            differing = [(one, said) for one in open_entries if (said := _differs(server, one))]
            if not differing or time.monotonic() > until:
                return [said for _, said in differing]
            open_entries = [one for one, _ in differing]
            time.sleep(1.0)

    def _shown(self, server: RunningServer, truth: Mapping[str, Any], misses: Sequence[str]) -> None:
        self.echo(_funnel_text(_stored_funnel(server, truth)))
        shown: set[tuple[str, str | None]] = set()
        for one in truth["leads"]:
            kind = (one["expect"]["status"], one["expect"]["cause"])
            if kind not in shown:
                shown.add(kind)
                self.echo(told(server.why(one["lead"], None, one["correlation_id"])) + "\n")
        for miss in misses[:SHOWN_MISSES]:
            self.echo(f"✗ {miss}")
        total = len(truth["leads"])
        self.echo(f"{total - len(misses)} of {total} verdicts are as planted.")

    def _alerted(self, server: RunningServer, *, once: bool) -> None:
        """What on-call is told. Alerts are decided every half minute, so the next decision is waited for."""
        alerts = _firing(server)
        if not alerts:
            self.echo("\nEvery budget burns slowly enough: no alert fires.")
            return
        more = f" (and {len(alerts) - 1} more)" if len(alerts) > 1 else ""
        self.echo(f"\nWhat on-call is told{more}:\n\n{told_alert(alerts[0], link=not once)}")


def _differs(server: RunningServer, planted: Mapping[str, Any]) -> str:
    """How an entry's answer differs from what was planted; '' when it does not."""
    expect = planted["expect"]
    try:
        said = server.why(planted["lead"], None, planted["correlation_id"])
    except (RemoteError, OSError) as error:
        return f"{planted['lead']} ({planted['fault']}): {error}"
    wanted = (expect["status"], expect["cause"], expect["step"] if expect["cause"] else said["step"])
    got = (said["status"], said["cause"], said["step"])
    lacking = set(expect.get("contributing", ())) - {one["cause"] for one in said["contributing"]}
    if wanted == got and not lacking:
        return ""
    return f"{planted['lead']} ({planted['fault']}): planted {wanted}, answered {got}" + (
        f", lacking {lacking}" if lacking else ""
    )


def _firing(server: RunningServer) -> list[Mapping[str, Any]]:
    """The alerts that fire, pages first; none when none fires after a whole round of the alert loop from now on."""
    began, until = datetime.now(UTC), time.monotonic() + ALERT_S
    while True:
        looked = [one["evaluated_at"] for one in server.get("/api/v1/slos")["slos"]]
        found: list[Mapping[str, Any]] = server.get("/api/v1/alerts", state="firing")["alerts"]
        turns = [datetime.fromisoformat(at) for at in looked if at is not None]
        is_over = any(at > began and datetime.now(UTC) - at > ROUND for at in turns)
        if found or not looked or is_over or time.monotonic() > until:
            return sorted(found, key=lambda one: bool(one["severity"] != "page"))
        time.sleep(0.5)


def _stored_funnel(server: RunningServer, truth: Mapping[str, Any]) -> Mapping[str, Any]:
    """The funnel, once the settle loop has written what the answers already say: they are judged when asked."""
    planted = Counter(one["expect"]["status"] for one in truth["leads"])
    until = time.monotonic() + STORE_S
    while True:
        funnel: Mapping[str, Any] = server.get(f"/api/v1/flows/{truth['flow']}/funnel")
        written = funnel["by_status"]
        if all(written[status] >= planted[status] for status in written) or time.monotonic() > until:
            return funnel
        time.sleep(0.3)


def _funnel_text(funnel: Mapping[str, Any]) -> str:
    by_status = Counter(funnel["by_status"])
    lines = [
        "",
        f"{funnel['title']}: {funnel['entries']} entries = " + " + ".join(f"{n} {s}" for s, n in by_status.items()),
    ]
    width = max(len(step["title"]) for step in funnel["steps"])
    for step in funnel["steps"]:
        bar = "█" * round(40 * step["reached"] / max(funnel["entries"], 1))
        lines.append(f"  {step['title']:<{width}}  {step['reached']:>4} {bar}")
    lines += ["", "Why leads stopped:"]
    for cause in funnel["causes"]:
        lines.append(f"  {cause['entries']:>4}  {cause['title']} ({cause['cause']}, at {cause['step']})")
    return "\n".join([*lines, ""])


def _finished(truth: Path) -> bool:
    try:
        return bool(json.loads(truth.read_text()).get("finished_at"))
    except ValueError:
        return False


def _sign_in_link(server: RunningServer) -> str:
    settings = server.settings
    doorkeeper = Doorkeeper(Tokens(settings.tokens_path), Signer(session_key(settings.session_key_path)))
    return server.address + doorkeeper.sign_in_path(Role.ADMIN)


def _free_or_any(port: int) -> str:
    """The usual port, or any free one when something else uses it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return "127.0.0.1:0"
    return f"127.0.0.1:{port}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make it when it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
