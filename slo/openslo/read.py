"""Objective files: all that are given are read together, since they may name each other's objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from model.flow import Flow
from model.objective import Objective
from slo.openslo.findings import Finding, Report
from slo.openslo.objective import Outcome, outcome_of
from slo.openslo.objects import Described, Shelf, Source, read_objects

NO_FLOWS: Mapping[str, Flow] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reading:
    """What files say. `objectives` are usable only when there are no errors."""

    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...]

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return tuple(objective for outcome in self.outcomes for objective in outcome.objectives)

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.level == "error")


def read_openslo(sources: Sequence[Source], *, flows: Mapping[str, Flow] = NO_FLOWS, strict: bool = False) -> Reading:
    """The objectives of files, and every finding. Never raises, whatever the texts are.

    Without flows the names of flows and steps are believed. Strict is the official SDK's verdict, and leadtrace's own
    where a file asks leadtrace to count.
    """
    report = Report(strict)
    objects = [one for source in sources for one in read_objects(source, report)]
    shelf = Shelf(objects)
    outcomes = [outcome_of(one, shelf, flows) for one in objects]
    _tell_repeated(outcomes)
    findings = sorted(dict.fromkeys(report.findings), key=_order)
    return Reading(tuple(outcomes), tuple(findings))


def _tell_repeated(outcomes: Sequence[Outcome]) -> None:
    first: dict[str, Described] = {}
    for outcome in outcomes:
        for objective in outcome.objectives:
            before = first.setdefault(objective.name, outcome.described)
            if before is not outcome.described:
                name = outcome.described.place.get("metadata")
                where = f"{before.place.node.file}:{before.place.line}"
                (name or outcome.described.place).wrong(
                    f"names the objective `{objective.name}`, as {where} does", "Give one of them another name"
                )


def _order(finding: Finding) -> tuple[str, int]:
    return (finding.file, finding.line)
