"""Reads flow files. Every mistake is named with its file, its line and its mend; a file with one is refused whole."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

import yaml

from model.flow import KINDS, SPAN_KINDS, Comparison, Flow, Gate, Glob, Matcher, Step

API_VERSION = "leadtrace/v1"
MAX_STEPS = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file. `line` counts from 1."""

    file: str
    line: int
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}. {self.mend}"


class FlowProblems(ValueError):  # noqa: N818  it carries problems, it is not one
    """A file that holds no usable flow; `problems` has a sentence for each mistake."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class _Field:
    """A place in the file: a value with its line, and what is wrong with it."""

    def __init__(self, node: yaml.Node, file: str, problems: list[Problem]) -> None:
        self.node = node
        self.file = file
        self.problems = problems

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    def complain(self, what: str, mend: str) -> None:
        self.problems.append(Problem(self.file, self.line, what, mend))

    def mapping(self, what: str, known: Iterable[str]) -> dict[str, "_Field"]:
        """The keys of a mapping; unknown and repeated keys are problems, since a typo must not be silently nothing."""
        if not isinstance(self.node, yaml.MappingNode):
            self.complain(f"{what} is not a mapping", f"Write {what} as `key: value` lines")
            return {}
        allowed, found = tuple(known), dict[str, _Field]()
        for key_node, value_node in self.node.value:
            key, at = str(key_node.value), _Field(key_node, self.file, self.problems)
            if allowed and key not in allowed:
                near = get_close_matches(key, allowed, 1)
                hint = f"Did you mean `{near[0]}`?" if near else f"Known keys are {', '.join(allowed)}"
                at.complain(f"{what} has an unknown key `{key}`", hint)
            elif key in found:
                at.complain(f"{what} gives `{key}` twice", "Keep one of the two")
            else:
                found[key] = _Field(value_node, self.file, self.problems)
        return found

    def items(self, what: str) -> list["_Field"]:
        if not isinstance(self.node, yaml.SequenceNode):
            self.complain(f"{what} is not a list", f"Write {what} as a list: `[a, b]` or lines that start with `-`")
            return []
        return [_Field(node, self.file, self.problems) for node in self.node.value]

    def text(self, what: str) -> str:
        """A scalar as it is written: YAML's ideas of dates, octals and `no` never change a name."""
        if not isinstance(self.node, yaml.ScalarNode) or self.node.value == "":
            self.complain(f"{what} is not a text", f"Give {what} one plain value")
            return ""
        return str(self.node.value)

    def name(self, what: str) -> str:
        text = self.text(what)
        if text and not _NAME.fullmatch(text):
            self.complain(f"{what} `{text}` is not a name", "Use letters, digits, `.`, `_` and `-`, 100 at most")
        return text

    def one_of(self, what: str, known: Sequence[str]) -> str:
        text = self.text(what)
        if text and text not in known:
            near = get_close_matches(text, known, 1)
            self.complain(
                f"{what} `{text}` is unknown",
                f"Did you mean `{near[0]}`?" if near else f"Use one of {', '.join(known)}",
            )
            return ""
        return text

    def boolean(self, what: str) -> bool:
        text = self.text(what).lower()
        if text not in {"true", "false"}:
            self.complain(f"{what} is neither true nor false", "Write `true` or `false`")
        return text == "true"

    def duration(self, what: str) -> timedelta | None:
        text = self.text(what).replace(" ", "")
        match = _DURATION.fullmatch(text) if text else None
        if match is None or not any(match.groups()):
            self.complain(f"{what} `{text}` is not a duration", "Write it as 30s, 15m, 2h, 1d or 1h30m")
            return None
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        if max(days, hours, minutes, seconds) > 10_000_000:
            self.complain(f"{what} `{text}` is longer than leadtrace can count", "Write a duration of at most 366 days")
            return None
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if not timedelta(0) < length <= timedelta(days=366):
            self.complain(f"{what} `{text}` is not between 1 second and 366 days", "Write a duration in that range")
            return None
        return length


def read_flow(text: str, file: str = "flow.yaml") -> Flow:
    """The flow that a file describes. Raises FlowProblems with every mistake that can be found at once."""
    problems: list[Problem] = []
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"the file is not YAML: {error.problem or error.context or 'it cannot be read'}"
        raise FlowProblems(
            [Problem(file, mark.line + 1 if mark else 1, what, "Mend the indentation or quoting here")]
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise FlowProblems([Problem(file, 1, f"the file is not YAML: {error}", "Save it as UTF-8 text")]) from error
    if node is None:
        raise FlowProblems([Problem(file, 1, "the file is empty", "Describe a flow; docs/flows.md shows one")])
    flow = _flow(_Field(node, file, problems), text)
    if problems or flow is None:
        raise FlowProblems(sorted(problems, key=lambda problem: problem.line))
    return flow


def _flow(root: _Field, text: str) -> Flow | None:
    top = root.mapping("the file", ("apiVersion", "kind", "metadata", "spec"))
    _head(root, top)
    if "metadata" not in top or "spec" not in top:
        return None
    metadata = top["metadata"].mapping("metadata", ("name", "title", "owner"))
    spec = top["spec"].mapping("spec", ("goal", "deadline", "steps"))
    for fields, where, key, mend in (
        (metadata, top["metadata"], "name", "Add `name: my-flow`, the value that hops carry in lead.flow"),
        (spec, top["spec"], "goal", "Add `goal:` with the name of the step that leads should reach"),
        (spec, top["spec"], "deadline", "Add `deadline: 15m`, counted from capture to goal"),
        (spec, top["spec"], "steps", "Add `steps:` with a list of steps"),
    ):
        if key not in fields:
            where.complain(f"{key} is missing", mend)
    if not {"goal", "deadline", "steps"} <= spec.keys() or "name" not in metadata:
        return None
    placed = [(field, step) for field in spec["steps"].items("steps") if (step := _step(field)) is not None]
    goal = spec["goal"].name("goal")
    deadline = spec["deadline"].duration("deadline")
    ordered = _ordered(spec["steps"], placed, spec["goal"], goal)
    if deadline is None or not ordered:
        return None
    return Flow(
        name=metadata["name"].name("name"),
        title=metadata["title"].text("title") if "title" in metadata else "",
        owner=metadata["owner"].text("owner") if "owner" in metadata else "",
        goal=goal,
        deadline=deadline,
        steps=tuple(ordered),
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
        text=text,
    )


def _head(root: _Field, top: dict[str, _Field]) -> None:
    for key, expected in (("apiVersion", API_VERSION), ("kind", "Flow")):
        if key not in top:
            root.complain(f"the file gives no {key}", f"Add `{key}: {expected}`")
        elif top[key].text(key) != expected:
            top[key].complain(f"{key} is not {expected}", f"Write `{key}: {expected}`")
    for key in ("metadata", "spec"):
        if key not in top:
            root.complain(f"the file gives no {key}", f"Add `{key}:`; docs/flows.md shows a whole file")


_STEP_KEYS = ("name", "kind", "title", "owner", "playbook", "after", "within", "required", "gate", "match")


def _step(field: _Field) -> Step | None:
    keys = field.mapping("a step", _STEP_KEYS)
    if "name" not in keys:
        if keys:
            field.complain("a step has no name", "Add `name:`")
        return None
    name = keys["name"].name("a step's name")
    this = f"step `{name}`"
    return Step(
        name=name,
        kind=keys["kind"].one_of(f"{this}: kind", KINDS) if "kind" in keys else "",
        title=keys["title"].text(f"{this}: title") if "title" in keys else "",
        owner=keys["owner"].text(f"{this}: owner") if "owner" in keys else "",
        playbook=_playbook(keys["playbook"], this) if "playbook" in keys else "",
        after=tuple(one.name(f"{this}: after") for one in keys["after"].items(f"{this}: after"))
        if "after" in keys
        else (),
        within=keys["within"].duration(f"{this}: within") if "within" in keys else None,
        required=keys["required"].boolean(f"{this}: required") if "required" in keys else True,
        gate=_gate(keys["gate"], this) if "gate" in keys else None,
        matchers=tuple(_matchers(keys["match"], this)) if "match" in keys else (),
    )


def _playbook(field: _Field, this: str) -> str:
    text = field.text(f"{this}: playbook")
    if text and not re.match(r"https?://", text):
        field.complain(f"{this}: playbook `{text}` is not a web address", "Write it with https://")
        return ""
    return text


_COMPARISONS: tuple[Comparison, ...] = ("at_least", "at_most", "equals", "one_of")


def _gate(field: _Field, this: str) -> Gate | None:
    keys = field.mapping(f"{this}: gate", ("attribute", *_COMPARISONS))
    chosen = [comparison for comparison in _COMPARISONS if comparison in keys]
    if "attribute" not in keys or len(chosen) != 1:
        field.complain(
            f"{this}: a gate needs an attribute and one comparison", "Write `{attribute: lead.score, at_least: 60}`"
        )
        return None
    attribute, comparison = keys["attribute"].text(f"{this}: gate attribute"), chosen[0]
    value = keys[comparison]
    if comparison == "one_of":
        return Gate(
            attribute, comparison, tuple(one.text(f"{this}: gate value") for one in value.items(f"{this}: one_of"))
        )
    text = value.text(f"{this}: {comparison}")
    if comparison == "equals":
        return Gate(attribute, comparison, text)
    try:
        bound = float(text)
    except ValueError:
        bound = float("nan")
    if bound != bound or bound in (float("inf"), float("-inf")):  # noqa: PLR0124  a NaN differs from itself
        value.complain(f"{this}: {comparison} `{text}` is not a number", "Write a number, or use `equals` for a text")
        return None
    return Gate(attribute, comparison, bound)


_MATCH_KEYS = ("service", "name", "event", "kind", "attributes")


def _matchers(field: _Field, this: str) -> Iterator[Matcher]:
    for one in field.items(f"{this}: match"):
        keys = one.mapping(f"{this}: a matcher", _MATCH_KEYS)
        if not keys:
            one.complain(
                f"{this}: a matcher without keys would match every hop", f"Give it one of {', '.join(_MATCH_KEYS)}"
            )
            continue
        attributes = keys["attributes"].mapping(f"{this}: attributes", ()) if "attributes" in keys else {}
        yield Matcher(
            service=keys["service"].text(f"{this}: service") if "service" in keys else None,
            name=Glob(keys["name"].text(f"{this}: name")) if "name" in keys else None,
            event=keys["event"].text(f"{this}: event") if "event" in keys else None,
            kind=keys["kind"].one_of(f"{this}: a matcher's kind", SPAN_KINDS) if "kind" in keys else None,
            attributes={key: Glob(value.text(f"{this}: {key}")) for key, value in attributes.items()},
        )


def _ordered(where: _Field, placed: list[tuple[_Field, Step]], goal_field: _Field, goal: str) -> list[Step]:
    """The steps so that each comes after those it waits for, in the file's order otherwise; [] after a problem."""
    problems_before = len(where.problems)
    if not placed:
        where.complain("steps is empty", "List at least a capture step and the goal")
        return []
    if len(placed) > MAX_STEPS:
        where.complain(f"{len(placed)} steps are more than {MAX_STEPS}", "Split the flow")
        return []
    names = [step.name for _, step in placed]
    for at, (field, step) in enumerate(placed):
        if step.name in names[:at]:
            field.complain(f"step `{step.name}` is named twice", "Give one of them another name")
        for before in step.after:
            if before not in names:
                near = get_close_matches(before, names, 1)
                hint = f"Did you mean `{near[0]}`?" if near else f"The steps are {', '.join(names)}"
                field.complain(f"step `{step.name}` comes after `{before}`, which is no step", hint)
    if goal and goal not in names:
        near = get_close_matches(goal, names, 1)
        goal_field.complain(
            f"the goal `{goal}` is no step",
            f"Did you mean `{near[0]}`?" if near else f"The steps are {', '.join(names)}",
        )
    if len(where.problems) > problems_before:
        return []
    return _sorted_steps(where, placed, goal)


def _sorted_steps(where: _Field, placed: list[tuple[_Field, Step]], goal: str) -> list[Step]:
    by_name = {step.name: step for _, step in placed}
    order = {step.name: at for at, (_, step) in enumerate(placed)}
    sorter = TopologicalSorter({name: step.after for name, step in by_name.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " → ".join(error.args[1])
        line = next(field for field, step in placed if step.name in error.args[1])
        line.complain(f"the steps wait for each other in a circle: {circle}", "Remove one `after` of the circle")
        return []
    steps: list[Step] = []
    ready = list(sorter.get_ready())
    while ready:
        ready.sort(key=order.__getitem__, reverse=True)
        name = ready.pop()
        steps.append(by_name[name])
        sorter.done(name)
        ready.extend(sorter.get_ready())
    capture = next((step for step in steps if step.kind == "capture"), steps[0])
    reached = {capture.name}
    for step in steps:
        if reached.intersection(step.after):
            reached.add(step.name)
    for field, step in placed:
        if step.name not in reached:
            field.complain(
                f"step `{step.name}` cannot be reached from `{capture.name}`",
                f"Say what it comes after: `after: [{capture.name}]`",
            )
    if goal == capture.name:
        where.complain(f"the goal `{goal}` is the step where leads come in", "Name the step that leads should reach")
    return steps
