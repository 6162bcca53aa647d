"""The objects in files, checked one by one, and found by their names."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from slo.openslo.convert import as_v1
from slo.openslo.findings import Finding, Report
from slo.openslo.nodes import Listing, Mapping, Node, NotYamlError, Scalar, read_nodes
from slo.openslo.place import Place, nearest
from slo.openslo.rules import KINDS, check_rules
from slo.openslo.shapes import SHAPES, check_shape

MAX_OBJECTS = 1_000


@dataclass(frozen=True, slots=True)
class Source:
    """A file's name, for sentences, and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Described:
    """An object of a file in v1's words. `text` is what the file says of it."""

    kind: str
    name: str
    place: Place
    text: str

    @property
    def about(self) -> str:
        return self.place.about


def read_objects(source: Source, report: Report) -> list[Described]:
    """Every object of a file that can be understood; what cannot, or is wrong, is told to the report."""
    try:
        documents = read_nodes(source.text, source.name)
    except NotYamlError as error:
        report.add(Finding(source.name, error.line, "error", "", "", error.what, error.mend))
        return []
    nodes = list(_members(documents))
    if not nodes:
        what, mend = "the file holds no object", "Describe an SLO; docs/objectives.md shows one"
        report.add(Finding(source.name, 1, "error", "", "", what, mend))
    if len(nodes) > MAX_OBJECTS:
        what = f"the file holds {len(nodes)} objects, more than {MAX_OBJECTS}"
        report.add(Finding(source.name, 1, "error", "", "", what, "Split it"))
        return []
    lines = source.text.splitlines()
    texts = [source.text] if len(nodes) == 1 else [_text(node, lines) for node in nodes]
    found = (_described(node, index, text, report) for index, (node, text) in enumerate(zip(nodes, texts, strict=True)))
    return [one for one in found if one is not None]


def _members(documents: Iterable[Node]) -> Iterator[Node]:
    """A document is an object or a list of them; an empty one is nothing."""
    for document in documents:
        if isinstance(document, Listing):
            yield from document.items
        elif not (isinstance(document, Scalar) and document.value is None):
            yield document


def _text(node: Node, lines: list[str]) -> str:
    return "\n".join(lines[node.line - 1 : max(node.end, node.line)]) + "\n"


def _described(node: Node, index: int, text: str, report: Report) -> Described | None:
    place = Place(node, report, "", "", index)
    if not isinstance(node, Mapping):
        place.wrong("an object is no mapping", "Write it as `apiVersion:`, `kind:`, `metadata:` and `spec:`")
        return None
    place = replace(place, about=_about(place))
    version, kind = place.text("apiVersion"), place.text("kind")
    if not _is_known(place, version, kind):
        return None
    check_shape(place, SHAPES[version][kind])
    check_rules(place, version, kind)
    metadata = place.get("metadata")
    name = metadata.text("name") if metadata is not None else ""
    return Described(kind, name, replace(place, node=as_v1(node, version)), text)


def _about(place: Place) -> str:
    metadata = place.get("metadata")
    name = metadata.text("name")[:100] if metadata is not None else ""
    return f"{place.text('kind')[:40] or 'an object'} {name}".strip()


def _is_known(place: Place, version: str, kind: str) -> bool:
    """Is it an object of OpenSLO? Tells what it is instead."""
    if version not in SHAPES:
        here = place.get("apiVersion")
        what = f"`{version[:100]}` is no version of OpenSLO" if here is not None else "has no apiVersion"
        (here or place).wrong(what, "Write `apiVersion: openslo/v1`")
        return False
    if kind not in KINDS[version]:
        here = place.get("kind")
        what = f"`{kind[:100]}` is no kind of {version}" if here is not None else "has no kind"
        (here or place).wrong(what, nearest(kind, KINDS[version]))
        return False
    return True


class Shelf:
    """Objects by kind and name, of all files that are read together. Of two with a name the first one counts."""

    def __init__(self, objects: Iterable[Described]) -> None:
        self._by_name: dict[tuple[str, str], Described] = {}
        for one in objects:
            self._by_name.setdefault((one.kind, one.name), one)

    def find(self, kind: str, name: str) -> Described | None:
        return self._by_name.get((kind, name))

    def resolved(self, holder: Place, reference: str, kind: str) -> Place | None:
        """What stands for an object: its place where it is written inline, or that of the object it names."""
        name = holder.text(reference)
        if not name:
            return holder
        found = self.find(kind, name)
        return found.place if found is not None else None
