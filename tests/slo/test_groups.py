"""Who is told as whom when a whole and its parts burn together."""

import itertools
from collections.abc import Mapping

import outages
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outages import HOUR, MINUTE, group_counts

from model.alert import Firing
from model.budget import Count
from model.objective import Group
from slo.groups import Burning, Family, heads, is_part, within
from slo.reading import read, rules_of


def campaign(name: str) -> Group:
    return (("campaign", name),)


def segment(name: str, of: str) -> Group:
    return (("campaign", of), ("segment", name))


def family(bad: Mapping[Group, int], total: int = 1_000) -> Family:
    """Groups with so many bad units in the last hour, of 1,000 each; at a target of 99 % ten are allowed."""
    rules = rules_of(outages.objective("0.99"), groups=1)
    return Family(
        {
            group: read(rules, group_counts(group, {HOUR: Count(total - count, count, count)}), outages.START)
            for group, count in bad.items()
        }
    )


def burning(*groups: Group, firing: Firing = "page") -> list[Burning]:
    return [Burning(group, firing, HOUR, 5 * MINUTE) for group in groups]


SPRING, AUTUMN = campaign("spring"), campaign("autumn")


def test_a_part_that_explains_most_of_the_excess_names_the_alert() -> None:
    found = family({(): 110, SPRING: 95, AUTUMN: 15})
    assert found.named((), HOUR) == SPRING
    assert [one.group for one in found.at_risk((), HOUR)] == [SPRING]


def test_a_part_of_the_part_names_it_if_it_explains_it_too() -> None:
    found = family({(): 110, SPRING: 95, AUTUMN: 15, segment("smb", "spring"): 90, segment("large", "spring"): 5})
    assert found.named((), HOUR) == segment("smb", "spring")


@pytest.mark.parametrize(("bad", "named"), [(90, SPRING), (89, ())], ids=["80 %", "just under 80 %"])
def test_the_line_is_at_eighty_percent_of_the_excess(bad: int, named: Group) -> None:
    assert family({(): 110, SPRING: bad}).named((), HOUR) == named


def test_a_whole_without_such_a_part_lists_the_five_with_most_excess() -> None:
    bad = {campaign(name): 20 + number for number, name in enumerate("abcdefg")}
    found = family({(): 160, **bad}).at_risk((), HOUR)
    assert [one.group for one in found] == [campaign(name) for name in "gfedc"]
    assert (found[0].excess, found[0].bad, found[0].total) == (16.0, 26, 1_000)


def test_parts_with_spare_budget_are_not_at_risk() -> None:
    found = family({(): 100, SPRING: 50, AUTUMN: 60, campaign("healthy"): 3}).at_risk((), HOUR)
    assert [one.group for one in found] == [AUTUMN, SPRING]


def test_without_groups_the_whole_is_at_risk() -> None:
    assert [one.group for one in family({(): 100}).at_risk((), HOUR)] == [()]


def test_a_burning_whole_and_its_one_bad_part_are_one_incident_named_by_the_part() -> None:
    found = heads(family({(): 110, SPRING: 95, AUTUMN: 15}), burning((), SPRING), {})
    assert list(found) == [SPRING]
    assert found[SPRING].speaks_for == [(), SPRING]


def test_many_bad_parts_are_one_incident_of_the_whole() -> None:
    found = heads(family({(): 100, SPRING: 50, AUTUMN: 50}), burning((), SPRING, AUTUMN), {})
    assert list(found) == [()]
    assert found[()].speaks_for == [(), AUTUMN, SPRING]


def test_a_part_that_burns_although_another_explains_the_whole_has_its_own_incident() -> None:
    found = heads(family({(): 150, SPRING: 130, AUTUMN: 25}), burning((), SPRING, AUTUMN), {})
    assert sorted(found) == [AUTUMN, SPRING]


def test_parts_that_burn_alone_have_an_incident_each() -> None:
    assert sorted(heads(family({(): 30, SPRING: 50, AUTUMN: 50}), burning(SPRING, AUTUMN), {})) == [AUTUMN, SPRING]


def test_a_whole_joins_the_open_incidents_that_explain_it() -> None:
    open_: dict[Group, Firing] = {SPRING: "page", AUTUMN: "page"}
    found = heads(family({(): 100, SPRING: 45, AUTUMN: 55}), burning((), SPRING, AUTUMN), open_)
    assert sorted(found) == [AUTUMN, SPRING]
    assert found[AUTUMN].speaks_for == [(), AUTUMN]


def test_a_whole_that_its_open_part_does_not_explain_takes_it_over() -> None:
    bad = {(): 200, SPRING: 60, AUTUMN: 60, campaign("winter"): 60}
    found = heads(family(bad), burning((), SPRING), {SPRING: "page"})
    assert list(found) == [()]
    assert found[()].takes_over == [SPRING]


def test_an_open_incident_keeps_its_key_and_speaks_for_its_parts() -> None:
    found = heads(family({(): 110, SPRING: 95}), burning(SPRING), {(): "page"})
    assert list(found) == [()]
    assert found[()].speaks_for == [SPRING]


def test_the_ticket_of_a_whole_leaves_the_page_of_its_part_alone() -> None:
    bad = {(): 200, SPRING: 60, AUTUMN: 60, campaign("winter"): 60}
    found = heads(family(bad), burning((), firing="ticket"), {SPRING: "page"})
    assert sorted(found) == [(), SPRING]
    assert not found[()].takes_over


def test_the_order_of_groups_changes_nothing() -> None:
    bad = {(): 150, SPRING: 60, AUTUMN: 60, segment("smb", "spring"): 40, segment("large", "spring"): 20}
    lit = burning((), SPRING, segment("smb", "spring"))
    told = {
        str(heads(family(dict(groups)), list(order), {AUTUMN: "ticket"}))
        for groups in itertools.permutations(bad.items())
        for order in itertools.permutations(lit)
    }
    assert len(told) == 1


GROUPS = [(), SPRING, AUTUMN, *(segment(name, of) for name in ("smb", "large") for of in ("spring", "autumn"))]


@given(
    bad=st.dictionaries(st.sampled_from(GROUPS), st.integers(0, 100)),
    lit=st.sets(st.sampled_from(GROUPS)),
    open_=st.dictionaries(st.sampled_from(GROUPS), st.sampled_from(["ticket", "page"])),
)
def test_every_burning_group_has_one_voice_and_no_open_incident_is_forgotten(
    bad: dict[Group, int], lit: set[Group], open_: dict[Group, Firing]
) -> None:
    bad = {group: bad.get(group, 0) for group in GROUPS}
    found = heads(family(bad), burning(*lit), open_)
    assert sorted(group for head in found.values() for group in head.speaks_for) == sorted(lit)
    taken = [group for head in found.values() for group in head.takes_over]
    assert sorted([*taken, *(group for group in found if group in open_)]) == sorted(open_)
    assert all(is_part(group, head.group) for head in found.values() for group in head.takes_over)
    again = heads(family(bad), burning(*lit), dict.fromkeys(found, "page"))
    assert {head.group: head.speaks_for for head in again.values()} == {
        head.group: head.speaks_for for head in found.values()
    }


def test_parts_are_told_from_wholes_and_namesakes() -> None:
    assert is_part(SPRING, ())
    assert not is_part(SPRING, SPRING)
    assert not is_part(SPRING, AUTUMN)
    assert within([SPRING], segment("smb", "spring"))
    assert not within([SPRING], segment("smb", "autumn"))
    assert within([()], AUTUMN)
