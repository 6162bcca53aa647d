"""Which version of a flow judges an entry: the one that was in force when the lead was captured.

Editing a flow file never changes what was said of leads that came before. Judging them again by the new version is a
choice, and it is kept like an edit: as a version that applies from an earlier moment. Of the versions that apply at a
capture, the one that was decided on last judges.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from model.flow import Flow
from model.flowfile import FlowProblems, read_flow
from store import flow_versions
from store.engine import Store
from store.flow_versions import FlowVersion

log = structlog.get_logger(__name__)

READ_AGAIN = timedelta(seconds=5)

FlowsNow = Callable[[], Mapping[str, Flow]]
"""Gives the flows that the files describe now."""


@dataclass(frozen=True)
class FlowBook:
    """The flows in force now, and every version that was, by name, in the order in which they were decided."""

    current: Mapping[str, Flow]
    versions: Mapping[str, Sequence[tuple[datetime, Flow]]] = field(default_factory=dict)

    @property
    def all_flows(self) -> Iterator[Flow]:
        """Every flow that may judge an entry, in every version."""
        yield from self.current.values()
        for versions in self.versions.values():
            yield from (flow for _, flow in versions)

    def in_force(self, name: str, at: datetime) -> Flow | None:
        """The version that judges an entry captured at a moment; the first known one for a moment before them all."""
        versions = self.versions.get(name, ())
        for applies_at, flow in reversed(versions):
            if applies_at <= at:
                return flow
        return versions[0][1] if versions else self.current.get(name)


class FlowReader:
    """Gives the book as the store has it, read again every few seconds."""

    def __init__(self, store: Store, flows: FlowsNow) -> None:
        self._store = store
        self._flows = flows
        self._read_at: datetime | None = None
        self._kept: list[FlowVersion] = []

    def __call__(self, now: datetime) -> FlowBook:
        if self._read_at is None or not timedelta(0) <= now - self._read_at < READ_AGAIN:
            self._kept = flow_versions.known(self._store)
            self._read_at = now
        return book(self._flows(), self._kept)


class FlowKeeper(FlowReader):
    """The same, and keeps each version in the store when it comes into force. The settle loop has one."""

    def __call__(self, now: datetime) -> FlowBook:
        found = super().__call__(now)
        last = {one.flow: one.version for one in self._kept}
        for flow in found.current.values():
            if last.get(flow.name) != flow.version:
                decided = FlowVersion(flow.name, flow.version, flow.text, now, now)
                flow_versions.record(self._store, decided)
                log.info("flow_version", flow=flow.name, version=flow.version)
                self._kept = [*self._kept, decided]
        return book(found.current, self._kept)


_parsed: dict[tuple[str, str], Flow | None] = {}


def book(current: Mapping[str, Flow], kept: Sequence[FlowVersion]) -> FlowBook:
    """The book of some kept versions, given in the order of writing."""
    versions: dict[str, list[tuple[datetime, Flow]]] = {}
    for one in kept:
        flow = _flow_of(one, current)
        if flow is not None:
            versions.setdefault(one.flow, []).append((one.applies_at, flow))
    return FlowBook(current, versions)


def _flow_of(kept: FlowVersion, current: Mapping[str, Flow]) -> Flow | None:
    now = current.get(kept.flow)
    if now is not None and now.version == kept.version:
        return now
    key = (kept.flow, kept.version)
    if key not in _parsed:
        try:
            _parsed[key] = read_flow(kept.text, f"{kept.flow}@{kept.version}")
        except FlowProblems as error:
            log.error("kept_flow_unreadable", flow=kept.flow, version=kept.version, reason=str(error))
            _parsed[key] = None
    return _parsed[key]
