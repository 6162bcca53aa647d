"""What can be told of a right flow file without a single hop: a matcher that can hold for nothing or holds for
everything, and a step whose hops an earlier step takes.

Such a flow runs, since hops may name their step (`lead.step`), but it hardly says what its writer meant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from model import attributes as names
from model.flow import Flow, Glob, Matcher, Step
from model.flowfile import Problem

_ON_THE_RESOURCE = {"service.name": "Write `service:` instead", "service.version": "Match the version elsewhere"}
_ON_EVERY_HOP = frozenset({names.LEAD_ID})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a step and its matchers stand in the file; lines count from 1."""

    step: int
    matchers: tuple[int, ...]
    gives_none: bool


def doubts(flow: Flow, file: str = "flow.yaml") -> list[Problem]:
    """What will not work as it is written, in the file's order."""
    places = _places(flow.text)
    found = [
        Problem(file, line, what, mend) for step in flow.steps for line, what, mend in _of_step(flow, step, places)
    ]
    return sorted(found, key=lambda one: one.line)


def _of_step(flow: Flow, step: Step, places: dict[str, _Place]) -> Iterator[tuple[int, str, str]]:
    place = places.get(step.name, _Place(1, (), gives_none=False))
    this = f"step `{step.name}`"
    if place.gives_none:
        yield (
            place.step,
            f"{this} matches nothing: its `match` is empty",
            "Say which hops belong to it, or remove `match`",
        )
    taken = [_taken(flow, step, matcher) for matcher in step.matchers]
    for at, (matcher, by) in enumerate(zip(step.matchers, taken, strict=True)):
        line = place.matchers[at] if at < len(place.matchers) else place.step
        if never := _never(matcher):
            yield line, f"{this}: a matcher matches nothing: {never[0]}", never[1]
        elif _holds_always(matcher):
            yield line, f"{this}: a matcher matches every hop", "Say which: give it a service, an event or a name"
        elif by and not all(taken):
            yield line, f"{this}: a matcher never gets a hop: step `{by}` takes the same ones before it", _MEND
    if taken and all(taken):
        who = " and ".join(f"`{name}`" for name in dict.fromkeys(taken))
        yield place.step, f"{this} never gets a hop: {who} before it takes the same ones", _MEND


_MEND = "A hop belongs to one step only: make the matchers differ, or send lead.step"


def _never(matcher: Matcher) -> tuple[str, str] | None:
    """Why a matcher can hold for no hop, and the mend; None where it can."""
    for key, text in (("service", matcher.service), ("event", matcher.event)):
        if text is not None and set(text) & set("*?["):
            return (
                f"`{key}` is no glob, and nothing is called `{text}`",
                "Write the whole name; only `name` takes globs",
            )
    for key in matcher.attributes:
        if key in _ON_THE_RESOURCE:
            return f"`{key}` is told of a service, not of a hop", _ON_THE_RESOURCE[key]
    return None


def _holds_always(matcher: Matcher) -> bool:
    open_name = matcher.name is None or _is_open(matcher.name)
    narrow = {key for key, glob in matcher.attributes.items() if not (key in _ON_EVERY_HOP and _is_open(glob))}
    return open_name and not narrow and matcher.service is None and matcher.event is None and matcher.kind is None


def _taken(flow: Flow, step: Step, matcher: Matcher) -> str:
    """The earlier step that takes whatever this matcher would; '' for none."""
    earlier = flow.steps[: flow.position[step.name]]
    return next((one.name for one in earlier if any(covers(other, matcher) for other in one.matchers)), "")


def covers(wide: Matcher, narrow: Matcher) -> bool:
    """Does `wide` surely hold for every hop that `narrow` holds for?"""
    return (
        wide.service in {None, narrow.service}
        and wide.event in {None, narrow.event}
        and wide.kind in {None, narrow.kind}
        and (wide.name is None or (_is_open(wide.name) or _glob_covers(wide.name, narrow.name)))
        and all(_glob_covers(glob, narrow.attributes.get(key)) for key, glob in wide.attributes.items())
    )


def _is_open(glob: Glob) -> bool:
    return set(glob.pattern) <= {"*"}


def _glob_covers(wide: Glob, narrow: Glob | None) -> bool:
    if narrow is None:
        return False
    if wide == narrow or _is_open(wide) or (_literal(narrow.pattern) == narrow.pattern and wide(narrow.pattern)):
        return True
    head = wide.pattern.removesuffix("*")
    return head != wide.pattern and _literal(head) == head and _literal(narrow.pattern).startswith(head)


def _literal(pattern: str) -> str:
    """What a glob begins with before its first wildcard."""
    return pattern[: next((at for at, letter in enumerate(pattern) if letter in "*?["), len(pattern))]


# ── where it stands ─────────────────────────────────────────────────────────────────────────────────────────────────


def _places(text: str) -> dict[str, _Place]:
    """Where the steps of a right file stand, by their names."""
    spec = _value(yaml.compose(text, Loader=yaml.SafeLoader) if text else None, "spec")
    found: dict[str, _Place] = {}
    for node in _items(_value(spec, "steps")):
        name, match = _value(node, "name"), _value(node, "match")
        matchers = tuple(one.start_mark.line + 1 for one in _items(match))
        found[str(getattr(name, "value", ""))] = _Place(
            node.start_mark.line + 1, matchers, match is not None and not matchers
        )
    return found


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs: Sequence[tuple[yaml.Node, yaml.Node]] = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def _items(node: yaml.Node | None) -> Sequence[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else ()
