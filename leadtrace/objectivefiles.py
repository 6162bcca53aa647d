"""The objective files in force, and how they are read."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from leadtrace.watched import Watched, why_unread
from model.flow import Flow
from model.objective import Objective
from slo.openslo.findings import Finding, ObjectiveProblems
from slo.openslo.nodes import MAX_CHARACTERS
from slo.openslo.objects import Source
from slo.openslo.read import NO_FLOWS, Reading, read_openslo

log = structlog.get_logger(__name__)

SUFFIXES = (".yaml", ".yml", ".json")
Objectives = Mapping[str, Objective]


def objective_files(paths: Sequence[Path]) -> list[Path]:
    """The files that paths name; of a folder, the YAML and JSON files directly in it."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(one for one in path.iterdir() if one.suffix in SUFFIXES and one.is_file())
        else:
            found.append(path)
    return found


def read_files(paths: Sequence[Path], *, flows: Mapping[str, Flow] = NO_FLOWS, strict: bool = False) -> Reading:
    """What files say together, those that cannot be read among the findings."""
    sources: list[Source] = []
    unread: list[Finding] = []
    for path in objective_files(paths):
        try:
            sources.append(Source(str(path), text_of(path)))
        except (OSError, UnicodeDecodeError) as error:
            unread.append(Finding(str(path), 1, "error", "", "", *why_unread(error)))
    reading = read_openslo(sources, flows=flows, strict=strict)
    return Reading(reading.outcomes, (*unread, *reading.findings))


def text_of(path: Path) -> str:
    """A file's text; of one that is too long only as much as shows that it is."""
    with path.open(encoding="utf-8") as file:
        return file.read(MAX_CHARACTERS + 1)


def read_objectives(paths: Sequence[Path], flows: Mapping[str, Flow] = NO_FLOWS) -> dict[str, Objective]:
    """Every objective by its name; what was mended is logged. Raises ObjectiveProblems with all files' mistakes."""
    reading = read_files(paths, flows=flows)
    if reading.errors:
        raise ObjectiveProblems(reading.errors)
    for finding in reading.findings:
        log.warning("objective_mended", reason=str(finding))
    for outcome in reading.outcomes:
        if outcome.why_none and outcome.described.kind == "SLO":
            log.warning("objective_not_counted", name=outcome.described.name, reason=outcome.why_none)
    return {objective.name: objective for objective in reading.objectives}


class ObjectiveFiles(Watched[Objectives]):
    """Calling it gives the objectives in force, by name. `flows` are those that they may name."""

    def __init__(self, paths: Sequence[Path], flows: Callable[[], Mapping[str, Flow]]) -> None:
        super().__init__("objectives", lambda: objective_files(paths), lambda: read_objectives(paths, flows()))
