"""The pages of budgets and alerts over real HTTP, with made-up budgets: what they say, what they take, what they refuse."""

from datetime import UTC, datetime, timedelta
from html import unescape

import made_up_budgets as made
import pytest
from reading_pages import Page
from serving import serving
from web_factory import web_app

from lineage.ask import Library
from store.engine import Store
from ui.budget_pages import _manages

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
PAGES = [
    "/slos", "/slos/demo-enrolment", "/slos/demo-enrolment?groups=all", "/slos/crm-freshness", "/slos/routing",
    "/slos/delivery", "/slos/backlog", "/alerts", "/alerts?objective=demo-enrolment", "/alerts/I-1", "/alerts/I-2",
    "/alerts/I-3",
]  # fmt: skip
HTMX = {"HX-Request": "true"}
SAID = {"author": "ada", "reason": "vendor is down"}


def served(budgets):
    return serving(web_app(Library(Store("chdb:///nowhere"), dict), clock=lambda: NOW, budgets=budgets))


@pytest.fixture
def budgets():
    return made.troubled(NOW)


@pytest.fixture
def web(budgets):
    with served(budgets) as client:
        yield client


@pytest.fixture(scope="module")
def still():
    """The same for tests that only read."""
    with served(made.troubled(NOW)) as client:
        yield client


def page_of(web, path, status=200, **how):
    answer = web.get(path, **how)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


# ── what holds for every page ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=PAGES)
def fetched(request, still):
    answer = still.get(request.param)
    assert answer.status_code == 200
    return answer, Page(answer.text)


def test_a_page_has_one_headline_and_is_whole(fetched):
    _, page = fetched
    assert page.one("h1").text
    assert page.unbalanced == []
    ids = [element["id"] for element in page.elements if element["id"]]
    assert len(ids) == len(set(ids))


def test_a_page_runs_nothing_but_its_own_two_scripts(fetched):
    answer, page = fetched
    assert len(page.all("script")) == 2
    assert "unsafe" not in answer.headers["content-security-policy"]
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith(("on", "hx-on")) or name == "style"]
        for name in ("href", "src", "action", "hx-get", "hx-post"):
            assert not (element[name] or "").lower().lstrip().startswith(("javascript:", "data:"))


def test_every_field_has_a_label_and_every_table_head_a_scope(fetched):
    _, page = fetched
    labelled = {label["for"] for label in page.all("label")}
    assert {element["id"] for element in [*page.all("input"), *page.all("select")]} <= labelled
    assert all(head["scope"] for head in page.all("th"))


def test_every_form_works_without_scripts_too(fetched):
    _, page = fetched
    for form in page.all("form"):
        if form["method"] == "post":
            assert form["action"] == form["hx-post"]
            assert form["hx-target"] == form["hx-select"]
            assert form["hx-target"][1:] in {element["id"] for element in page.elements}


def test_what_senders_planted_is_shown_as_text(still):
    shown = 0
    for path in PAGES:
        text = still.get(path).text
        assert "<script>alert" not in text
        shown += Page(text).text.count("<script>alert")
    assert shown > 20


def test_every_link_leads_to_a_page(still):
    followed = set()
    for path in PAGES:
        page = page_of(still, path)
        ids = {element["id"] for element in page.elements}
        for link in set(page.links) - followed:
            followed.add(link)
            if link.startswith("#"):
                assert link[1:] in ids
            elif link.startswith(("/slos", "/alerts")):
                assert still.get(link).status_code == 200, link


# ── budgets ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_says_of_each_objective_what_is_left_and_how_it_stands(still):
    page = page_of(still, "/slos")
    rows = [element.text for element in page.by_class("budget-row")]
    assert len(rows) == 5
    for row, said in zip(
        rows,
        [
            ("Burning", "38% left", "2 alerts"),
            ("Exhausted", "overspent by 42%"),
            ("Not measured",),
            ("OK", "97% left"),
            ("No data",),
        ],
        strict=True,
    ):
        assert all(one in row for one in said), row
    assert [bar["aria-label"] for bar in page.by_class("budget-bar")][:2] == ["38% left", "overspent by 42%"]


def test_an_objective_says_in_one_sentence_what_is_spent_and_how_long_the_rest_lasts(still):
    page = page_of(still, "/slos/demo-enrolment")
    assert page.one("h1").text == "The budget of “demo-enrolment” is 62% spent; at the present rate it lasts 9 d."


def test_the_burn_down_marks_changes_and_alerts_and_is_a_table_too(still):
    page = page_of(still, "/slos/demo-enrolment")
    marks = [element.text for element in page.by_class("change-mark")]
    assert any("crm-writer 2.4.1 first seen" in mark for mark in marks)
    assert len(page.by_class("fired")) == 3
    rows = [row.text for row in page.all("tr")]
    assert "27 Oct, 15:00400399%" in rows
    assert "24 Nov, 09:004003038%" in rows


def test_two_thousand_groups_make_a_page_of_a_few(still):
    answer = still.get("/slos/demo-enrolment")
    assert len(answer.content) < 200_000
    page = Page(answer.text)
    assert "The 15 with the most bad units beyond the target, of 2,002." in page.text
    assert "/slos/demo-enrolment?groups=all" in page.links
    assert "The 50 with the most bad units" in page_of(still, "/slos/demo-enrolment?groups=all").text


def test_a_group_leads_to_its_flow_and_a_cause_to_its_leads(still):
    links = page_of(still, "/slos/demo-enrolment").links
    assert any(link.startswith("/flows/demo-request?campaign=spring-webinar&since=2026-10-27") for link in links)
    assert any(
        link.startswith("/flows/demo-request/causes?cause=crm.rate_limit&step=crm&status=blocked") for link in links
    )
    assert not any("/causes?" in link for link in page_of(still, "/slos/crm-freshness").links)


def test_what_is_not_measured_says_which_system_is_silent(still):
    assert "nothing was heard from crm-writer" in page_of(still, "/slos/routing").text


def test_an_objective_without_units_says_where_to_look(still):
    page = page_of(still, "/slos/backlog")
    assert "Nothing was counted in this period." in page.text
    assert "/refusals" in page.links


def test_without_objectives_the_page_says_how_to_write_one():
    with served(made.nothing()) as web:
        words = page_of(web, "/slos").text
        assert "No objective is in force." in words
        assert "LEADTRACE_OBJECTIVES" in words
        assert "No objective was evaluated yet." in page_of(web, "/alerts").text


def test_an_engine_that_stopped_is_told(budgets):
    budgets.age_s = 3_600
    with served(budgets) as web:
        for path in ("/slos", "/alerts"):
            assert "Until the engine runs again, no alert fires or resolves." in page_of(web, path).text


def test_a_page_asks_again_and_hears_nothing_while_nothing_is_new(web, budgets):
    for path in ("/slos", "/slos/demo-enrolment", "/alerts"):
        (asks,) = [element["hx-get"] for element in page_of(web, path).elements if element["hx-get"]]
        answer = web.get(unescape(asks), headers=HTMX)
        assert (answer.status_code, answer.content) == (204, b"")
    web.post("/alerts/I-1/acknowledge", data=SAID)
    assert web.get(unescape(asks), headers=HTMX).status_code == 200


# ── alerts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_under_its_headline_an_alert_says_in_short_why_after_what_how_long_and_who_acts(still):
    (said,) = page_of(still, "/alerts/I-1").by_class("in-short")
    assert said.text == (
        "As told 22 min ago: CRM rate limit (301 of 312 leads), after crm-writer 2.4.1 first seen at 24 Nov, 08:26 UTC."
        " 38% of the budget is left; at this rate it is gone in 9 d. To act: revops. Open the playbook"
    )


def test_an_alert_reads_as_its_message_does(still):
    page = page_of(still, "/alerts/I-1")
    (text,) = [one.text for one in page.by_class("alert")]
    (short,) = [one.text for one in page.by_class("in-short")]
    text = text.replace(short, "")
    order = [
        "Campaign spring-webinar: 312 leads did not get into the sequence", "At risk", "312 of 2,260 bad",
        "The next deadline of those that still wait is", "Cause", "CRM rate limit", "Who acts", "revops", "What changed",
        "crm-writer 2.4.1 first seen", "Budget", "38% left", "lasts 9 d at this rate", "Burn", "13.8\N{MULTIPLICATION SIGN}",
    ]  # fmt: skip
    places = [text.index(said) for said in order]
    assert places == sorted(places)


def test_alerts_that_fire_come_first_and_what_was_stays_readable(still):
    page = page_of(still, "/alerts")
    assert page.one("h1").text == "2 alerts fire"
    assert [element["id"] for element in page.by_class("alert")] == ["alert-I-1", "alert-I-2"]
    assert "/alerts/I-3" in page.links


def test_who_acknowledges_is_shown(web):
    answer = web.post("/alerts/I-1/acknowledge", data=SAID)
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts/I-1")
    assert "ada works on it since 24 Nov, 09:00 UTC: vendor is down" in page_of(web, "/alerts/I-1").text


def test_a_silence_is_prefilled_with_what_the_alert_is_about(web, budgets):
    page = page_of(web, "/alerts/I-1")
    filled = {
        field["name"]: field["value"] for field in page.all("input") if (field["name"] or "").startswith("match.")
    }
    assert filled == {"match.objective": "demo-enrolment", "match.severity": "", "match.campaign": "spring-webinar"}
    web.post("/alerts/I-1/silence", data=filled | SAID | {"for": "4h"})
    assert budgets.kept_silences["S-1"].ends_at == NOW + timedelta(hours=4)
    assert "silenced" in page_of(web, "/alerts/I-1").text
    assert "objective demo-enrolment, campaign spring-webinar" in page_of(web, "/alerts").text
    assert web.post("/silences/S-1/end", data=SAID).headers["location"] == "/alerts#silences"
    assert not budgets.kept_silences["S-1"].active


def test_a_group_with_wildcards_in_its_name_is_silenced_alone(web, budgets):
    budgets.shown["I-1"] = made.alert(NOW, 1, campaign="50%*[x]")
    fields = {field["name"]: field["value"] for field in page_of(web, "/alerts/I-1").all("input")}
    assert fields["match.campaign"] == "50%[*][[]x]"


def test_corrections_are_made_and_withdrawn(web, budgets):
    asked = SAID | {"starts_at": "2026-11-24T06:00", "ends_at": "2026-11-24T08:30"}
    assert web.post("/slos/routing/corrections", data=asked).headers["location"] == "/slos/routing"
    (kept,) = budgets.kept_corrections.values()
    assert (kept.starts_at, kept.ends_at) == (NOW - timedelta(hours=3), NOW - timedelta(minutes=30))
    page = page_of(web, "/slos/routing")
    assert any(row.text.startswith("vendor is down24 Nov, 06:0024 Nov, 08:30ada") for row in page.all("tr"))
    assert len(page.by_class("correction")) == 1
    web.post(f"/slos/routing/corrections/{kept.id}/withdraw", data={"author": "bob"})
    assert not budgets.kept_corrections


def test_a_dead_message_is_sent_again(web, budgets):
    assert "invalid" not in page_of(web, "/alerts").text
    assert f"400: {made.EVIL}" in page_of(web, "/alerts").text
    web.post("/deliveries/M-1/retry", data=SAID)
    assert "Every message arrived" in page_of(web, "/alerts").text


@pytest.mark.parametrize(
    ("path", "fields", "status", "says"),
    [
        ("/alerts/I-1/acknowledge", {"reason": "x"}, 400, "“Your name” is empty"),
        ("/alerts/I-1/acknowledge", {"author": "a" * 101}, 400, "more than 100 letters"),
        ("/alerts/I-1/silence", {"author": "a", "reason": "", "for": "2h"}, 400, "“Why” is empty"),
        ("/alerts/I-1/silence", {"author": "a", "reason": "b", "for": "long"}, 400, "not a length of time"),
        ("/silences", {"author": "a", "reason": "b", "for": "2h", "match.campaign": ""}, 400, "must match something"),
        ("/slos/routing/corrections", SAID | {"starts_at": "x", "ends_at": "y"}, 400, "not a date and time"),
        ("/slos/none/corrections", SAID | {"starts_at": "2026-11-24", "ends_at": "2026-11-25"}, 404, "No objective"),
        ("/alerts/I-77/acknowledge", SAID, 404, "No alert"),
        ("/deliveries/M-77/retry", SAID, 404, "No message"),
    ],
)
def test_a_form_that_cannot_be_taken_says_why(web, path, fields, status, says):
    answer = web.post(path, data=fields)
    assert answer.status_code == status
    assert says in Page(answer.text).text
    notice = web.post(path, data=fields, headers=HTMX)
    assert notice.headers["hx-retarget"] == "#notice"
    assert says in unescape(notice.text)


@pytest.mark.parametrize(
    ("body", "status"), [(b"author=" + b"a" * 20_000, 413), (b"author=%ff%fe", 400), (b"&".join([b"a=1"] * 60), 400)]
)
def test_a_body_that_is_no_form_of_ours_is_refused(web, body, status):
    assert web.post("/silences", content=body).status_code == status


def test_whoever_may_only_read_sees_no_form_and_how_to_get_one(budgets):
    app = web_app(Library(Store("chdb:///nowhere"), dict), clock=lambda: NOW, budgets=budgets)
    app.dependency_overrides[_manages] = lambda: False
    with serving(app) as web:
        for path in PAGES:
            page = page_of(web, path)
            assert not [form for form in page.all("form") if form["method"] == "post"]
        assert "leadtrace token create --role admin" in page_of(web, "/alerts").text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/slos/nothing", 404),
        ("/alerts/nothing", 404),
        ("/alerts?cursor=x", 400),
        ("/slos/demo-enrolment?groups=9", 400),
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(web, path, status):
    assert page_of(web, path, status).one("h1").text
