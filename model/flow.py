"""A flow: the way leads should go. Types only; `flowfile.py` reads them from YAML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import translate
from typing import Literal

from model.attributes import STEP
from model.hop import Hop
from model.kept import kept

KINDS = ("capture", "consent", "identity", "enrich", "score", "segment", "route", "crm", "sequence", "delivery")
SPAN_KINDS = ("internal", "server", "client", "producer", "consumer")
Comparison = Literal["at_least", "at_most", "equals", "one_of"]


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition on an attribute. A lead that fails it stops by policy: `eligible.criteria_not_met`."""

    attribute: str
    comparison: Comparison
    bound: float | str | tuple[str, ...]

    def passes(self, value: str) -> bool:
        """Does `value` (an attribute's text) meet the bound? Text that is no number never meets a numeric bound."""
        if self.comparison == "equals":
            return value == self.bound
        if self.comparison == "one_of":
            return isinstance(self.bound, tuple) and value in self.bound
        try:
            number, bound = float(value), float(self.bound)  # type: ignore[arg-type]
        except ValueError:
            return False
        return number >= bound if self.comparison == "at_least" else number <= bound

    @property
    def wanted(self) -> str:
        """The bound in words: `at least 60`."""
        bound = ", ".join(self.bound) if isinstance(self.bound, tuple) else self.bound
        text = f"{bound:g}" if isinstance(bound, float) else str(bound)
        return {"at_least": "at least ", "at_most": "at most ", "equals": "", "one_of": "one of "}[
            self.comparison
        ] + text


class Glob:
    """A shell-style pattern, compiled once; a pattern without wildcards is a plain comparison."""

    __slots__ = ("_match", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._match = re.compile(translate(pattern)).match if re.search(r"[*?\[]", pattern) else None

    def __call__(self, text: str) -> bool:
        return text == self.pattern if self._match is None else self._match(text) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"Glob({self.pattern!r})"


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which hops belong to a step. Every key that is given must hold; `name` and attribute values are globs."""

    service: str | None = None
    name: Glob | None = None
    event: str | None = None
    kind: str | None = None
    attributes: Mapping[str, Glob] = field(default_factory=dict)

    @property
    def says_more_than_service(self) -> bool:
        """Does it choose among what a service does?"""
        return bool(self.name or self.event or self.kind or self.attributes)

    def matches(self, hop: Hop) -> bool:
        return (
            (self.service is None or hop.service == self.service)
            and (self.event is None or hop.event == self.event)
            and (self.kind is None or hop.kind == self.kind)
            and (self.name is None or self.name(hop.name))
            and all(key in hop.attributes and glob(hop.attributes[key]) for key, glob in self.attributes.items())
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A named stage. `within` counts from the moment the steps in `after` were done."""

    name: str
    kind: str = ""
    title: str = ""
    owner: str = ""
    playbook: str = ""
    after: tuple[str, ...] = ()
    within: timedelta | None = None
    required: bool = True
    gate: Gate | None = None
    matchers: tuple[Matcher, ...] = ()

    def names_more_than_service(self, hop: Hop) -> bool:
        """Does a matcher hold for the hop that chooses among what its service does?"""
        return any(one.says_more_than_service and one.matches(hop) for one in self.matchers)


@dataclass(frozen=True)
class Flow:
    """Steps in an order in which each stands after the steps it waits for; one of them is the goal."""

    name: str
    goal: str
    deadline: timedelta
    steps: tuple[Step, ...]
    title: str = ""
    owner: str = ""
    version: str = ""
    text: str = ""

    @kept
    def by_name(self) -> dict[str, Step]:
        return {step.name: step for step in self.steps}

    @kept
    def position(self) -> dict[str, int]:
        return {step.name: at for at, step in enumerate(self.steps)}

    @kept
    def capture(self) -> Step:
        """Where an entry starts: the step of kind capture, else the first."""
        return next((step for step in self.steps if step.kind == "capture"), self.steps[0])

    @kept
    def before(self) -> dict[str, frozenset[str]]:
        """For each step, every step that comes before it, near or far."""
        known: dict[str, frozenset[str]] = {}
        for step in self.steps:
            known[step.name] = frozenset(step.after).union(*(known[name] for name in step.after))
        return known

    @kept
    def attributes_read(self) -> frozenset[str]:
        """The attributes that its matchers and gates ask for."""
        matched = {name for step in self.steps for matcher in step.matchers for name in matcher.attributes}
        return frozenset(matched | {step.gate.attribute for step in self.steps if step.gate is not None})

    @kept
    def _candidates(self) -> dict[str, tuple[tuple[Step, Matcher], ...]]:
        return {}

    def step_of(self, hop: Hop) -> Step | None:
        """The step that a hop belongs to: the one it names in `lead.step`, else the first whose matcher holds."""
        return self._step_of(hop) if hop.shape is None else hop.shape.known(self.this, self._step_of, hop)

    @kept
    def this(self) -> object:
        """Stands for this flow where shapes remember what holds of it."""
        return object()

    def _step_of(self, hop: Hop) -> Step | None:
        named = hop.attributes.get(STEP)
        if named is not None and named in self.by_name:
            return self.by_name[named]
        for step, matcher in self._of_service(hop.service):
            if matcher.matches(hop):
                return step
        return None

    def step_of_system(self, hop: Hop) -> Step | None:
        """The step whose system made a hop that fits no matcher: the only step whose matchers name its service. What
        the service takes in beside the step (a server or consumer span of another name) is no part of it.
        """
        return None if hop.kind in {"server", "consumer"} else self._only_step_of.get(hop.service)

    @kept
    def _only_step_of(self) -> dict[str, Step]:
        """The step of each service that the matchers of just one step name."""
        naming: dict[str, dict[str, Step]] = {}
        for step in self.steps:
            for matcher in step.matchers:
                if matcher.service is not None:
                    naming.setdefault(matcher.service, {})[step.name] = step
        return {service: next(iter(of.values())) for service, of in naming.items() if len(of) == 1}

    def _of_service(self, service: str) -> tuple[tuple[Step, Matcher], ...]:
        """The matchers that could hold for a hop of this service, remembered: a flow is asked for every hop."""
        found = self._candidates.get(service)
        if found is None:
            found = tuple(
                (step, matcher)
                for step in self.steps
                for matcher in step.matchers
                if matcher.service is None or matcher.service == service
            )
            if len(self._candidates) < 10_000:
                self._candidates[service] = found
        return found
