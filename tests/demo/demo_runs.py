"""Running the demo as its users do, and looking at what it left."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from demo_otlp_sink import Received, Span

REPO = Path(__file__).parents[2]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
DEMO = [sys.executable, "-W", "error", "-m", "demo"]


@dataclass
class Drive:
    """One real run of `python -m demo`: what it exported, what it says it planted, what it printed."""

    received: Received
    truth: dict
    output: str

    @property
    def spans(self) -> list[Span]:
        return self.received.spans

    def entries(self, fault: str) -> list[dict]:
        return [entry for entry in self.truth["leads"] if entry["fault"] == fault]

    def spans_of(self, entry: dict, service: str | None = None) -> list[Span]:
        """In order of start, with the spans of the entry's trace that know no lead."""
        traces = {s.trace_id for s in self.spans if s.get("lead.correlation_id") == entry["correlation_id"]}
        found = [s for s in self.spans if s.trace_id in traces and service in (None, s.service)]
        return sorted(found, key=lambda span: span.start_ns)

    def vendor_calls(self, entry: dict, system: str) -> list[Span]:
        return [span for span in self.spans_of(entry) if span.get("lead.system") == system]


def run_demo(*arguments: object) -> subprocess.CompletedProcess:
    command = [*DEMO, *map(str, arguments)]
    return subprocess.run(command, cwd=REPO, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)
