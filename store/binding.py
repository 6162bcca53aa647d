"""Binds the parameters of a query, as cheap to send as may be.

A server takes at most 128 KiB of one bound value (`http_max_field_value_size`), which a few thousand ids can exceed. A
list that is longer goes in several values, and the query puts them together again.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_VALUE_BYTES = 100_000
MAX_NUMBERS = 4_000  # of at most 20 digits, and ", "


def bound(query: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The query and its parameters as they are sent."""
    sent: dict[str, Any] = {}
    for name, value in parameters.items():
        parts = {f"{name}_part{nth}" if nth else name: part for nth, part in enumerate(_parts(value))}
        if len(parts) > 1:
            query = _put_together(query, name, list(parts))
        sent |= parts
    return query, sent


def _put_together(query: str, name: str, parts: Sequence[str]) -> str:
    return re.sub(
        rf"\{{{name}:(\w+\([^}}]+\))\}}",
        lambda found: f"arrayConcat({', '.join(f'{{{part}:{found[1]}}}' for part in parts)})",
        query,
    )


class _Texts:
    """Texts as ClickHouse writes an array of them. The driver would escape them character by character, which costs
    more than to find what thousands of ids stand for.
    """

    _ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in "\\'`\t\n"})

    def __init__(self, escaped: Sequence[str]) -> None:
        self._written = "','".join(escaped)

    def __str__(self) -> str:
        return f"['{self._written}']"

    @classmethod
    def parts(cls, texts: Sequence[str]) -> list["_Texts"]:
        """As many as it takes for each to fit."""
        escaped = [text.translate(cls._ESCAPES) for text in texts]
        parts: list[list[str]] = []
        room = 0
        for text in escaped:
            taken = len(text.encode()) + len("'',")
            if taken > room:
                parts.append([])
                room = MAX_VALUE_BYTES
            parts[-1].append(text)
            room -= taken
        return [cls(part) for part in parts]


def _parts(value: Any) -> Sequence[Any]:
    """A value, or what to bind in its place where it is a list that may be too long."""
    if not isinstance(value, list) or not value:
        return [value]
    if all(type(one) is str for one in value):
        return _Texts.parts(value)
    return [value[at : at + MAX_NUMBERS] for at in range(0, len(value), MAX_NUMBERS)]
