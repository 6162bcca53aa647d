"""A lead of whom a system says far too much: it is answered for, by its ends, and the answer says that it was cut."""

from datetime import timedelta

import hard_world as told
import pytest
import web_world
from otlp_requests import traces
from reading_pages import Page
from serving import serving
from web_factory import web_app

from lineage.settle import Settler
from store.verdicts import verdicts_of_leads

FLOOD = 7_000


@pytest.fixture(scope="module")
def flooded(module_store):
    """A poller spoke thousands of times between the score and the goal."""
    story = told.Story(web_world.now() - timedelta(days=1), "H-flood", "H-flood-1").captured().scored()
    for number in range(FLOOD):
        story.hop("poller", f"GET /status/{number % 7}", 5 + number * 0.01, took=0.001)
    story.written(at=100).enrolled(at=101)
    module_store.land("traces", traces(*story.spans), "flood")
    settler = Settler(module_store, lambda: {told.FLOW.name: told.FLOW})
    while settler.tick():
        pass
    with serving(web_app(told.library(module_store), clock=web_world.now)) as client:
        yield client


def test_what_stands_at_the_ends_is_judged(flooded, module_store):
    why = flooded.get("/api/v1/leads/H-flood/why").json()
    assert (why["status"], why["hops"]) == ("entered", 5_000)
    assert "the first and the last of them were judged" in why["notes"][-1]
    (written,) = verdicts_of_leads(module_store, ["H-flood"])["H-flood"]
    assert written.verdict.status == "entered"
    assert [said["status"] for said in why["history"]] == ["entered"]


def test_the_journey_has_both_ends_and_says_that_it_was_cut(flooded):
    journey = flooded.get("/api/v1/leads/H-flood").json()
    assert (len(journey["hops"]), journey["cut"]) == (2_000, True)
    assert (journey["hops"][0]["event"], journey["hops"][-1]["event"]) == ("FormSubmitted", "SequenceEnrolled")


def test_the_page_says_that_its_middle_is_missing(flooded):
    page = Page(flooded.get("/leads/H-flood").text)
    assert page.one("h1").text.startswith("H-flood entered the sequence")
    assert "its middle is not shown" in page.text
    assert len(page.all("summary")) == 200
    last = [link for link in page.links if "hop=1800" in link]
    assert last
    assert "SequenceEnrolled" in flooded.get(last[0].partition("#")[0]).text
