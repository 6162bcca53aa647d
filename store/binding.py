"""Binds the parameters of a query, as cheap to send as may be.

A server takes at most 128 KiB of one bound value (`http_max_field_value_size`). A few thousand ids can exceed that, and
so can a single one, as senders put anything there. What is longer goes in several values, and the query puts them
together again.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_VALUE_BYTES = 100_000
MAX_CHARS = MAX_VALUE_BYTES // 4  # of at most 4 bytes; what is escaped has one, and 2 then
MAX_NUMBERS = 4_000  # of at most 20 digits, and ", "


def bound(query: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The query and its parameters as they are sent."""
    sent: dict[str, Any] = {}
    for name, value in parameters.items():
        placed = re.search(rf"\{{{name}:([^{{}}]+)\}}", query)
        written = _written(name, placed[1] if placed else "", value, sent)
        if placed and written != placed[0]:
            query = query.replace(placed[0], written)
    return query, sent


def _written(name: str, kind: str, value: Any, sent: dict[str, Any]) -> str:
    """A value of this type in the words of a query; what is to be bound for it is put into `sent`."""
    if isinstance(value, str) and kind.startswith("Array("):  # one text of a list, too long to stand with others
        return f"[{_written(name, 'String', value, sent)}]"
    parts = _parts(value)
    if len(parts) == 1 and not (isinstance(value, list) and isinstance(parts[0], str)):
        sent[name] = parts[0]
        return f"{{{name}:{kind}}}"
    together = "concat" if kind == "String" else "arrayConcat"
    return f"{together}({', '.join(_written(f'{name}_part{nth}', kind, one, sent) for nth, one in enumerate(parts))})"


class _Texts:
    """Texts as ClickHouse writes an array of them. The driver would escape them character by character, which costs
    more than to find what thousands of ids stand for.
    """

    ESCAPED = "\\'`\t\n"
    ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in ESCAPED})

    def __init__(self, escaped: Sequence[str]) -> None:
        self._written = "','".join(escaped)

    def __str__(self) -> str:
        return f"['{self._written}']"


def _is_plain(text: str) -> bool:
    """Is there nothing to escape, and each sign a byte? As in most ids; then they need not be looked at one by one."""
    return text.isascii() and not any(sign in text for sign in _Texts.ESCAPED)


def _parts(value: Any) -> Sequence[Any]:
    """A value, or what to bind in its place where it may be too long."""
    if isinstance(value, str) and len(value) > MAX_CHARS:
        return [value[at : at + MAX_CHARS] for at in range(0, len(value), MAX_CHARS)]
    if not isinstance(value, list) or not value:
        return [value]
    if all(type(one) is str for one in value):
        return _texts(value)
    return [value[at : at + MAX_NUMBERS] for at in range(0, len(value), MAX_NUMBERS)]


def _texts(texts: Sequence[str]) -> list[_Texts | str]:
    """The texts in as many arrays as it takes for each to fit; one that fits none stands by itself."""
    if _is_plain("".join(texts)):
        most = MAX_VALUE_BYTES // (max(map(len, texts)) + len("'',"))
        if most:
            return [_Texts(texts[at : at + most]) for at in range(0, len(texts), most)]
    parts: list[list[str] | str] = []
    array: list[str] = []
    room = 0
    for text in texts:
        escaped = text.translate(_Texts.ESCAPES)
        taken = len(escaped.encode()) + len("'',")
        if taken > MAX_VALUE_BYTES:
            parts.append(text)
            room = 0
            continue
        if taken > room:
            array, room = [], MAX_VALUE_BYTES
            parts.append(array)
        array.append(escaped)
        room -= taken
    return [part if isinstance(part, str) else _Texts(part) for part in parts]
