"""What many hops say alike, so that what follows from it is worked out once for all of them."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from model.hop import Hop

Found = TypeVar("Found")


def by_shape(find: Callable[[Hop], Found]) -> Callable[[Hop], Found]:
    """`find`, asked once for all hops of a shape where it can be."""

    @wraps(find)
    def found(hop: Hop) -> Found:
        return find(hop) if hop.shape is None else hop.shape.known(find, find, hop)

    return found


class NotInShape(LookupError):  # noqa: N818  no error, but an answer: ask the hop itself
    """What was asked for differs between hops of one shape."""


class Shape:
    """All that some hops say but lead, ids, entry, times, links and URL."""

    __slots__ = ("_known", "attributes", "hop")

    def __init__(self, facts: Mapping[str, Any], read: Collection[str]) -> None:
        """`facts` by the names of Hop's fields; `read` names the attributes that are known, whether there or absent.

        `attributes` are those that are known and there.
        """
        self.attributes: Mapping[str, str] = facts["attributes"]
        self.hop = Pattern(facts, read)
        self._known: dict[Hashable, Any] = {}

    def known(self, about: Hashable, find: Callable[[Hop], Found], hop: Hop) -> Found:
        """`find(hop)`, for a hop of this shape: found once for all of them, unless it hangs on what they do not share.

        `about` tells one question from another; with equal questions `find` must find the same.
        """
        found = self._known.get(about, self)
        if found is self:
            try:
                found = find(self.hop)
            except NotInShape:
                found = _DIFFERS
            self._known[about] = found
        return find(hop) if found is _DIFFERS else found


_DIFFERS = object()


@dataclass(frozen=True, init=False)
class Pattern(Hop):
    """A hop of which only the shape is known. Whatever else is asked of it raises NotInShape, so that nothing seems to
    follow from a shape that does not.
    """

    def __init__(self, facts: Mapping[str, Any], read: Collection[str]) -> None:
        self.__dict__.update(facts)
        self.__dict__["attributes"] = _Attributes(facts["attributes"], read)

    def __getattribute__(self, name: str) -> Any:
        if name in _OWN:
            raise NotInShape(name)
        return super().__getattribute__(name)


_OWN = frozenset({"lead", "trace_id", "hop_id", "parent_id", "at_ns", "duration_ns", "entry", "links"})


class _Attributes(Mapping[str, str]):
    """Attributes of which some names are known, and all others neither there nor absent."""

    def __init__(self, attributes: Mapping[str, str], read: Collection[str]) -> None:
        self._attributes = attributes
        self._read = read

    def __getitem__(self, name: str) -> str:
        if name not in self._read:
            raise NotInShape(name)
        return self._attributes[name]

    def __iter__(self) -> Iterator[str]:
        raise NotInShape("all attributes")

    def __len__(self) -> int:
        raise NotInShape("all attributes")
