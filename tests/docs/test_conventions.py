"""docs/conventions.md tells what the code does: every attribute, every personal key, every cell of the table of signs."""

import re
from pathlib import Path

import pytest

from lineage import signs, tables
from lineage.signs import sign_of
from model import attributes
from model.causes import causes
from model.flow import Step
from model.hop import Hop, SpanEvent
from model.personal import DEFAULT_PERSONAL_KEYS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "conventions.md").read_text()
NAMES = [value for name, value in vars(attributes).items() if name.isupper()]


@pytest.mark.parametrize("name", NAMES)
def test_every_attribute_and_event_is_told(name):
    assert f"`{name}`" in PAGE


def test_the_personal_keys_are_told():
    table = PAGE[PAGE.index("## Personal data") :]
    assert dict(re.findall(r"^\| `([\w.]+)` \| (\w+) \|", table, re.MULTILINE)) == DEFAULT_PERSONAL_KEYS


def test_every_outcome_is_told():
    table = PAGE[PAGE.index("## Outcomes") : PAGE.index("## Causes")]
    assert set(signs._OUTCOMES) <= set(re.findall(r"`(\w+)`", table))


def seen(what: str) -> dict:
    """A hop that shows what the first column says."""
    if numbers := re.findall(r"\d{3}", what):
        return {"attributes": {"http.response.status_code": numbers[-1]}}
    error = {"timeout": "ReadTimeout", "connection": "ECONNREFUSED", "TLS,": "SSLError", "other": "ValueError"}
    if what.startswith("body"):
        return {"attributes": {"http.response.body": '{"status": "skipped"}'}}
    if "5xx" in what:
        return {"attributes": {"http.response.status_code": "502"}}
    exception = SpanEvent(0, "exception", {"exception.type": error[what.split(maxsplit=1)[0]]})
    return {"status": "error", "events": (exception,)}


def cells() -> list:
    lines = PAGE[PAGE.index("| seen |") :].splitlines()
    kinds = [cell.strip() for cell in lines[0].strip("|").split("|")][1:]
    rows = [line.strip("|").split("|") for line in lines[2:] if line.startswith("|")]
    rows = [[cell.strip().strip("`") for cell in row] for row in rows if len(row) == len(kinds) + 1]
    return [
        pytest.param(row[0], kind, cause, id=f"{row[0]} at {kind}")
        for row in rows
        for kind, cause in zip(kinds, row[1:], strict=True)
    ]


@pytest.mark.parametrize(("what", "kind", "cause"), cells())
def test_a_cell_of_the_table_of_signs_is_true(what, kind, cause):
    step = Step("s", kind="route" if kind == "elsewhere" else kind)
    hop = Hop("L", "t", "h", "", "span", 0, 1, "service", "POST", kind="client", **seen(what))
    assert sign_of(hop, step).cause == cause
    assert cause in causes()


def test_the_table_has_every_status_that_means_something():
    told = {
        int(number)
        for cell in re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE)
        for number in re.findall(r"\d+", cell)
    }
    assert {status for table in tables.BY_KIND.values() for status in table if isinstance(status, int)} <= told
