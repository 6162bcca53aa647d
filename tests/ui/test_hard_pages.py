"""The pages of leads whose stories are hard to tell say, in words, what is odd about them."""

import hard_world as told
import pytest
import web_world
from reading_pages import Page
from serving import serving
from web_factory import web_app


@pytest.fixture(scope="module")
def hard(module_store):
    told.fill(module_store, web_world.now())
    with serving(web_app(told.library(module_store), clock=web_world.now)) as client:
        yield client


@pytest.fixture
def read(hard):
    def opened(path):
        answer = hard.get(path)
        assert answer.status_code == 200, answer.text
        page = Page(answer.text)
        assert page.unbalanced == []
        return page

    return opened


def rows(page):
    return [element.text for element in page.all("summary")]


def test_a_merged_lead_shows_the_one_that_goes_on_and_both_histories(read):
    page = read("/leads/H-old")
    assert "H-old was merged into H-new at" in page.text
    assert page.one("h1").text == "H-new (came in as H-old) entered the sequence 2.1 s after capture."
    assert len(rows(page)) == 11
    assert sum("as H-old" in row for row in rows(page)) == 4
    assert {row.rpartition("entry ")[2][:1] for row in rows(page)} == {"1", "2"}


def test_the_hops_of_one_entry_can_be_looked_at_alone(read):
    page = read("/leads/H-old")
    (alone,) = [link for link in page.links if "show=one" in link]
    page = read(alone)
    assert len(rows(page)) == 6
    assert any("show=all" in link for link in page.links)


def test_a_merge_that_was_taken_back_says_until_when(read):
    assert ", until " in read("/leads/H-guest").by_class("identity")[0].text
    assert len(rows(read("/leads/H-guest"))) == 3


def test_a_step_that_never_came_has_its_place_in_the_journey(read):
    (lane,) = read("/leads/H-guest").by_class("awaited")
    assert lane["class"] == "lane awaited absent"
    for said in ("Consent recorded", "privacy", "nothing heard by +5 min"):
        assert said in lane.text


def test_a_chain_names_each_of_its_merges(read):
    said = read("/leads/H-a").by_class("identity")[0].text
    assert "H-a was merged into H-b" in said
    assert "H-b was merged into H-c" in said


def test_a_twin_links_to_the_other(read):
    page = read("/leads/H-twin-2")
    assert "The same e-mail address (g•••@acme.example) also came in as H-twin-1" in page.text
    assert "/leads/H-twin-1" in page.links


def test_clocks_that_differ_are_explained_and_marked(read):
    page = read("/leads/H-skew")
    assert "1 hop says to have begun before what caused it, by up to 2.3 s." in page.by_class("skew")[0].text
    (early,) = [row for row in rows(page) if "clock 2.3 s early" in row]
    assert early.startswith("\N{MINUS SIGN}1.1 s")


def test_a_hop_of_a_batch_says_so_and_its_parent_gives_no_reason_of_its_own(read):
    page = read("/leads/H-batch-2")
    assert sum("batch of 3 leads" in row for row in rows(page)) == 2
    assert not any("Reason unknown" in row for row in rows(page))


def test_a_lead_that_left_again_says_so(read):
    assert "It left again 9 min 57 s after that: it unsubscribed, said preferences" in read("/leads/H-left").text


def test_a_value_that_came_late_stands_beside_the_one_that_decided(read):
    page = read("/leads/H-late")
    assert "Then and now" in [heading.text for heading in page.all("h2")]
    values = [cell.text for cell in page.all("td") if cell["data-label"]]
    assert [value.split()[0] for value in values] == ["41", "80"]
    assert values[1].endswith("1 min later")


def test_a_lead_found_by_the_id_of_a_merged_one_says_so(read):
    assert "found as H-old" in read("/leads?q=H-old").text
