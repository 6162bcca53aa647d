"""A value at a property path of an OpenSLO object, and what is said of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction

from slo.openslo.findings import Finding, Level, Report
from slo.openslo.nodes import Listing, Mapping, Node, Scalar

_LOOSE_TRUTH = {"true": True, "yes": True, "on": True, "y": True, "false": False, "no": False, "off": False, "n": False}
MAX_SAID = 300


@dataclass(frozen=True, slots=True)
class Place:
    """Reading from a place never raises: what is not there, or is of another type, is None or empty.

    What is of another type was told when the object's shape was checked.
    """

    node: Node
    report: Report
    about: str
    path: str = ""
    index: int = 0

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def line(self) -> int:
        return self.node.line

    def keys(self) -> list[Scalar]:
        return [key for key, _ in self.node.entries] if isinstance(self.node, Mapping) else []

    def get(self, key: str) -> "Place | None":
        """What stands under a key; None where nothing or `null` does. The last of two counts, as in Go."""
        if not isinstance(self.node, Mapping):
            return None
        found = [value for name, value in self.node.entries if name.text == key]
        if not found or (isinstance(found[-1], Scalar) and found[-1].value is None):
            return None
        return replace(self, node=found[-1], path=f"{self.path}.{key}" if self.path else key)

    def at(self, *keys: str) -> "Place | None":
        """What stands under keys in keys."""
        place: Place | None = self
        for key in keys:
            place = place.get(key) if place is not None else None
        return place

    def items(self, key: str) -> list["Place"]:
        """The members of a list under a key; a value that is no list is a list of one."""
        place = self.get(key)
        if place is None:
            return []
        if not isinstance(place.node, Listing):
            return [replace(place, path=f"{place.path}[0]")]
        return [
            replace(place, node=node, path=f"{place.path}[{number}]") for number, node in enumerate(place.node.items)
        ]

    def entries(self) -> Iterator[tuple[Scalar, "Place"]]:
        """What stands under each key, but for `null`; the last of two counts."""
        last = {key.text: (key, value) for key, value in self.node.entries} if isinstance(self.node, Mapping) else {}
        for key, value in last.values():
            if not (isinstance(value, Scalar) and value.value is None):
                yield key, replace(self, node=value, path=f"{self.path}.{key.text}" if self.path else key.text)

    def text(self, key: str = "") -> str:
        """A value as it is written, whatever YAML thinks that it is."""
        place = self.get(key) if key else self
        return place.node.text.strip() if place is not None and isinstance(place.node, Scalar) else ""

    def number(self, key: str = "") -> Fraction | None:
        place = self.get(key) if key else self
        if place is None or not isinstance(place.node, Scalar):
            return None
        value = replace(place.node, plain=True, text=place.node.text.strip()).value
        return value if isinstance(value, Fraction) else None

    def truth(self, key: str = "") -> bool | None:
        return _LOOSE_TRUTH.get(self.text(key).lower())

    # ── saying ──────────────────────────────────────────────────────────────────────────────────────────────────

    def wrong(self, what: str, mend: str) -> None:
        """A mistake that leadtrace cannot mend."""
        self._say("error", what, mend)

    def misshapen(self, what: str, mend: str) -> None:
        """A value of a type that nothing can be read from: the only thing that is said of it."""
        self._say("error", what, mend, misshapen=True)

    def odd(self, what: str, mend: str, mended: str) -> None:
        """What the official SDK refuses and leadtrace can live with; `mended` says how."""
        if self.report.strict:
            self._say("error", what, mend)
        else:
            self._say("warning", what, mended)

    def warn(self, what: str, mend: str) -> None:
        self._say("warning", what, mend)

    def note(self, what: str) -> None:
        self._say("note", what, "")

    def _say(self, level: Level, what: str, mend: str, *, misshapen: bool = False) -> None:
        said = " ".join(what.split())
        if len(said) > MAX_SAID:  # a long value stands before what is wrong with it
            said = f"{said[: MAX_SAID // 2]} … {said[-MAX_SAID // 2 :]}"
        finding = Finding(self.node.file, self.line, level, self.about, self.path, said, mend, self.index)
        self.report.add(finding, misshapen=misshapen)


def nearest(word: str, known: tuple[str, ...]) -> str:
    """A hint for a word that is none of those known."""
    near = get_close_matches(word, known, 1) or [one for one in known if one.lower() == word.lower()]
    return f"Did you mean `{near[0]}`?" if near else f"Known are {', '.join(known)}"
