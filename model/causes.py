"""The canonical causes, and the vendors' own codes that mean them.

All are data: `causes.csv` and `vendor_codes.csv` beside this file, and `vendor_hosts.csv`, which says whose an address
is. Adding a vendor's code is one line there.
"""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
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


class VendorCodes:
    """What vendors' codes mean. Made from rows of (system, code, cause); of two rows for one code the first counts."""

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        self._by_vendor: dict[tuple[str, str], str] = {}
        telling: set[str] = set()
        for system, code, cause in rows:
            self._by_vendor.setdefault((system.casefold(), code.casefold()), cause)
            if _TELLING.search(code):
                telling.add(code.casefold())
        self._by_half = _halves(self._by_vendor)
        self._by_code = _same_everywhere(self._by_vendor, telling)

    def resolve(self, reason: str, system: str = "") -> str | None:
        """The canonical cause that `reason` means at the vendor `system`; None when nobody has mapped it.

        A canonical code means itself. A code is looked up at its vendor first, then among codes that mean the same
        thing everywhere.
        """
        text = reason.strip()
        if text in causes():
            return text
        folded, vendor = text.casefold(), system.strip().casefold()
        return self._by_vendor.get((vendor, folded)) or self._by_half.get((vendor, folded)) or self._by_code.get(folded)


def _halves(known: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Salesforce Marketing Cloud writes `1004 SomeName`; senders write either half."""
    halves: dict[tuple[str, str], str] = {}
    for (system, code), cause in known.items():
        number, _, name = code.partition(" ")
        if number.isdecimal() and name:
            halves.setdefault((system, number), cause)
            halves.setdefault((system, name), cause)
    return halves


# Codes of several words: RATE_LIMIT, EmailMalformedAddress, `already bounced`.
_TELLING = re.compile(r"[_ ]|[a-z][A-Z]|^UNSUBSCRIBED$")


def _same_everywhere(known: Mapping[tuple[str, str], str], telling: Collection[str]) -> dict[str, str]:
    """Codes that mean the same wherever they are used. Left out: codes with two meanings, numbers, and single words
    (`FILTERED`, `DISABLED`), which mean one thing at the vendor they were read from and anything elsewhere.
    """
    meanings: dict[str, set[str]] = {}
    for (_, code), cause in known.items():
        meanings.setdefault(code, set()).add(cause)
    return {code: next(iter(found)) for code, found in meanings.items() if len(found) == 1 and code in telling}


@cache
def _systems() -> dict[str, str]:
    return {row["host"]: row["system"] for row in _read("vendor_hosts.csv")}


def system_at(host: str) -> str:
    """The vendor whose public addresses end so, as `vendor_hosts.csv` lists them; '' for any other address."""
    labels = host.casefold().partition(":")[0].split(".")
    known = _systems()
    return next((known[end] for n in range(len(labels)) if (end := ".".join(labels[n:])) in known), "")


def collected_codes() -> list[tuple[str, str, str]]:
    """The codes that come with leadtrace, as (system, code, cause)."""
    return [(row["system"], row["code"], row["cause"]) for row in _read("vendor_codes.csv")]


@cache
def built_in_codes() -> VendorCodes:
    return VendorCodes(collected_codes())


class CodeProblems(ValueError):  # noqa: N818  it carries problems, it is not one
    """A file of vendor codes that cannot be used; the message has a sentence for each mistake."""


def read_codes(text: str, file: str) -> list[tuple[str, str, str]]:
    """The rows of a user's file of codes: a header `system,code,cause` and one line a code. Raises CodeProblems."""
    reader = csv.reader(io.StringIO(text))
    header = next(reader, [])
    if [name.strip() for name in header[:3]] != ["system", "code", "cause"]:
        raise CodeProblems(f"{file}:1: the first line must be `system,code,cause`")
    rows: list[tuple[str, str, str]] = []
    wrong: list[str] = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        system, code, cause = (cell.strip() for cell in [*cells, "", "", ""][:3])
        if not code or cause not in causes():
            near = get_close_matches(cause, causes(), 1)
            hint = f"did you mean {near[0]}?" if near else "docs/causes.md lists the causes"
            wrong.append(
                f"{file}:{reader.line_num}: `{cause}` is no cause; {hint}"
                if code
                else f"{file}:{reader.line_num}: no code"
            )
        rows.append((system, code, cause))
    if wrong:
        raise CodeProblems("\n".join(wrong))
    return rows
