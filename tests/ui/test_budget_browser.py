"""On-call with a real browser: from an alert to its cause, taking it on, keeping it quiet, at night and on a phone."""

from datetime import UTC, datetime

import made_up_budgets as made
import pytest
from contrast import CONTRAST
from playwright.sync_api import expect
from serving import serving
from web_factory import web_app

from lineage.ask import Library
from store.engine import Store

pytestmark = pytest.mark.browser
PAGES = [
    "/slos",
    "/slos/demo-enrolment",
    "/slos/crm-freshness",
    "/slos/backlog",
    "/alerts",
    "/alerts/I-1",
    "/alerts/I-2",
]


@pytest.fixture
def budgets():
    return made.troubled()


@pytest.fixture
def web(budgets):
    app = web_app(Library(Store("chdb:///nowhere"), dict), clock=lambda: datetime.now(UTC), budgets=budgets)
    with serving(app) as client:
        yield client


def takes_it_on_and_keeps_it_quiet(page):
    page.locator("#alert-I-1").get_by_text("Acknowledge", exact=True).click()
    card = page.locator("#alert-I-1 details[open]")
    card.get_by_label("Your name").fill("ada")
    card.get_by_label("A note, if you like").fill("calling the vendor")
    card.get_by_role("button", name="I work on it").click()
    expect(page.locator("#alert-I-1")).to_contain_text("ada works on it")
    page.locator("#alert-I-1").get_by_text("Silence", exact=True).click()
    card = page.locator("#alert-I-1 details[open]")
    expect(card.get_by_label("Campaign")).to_have_value("spring-webinar")
    card.get_by_label("For", exact=True).select_option("4 hours")
    card.get_by_label("Your name").fill("ada")
    card.get_by_label("Why").fill("vendor is down")
    card.get_by_role("button", name="Silence it").click()
    expect(page.locator("#alert-I-1")).to_contain_text("silenced")


def test_an_alert_is_taken_on_and_kept_quiet_where_it_stands(opened, budgets):
    page = opened("/alerts")
    takes_it_on_and_keeps_it_quiet(page)
    assert page.url.endswith("/alerts")
    assert budgets.shown["I-1"].acknowledged.note == "calling the vendor"
    assert budgets.kept_silences["S-1"].matcher == {"objective": "demo-enrolment", "campaign": "spring-webinar"}


def test_the_same_without_scripts(opened, budgets):
    takes_it_on_and_keeps_it_quiet(opened("/alerts", java_script_enabled=False))
    assert budgets.kept_silences["S-1"].author == "ada"


def test_from_the_list_of_budgets_to_the_leads_behind_a_cause(opened):
    page = opened("/slos")
    page.get_by_role("link", name="Demo enrolment").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("62% spent")
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("columnheader", name="Until")).to_be_visible()
    assert (
        page.get_by_role("link", name="CRM rate limit").get_attribute("href").startswith("/flows/demo-request/causes")
    )
    page.locator(".alert-row a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Campaign spring-webinar: 312 leads did not get into the sequence"
    )


def test_a_page_that_refreshes_waits_for_who_fills_in_a_form(opened, budgets):
    page = opened("/alerts")
    page.locator("#alert-I-1").get_by_text("Silence", exact=True).click()
    page.locator("#alert-I-1").get_by_label("Why").fill("vendor is")
    budgets.shown["I-9"] = made.alert(datetime.now(UTC), 9, campaign="another")
    with page.expect_response(lambda answer: "seen=" in answer.url):
        page.evaluate("htmx.trigger('#alerts', 'every'); htmx.ajax('GET', '/alerts?seen=old', {source: '#alerts'})")
    expect(page.locator("#alert-I-1").get_by_label("Why")).to_have_value("vendor is")
    assert page.locator("#alert-I-9").count() == 0


def test_a_mistake_in_a_form_is_told_on_the_page(browser, web):
    """The browser's console names the refusal as well, so this page is not one of those that must be silent."""
    page = browser.new_page(base_url=str(web.base_url))
    page.goto("/slos/routing")
    page.get_by_text("Take time out").click()
    page.get_by_label("From (UTC)").fill("2026-11-24T09:00")
    page.get_by_label("To (UTC)").fill("2026-11-24T08:00")
    form = page.locator("#correct")
    form.get_by_label("Your name").fill("ada")
    form.get_by_label("Why").fill("maintenance")
    form.get_by_role("button", name="Take it out").click()
    expect(page.locator("#notice")).to_contain_text("must end after it starts")
    page.get_by_label("To (UTC)").fill("2026-11-24T10:00")
    form.get_by_role("button", name="Take it out").click()
    expect(page.locator("#corrections")).to_contain_text("maintenance")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways_on_a_phone_and_all_can_be_read(opened, scheme):
    """Also with every form open; and nothing that was planted ran (it would have opened a dialog)."""
    page = opened("/slos", viewport={"width": 390, "height": 800}, color_scheme=scheme)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path in PAGES:
        page.goto(path)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        ratio, where = page.evaluate(CONTRAST)
        assert ratio >= 4.5, (path, where)
        for field in page.locator("input:visible, select:visible").all():
            assert field.evaluate("field => field.labels.length") == 1
    assert dialogs == []


def test_standings_and_severities_are_told_by_shape_and_word_as_well_as_by_colour(opened):
    page = opened("/slos", forced_colors="active")
    for word in ("Burning", "Exhausted", "Not measured", "OK", "No data"):
        pill = page.locator(".budget-row .pill", has_text=word)
        expect(pill.locator("svg.icon")).to_be_visible()
