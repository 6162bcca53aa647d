"""A person with a real browser reads the pages of leads whose stories are hard to tell, on a phone and in the dark too."""

import re

import hard_world as told
import pytest
import web_world
from contrast import CONTRAST
from playwright.sync_api import expect
from serving import serving
from web_factory import web_app

pytestmark = pytest.mark.browser

PAGES = [
    "/leads/H-old",
    "/leads/H-a",
    "/leads/H-guest",
    "/leads/H-twin-2",
    "/leads/H-skew",
    "/leads/H-batch-2",
    "/leads/H-left",
    "/leads/H-late",
    "/flows/demo-request?source=organic",
]


@pytest.fixture(scope="module")
def web(module_store):
    told.fill(module_store, web_world.now())
    with serving(web_app(told.library(module_store), clock=web_world.now)) as client:
        yield client


def test_from_the_id_of_a_merged_lead_to_both_histories_and_back_to_one(opened):
    page = opened("/leads?q=H-old")
    page.get_by_role("link", name="H-new").first.click()
    expect(page.locator(".identity")).to_contain_text("H-old was merged into H-new at")
    expect(page.locator("details.hop")).to_have_count(11)
    page.get_by_role("link", name="Only this entry's").click()
    expect(page.locator("details.hop")).to_have_count(6)
    page.locator("details.hop", has_text="IdentityMerged").locator("summary").click()
    expect(page.locator("details.hop[open]")).to_contain_text("lead.merged_into")


def test_a_link_leads_to_the_other_lead_with_the_same_address_and_back(opened):
    page = opened("/leads/H-twin-2")
    page.get_by_role("link", name="H-twin-1").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("H-twin-1 entered the sequence")
    page.get_by_role("link", name="H-twin-2").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("H-twin-2 never entered")


def test_a_source_is_chosen_like_a_campaign(opened):
    page = opened("/flows/demo-request")
    page.get_by_label("Source").select_option("organic")
    expect(page).to_have_url(re.compile("source=organic"))
    expect(page.locator(".sum b").first).to_have_text("15")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_scrolls_sideways_and_all_can_be_read(opened, scheme, width):
    page = opened("/leads/H-old", viewport={"width": width, "height": 800}, color_scheme=scheme)
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        ratio, where = page.evaluate(CONTRAST)
        assert ratio >= 4.5, (path, where)
