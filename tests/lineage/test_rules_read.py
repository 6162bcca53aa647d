"""The settle loop reads of a hop what the rules read: no name that they mention is left out, and no verdict differs."""

import ast
import re
from pathlib import Path

import pytest

import lineage
import model
from benchmarks.accuracy.judged import FLOWS, moment
from benchmarks.accuracy.measure import cases
from benchmarks.accuracy.noise import Noise
from benchmarks.accuracy.stored import land
from lineage.judging import judge_lead
from lineage.rules_read import ALWAYS_READ, BY_RULES, paths_for, read_for
from model import attributes as names
from model.causes import causes
from store.hops import hops_of_leads
from store.hops_to_judge import hops_to_judge

ROOMS = {"lineage": Path(lineage.__path__[0]), "model": Path(model.__path__[0])}
NAMED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")


def imported_by(module, seen):
    """The modules of lineage and model that judging rests on, with their syntax trees."""
    room, _, name = module.partition(".")
    path = ROOMS[room] / f"{name}.py"
    if module in seen or not path.exists():
        return seen
    seen[module] = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(seen[module]):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ROOMS:
            imported_by(node.module, seen)
            for one in node.names:
                imported_by(f"{node.module}.{one.name}", seen)
    return seen


def attributes_named(tree):
    """Whatever in a module looks like an attribute: a text with dots that is no cause, or a name of model/attributes.py."""
    for node in ast.walk(tree):
        said = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAMED.fullmatch(node.value):
            said = node.value
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "names":
            said = getattr(names, node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module == "model.attributes":
            yield from (str(getattr(names, one.name)) for one in node.names if "." in str(getattr(names, one.name)))
        if "." in said and said not in causes() and not said.endswith(".csv"):
            yield said


def test_every_attribute_that_the_rules_mention_is_read():
    rules = {name: tree for name, tree in imported_by("lineage.verdict", {}).items() if name != "model.attributes"}
    assert {"lineage.signs", "lineage.journey", "lineage.entries", "model.hop", "model.flow"} <= set(rules)
    mentioned = {said: name for name, tree in rules.items() for said in attributes_named(tree)}
    missing = {said: name for said, name in mentioned.items() if said not in BY_RULES | ALWAYS_READ}
    assert not missing, "add these to lineage/rules_read.py"
    assert BY_RULES - set(mentioned) == set(), "nobody reads these any more"


@pytest.fixture(scope="module")
def told(module_store):
    made = list(cases(400, 3, Noise(share=0.5)))
    land(module_store, made)
    return made


def test_what_is_read_to_judge_gives_the_verdicts_that_all_that_is_known_gives(told, module_store):
    leads = {case.lead: case for case in told}
    whole = hops_of_leads(module_store, list(leads))
    differing = [
        lead
        for page in hops_to_judge(module_store, leads, read_for(FLOWS.values()), paths=paths_for(FLOWS.values()))
        for lead, rows in page
        if judge_lead(lead, rows.hops(), FLOWS, moment(leads[lead].now))
        != judge_lead(lead, whole.get(lead, []), FLOWS, moment(leads[lead].now))
    ]
    assert not differing
    assert len(whole) > 350
