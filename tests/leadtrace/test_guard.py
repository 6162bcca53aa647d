import asyncio
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from leadtrace.guard import COOKIE, MAX_FORM_BYTES, SIGN_IN, Doorkeeper, Guard
from leadtrace.tokens import LINK_S, LOCAL_S, SESSION_S, Role, Signer, Tokens, local_bearer

NOBODY = "somebody without anything"
ROLES = ("ingest", "read", "admin")
PAGES = ("/", "/leads/L-1", "/flows", "/refusals", "/nothing-here", "/signin", "/healthz/", "/staticky")
MACHINES = ("/api/v1/leads", "/api/v1/leads/L-1/why", "/api/openapi.json", "/metrics")
OPEN = ("/healthz", "/readyz", "/static/leadtrace.css")


class Clock:
    now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


async def inside(scope, receive, send) -> None:
    """The application that is guarded: it says which path came through, and what it was sent."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"inside {scope['path']} {body.decode()}")(scope, receive, send)


def page(reason: str) -> PlainTextResponse:
    return PlainTextResponse(f"sign in: {reason}")


class Door:
    def __init__(self, folder) -> None:
        self.clock = Clock()
        self.tokens = Tokens(folder / "tokens.json")
        self.keeper = Doorkeeper(self.tokens, Signer(b"k" * 32, self.clock))
        self.token = {role.value: self.tokens.create(role) for role in Role}

    def who(self, who: str) -> dict[str, str]:
        """The headers with which somebody comes."""
        match who:
            case "session":
                return {"cookie": f"{COOKIE}={self.keeper.session()}"}
            case "admin session":
                return {"cookie": f"{COOKIE}={self.keeper.session(Role.ADMIN)}"}
            case "local":
                return {"authorization": local_bearer(self.keeper.signer)}
            case _ if who in ROLES:
                return {"authorization": f"Bearer {self.token[who]}"}
        return {}

    def ask(self, path: str, who: str = NOBODY, method: str = "GET", *, base="http://127.0.0.1:8080", **sent):
        headers = {**self.who(who), **sent.pop("headers", {})}
        return _ask(Guard(inside, self.keeper, page), base, method, path, headers, sent)

    def code(self) -> str:
        return parse_qs(urlsplit(self.keeper.sign_in_path()).query)["code"][0]


def _ask(app, base, method, path, headers, sent) -> httpx.Response:
    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as client:
            return await client.request(method, path, headers=headers, **sent)

    return asyncio.run(asked())


@pytest.fixture
def door(tmp_path) -> Door:
    return Door(tmp_path)


# ── who may see what ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("who", [NOBODY, "ingest", "session"])
def test_health_and_static_files_are_open_to_all(door, path, who):
    assert door.ask(path, who).text.startswith(f"inside {path}")


@pytest.mark.parametrize("path", PAGES + MACHINES)
@pytest.mark.parametrize("who", ["read", "admin", "session", "admin session", "local"])
def test_whoever_may_read_comes_in_everywhere(door, path, who):
    assert door.ask(path, who).text.startswith(f"inside {path}")


@pytest.mark.parametrize("path", MACHINES)
def test_the_api_answers_nobody_with_a_problem(door, path):
    answer = door.ask(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "leadtrace token create --role read" in refused(answer, 401, path)["detail"]


@pytest.mark.parametrize("path", PAGES + MACHINES)
def test_a_token_that_may_only_send_reads_nothing(door, path):
    answer = door.ask(path, "ingest")
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_sends_nobody_to_the_sign_in(door, path):
    answer = door.ask(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{SIGN_IN}?next={quote(path, safe='')}"


def test_what_was_wanted_is_kept_with_its_query(door):
    wanted = "/leads?q=a%26b%2Fc&cursor=25"
    answer = door.ask(wanted)
    assert parse_qs(urlsplit(answer.headers["location"]).query)["next"] == [wanted]


def test_htmx_is_told_to_go_to_the_sign_in_as_a_whole_page(door):
    answer = door.ask("/leads", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, SIGN_IN)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic {read}", "{read}", "Bearer x{read}", "Bearer ltl_{read}", "Token {read}"],
)
def test_a_header_that_is_not_quite_right_is_nobody(door, authorization):
    header = authorization.replace("{read}", door.token["read"])
    assert door.ask("/api/v1/leads", headers={"authorization": header}).status_code == 401


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_scheme_is_read_in_any_case(door, scheme):
    header = f"{scheme}  {door.token['read']} "
    assert door.ask("/api/v1/leads", headers={"authorization": header}).status_code == 200


@pytest.mark.parametrize(
    "cookie", ["", "{}", "{}=", "{}=1.x", "other=1", "{}=1999999999.AAAA", ";;;", '{}="', "=;{}", "\x7f=é"]
)
def test_a_cookie_that_was_not_signed_here_is_nobody(door, cookie):
    headers = [(b"cookie", cookie.replace("{}", COOKIE).encode("latin-1"))]
    answer = _ask(Guard(inside, door.keeper, page), "http://127.0.0.1:8080", "GET", "/", headers, {})
    assert answer.status_code == 303


def test_a_sign_in_link_is_no_session_and_a_session_no_link(door):
    assert door.ask("/", headers={"cookie": f"{COOKIE}={door.code()}"}).status_code == 303
    assert "not valid" in door.ask(f"{SIGN_IN}?code={door.keeper.session()}").text


def test_a_session_ends_after_thirty_days(door):
    headers = door.who("session")
    door.clock.now_s += SESSION_S + 1
    assert door.ask("/", headers=headers).status_code == 303


def test_the_command_lines_bearer_is_short_lived(door):
    headers = door.who("local")
    door.clock.now_s += LOCAL_S + 1
    assert door.ask("/api/v1/leads", headers=headers).status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1/healthz?", "x/static/", "x/sign-in?", "x#", "[", "]:1", ""])
def test_no_host_header_opens_a_door(door, host):
    assert door.ask("/api/v1/leads", headers={"host": host}).status_code == 401


def test_what_came_in_is_handed_on_whole(door):
    assert door.ask("/api/v1/events", "ingest", "POST", content=b"the body").text == "inside /api/v1/events the body"


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/changes"])
@pytest.mark.parametrize(
    ("who", "status"),
    [(NOBODY, 401), ("session", 401), ("read", 403), ("ingest", 200), ("admin", 200), ("local", 200)],
)
def test_only_tokens_that_may_send_send_and_no_cookie_does(door, path, who, status):
    """A cookie goes along with whatever a foreign page makes the browser post."""
    answer = door.ask(path, who, "POST")
    assert answer.status_code == status
    if status > 200:
        refused(answer, status, path)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/api/v1/flow-preview", "/api/v1/flows/demo/apply", "/leads/L-1", "/flows", "/new"])
@pytest.mark.parametrize(
    ("who", "status"),
    [(NOBODY, 401), ("session", 401), ("read", 403), ("ingest", 403), ("admin", 200), ("local", 200)],
)
def test_all_else_that_changes_something_is_for_admins(door, method, path, who, status):
    answer = door.ask(path, who, method)
    assert answer.status_code == status
    if status > 200:
        assert "admin" in refused(answer, status, path)["detail"]


HERE = "http://127.0.0.1:8080"


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": HERE}])
def test_a_session_of_an_admin_manages_from_our_own_pages(door, headers):
    assert door.ask("/alerts/A-1/acknowledge", "admin session", "POST", headers=headers).status_code == 200
    assert door.ask("/api/v1/silences", "admin session", "POST", headers=headers).status_code == 200
    refused(door.ask("/silences", "session", "POST", headers=headers), 401, "/silences")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": HERE},
        {"sec-fetch-site": "none"},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8081"},
        {"origin": "http://["},
    ],
)
def test_a_page_of_another_site_cannot_use_an_admins_session(door, headers):
    refused(door.ask("/silences", "admin session", "POST", headers=headers), 403, "/silences")


def test_no_session_sends_telemetry_not_even_an_admins(door):
    answer = door.ask("/api/v1/changes", "admin session", "POST", headers={"sec-fetch-site": "same-origin"})
    refused(answer, 401, "/api/v1/changes")


def test_pages_learn_who_manages(door):
    async def told(scope, receive, send):
        await PlainTextResponse(str(Request(scope).state.manages))(scope, receive, send)

    guard = Guard(told, door.keeper, page)
    said = {
        who: _ask(guard, HERE, "GET", "/alerts", door.who(who), {}).text
        for who in ("read", "session", "admin", "admin session", "local")
    }
    assert said == {"read": "False", "session": "False", "admin": "True", "admin session": "True", "local": "True"}
    assert _ask(Guard(told, None, page), HERE, "GET", "/alerts", {}, {}).text == "True"


def test_a_link_for_an_admin_begins_a_session_that_manages(door):
    def may(link):
        cookie = door.ask(link).headers["set-cookie"].partition(";")[0]
        return door.ask("/silences", method="POST", headers={"cookie": cookie, "origin": HERE}).status_code

    assert may(door.keeper.sign_in_path(Role.ADMIN)) == 200
    assert may(f"{SIGN_IN}?code={door.token['admin']}") == 200
    assert may(door.keeper.sign_in_path()) == 401
    assert may(f"{SIGN_IN}?code={door.token['read']}") == 401


def refused(answer, status, path):
    """A problem like every other of the API."""
    said = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    kind, title = {401: ("unauthorized", "Unauthorized"), 403: ("forbidden", "Forbidden")}[status]
    assert (said["type"], said["title"]) == (f"/problems/{kind}", title)
    assert (said["status"], said["instance"]) == (status, path)
    return said


def test_who_may_send_telemetry(door):
    may = {who: door.keeper.may_ingest(door.who(who).get("authorization")) for who in (NOBODY, *ROLES, "local")}
    assert may == {NOBODY: False, "ingest": True, "read": False, "admin": True, "local": True}


# ── signing in ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sign_in_page_is_open_and_says_nothing_yet(door):
    assert door.ask(SIGN_IN).text == "sign in: "


def test_a_link_signs_in_and_leads_to_the_first_page(door):
    answer = door.ask(door.keeper.sign_in_path())
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert door.ask("/", headers={"cookie": cookie}).status_code == 200


def test_the_cookie_is_for_this_server_only_and_out_of_scripts_reach(door):
    [name, *flags] = door.ask(door.keeper.sign_in_path()).headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert {flag.lower() for flag in flags} == {"httponly", "samesite=lax", "path=/", f"max-age={SESSION_S}"}


def test_behind_https_the_cookie_never_travels_in_the_clear(door):
    answer = door.ask(door.keeper.sign_in_path(), base="https://leads.acme.example")
    assert "Secure" in answer.headers["set-cookie"].split("; ")


def test_behind_a_proxy_that_ends_https_it_does_not_either(door):
    """LEADTRACE_PUBLIC_URL says how people come; the proxy's own request is plain."""
    guard = Guard(inside, door.keeper, page, secure=True)
    answer = _ask(guard, "http://127.0.0.1:8080", "GET", door.keeper.sign_in_path(), {}, {})
    assert "Secure" in answer.headers["set-cookie"].split("; ")


@pytest.mark.parametrize("role", ["read", "admin"])
@pytest.mark.parametrize("way", ["form", "link"])
def test_a_token_that_may_read_signs_in(door, role, way):
    token = door.token[role]
    if way == "form":
        answer = door.ask(f"{SIGN_IN}?next=%2Fflows", method="POST", data={"token": f" {token}\n"})
    else:
        answer = door.ask(f"{SIGN_IN}?next=%2Fflows&code={token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/flows")
    assert COOKIE in answer.headers["set-cookie"]


def test_the_whole_link_may_be_pasted_as_well(door):
    link = f"http://127.0.0.1:8080{door.keeper.sign_in_path()}"
    assert door.ask(SIGN_IN, method="POST", data={"token": link}).status_code == 303


@pytest.mark.parametrize("code", ["ingest", "nonsense", "é", "1.x"])
def test_what_does_not_sign_in_is_told_so(door, code):
    answer = door.ask(SIGN_IN, method="POST", data={"token": door.token.get(code, code)})
    assert "not valid" in answer.text
    assert "set-cookie" not in answer.headers


def test_a_link_that_is_too_old_is_told_so(door):
    link = door.keeper.sign_in_path()
    door.clock.now_s += LINK_S + 1
    assert "too old" in door.ask(link).text


def test_a_form_larger_than_any_token_is_not_read_to_its_end(door):
    read = 0

    async def endless():
        nonlocal read
        for _ in range(1_000):
            read += 1_000
            yield b"token=" + b"x" * 994

    assert door.ask(SIGN_IN, method="POST", content=endless()).text == "sign in: "
    assert read <= MAX_FORM_BYTES + 2_000


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example", "/\\evil.example", "https://evil.example", "https:evil.example", "http:/evil.example",
        "javascript:alert(1)", "\\\\evil.example", "evil.example", "", "/\t/evil.example", "/\n/evil.example",
        "\t//evil.example", " //evil.example", "//[", "///evil.example", "/\\/evil.example", "https:///evil.example",
    ],
)  # fmt: skip
def test_a_link_cannot_send_people_elsewhere_after_they_signed_in(door, wanted):
    answer = door.ask(f"{door.keeper.sign_in_path()}&next={quote(wanted, safe='')}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("wanted", ["/", "/leads/L-1?flow=a&entry=b", "/leads?q=https://x", "/leads/a%2Fb", "/x//y"])
def test_a_link_leads_to_where_people_were_going(door, wanted):
    answer = door.ask(f"{door.keeper.sign_in_path()}&next={quote(wanted, safe='')}")
    assert answer.headers["location"] == wanted


# ── without tokens ──────────────────────────────────────────────────────────────────────────────────────────────────


def ask_open_server(path: str, host: str) -> httpx.Response:
    return _ask(Guard(inside, None, page), "http://127.0.0.1:8080", "GET", path, {"host": host}, {})


@pytest.mark.parametrize("path", ["/", "/api/v1/leads", "/metrics"])
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "127.3.2.1", "localhost:1", "leads.localhost", "[::1]:8080"])
def test_without_tokens_this_machine_sees_everything(path, host):
    assert ask_open_server(path, host).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/leads", "/healthz", "/sign-in"])
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[", "", "0.0.0.0:8080"]
)
def test_without_tokens_a_foreign_page_cannot_ask_through_the_browser(path, host):
    answer = ask_open_server(path, host)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"sec-fetch-site": "same-origin", "origin": HERE}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_without_tokens_a_foreign_page_cannot_send_through_the_browser_either(headers, status):
    answer = _ask(Guard(inside, None, page), HERE, "POST", "/silences", headers, {})
    assert answer.status_code == status
