"""How many spans does a CPU-second take from OTLP/HTTP to the lead's timeline? Beside a plain decoder in Python.

Both roads are a whole collector in a process of its own: the same door, the same spool with its fsyncs, the same loader
and engine; only the decoding differs. Bodies go over real HTTP from this process, whose time does not count.
"""

import http.client
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from benchmarks import journeys
from benchmarks.measure import Figures, cpu_s_of, say, scratch

ROUNDS = 3
DECODERS = ("engine", "plain")
Bodies = Sequence[tuple[bytes, int]]


class Road:
    """One collector process; a context manager that ends it."""

    def __init__(self, decoder: str, folder: Path, segment_mib: int) -> None:
        folder.mkdir()
        command = [sys.executable, "-m", "benchmarks.road", decoder, str(folder), str(segment_mib)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        while not (line := self._read()).startswith("port "):
            pass
        self._port = int(line.split()[1])
        self.rows = 0
        self.sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        with self._process as process:
            if process.poll() is None and process.stdin is not None:
                process.stdin.write("quit\n")
                process.stdin.flush()

    def ask(self, question: str) -> int:
        """The number that the process answers."""
        if self._process.stdin is None:
            raise RuntimeError("the road has no ears")
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        while not (line := self._read()).strip().isdecimal():
            pass  # what the collector logs goes to the same place
        return int(line)

    @property
    def cpu_s(self) -> float:
        return cpu_s_of(self._process.pid)

    def take(self, bodies: Bodies) -> tuple[float, float]:
        """(CPU seconds, seconds) from the first byte sent until every span stands on its lead's timeline."""
        cpu_s, began = self.cpu_s, time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        for body, count in bodies:
            connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            if answer.status != 200 or answer.read():
                raise RuntimeError(f"the door answered {answer.status} or refused spans")
            self.sent += count
        while self.ask("rows") < self.sent:
            time.sleep(0.05)
        return self.cpu_s - cpu_s, time.perf_counter() - began

    def _read(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise RuntimeError("the road ended before its time")
        return line


def run(spans: int = 120_000, *, segment_mib: int = 8) -> None:
    say(f"\ningest: {ROUNDS} pairs of {spans:,} spans, 8 attributes each, 500 a request; segments of {segment_mib} MiB")
    cpu_us: dict[str, list[float]] = {decoder: [] for decoder in DECODERS}
    with scratch() as folder, ExitStack() as stack:
        roads = {name: stack.enter_context(Road(name, folder / name, segment_mib)) for name in DECODERS}
        for road in roads.values():
            road.take(list(journeys.requests(2_000, seed=0)))
        for turn in range(1, ROUNDS + 1):
            bodies = list(journeys.requests(spans, seed=turn))
            count = sum(one for _, one in bodies)
            for name, road in roads.items():
                cpu_s, wall_s = road.take(bodies)
                cpu_us[name].append(cpu_s / count * 1e6)
                rates = f"{count / cpu_s:9,.0f} spans a CPU-second, {count / wall_s:9,.0f} a second"
                say(f"  {turn}/{ROUNDS} {name:6} {rates}")
        _told(roads, cpu_us)


def _told(roads: dict[str, Road], cpu_us: dict[str, list[float]]) -> None:
    for name, road in roads.items():
        before = road.cpu_s
        bytes_a_span = road.ask("settle") / road.sent
        merged_us = (road.cpu_s - before) / road.sent * 1e6
        rate = Figures([1e6 / one for one in cpu_us[name]])
        say(
            f"  {name:6} {rate.said()} spans a CPU-second; one last merge of everything "
            f"{merged_us:.1f} µs a span; {bytes_a_span:.0f} bytes on disk a span"
        )
    ratio = Figures([plain / engine for engine, plain in zip(cpu_us["engine"], cpu_us["plain"], strict=True)])
    say(f"  ratio  the plain decoder needs {ratio.said(2)} times the CPU time")
