"""Stands before the pages and the API: who comes without a token or session is shown the way in.

Open to all: health, readiness, the sign-in page and static files. With LEADTRACE_AUTH=off the server listens on
loopback only, and still refuses requests that a foreign page made a browser send (a Host that is not loopback).
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
from leadtrace.tokens import LINK_S, LOCAL_S, SESSION_S, Role, Signer, Tokens

COOKIE = "leadtrace_session"
SIGN_IN = "/sign-in"
_OPEN = ("/healthz", "/readyz", SIGN_IN)
# What a token that may ingest may send to. Every other address that is not only read manages, and asks for admin.
_SENT_TO = frozenset({"/api/v1/changes", "/api/v1/events"})
_LOCAL = "ltl_"
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
        if token.startswith(_LOCAL):
            return Role.ADMIN if self.signer.holds("local", token.removeprefix(_LOCAL)) else None
        return self.tokens.role_of(token)

    def may_ingest(self, authorization: str | None) -> bool:
        role = self.role_of(authorization)
        return role is not None and role.may(Role.INGEST)

    def sign_in_path(self) -> str:
        return f"{SIGN_IN}?code={self.signer.sign('link', LINK_S)}"

    def session(self) -> str:
        return self.signer.sign("session", SESSION_S)

    def accepts(self, code: str) -> bool:
        """A sign-in link's code, or a token that may read."""
        role = self.tokens.role_of(code)
        return self.signer.holds("link", code) or (role is not None and role.may(Role.READ))

    def has_session(self, cookie: str) -> bool:
        return self.signer.holds("session", cookie)


def local_bearer(signer: Signer) -> str:
    """What the command line on this machine shows to its own server."""
    return f"Bearer {_LOCAL}{signer.sign('local', LOCAL_S)}"


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
            return None if _is_loopback(request.headers.get("host", "")) else _foreign_host(request)
        if path == SIGN_IN:
            return await self._sign_in(request, self._doorkeeper)
        if path in _OPEN or path.startswith("/static/"):
            return None
        role = self._doorkeeper.role_of(request.headers.get("authorization"))
        if request.method not in {"GET", "HEAD"}:
            return _may_send(request, role)
        return self._may_read(request, role, self._doorkeeper)

    def _may_read(self, request: Request, role: Role | None, doorkeeper: Doorkeeper) -> Response | None:
        if role is not None:
            return None if role.may(Role.READ) else _refused(request, 403, "This token may send telemetry, not read.")
        return None if doorkeeper.has_session(_cookie(request.headers)) else _way_in(request)

    async def _sign_in(self, request: Request, doorkeeper: Doorkeeper) -> Response:
        code = request.query_params.get("code", "")
        if request.method == "POST":
            code = await _pasted_token(request)
        if not code:
            return self._sign_in_page("")
        if not doorkeeper.accepts(code):
            return self._sign_in_page("That link or token is not valid, or it is too old.")
        answer = RedirectResponse(_inside(request.query_params.get("next", "/")), status_code=303)
        secure = self._secure or request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, doorkeeper.session(), max_age=SESSION_S, httponly=True, samesite="lax", secure=secure, path="/"
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


def _may_send(request: Request, role: Role | None) -> Response | None:
    """Only tokens send: a session's cookie goes along with whatever a foreign page makes the browser post."""
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


def _foreign_host(request: Request) -> Response:
    return _refused(request, 403, "This server runs without tokens and answers on loopback addresses only.")


def _without_token(request: Request, wanted: Role) -> Response:
    mend = f"make one with `leadtrace token create --role {wanted}`"
    return _refused(request, 401, f"Send a token: `Authorization: Bearer …`; {mend}.", {"WWW-Authenticate": "Bearer"})


def _refused(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    return problem(request, HTTPException(status, detail, headers))
