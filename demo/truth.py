"""The truth file: what was planted, so that answers can be checked against it."""

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.plan import Visitor

FLOW = "demo-request"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Truth:
    seed: int
    services: list[dict[str, str]]
    started_at: str = field(default_factory=_now)
    finished_at: str | None = None
    changes: list[dict[str, str]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def add_entry(self, visitor: Visitor, lead_id: str, correlation_id: str) -> None:
        """One accepted submission: one entry of the flow."""
        self.entries.append(
            {
                "lead": lead_id,
                "correlation_id": correlation_id,
                "campaign": visitor.campaign,
                "segment": visitor.person.company.segment,
                "source": visitor.source,
                "fault": visitor.fault.name,
                "expect": visitor.fault.expect.as_json(),
                "emails": [visitor.person.email],
                "name": visitor.person.name,
                "phone": visitor.person.phone,
                "submitted_at": _now(),
            }
        )

    def add_change(self, what: str) -> None:
        self.changes.append({"at": _now(), "what": what})

    def finish(self) -> None:
        self.finished_at = _now()

    def write(self, path: Path) -> None:
        """Whole or not at all: a reader never sees half a file."""
        content = {
            "flow": FLOW,
            "seed": self.seed,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "services": self.services,
            "changes": self.changes,
            "leads": self.entries,
        }
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        unfinished.replace(path)
