"""A night on call in a browser: a planted outage, the real counting and alert loop, a pager on loopback, the pages."""

from types import SimpleNamespace

import pytest
from contrast import CONTRAST
from counting_world import FLOWS, at
from nights import CALM, CLEAR, ENROLMENT, FIRES, OVER, leads, night
from playwright.sync_api import expect
from serving import serving
from web_factory import web_app

from lineage.ask import Library
from slo.answers import Answers
from slo.loop import LEASE
from store import changes, leases
from store.changes import Change, ToldChange

pytestmark = pytest.mark.browser
EVIL = "<script>alert('planted')</script>"
HOURS = 60


@pytest.fixture
def on_call(store):
    """Two campaigns of good leads; from minute 120 on the CRM refuses every lead of one, whose name is hostile."""
    with night(store, "pager") as made:
        made.world.wants(ENROLMENT)
        change = Change(at(119), "deploy", f"writer 2.4.1 {EVIL} was deployed", "writer")
        changes.record(store, [ToldChange("ci", "1", change)])
        made.world.said(*leads(0, OVER, campaign=EVIL, bad_from=120, bad_until=140), *leads(0, OVER, campaign="autumn"))
        made.world.spoke("writer", range(OVER))
        made.ticks(CALM, FIRES)
        yield made


@pytest.fixture
def web(on_call):
    counter = on_call.world.counter
    budgets = Answers(
        on_call.store, lambda: on_call.world.objectives, counter, lambda: leases.seen(on_call.store, LEASE)
    )
    library = Library(on_call.store, lambda: FLOWS)
    with serving(web_app(library, clock=lambda: at(on_call.minute), budgets=budgets)) as client:
        yield client


def test_from_the_first_page_to_the_cause_and_what_changed(opened):
    page = opened("/")
    page.get_by_role("link", name=f"Campaign {EVIL}").click()
    card = page.locator(".alert")
    for said in (
        "At risk",
        EVIL,
        "CRM rate limit",
        "growth",
        f"writer 2.4.1 {EVIL} was deployed",
        "100% of the affected",
    ):
        expect(card).to_contain_text(said)
    expect(page.locator("pre.message")).to_contain_text(f"PAGE: Campaign {EVIL}")
    card.get_by_role("link", name="Leads enter the sequence").click()
    expect(page.locator("h1")).to_contain_text("% spent; at the present rate it lasts")
    expect(page.locator(".change-mark")).to_contain_text("1")
    groups = page.get_by_role("row", name="campaign")
    expect(groups.first).to_contain_text(EVIL)
    expect(groups.first).to_contain_text("Page")
    page.goto("/flows/webinar?since=2026-03-01&until=2026-03-03")
    expect(page.get_by_label("Alerts that fire")).to_contain_text(EVIL)
    page.goto("/slos")
    expect(page.locator(".budget-row")).to_contain_text("Burning")


def test_who_takes_it_on_in_the_browser_is_told_to_the_pager_and_hears_no_repetition(opened, on_call):
    page = opened("/alerts")
    page.get_by_text("Acknowledge", exact=True).click()
    page.locator("details[open]").get_by_label("Your name").fill("ada")
    page.get_by_role("button", name="I work on it").click()
    expect(page.locator(".alert")).to_contain_text("ada works on it")
    on_call.tick(FIRES + 0.5)
    assert on_call.heard("pager")[0] == "trigger"
    assert on_call.heard("pager")[-1] == "acknowledge"
    on_call.tick(FIRES + 4 * HOURS + 1)
    assert on_call.heard("pager").count("trigger") == 1


def test_what_is_silenced_in_the_browser_is_shown_and_sends_nothing(opened, on_call):
    page = opened("/alerts")
    page.get_by_text("Silence", exact=True).click()
    form = page.locator("details[open]")
    form.get_by_label("For", exact=True).select_option("12 hours")
    form.get_by_label("Your name").fill("ada")
    form.get_by_label("Why").fill("the vendor is down")
    form.get_by_role("button", name="Silence it").click()
    expect(page.locator(".alert")).to_contain_text("silenced")
    heard = on_call.heard("pager")
    on_call.ticks(FIRES + 0.5, FIRES + 4 * HOURS + 1)
    assert on_call.heard("pager") == heard


def test_when_it_is_over_no_alert_fires_and_it_stays_readable(opened, on_call):
    on_call.ticks(CLEAR, OVER)
    page = opened("/alerts")
    expect(page.get_by_role("heading", level=1)).to_have_text("No alert fires")
    page.get_by_role("link", name=f"Campaign {EVIL}").click()
    expect(page.locator(".alert")).to_contain_text("Resolved")
    assert opened("/").get_by_label("Alerts that fire").count() == 0


def test_time_that_is_taken_out_gives_the_budget_back(opened):
    page = opened("/slos/enrolment")
    expect(page.locator("h1")).to_contain_text("% spent")
    page.get_by_text("Take time out").click()
    form = page.locator("#correct")
    page.get_by_label("From (UTC)").fill("2026-03-02T11:00")
    page.get_by_label("To (UTC)").fill("2026-03-02T11:30")
    form.get_by_label("Your name").fill("ada")
    form.get_by_label("Why").fill("maintenance of the CRM")
    form.get_by_role("button", name="Take it out").click()
    expect(page.locator("h1")).to_contain_text("Nothing of the budget")
    page.get_by_text("Count it again").first.click()
    page.locator("#corrections details[open]").get_by_label("Your name").fill("ada")
    page.get_by_role("button", name="Count it again").click()
    expect(page.locator("h1")).to_contain_text("% spent")


@pytest.mark.parametrize(
    "how", [SimpleNamespace(width=1280, scheme="light"), SimpleNamespace(width=390, scheme="dark")]
)
def test_nothing_overlaps_and_nothing_planted_runs(opened, on_call, how):
    page = opened("/slos", viewport={"width": how.width, "height": 900}, color_scheme=how.scheme)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path in ("/", "/slos", "/slos/enrolment", "/alerts", "/flows/webinar?since=2026-03-01&until=2026-03-03"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= how.width, path
        ratio, where = page.evaluate(CONTRAST)
        assert ratio >= 4.5, (path, where)
    assert dialogs == []
