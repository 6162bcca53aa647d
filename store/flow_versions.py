"""The versions of flow files that have been in force, with their text: what judged an entry can judge it again."""

from dataclasses import dataclass
from datetime import datetime

from store.engine import Store


@dataclass(frozen=True, slots=True)
class FlowVersion:
    """`applies_at` is the moment from which captured entries are judged by it; of two that apply, the last written."""

    flow: str
    version: str
    text: str
    applies_at: datetime
    written_at: datetime


def known(store: Store) -> list[FlowVersion]:
    """Every decision, in the order of writing."""
    return [FlowVersion(*row) for row in store.rows("flow_versions_known")]


def record(store: Store, version: FlowVersion) -> None:
    """Keep the decision that a version applies."""
    store.insert(
        "flow_versions",
        ["flow", "version", "text", "applies_at", "written_at"],
        [[version.flow, version.version, version.text, version.applies_at, version.written_at]],
    )
