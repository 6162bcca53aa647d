"""What changed: told by people and pipelines, and noticed in telemetry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.counts import Stops
from store.engine import Store

MOST = 100


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed at a moment. `service`, `flow` and `campaign` say what it touches; '' means anything."""

    at: datetime
    kind: str
    what: str
    service: str = ""
    flow: str = ""
    campaign: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class ToldChange:
    """A change as it was sent; `source` and `id` together make it known again when it is sent twice."""

    source: str
    id: str
    change: Change


def record(store: Store, told: Sequence[ToldChange]) -> None:
    columns = ["at", "source", "id", "kind", "what", "service", "flow", "campaign", "link"]
    rows = [
        [one.change.at, one.source, one.id, one.change.kind, one.change.what, one.change.service, one.change.flow,
         one.change.campaign, one.change.link]
        for one in told
    ]  # fmt: skip
    store.insert("changes", columns, rows)


def told_between(store: Store, since: datetime, until: datetime, *, most: int = MOST) -> list[Change]:
    return [Change(*row) for row in store.rows("changes_between", **{"from": since, "until": until, "most": most})]


def versions_between(store: Store, since: datetime, until: datetime) -> list[Change]:
    rows = store.rows("versions_seen", **{"from": since, "until": until, "most": MOST})
    return [Change(at, "version", f"{service} {version[:60]} first seen", service) for service, version, at in rows]


def contracts_between(store: Store, since: datetime, until: datetime) -> list[Change]:
    rows = store.rows("contracts_seen", **{"from": since, "until": until, "most": MOST})
    return [
        Change(at, "contract", f"{service} began to send {contract[:100]}", service) for contract, service, at in rows
    ]


def flow_edits_between(store: Store, flow: str, since: datetime, until: datetime) -> list[Change]:
    rows = store.rows("flow_edits", **{"flow": flow, "from": since, "until": until, "most": MOST})
    return [
        Change(at, "flow", f"the flow file was edited (version {version})", flow=name) for name, version, at in rows
    ]


def affected_times(store: Store, stops: Stops, *, most: int = 10_000) -> list[tuple[datetime, str]]:
    """(moment, campaign) of each entry that one cause stopped at one step, the earliest first."""
    return [(row[0], row[1]) for row in store.rows("affected_times", **stops.parameters, most=most)]
