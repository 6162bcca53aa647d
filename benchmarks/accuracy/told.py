"""What the generator makes: spans as a sender would tell them, and the truth beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.accuracy.shapes import SHAPES, Stage

Value = str | bool | int | float
SECOND = 1_000_000_000
BEGINS_S = 1_790_000_000


@dataclass(slots=True)
class Said:
    """One span or log record. Times are seconds since the case began, by a clock that is right."""

    trace: str
    id: str
    parent: str
    at: float
    took: float
    service: str
    name: str
    kind: str = "internal"
    signal: str = "span"
    status: str = "unset"
    message: str = ""
    attributes: dict[str, Value] = field(default_factory=dict)
    events: list[tuple[float, str, dict[str, Value]]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Truth:
    """What an honest analyst would answer for one flow of one entry, and why.

    Several `statuses` or `causes` mean that each of them is right; no causes, or no step, means that it is not asked.
    `evidence` is groups of span ids: the truth can be known while one span of each group arrived.
    """

    flow: str
    statuses: frozenset[str]
    causes: frozenset[str]
    step: str
    why: str
    contributing: tuple[tuple[str, str], ...] = ()
    evidence: tuple[frozenset[str], ...] = ()
    entry: str = ""
    by_clock_s: float = 1e12
    """The truth hangs on clocks that differ by less than this."""


@dataclass
class Case:
    """One lead: what is told of it, by `now`, and the truths about its entries."""

    lead: str
    shape: str
    style: str
    plot: str
    said: list[Said]
    truths: Sequence[Truth]
    now: float
    skew: dict[str, float] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()

    @property
    def named(self) -> bool:
        """Does anything that arrived say which flow it is: its name, or a hop of one of its steps?"""
        stages = [stage for shape in SHAPES if shape.name == self.shape for stage in shape.stages]
        return any("lead.flow" in one.attributes or any(_shows(one, stage) for stage in stages) for one in self.said)

    def unknowable(self, truth: Truth) -> str:
        """Why noise took away what the truth rests on; '' where it can still be known."""
        if any(group <= self.lost for group in truth.evidence):
            return "the evidence was lost"
        if not self.named:
            return "nothing names the flow"
        spread = max([0.0, *self.skew.values()]) - min([0.0, *self.skew.values()])  # the judge's own clock is right
        if spread >= truth.by_clock_s:
            return "the clocks are too wrong"
        return ""


def _shows(said: Said, stage: Stage) -> bool:
    """Would whoever knows the stage's matcher know it by this hop?"""
    if "service:" not in stage.match:
        return stage.event in {said.attributes.get("lead.event"), said.name if said.signal == "event" else None}
    return said.service == stage.service and ("name:" not in stage.match or said.name == stage.op)
