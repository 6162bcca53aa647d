"""A person with a real browser reads from a lead to its cause, with scripts and without, on a phone, by keyboard."""

from urllib.parse import quote

import find_browser
import pytest
import web_world as told
from playwright.sync_api import expect, sync_playwright

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

# The contrast of each text with the nearest background that is painted behind it, by WCAG 2; the worst of all.
CONTRAST = """() => {
  const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = color; paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => color.slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 250) return color;
    }
    return rgba("white");
  };
  let worst = [21, ""];
  for (const element of document.querySelectorAll("h1, h2, h3, p, dt, dd, a, label, th, td, li, button, .pill, .quiet, summary span")) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) || !element.checkVisibility()) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) worst = [ratio, element.outerHTML.slice(0, 120)];
  }
  return worst;
}"""


@pytest.fixture(scope="module")
def browser():
    path = find_browser.find()
    if path is None:
        pytest.skip("no Chromium; `make browser` installs one")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(find_browser.FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def opened(browser, web):
    """`opened(path, **context)` is a page; at the end no page has said a word on its console."""
    contexts, said = [], []

    def open_page(path, **how):
        contexts.append(browser.new_context(base_url=str(web.base_url), **how))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


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
    page.get_by_role("link", name="CRM rate limit").click()
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
