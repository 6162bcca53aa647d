"""Every page, over real HTTP and a real engine: one headline, nothing planted ever runs, and it reads without scripts."""

import hashlib
import json
from html import unescape
from pathlib import Path
from urllib.parse import quote, urljoin

import pytest
import web_world as told
from reading_pages import Page
from serving import serving
from web_factory import web_app

import ui
from store.engine import Store

STATIC = Path(ui.__file__).parent / "static"
FLOW = "/flows/demo-request"
BEHIND = f"{FLOW}/causes?status=blocked&cause=crm.rate_limit&step=crm"
HTMX = {"HX-Request": "true"}
LEADS = [
    "W-entered", "W-late", "W-skipped", "W-blocked", "W-pending", "W-unknown", "W-twice", "W-merged", told.CHANGED,
    told.UNMAPPED, told.LONG, told.WEIRD, told.SNOW, told.LOOKS_LIKE_WHY, told.HOSTILE,
]  # fmt: skip


def lead_path(lead, query=""):
    return f"/leads/{quote(lead, safe='')}{query}"


PAGES = [
    "/",
    "/leads",
    "/leads?q=W-blocked",
    "/leads?q=nobody",
    "/leads?cursor=25",
    *map(lead_path, LEADS),
    lead_path("W-twice", "?entry=W-twice-1"),
    lead_path(told.LONG, "?hop=400"),
    "/flows",
    FLOW,
    "/flows/no-such-flow",
    f"{FLOW}?since=1h&campaign=webinar&segment=smb",
    f"{FLOW}?campaign=nobody",
    f"{FLOW}?campaign={quote(told.EVIL)}",
    BEHIND,
    f"{FLOW}/causes?step=consent",
    f"{FLOW}/causes?status=entered&cursor=0",
    f"{FLOW}/causes?cause=unknown.vendor_unspecified",
    f"{FLOW}/causes?cause=none.such",
    f"{FLOW}/alignment",
    f"{FLOW}/alignment?campaign=nobody",
    "/codes",
    "/refusals",
    "/sign-in",
]


def page_of(web, path, status=200, **how):
    answer = web.get(path, **how)
    assert answer.status_code == status, path
    assert answer.headers["content-type"].startswith("text/html")
    return Page(answer.text)


@pytest.fixture(scope="module")
def hostile_trace(web):
    return web.get(f"/api/v1/leads/{quote(told.HOSTILE, safe='')}").json()["hops"][0]["trace_id"]


# ── what holds for every page ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=PAGES)
def fetched(request, web):
    answer = web.get(request.param)
    assert answer.status_code == 200
    return answer, Page(answer.text)


def test_a_page_has_one_headline_and_is_whole(fetched):
    _, page = fetched
    assert page.one("h1").text
    assert page.all("title")[0].text.endswith("· leadtrace")
    assert page.one("main")["id"] == "main"
    assert page.one("html")["lang"] == "en"
    assert page.unbalanced == []
    ids = [element["id"] for element in page.elements if element["id"]]
    assert len(ids) == len(set(ids))


def test_a_page_runs_only_its_own_two_scripts(fetched):
    _, page = fetched
    assert [script["src"].split("?")[0] for script in page.all("script")] == [
        "/static/vendor/htmx.min.js",
        "/static/leadtrace.js",
    ]
    assert all(script.text == "" for script in page.all("script"))
    assert not page.all("style")
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith(("on", "hx-on")) or name == "style"]
        for name in ("href", "src", "action", "hx-get"):
            assert not (element[name] or "").lower().lstrip().startswith(("javascript:", "data:"))


def test_a_page_keeps_to_itself(fetched):
    answer, _ = fetched
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"


def test_every_field_has_a_label_and_every_table_head_a_scope(fetched):
    _, page = fetched
    labelled = {label["for"] for label in page.all("label")}
    assert {element["id"] for element in [*page.all("input"), *page.all("select")]} <= labelled
    assert all(head["scope"] for head in page.all("th"))


def test_what_senders_planted_is_shown_as_text_everywhere(web, hostile_trace):
    shown = 0
    paths = [
        "/",
        lead_path(told.HOSTILE),
        f"/leads?q={quote(told.HOSTILE)}",
        f"/traces/{hostile_trace}",
        FLOW,
        f"{FLOW}?campaign={quote(told.EVIL)}&segment={quote(told.EVIL)}",
        f"{FLOW}/causes?cause=unknown.vendor_unspecified&step=crm&status=blocked",
        f"{FLOW}/causes?cause={quote(told.EVIL)}&step={quote(told.EVIL)}",
        "/refusals",
        "/codes",
        f"{FLOW}/alignment",
        lead_path(told.WEIRD),
    ]
    for path in paths:
        text = web.get(path).text
        assert "<script>alert" not in text
        assert "alert" in text
        shown += Page(text).text.count("<script>alert")
    assert shown > len(paths)


def test_a_planted_version_name_attribute_reason_and_message_are_all_there_to_read(web, hostile_trace):
    words = page_of(web, lead_path(told.HOSTILE)).text
    for said in (
        f"POST /leads {told.EVIL}",
        f"form.{told.EVIL}",
        f"VendorError: {told.EVIL}",
        f"crm-writer {told.EVIL}",
    ):
        assert said in words
        assert said in page_of(web, f"/traces/{hostile_trace}").text or said.startswith("form.")


@pytest.fixture(scope="module")
def followed():
    """The links that were tried."""
    return set()


@pytest.mark.parametrize(
    "path", ["/", lead_path("W-blocked"), lead_path(told.WEIRD), FLOW, BEHIND, "/flows", "/refusals"]
)
def test_every_link_on_a_page_leads_to_a_page(web, path, followed):
    page = page_of(web, path)
    ids = {element["id"] for element in page.elements}
    for link in sorted(set(page.links)):
        if link.startswith("#"):
            assert link[1:] in ids
        elif link.startswith("/") and link not in followed:
            followed.add(link)
            assert web.get(urljoin(path, link)).status_code == 200, link


# ── search ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_home_shows_the_latest_leads_and_each_flow(web):
    page = page_of(web, "/")
    assert page.one("h1").text == "Why did this lead never enter the sequence?"
    assert len(page.by_class("lead-row")) == 8
    assert page.by_class("glance")[0].text.startswith("Demo request to sales sequence")


def test_search_answers_with_the_headline_of_each_lead(web):
    page = page_of(web, "/leads?q=W-blocked")
    assert "3 leads for “W-blocked”" in page.text
    assert page.by_class("cover")[0].text.startswith("W-blocked never entered the sequence: the CRM refused the write")
    assert lead_path("W-blocked") in page.links


@pytest.mark.parametrize("known_by", [told.ADDRESS, "00Q7", "W-entered-1"])
def test_search_by_address_shows_the_mask_and_not_the_address(web, known_by):
    page = page_of(web, f"/leads?q={quote(known_by)}")
    assert lead_path("W-entered") in page.links
    assert "a•••@acme.example" in page.text


def test_as_one_types_only_the_results_come_and_a_link_to_them_is_a_whole_page(web):
    part = web.get("/leads?q=W-blocked", headers=HTMX)
    assert "<html" not in part.text
    assert 'id="results"' in part.text
    assert part.headers["vary"] == "HX-Request"
    again = web.get("/leads?q=W-blocked", headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert again.text == web.get("/leads?q=W-blocked").text
    assert "<html" in again.text


def test_results_come_in_pages(web):
    first = page_of(web, "/leads")
    (more,) = [link for link in first.links if "cursor=" in link]
    second = page_of(web, more)
    leads = [link for page in (first, second) for link in page.links if link.startswith("/leads/")]
    assert len(leads) == len(set(leads)) == 28


def test_a_search_without_success_helps_on(web):
    assert "No lead is known by “nobody”" in page_of(web, "/leads?q=nobody").text


# ── a lead ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_blocked_lead_says_why_who_acts_how_many_and_what_changed(web):
    page = page_of(web, lead_path("W-blocked"))
    assert page.one("h1").text.startswith("W-blocked never entered the sequence: the CRM refused the write")
    for said in (
        "Blocked",
        "CRM rate limit",
        "revops",
        "Open the playbook",
        "6 other leads",
        told.DEPLOYED,
        "attempt 3",
    ):
        assert said in page.text
    assert "https://playbooks.acme.example/crm" in page.links
    steps = ["done", "done", "done", "failed", "ahead"]
    assert [step["class"] for step in page.all("li")][: len(steps)] == steps
    order = [
        page.text.index(part) for part in ("What to do", "What changed", "Evidence", "The journey", "About the lead")
    ]
    assert order == sorted(order)
    behind = next(link for link in page.links if "/causes?" in link)
    assert "7 entries" in page_of(web, behind).text


@pytest.mark.parametrize(
    ("lead", "headline", "says"),
    [
        ("W-entered", "entered the sequence", "Entered"),
        ("W-late", "entered the sequence", "Entered, late"),
        ("W-skipped", "consent", "Who decides"),
        ("W-pending", "W-pending", "watching"),
        ("W-unknown", "W-unknown", "Describe this flow in a flow file"),
        ("W-merged", "W-merged", "Merged into another record"),
        (told.UNMAPPED, "E,77", "acme-crm said"),
        (told.LONG, told.LONG, "503 hops"),
    ],
)
def test_each_kind_of_lead_has_its_page(web, lead, headline, says):
    page = page_of(web, lead_path(lead))
    assert headline in page.one("h1").text
    assert says in page.text


def test_a_pending_lead_asks_again_and_hears_nothing_while_nothing_is_new(web):
    page = page_of(web, lead_path("W-pending"))
    (asks,) = [element["hx-get"] for element in page.elements if element["hx-get"]]
    answer = web.get(unescape(asks), headers=HTMX)
    assert (answer.status_code, answer.content) == (204, b"")
    assert web.get(asks.split("seen=")[0] + "seen=old", headers=HTMX).status_code == 200
    assert not [one for one in page_of(web, lead_path("W-blocked")).elements if one["hx-get"]]


def test_a_lead_with_several_entries_lets_one_choose(web):
    page = page_of(web, lead_path("W-twice"))
    tabs = [link for link in page.links if "entry=" in link and link.startswith(lead_path("W-twice"))]
    assert "entered the sequence" in page.one("h1").text
    other = next(tab for tab in tabs if tab.endswith("entry=W-twice-1"))
    assert "never entered the sequence" in page_of(web, other).one("h1").text


def test_a_long_journey_comes_in_pages_and_a_cut_one_says_so(web, monkeypatch):
    page = page_of(web, lead_path(told.LONG))
    assert len(page.all("details")) == 200
    last = page_of(web, next(link for link in page.links if link.endswith("hop=200")))
    assert len(page_of(web, next(link for link in last.links if link.endswith("hop=400"))).all("details")) == 103
    assert "longer than leadtrace reads" not in page.text
    monkeypatch.setattr("lineage.ask.SHOWN_HOPS", 100)
    assert "longer than leadtrace reads at once" in page_of(web, lead_path(told.LONG)).text


def test_evidence_leads_to_its_hop_on_the_page_where_it_stands(web):
    page = page_of(web, lead_path("W-blocked"))
    proofs = [link for link in page.links if "#hop-" in link and link.startswith("/leads/")]
    assert len(proofs) == 3
    ids = {element["id"] for element in page_of(web, proofs[0].split("#")[0]).elements}
    assert {proof.split("#")[1] for proof in proofs} <= ids


# ── flows ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_flow_shows_a_sum_that_adds_up(web):
    page = page_of(web, FLOW)
    sum_of = page.by_class("sum")[0].text
    assert sum_of.startswith("29 entries =16 entered+2 skipped+10 blocked+1 pending+0 unknown")
    assert "CRM rate limit" in page.text
    assert [link for link in page.links if "cause=crm.rate_limit" in link]


def test_filters_stay_as_they_were_chosen(web):
    page = page_of(web, f"{FLOW}?since=1h&campaign=webinar")
    assert page.by_class("sum")[0].text.startswith("13 entries =13 entered")
    assert "<option selected>webinar</option>" in web.get(f"{FLOW}?since=1h&campaign=webinar").text
    assert next(field for field in page.all("input") if field["id"] == "since")["value"] == "1h"
    assert all("campaign=webinar" in link for link in page.links if "/causes?" in link)
    assert "No entries in this time" in page_of(web, f"{FLOW}?campaign=nobody").text


def test_a_form_sent_empty_is_the_page_without_filters(web):
    page = page_of(web, f"{FLOW}?since=&until=&campaign=&segment=")
    assert page.by_class("sum")[0].text.startswith("29 entries")


def test_the_leads_behind_a_cause_are_listed_with_who_acts(web):
    page = page_of(web, BEHIND)
    assert page.one("h1").text == "CRM rate limit"
    for said in ("7 entries", "revops", "See which integration uses up the limit", "W-blocked-2"):
        assert said in page.text
    assert any(link.startswith(lead_path(told.WEIRD)) for link in page.links)


def test_leads_behind_a_number_come_in_pages_here_too(web, monkeypatch):
    monkeypatch.setattr("lineage.tally.PAGE", 5)
    page = page_of(web, f"{FLOW}/causes?status=blocked")
    (more,) = [link for link in page.links if "cursor=" in link]
    assert len(page_of(web, more).one("tbody").words) > 0
    assert "First page" in page_of(web, more).text


def test_a_cause_shows_what_the_affected_have_in_common(web):
    words = page_of(web, BEHIND).text
    assert "What the affected have in common" in words
    assert "form.version is 7 100% 5%" in words
    assert "in common" not in page_of(web, f"{FLOW}/causes?status=skipped").text


def test_an_answer_that_changed_shows_what_was_said_before(web):
    words = page_of(web, lead_path(told.CHANGED)).text
    assert "What was said before" in words
    assert "W-changed never entered the sequence: the CRM refused the write" in words
    assert "Said anew because 2 more hops arrived" in words
    assert "What was said before" not in page_of(web, lead_path("W-blocked")).text


def test_a_change_has_its_kind_and_its_link(web):
    page = page_of(web, lead_path("W-blocked"))
    assert "https://ci.example/7" in page.links
    assert {"deploy", "version"} <= {one.text for one in page.by_class("try")}


def test_alignment_has_each_number_with_its_definition(web):
    assert f"{FLOW}/alignment" in page_of(web, FLOW).links
    page = page_of(web, f"{FLOW}/alignment")
    for said in ("From capture to the first touch", "webinar", "still lasts", "CRM rate limit", "10 of 12"):
        assert said in page.text
    assert page_of(web, "/flows/nothing/alignment", 404).one("h1")


def test_unmapped_codes_have_the_line_to_add(web):
    assert "/codes" in page_of(web, "/refusals").links
    assert 'acme-crm,"E,77",<cause>' in [code.text for code in page_of(web, "/codes").all("code")]


def test_refusals_say_what_happened(web):
    words = page_of(web, "/refusals").text
    assert "span without a trace id" in words
    assert "quarantined" in words


# ── trouble, nothing, and files ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/leads/W-nobody", 404, "No lead is known by “W-nobody”"),
        ("/leads/W-entered?entry=none", 404, "none"),
        ("/flows/nothing", 404, "The flows are: demo-request"),
        ("/traces/0123456789abcdef0123456789abcdef", 404, "No trace has the id"),
        ("/nowhere", 404, "There is no page here"),
        (f"/{told.EVIL}", 404, "There is no page here"),
        (f"{FLOW}?since=yesterday", 400, "is not a time"),
        (f"{FLOW}?since={quote(told.EVIL)}", 400, "is not a time"),
        ("/traces/zz", 400, "“trace_id”"),
        ("/leads?cursor=x", 400, "“cursor”"),
        ("/leads/%3Cscript%3Ealert(1)", 404, "“<script>alert(1)”"),
    ],
)  # fmt: skip
def test_an_error_is_a_page_with_a_sentence_and_a_way_on(web, path, status, says):
    page = page_of(web, path, status)
    assert page.one("h1").text
    assert says in page.text
    assert {"/", "/flows"} <= set(page.links)


def test_a_wrong_method_is_a_page_too(web):
    answer = web.post("/flows")
    assert (answer.status_code, Page(answer.text).one("h1").text) == (405, "Method Not Allowed")


def test_an_error_while_typing_is_a_short_notice(web):
    answer = web.get("/leads", params={"q": "x" * 1001}, headers=HTMX)
    assert answer.status_code == 400
    assert answer.headers["hx-retarget"] == "#notice"
    assert "<html" not in answer.text


def test_with_the_database_away_the_page_tries_again_by_itself():
    library = told.library(Store("clickhouse://leadtrace:secret-password@127.0.0.1:9/leadtrace"))
    with serving(web_app(library, clock=told.now)) as client:
        for path in ("/", "/leads/W-1", "/flows", FLOW, BEHIND, "/traces/abc", "/refusals"):
            answer = client.get(path)
            page = Page(answer.text)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert [meta["content"] for meta in page.all("meta") if meta["http-equiv"] == "refresh"] == ["5"]
            assert "secret" not in answer.text
        assert client.get("/", headers=HTMX).text.startswith('<p id="notice"')


def test_a_bug_is_a_page_without_internals():
    class Broken:
        def __getattr__(self, name):
            raise ValueError(f"secret internals of {name}")

    with serving(web_app(told.library(Broken()), clock=told.now)) as client:
        answer = client.get("/")
    assert (answer.status_code, Page(answer.text).one("h1").text) == (500, "Something broke inside leadtrace")
    assert "secret" not in answer.text


def test_with_nothing_stored_yet_pages_say_how_to_begin(store):
    with serving(web_app(told.library(store), clock=told.now)) as client:
        begin = page_of(client, "/").text
        assert "No lead has been heard of yet" in begin
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in begin
        assert "Nothing was captured" in page_of(client, "/flows").text
        assert "No entries in this time" in page_of(client, FLOW).text
        assert "No lead is behind this number" in page_of(client, BEHIND).text
        assert "Nothing was refused" in page_of(client, "/refusals").text


def test_a_vendored_file_is_the_one_that_its_note_names():
    for noted in json.loads((STATIC / "vendor" / "vendor.json").read_text()):
        content = (STATIC / "vendor" / noted["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == noted["sha256"]
        assert noted["version"].encode() in content
        assert (STATIC / "vendor" / noted["licence_file"]).read_text()


def test_static_files_may_be_kept_when_asked_for_by_their_version(web):
    for element in page_of(web, "/").elements:
        address = element["src"] if element.tag == "script" else element["href"] if element.tag == "link" else None
        if address:
            answer = web.get(address)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["x-content-type-options"] == "nosniff"
    assert web.get("/static/leadtrace.css").headers["cache-control"] == "no-cache"
    assert web.get("/static/../render.py").status_code == 404
    assert web.get("/static/%2e%2e/render.py").status_code == 404


def test_no_page_asks_another_host_for_anything():
    for name in ("leadtrace.css", "leadtrace.js"):
        text = (STATIC / name).read_text()
        assert "http://" not in text
        assert "https://" not in text
        assert "@import" not in text
