"""What the pages say of each other and of the code: links, commands, metrics, tables; and what must stand in none."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from prometheus_client import REGISTRY

import api.budget_metrics  # noqa: F401  registers its metrics
import collector.metrics  # noqa: F401  registers its metrics
import lineage.settle  # noqa: F401  registers its metrics
import slo.loop  # noqa: F401  registers its metrics
from leadtrace.cli import main
from store import schema

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "deploy").rglob("*.md"), *(ROOT / "dashboards").glob("*.md")]
)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_machine_or_a_registry(page):
    text = page.read_text()
    assert not re.search(r"/work/|/root/|/home/\w|registry\.\w|pypi\.org|npmjs", text)
    assert "—" not in text


def lines_of(page: Path) -> list[str]:
    """Lines of its shell blocks, and code in its sentences."""
    text = page.read_text()
    blocks = re.findall(r"```(?:sh)?\n(.+?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", text)


def commands() -> list:
    found = [
        (page, re.match(r"(?:\$ )?(?:\.venv/bin/)?leadtrace ([a-z].*)", line))
        for page in PAGES
        for line in lines_of(page)
    ]
    return [pytest.param(match[1], id=f"{name_of(page)}: {match[1][:50]}") for page, match in found if match]


@pytest.mark.parametrize("line", commands())
def test_a_command_on_a_page_is_a_command_with_its_options(line):
    words = shlex.split(line.partition("#")[0])
    command: click.Command = main
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert command is not main, line
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options


def test_every_command_is_told_somewhere():
    text = "\n".join(page.read_text() for page in PAGES)
    assert all(f"leadtrace {name}" in text for name in main.commands)


def test_every_metric_is_told_and_no_other():
    ours = {metric.name + ("_total" if metric.type == "counter" else "") for metric in REGISTRY.collect()}
    ours = {name for name in ours if name.startswith("leadtrace_")}
    told = set(re.findall(r"^\| `(leadtrace_\w+)` \|", (DOCS / "operations.md").read_text(), re.MULTILINE))
    assert told == ours


def test_every_table_is_told():
    made = {name for one in schema.current() for name in re.findall(r"^CREATE TABLE (\w+)", one)}
    architecture = (DOCS / "architecture.md").read_text()
    tables = architecture[architecture.index("## Tables") : architecture.index("## Agenda and settle loop")]
    told = {name for row in re.findall(r"^\| (`.+?) \|", tables, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert told == made | {"migrations"}


def test_every_decision_is_listed_and_has_its_three_parts():
    decisions = sorted((DOCS / "adr").glob("0*.md"))
    assert [page.name[:4] for page in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    index = (DOCS / "adr" / "README.md").read_text()
    for page in decisions:
        text = page.read_text()
        assert text.startswith(f"# {page.name[:4]}: ")
        assert f"[{page.name[:4]}]({page.name})" in index
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (DOCS / "adr" / "0010-dependencies.md").read_text()
    assert all(re.split(r"[><=~\[]", one)[0] in text for one in project["dependencies"])


def test_make_targets_named_are_targets():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"`?make (?:-C \S+ )?([a-z]+)\b`?(?= |`|$)", page.read_text(), re.MULTILINE)
    }
    assert {"demo", "test"} <= named
    assert {name for name in named if name in {"demo", "test", "lint", "install", "lock", "help", "bench"}} <= targets
