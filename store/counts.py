"""Counts over verdicts: funnels, causes, cohorts. SQL counts verdicts and never makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.engine import Store


@dataclass(frozen=True, slots=True)
class Slice:
    """Which entries to count: of one flow, captured in [since, until); an empty filter means all."""

    flow: str
    since: datetime
    until: datetime
    campaign: str = ""
    segment: str = ""
    source: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "flow": self.flow,
            "since": self.since,
            "until": self.until,
            "campaign": self.campaign,
            "segment": self.segment,
            "source": self.source,
        }

    @property
    def whole(self) -> dict[str, Any]:
        """The parameters without the filters."""
        return {"flow": self.flow, "since": self.since, "until": self.until}


def by_status(store: Store, of: Slice) -> dict[str, int]:
    return {row[0]: row[1] for row in store.rows("funnel_by_status", **of.parameters)}


def by_step(store: Store, of: Slice) -> dict[str, tuple[int, int]]:
    """(reached, stopped here) by step."""
    return {row[0]: (row[1], row[2]) for row in store.rows("funnel_by_step", **of.parameters)}


def by_cause(store: Store, of: Slice) -> list[dict[str, Any]]:
    return store.dicts("funnel_by_cause", **of.parameters)


def parts(store: Store, of: Slice) -> list[dict[str, Any]]:
    return store.dicts("funnel_parts", **of.whole)


def sources(store: Store, of: Slice) -> list[dict[str, Any]]:
    return store.dicts("funnel_sources", **of.whole)


def over_time(store: Store, of: Slice, *, bucket_s: int) -> Sequence[Sequence[Any]]:
    return store.rows("funnel_over_time", **of.parameters, bucket_s=bucket_s)


def leads_behind(
    store: Store, of: Slice, *, status: str, cause: str, step: str, skip: int, most: int
) -> list[dict[str, Any]]:
    return store.dicts("leads_of_cause", **of.parameters, status=status, cause=cause, step=step, skip=skip, most=most)


def entries_of_flows(store: Store, since: datetime, until: datetime) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for flow, status, entries in store.rows("entries_of_flows", since=since, until=until):
        found.setdefault(flow, {})[status] = entries
    return found


def leads_of_flow(store: Store, of: Slice, *, most: int) -> list[str]:
    """Leads with entries in the flow that were captured in the slice's time, at most `most`."""
    return [row[0] for row in store.rows("leads_of_flow", **of.whole, most=most)]


def leads_of_flow_last(store: Store, flow: str, *, most: int) -> list[str]:
    """The leads that tried the flow last, the latest first."""
    return [row[0] for row in store.rows("leads_of_flow_last", flow=flow, most=most)]


@dataclass(frozen=True, slots=True)
class Stops:
    """What one cause did at one step of a flow between two moments, both included."""

    flow: str
    status: str
    cause: str
    step: str
    since: datetime
    until: datetime

    @property
    def parameters(self) -> dict[str, Any]:
        said = {"flow": self.flow, "status": self.status, "cause": self.cause, "step": self.step}
        return said | {"from": self.since, "until": self.until}


@dataclass(frozen=True, slots=True)
class Affected:
    """How many leads were stopped, and when which of them first were: the earliest 20 stops."""

    leads: int
    first: Sequence[tuple[datetime, str]]


def affected(store: Store, stops: Stops) -> Affected:
    leads, first = store.rows("also_affected", **stops.parameters)[0]
    return Affected(leads, [(at, lead) for at, lead in first])
