"""Health and metrics of processes that serve no pages: beside OTLP on the collector's port, and where LEADTRACE_METRICS
says. Health and readiness are open to all; metrics need a token that may read, as they do on the web's port.
"""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.health import Missing, health_router
from api.problems import problem
from leadtrace.guard import Doorkeeper, Guard
from store.errors import StoreError

PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
_METHODS = frozenset({"GET", "HEAD"})
FULL = 0.95


class BesideHealth:
    """Another application with /healthz, /readyz and /metrics on the same port."""

    def __init__(self, app: ASGIApp, health: ASGIApp) -> None:
        self._app = app
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"] in _METHODS and scope["path"] in PATHS
        await (self._health if asked else self._app)(scope, receive, send)


def health_app(missing: Missing, doorkeeper: Doorkeeper | None) -> ASGIApp:
    """The three addresses; everything else is 404. `missing` says why the process is not ready, None when it is."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(health_router(missing))
    for kind in (HTTPException, StoreError, Exception):
        app.add_exception_handler(kind, problem)
    return BesideHealth(app, Guard(app, doorkeeper, _no_page))


def _no_page(_reason: str) -> Response:
    return Response(status_code=404)


def spool_full(held_bytes: int, most_bytes: int) -> str | None:
    """Why a collector should be sent nothing just now, as a sentence; None while its spool has room."""
    if held_bytes < FULL * most_bytes:
        return None
    return "The spool is nearly full: what is acknowledged waits for the database."
