"""What is found in objective files: mistakes, mended oddities, and what leadtrace has no use for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about a place in a file. `line` counts from 1; `path` is the property's as OpenSLO's SDK names it.

    `index` is the object's place in its file, from 0; `about` names it. A file with an error is refused whole.
    """

    file: str
    line: int
    level: Level
    about: str
    path: str
    what: str
    mend: str
    index: int = 0

    def __str__(self) -> str:
        level = "" if self.level == "error" else f"{self.level}: "
        about = f"{self.about}: " if self.about else ""
        path = f"{self.path} " if self.path else ""
        return f"{self.file}:{self.line}: {level}{about}{path}{self.what}." + (f" {self.mend}" if self.mend else "")


class ObjectiveProblems(ValueError):  # noqa: N818  it carries problems, it is not one
    """Files that hold no usable objectives; `findings` has a sentence for each mistake."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


@dataclass
class Report:
    """Collects findings. Strict means that whatever the official SDK refuses is a mistake; else it is mended.

    A value of the wrong type is told once: of what stands at its place or inside nothing more is said.
    """

    strict: bool
    findings: list[Finding] = field(default_factory=list)
    _misshapen: set[tuple[str, int, str]] = field(default_factory=set)

    def add(self, finding: Finding, *, misshapen: bool = False) -> None:
        place = finding.file, finding.index
        outer = [path for file, index, path in self._misshapen if (file, index) == place]
        if not any(finding.path == path or finding.path.startswith((f"{path}.", f"{path}[")) for path in outer):
            self.findings.append(finding)
        if misshapen:
            self._misshapen.add((*place, finding.path))

    @property
    def errors(self) -> list[Finding]:
        return [one for one in self.findings if one.level == "error"]
