"""The schema and its migrations: SQL files, numbered, forward only.

A file is a list of statements that end in `;` at a line's end. A line `-- define NAME = TEXT` names a type or an
expression that the file's statements repeat: ClickHouse has no names for types, and OTLP's AnyValue stands everywhere.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

PROTOBUF_FILE = Path(__file__).with_name("otlp.proto")
"""The protobuf schema that ClickHouse decodes OTLP with."""

_DEFINE = re.compile(r"^-- define (\w+) = (.+)$", re.MULTILINE)
_COMMENT_LINE = re.compile(r"^\s*--.*$", re.MULTILINE)
_END = re.compile(r";\s*(?:\n|$)")


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    statements: tuple[str, ...]


def statements(sql: str) -> tuple[str, ...]:
    """The statements of a file, its defined types put in, its comment lines taken out."""
    types = _DEFINE.findall(sql)
    text = _COMMENT_LINE.sub("", sql)
    for name, meaning in reversed(types):
        text = meaning.join(re.split(rf"\b{name}\b", text))
    return tuple(part.strip() for part in _END.split(text) if part.strip())


def current() -> tuple[str, ...]:
    """The statements of `schema.sql`: what an empty database needs to stand where the migrations lead."""
    return statements(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))


def migrations() -> list[Migration]:
    """Every migration in order; a gap or a repeated number is a mistake in the checkout and raises ValueError."""
    folder = Path(__file__).with_name("migrations")
    found = sorted(map(_parse, folder.glob("*.sql")), key=lambda migration: migration.number)
    for before, after in pairwise(found):
        if after.number != before.number + 1:
            raise ValueError(f"migration {before.name} is followed by {after.name}: numbers must rise by one")
    return found


def _parse(file: Path) -> Migration:
    number, _, name = file.stem.partition("_")
    return Migration(int(number), name, statements(file.read_text(encoding="utf-8")))
