"""The web application: pages and API behind one guard."""

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from api.health import health_router
from api.problems import problem
from api.routes import api_router
from leadtrace import __version__
from leadtrace.guard import Doorkeeper, Guard
from lineage.ask import Library, NotFoundError
from store.errors import StoreError


def web_app(library: Library, doorkeeper: Doorkeeper | None, not_ready: Callable[[], str | None]) -> ASGIApp:
    """Everything that LEADTRACE_WEB serves."""
    app = FastAPI(
        title="leadtrace", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None
    )
    app.include_router(api_router(library, clock=lambda: datetime.now(UTC)))
    app.include_router(health_router(not_ready))
    for kind in (HTTPException, RequestValidationError, StoreError, NotFoundError, Exception):
        app.add_exception_handler(kind, problem)
    return Guard(app, doorkeeper, lambda reason: PlainTextResponse(reason))
