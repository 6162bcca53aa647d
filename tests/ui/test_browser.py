"""A person with a real browser reads from a lead to its cause, with scripts and without, on a phone, by keyboard."""

from urllib.parse import quote

import pytest
import web_world as told
from contrast import CONTRAST
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/leads?q=W-blocked",
    "/leads/W-blocked",
    "/leads/W-changed",
    "/leads/W-twice",
    f"/leads/{told.LONG}",
    f"/leads/{quote(told.HOSTILE, safe='')}",
    "/flows",
    "/flows/demo-request",
    "/flows/demo-request/causes?status=blocked&cause=crm.rate_limit&step=crm",
    "/flows/demo-request/alignment",
    "/codes",
    "/refusals",
    "/sign-in",
]


def reads_from_the_lead_to_its_cause(page):
    page.get_by_role("link", name="W-blocked never entered the sequence").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("the CRM refused the write")
    hop = page.locator("details.hop.failed").first
    expect(hop.locator(".inside")).to_be_hidden()
    hop.locator("summary").click()
    expect(hop).to_contain_text("REQUEST_LIMIT_EXCEEDED")
    expect(hop.locator(".inside")).to_be_visible()
    page.get_by_role("link", name="demo-request").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Demo request to sales sequence")
    page.get_by_role("link", name="CRM rate limit").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("CRM rate limit")
    page.get_by_role("link", name="W-blocked-2").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("W-blocked-2 never entered the sequence")


def test_from_typing_to_the_cause_and_its_leads(opened):
    page = opened("/")
    page.get_by_role("searchbox").press_sequentially("W-block", delay=20)
    expect(page.locator("#results-title")).to_have_text("3 leads for “W-block”")
    assert page.url.endswith("/leads?q=W-block")
    reads_from_the_lead_to_its_cause(page)


def test_the_same_without_scripts(opened):
    page = opened("/", java_script_enabled=False)
    page.get_by_role("searchbox").fill("W-block")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#results-title")).to_have_text("3 leads for “W-block”")
    reads_from_the_lead_to_its_cause(page)


def test_by_keyboard_alone(opened):
    page = opened("/flows")
    page.keyboard.press("/")
    expect(page.locator("#top-q")).to_be_focused()
    page.goto("/flows")
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "top-q":
            break
    page.keyboard.type("W-late")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 lead for “W-late”")).to_be_visible()
    page.get_by_role("link", name="W-late entered the sequence").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("W-late entered the sequence")


def test_a_link_to_a_hop_opens_it(opened):
    page = opened("/leads/W-blocked")
    page.locator(".proofs a").last.click()
    expect(page.locator("details.hop.failed").last.locator(".inside")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways_on_a_phone_and_all_can_be_read(opened, scheme):
    """Also: every field has a name, and nothing that was planted ran (it would have opened a dialog)."""
    page = opened("/", viewport={"width": 390, "height": 800}, color_scheme=scheme)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        ratio, where = page.evaluate(CONTRAST)
        assert ratio >= 4.5, (path, where)
        for field in page.locator("input:visible, select:visible").all():
            assert field.evaluate("field => field.labels.length") == 1
    assert dialogs == []
