"""Stands before the pages and the API: who comes without a token or session is shown the way in.

Open to all: health, readiness, the sign-in page and static files. With LEADTRACE_AUTH=off the server listens on
loopback only, and still refuses requests that a foreign page made a browser send (a Host that is not loopback, or
something that changes and comes from another origin).

A session reads; one that an admin's token or link began also manages, but only what its own pages send: a cookie goes
along with whatever a foreign page makes the browser post, so the browser's word for where it comes from must be ours.
Pages learn from `request.state.manages` whether to show what manages.
"""

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import problem
from leadtrace.tokens import LINK_S, LOCAL_PREFIX, SESSION_S, Role, Signer, Tokens

COOKIE = "leadtrace_session"
SIGN_IN = "/sign-in"
_OPEN = ("/healthz", "/readyz", SIGN_IN)
# What a token that may ingest may send to. Every other address that is not only read manages, and asks for admin.
_SENT_TO = frozenset({"/api/v1/changes", "/api/v1/events"})
_LINKS = {Role.READ: "link", Role.ADMIN: "admin link"}
_SESSIONS = {Role.READ: "session", Role.ADMIN: "admin session"}
_SAFE = ("GET", "HEAD")
_FOREIGN_PAGE = "A page of another site asked for this; leadtrace takes it from its own pages only."
MAX_FORM_BYTES = 4096


class Doorkeeper:
    """Knows tokens and signatures; answers whether a request may pass."""

    def __init__(self, tokens: Tokens, signer: Signer) -> None:
        self.tokens = tokens
        self.signer = signer

    def role_of(self, authorization: str | None) -> Role | None:
        """The role that an Authorization header gives."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = token.strip()
        if token.startswith(LOCAL_PREFIX):
            return Role.ADMIN if self.signer.holds("local", token.removeprefix(LOCAL_PREFIX)) else None
        return self.tokens.role_of(token)

    def may_ingest(self, authorization: str | None) -> bool:
        role = self.role_of(authorization)
        return role is not None and role.may(Role.INGEST)

    def sign_in_path(self, role: Role = Role.READ) -> str:
        return f"{SIGN_IN}?code={self.signer.sign(_LINKS[role], LINK_S)}"

    def session(self, role: Role = Role.READ) -> str:
        return self.signer.sign(_SESSIONS[role], SESSION_S)

    def accepts(self, code: str) -> Role | None:
        """What a sign-in link's code, or a token that may read, lets a session do; None for anything else."""
        of_token = self.tokens.role_of(code)
        if of_token is not None:
            return of_token if of_token.may(Role.READ) else None
        return next((role for role, purpose in _LINKS.items() if self.signer.holds(purpose, code)), None)

    def of_session(self, cookie: str) -> Role | None:
        """What a session may do; None for a cookie that is none."""
        return next((role for role, purpose in _SESSIONS.items() if self.signer.holds(purpose, cookie)), None)


class Guard:
    """ASGI middleware around the web application. Without a doorkeeper (auth is off) only the Host is checked.

    `secure` says that people come by HTTPS, though a proxy may hand their requests on without: cookies keep to it.
    """

    def __init__(
        self,
        app: ASGIApp,
        doorkeeper: Doorkeeper | None,
        sign_in_page: Callable[[str], Response],
        *,
        secure: bool = False,
    ) -> None:
        self._app = app
        self._doorkeeper = doorkeeper
        self._sign_in_page = sign_in_page
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = await self._refusal(Request(scope, receive))
        await (answer or self._app)(scope, receive, send)

    async def _refusal(self, request: Request) -> Response | None:
        path = request.scope["path"]  # what routes: request.url is made from the Host header, which anyone may write
        if self._doorkeeper is None:
            return _from_here(request)
        if path == SIGN_IN:
            return await self._sign_in(request, self._doorkeeper)
        if path in _OPEN or path.startswith("/static/"):
            return None
        role = self._doorkeeper.role_of(request.headers.get("authorization"))
        session = self._doorkeeper.of_session(_cookie(request.headers)) if role is None else None
        request.state.manages = Role.ADMIN in {role, session}
        if request.method in _SAFE:
            return _may_read(request, role or session)
        return _may_manage(request) if session is Role.ADMIN else _may_send(request, role)

    async def _sign_in(self, request: Request, doorkeeper: Doorkeeper) -> Response:
        code = request.query_params.get("code", "")
        if request.method == "POST":
            code = await _pasted_token(request)
        if not code:
            return self._sign_in_page("")
        role = doorkeeper.accepts(code)
        if role is None:
            return self._sign_in_page("That link or token is not valid, or it is too old.")
        answer = RedirectResponse(_inside(request.query_params.get("next", "/")), status_code=303)
        secure = self._secure or request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, doorkeeper.session(role), max_age=SESSION_S, httponly=True, samesite="lax", secure=secure, path="/"
        )
        return answer


async def _pasted_token(request: Request) -> str:
    """What the sign-in form holds; nothing when it is larger than any token: whoever sends it is nobody yet."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                return ""
    except ClientDisconnect:
        return ""
    pasted = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0].strip()
    _, _, code = pasted.partition("?code=")  # the whole link is as good as what it carries
    return code.partition("&")[0] or pasted


def _may_read(request: Request, role: Role | None) -> Response | None:
    if role is None:
        return _way_in(request)
    return None if role.may(Role.READ) else _refused(request, 403, "This token may send telemetry, not read.")


def _may_manage(request: Request) -> Response | None:
    """A session that manages sends from its own pages only, and never telemetry."""
    if request.scope["path"] in _SENT_TO:
        return _without_token(request, Role.INGEST)
    if not _same_origin(request.headers, unsaid=False):
        return _refused(request, 403, _FOREIGN_PAGE)
    return None


def _same_origin(headers: Headers, *, unsaid: bool) -> bool:
    """Whether a browser says that one of our own pages sent this; `unsaid` is the answer where nothing is said of it.

    Fetch metadata is sent over HTTPS and on loopback; elsewhere the origin's host must be the one that was asked.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin"
    return origin.partition("://")[2] == headers.get("host") if origin is not None else unsaid


def _may_send(request: Request, role: Role | None) -> Response | None:
    """Tokens send; a session that reads does not."""
    wanted = Role.INGEST if request.scope["path"] in _SENT_TO else Role.ADMIN
    if role is None:
        return _without_token(request, wanted)
    if role.may(wanted):
        return None
    may = {Role.INGEST: "send telemetry and changes", Role.READ: "read"}[role]
    return _refused(request, 403, f"This token may {may}; this needs a token of the role {wanted}.")


def _way_in(request: Request) -> Response:
    path = request.scope["path"]
    if path.startswith("/api/") or path == "/metrics":
        return _without_token(request, Role.READ)
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": SIGN_IN})
    wanted = path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{SIGN_IN}?next={quote(wanted, safe='')}", status_code=303)


def _inside(wanted: str) -> str:
    """Only a path of this server: a link must not send people elsewhere after they signed in."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    inside = not parts.scheme and not parts.netloc and wanted.startswith("/") and wanted[1:2] not in {"/", "\\"}
    return wanted if inside else "/"


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _from_here(request: Request) -> Response | None:
    """Without tokens: only programs and pages of this machine, and what they send comes from no foreign page."""
    if not _is_loopback(request.headers.get("host", "")):
        return _refused(request, 403, "This server runs without tokens and answers on loopback addresses only.")
    request.state.manages = True
    if request.method not in _SAFE and not _same_origin(request.headers, unsaid=True):
        return _refused(request, 403, _FOREIGN_PAGE)
    return None


def _without_token(request: Request, wanted: Role) -> Response:
    mend = f"make one with `leadtrace token create --role {wanted}`"
    return _refused(request, 401, f"Send a token: `Authorization: Bearer …`; {mend}.", {"WWW-Authenticate": "Bearer"})


def _refused(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    return problem(request, HTTPException(status, detail, headers))
