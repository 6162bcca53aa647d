"""What a measurement is made of: CPU seconds, figures with their noise, and the machine they were taken on."""

import math
import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from model.flow import Flow
from model.flowfile import read_flow

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figures:
    """Several takes of one figure."""

    takes: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.takes)

    def percentile(self, percent: float) -> float:
        """The smallest take that at least `percent` of all takes do not exceed."""
        ranked = sorted(self.takes)
        return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]

    def said(self, digits: int = 0, unit: str = "") -> str:
        """The median, and the least and greatest take: `118,204 (min 101,311, max 120,020)`."""
        least, most = min(self.takes), max(self.takes)
        return f"{self.median:,.{digits}f}{unit} (min {least:,.{digits}f}, max {most:,.{digits}f})"

    def spread(self) -> str:
        """Percentiles of latencies, in milliseconds."""
        parts = ", ".join(f"p{percent} {self.percentile(percent):.1f}" for percent in (50, 95, 99))
        return f"{parts} ms (min {min(self.takes):.1f}, max {max(self.takes):.1f}, {len(self.takes)} asked)"


def cpu_s_of(pid: int) -> float:
    """CPU seconds that a process has used, with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


def peak_mib() -> float:
    """The most memory that this process has had. What getrusage says would begin with that of its parent."""
    told = Path("/proc/self/status").read_text().partition("VmHWM:")[2]
    return int(told.split()[0]) / 1024


@contextmanager
def timed(takes: list[float]) -> Iterator[None]:
    """Adds the milliseconds that the block took."""
    began = time.perf_counter()
    yield
    takes.append((time.perf_counter() - began) * 1000)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that goes when the block ends."""
    with TemporaryDirectory(prefix="leadtrace-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def machine() -> str:
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), {memory_gib:.0f} GiB, "
        f"load {os.getloadavg()[0]:.1f}, {platform.system()}, Python {platform.python_version()}"
    )


@cache
def flows(file: str = "flow.yaml") -> dict[str, Flow]:
    """The flow that the made-up leads go, read once: a process reads its files when they change."""
    flow = read_flow(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return {flow.name: flow}


def say(text: str) -> None:
    print(text, flush=True)
