"""YAML and JSON as nodes that know their file and line.

Values are those of YAML 1.2's core schema, so that nothing is turned into what nobody meant: a date stays a text,
`on` and `no` stay texts, `1e-4` is a number, and a number is exact. Reading is bounded, whatever is given.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import yaml

MAX_CHARACTERS = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 40
MAX_NUMBER = 40

_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


class NotYamlError(ValueError):
    """A text that cannot be read. `line` counts from 1."""

    def __init__(self, line: int, what: str, mend: str) -> None:
        super().__init__(f"line {line}: {what}. {mend}")
        self.line, self.what, self.mend = line, what, mend


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `plain` says that it stood without quotes."""

    file: str
    line: int
    text: str
    plain: bool = True
    end: int = 0

    @property
    def value(self) -> str | bool | Fraction | None:
        """What the text means; `.inf` and `.nan` stay texts, since no budget is made of them."""
        if not self.plain:
            return self.text
        if self.text in _NOTHING:
            return None
        if self.text in _TRUTH:
            return _TRUTH[self.text]
        if len(self.text) <= MAX_NUMBER and _NUMBER.fullmatch(self.text):
            return Fraction(self.text)
        return self.text


@dataclass(frozen=True, slots=True)
class Mapping:
    file: str
    line: int
    entries: tuple[tuple[Scalar, "Node"], ...]
    end: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    file: str
    line: int
    items: tuple["Node", ...]
    end: int = 0


Node: TypeAlias = Scalar | Mapping | Listing


def read_nodes(text: str, file: str) -> list[Node]:
    """The documents of a text, YAML or JSON. Raises NotYamlError, and nothing else."""
    if len(text) > MAX_CHARACTERS:
        raise NotYamlError(1, f"the file has more than {MAX_CHARACTERS} characters", "Split it into several files")
    if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}:
        text = text.replace("\t", " ")  # JSON may be indented by tabs, YAML may not
    try:
        return list(_Composer(yaml.parse(text, Loader=yaml.SafeLoader), file).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"the file is not YAML: {error.problem or error.context or 'it cannot be read'}"
        raise NotYamlError(mark.line + 1 if mark else 1, what, "Mend the indentation or quoting here") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NotYamlError(line, "the file has a character that YAML does not allow", "Remove it") from error
    except NotYamlError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # escapes and directives out of range
        raise NotYamlError(1, "the file is not YAML: a value is out of range", "Look for odd escapes") from error


class _Composer:
    """Makes nodes of events. PyYAML's own composer follows aliases and depth without a bound."""

    def __init__(self, events: Iterator[yaml.Event], file: str) -> None:
        self.events = events
        self.file = file
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.nodes = 0

    def documents(self) -> Iterator[Node]:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors = {}
                yield self._node(next(self.events), 1)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        line = _first_line(event)
        if depth > MAX_DEPTH:
            raise NotYamlError(line, f"values are nested more than {MAX_DEPTH} deep", "No OpenSLO object needs that")
        before = self.nodes
        self._count(1, line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        node = self._made(event, line, depth)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self.anchors[event.anchor] = (node, self.nodes - before)
        return node

    def _made(self, event: yaml.Event, line: int, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None and event.tag != "tag:yaml.org,2002:str"
            return Scalar(self.file, line, _whole_characters(event.value), plain, _last_line(event))
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                items.append(self._node(inner, depth + 1))
            return Listing(self.file, line, tuple(items), _last_line(inner))
        entries: list[tuple[Scalar, Node]] = []
        while not isinstance(inner := next(self.events), yaml.MappingEndEvent):
            key = self._node(inner, depth + 1)
            if not isinstance(key, Scalar):
                raise NotYamlError(key.line, "a key is not a plain word", "Write `key: value`")
            entries.append((key, self._node(next(self.events), depth + 1)))
        return Mapping(self.file, line, _merged(entries), _last_line(inner))

    def _alias(self, event: yaml.AliasEvent, line: int) -> Node:
        if event.anchor not in self.anchors:
            raise NotYamlError(line, f"`*{event.anchor}` repeats what no `&{event.anchor}` named before", "Name it")
        node, size = self.anchors[event.anchor]
        self._count(size, line)
        return node

    def _count(self, nodes: int, line: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise NotYamlError(line, f"the file has more than {MAX_NODES} values, repeated ones too", "Split it")


def _merged(entries: list[tuple[Scalar, Node]]) -> tuple[tuple[Scalar, Node], ...]:
    """`<<: *base` brings in the keys of base that are not given beside it."""
    given = {key.text for key, _ in entries}
    own: list[tuple[Scalar, Node]] = []
    for key, value in entries:
        bases = value.items if isinstance(value, Listing) else (value,)
        if key.plain and key.text == "<<" and all(isinstance(base, Mapping) for base in bases):
            for base in bases:
                assert isinstance(base, Mapping)  # noqa: S101  tells the type checker what the line above made sure
                own += [entry for entry in base.entries if entry[0].text not in given]
                given |= {entry[0].text for entry in base.entries}
        else:
            own.append((key, value))
    return tuple(own)


def _first_line(event: yaml.Event) -> int:
    return int(event.start_mark.line + 1) if event.start_mark is not None else 1


def _last_line(event: yaml.Event) -> int:
    """A block ends where the next thing begins, which is a line too far."""
    mark = event.end_mark
    if mark is None:
        return 1
    return int(mark.line + 1 if mark.column else mark.line)


def _whole_characters(text: str) -> str:
    """JSON writes characters beyond U+FFFF as two escapes; a half without the other is no character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
