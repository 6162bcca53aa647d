"""What follows from a shape is found once; what does not is asked of each hop."""

from dataclasses import replace

import pytest

from model.hop import Hop
from model.shape import NotInShape, Shape

FACTS = {"signal": "span", "service": "crm", "name": "POST", "kind": "client", "attributes": {"lead.event": "Won"}}
HOP = Hop(
    "L-1",
    "a" * 32,
    "b" * 16,
    "",
    "span",
    7,
    1,
    "crm",
    "POST",
    "client",
    attributes={"lead.event": "Won", "url.full": "/7"},
)


@pytest.fixture
def shape():
    return Shape(FACTS, {"lead.event", "lead.reason"})


def test_what_a_shape_tells_is_found_once(shape):
    asked = []

    def find(hop):
        asked.append(hop)
        return (hop.service, hop.event, hop.reason, hop.status)

    found = [shape.known("what", find, replace(HOP, at_ns=n)) for n in range(3)]
    assert found == [("crm", "Won", "", "unset")] * 3
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("find", "wanted"),
    [
        pytest.param(lambda hop: hop.lead, "L-1", id="the lead"),
        pytest.param(lambda hop: hop.key, ("a" * 32, "b" * 16), id="ids"),
        pytest.param(lambda hop: hop.end_ns, 8, id="times"),
        pytest.param(lambda hop: hop.entry, "", id="the entry"),
        pytest.param(lambda hop: hop.attributes.get("url.full"), "/7", id="the URL"),
        pytest.param(lambda hop: "db.system" in hop.attributes, False, id="an attribute that was not read"),
        pytest.param(lambda hop: sorted(hop.attributes), ["lead.event", "url.full"], id="all attributes"),
    ],
)
def test_what_differs_between_hops_of_a_shape_is_asked_of_each(shape, find, wanted):
    with pytest.raises(NotInShape):
        find(shape.hop)
    assert [shape.known("what", find, HOP), shape.known("what", find, HOP)] == [wanted, wanted]


def test_none_is_an_answer_like_others(shape):
    asked = []
    assert [shape.known("what", asked.append, HOP) for _ in range(2)] == [None, None]
    assert len(asked) == 1
