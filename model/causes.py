"""The canonical causes, and the vendors' own codes that mean them.

Both are data: `causes.csv` and `vendor_codes.csv` beside this file. Adding a vendor's code is one line there.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CLASSES = ("fault", "expected", "depends", "pending")

UNMAPPED = "unknown.vendor_unspecified"
ABSENT = "observability.expected_but_absent"
GAP = "observability.instrumentation_gap"


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why a lead stops. `clause` completes "L-1 never entered the sequence: …"; `owner` is a role."""

    code: str
    cls: str
    title: str
    clause: str
    remedy: str
    owner: str


def _read(name: str) -> Iterator[dict[str, str]]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@cache
def causes() -> dict[str, Cause]:
    """Every canonical cause by its code."""
    return {
        row["cause"]: Cause(row["cause"], row["class"], row["title"], row["clause"], row["remedy"], row["owner"])
        for row in _read("causes.csv")
    }


@cache
def _by_vendor() -> dict[tuple[str, str], str]:
    known: dict[tuple[str, str], str] = {}
    for row in _read("vendor_codes.csv"):
        known.setdefault((row["system"].casefold(), row["code"].casefold()), row["cause"])
    return known


@cache
def _by_code() -> dict[str, str]:
    """Codes that mean the same wherever they are used. Left out: codes with two meanings, numbers, and single words
    (`FILTERED`, `DISABLED`), which mean one thing at the vendor they were read from and anything elsewhere.
    """
    meanings: dict[str, set[str]] = {}
    for (_, code), cause in _by_vendor().items():
        meanings.setdefault(code, set()).add(cause)
    return {
        code: next(iter(found)) for code, found in meanings.items() if len(found) == 1 and ("_" in code or " " in code)
    }


@cache
def _by_first_word() -> dict[tuple[str, str], str]:
    """Salesforce Marketing Cloud writes `1004 SomeName`; senders write either half."""
    halves: dict[tuple[str, str], str] = {}
    for (system, code), cause in _by_vendor().items():
        number, _, name = code.partition(" ")
        if number.isdecimal() and name:
            halves.setdefault((system, number), cause)
            halves.setdefault((system, name), cause)
    return halves


def resolve(reason: str, system: str = "") -> str | None:
    """The canonical cause that `reason` means at the vendor `system`; None when nobody has mapped it.

    A canonical code means itself. A code is looked up at its vendor first, then among codes that mean the same
    thing everywhere.
    """
    text = reason.strip()
    if text in causes():
        return text
    folded, vendor = text.casefold(), system.strip().casefold()
    return _by_vendor().get((vendor, folded)) or _by_first_word().get((vendor, folded)) or _by_code().get(folded)
