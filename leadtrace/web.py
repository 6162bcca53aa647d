"""The web application: pages and API behind one guard."""

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from api.backtests import backtests_router
from api.budget_metrics import BudgetMetrics
from api.flow_edits import flow_edits_router
from api.health import health_router
from api.measured import measures_router
from api.problems import problem
from api.routes import api_router
from api.slos import slos_router
from api.told_changes import changes_router
from leadtrace import __version__
from leadtrace.guard import Doorkeeper, Guard
from lineage.ask import Library, NotFoundError
from lineage.backtests import Backtest
from lineage.budgets import Budgets, NotPossibleError
from lineage.window import WindowError
from store.errors import StoreError
from ui.app import pages
from ui.budget_pages import budget_pages
from ui.errors import error_page
from ui.pages import sign_in_page
from ui.render import static_files

_ERRORS = (
    HTTPException,
    RequestValidationError,
    NotFoundError,
    NotPossibleError,
    WindowError,
    StoreError,
    Exception,
)
_FOR_MACHINES = ("/api/", "/healthz", "/readyz", "/metrics")


def web_app(
    library: Library,
    budgets: Budgets,
    backtest: Backtest,
    doorkeeper: Doorkeeper | None,
    *,
    not_ready: Callable[[], str | None],
    scrub: Callable[[str], str],
    secure: bool = False,
) -> ASGIApp:
    """Everything that LEADTRACE_WEB serves. `secure` says that people come by HTTPS."""
    app = application(library, budgets, backtest, _now, not_ready=not_ready, scrub=scrub)
    return Guard(app, doorkeeper, sign_in_page, secure=secure)


def application(
    library: Library,
    budgets: Budgets,
    backtest: Backtest,
    clock: Callable[[], datetime],
    *,
    not_ready: Callable[[], str | None],
    scrub: Callable[[str], str],
) -> FastAPI:
    """Pages and API without the guard."""
    at = "/api/openapi.json"
    app = FastAPI(title="leadtrace", version=__version__, openapi_url=at, docs_url=None, redoc_url=None)
    app.include_router(changes_router(library.store, clock=clock, scrub=scrub))
    app.include_router(api_router(library, clock=clock))
    app.include_router(measures_router(library, clock=clock))
    app.include_router(flow_edits_router(library, clock=clock))
    app.include_router(backtests_router(backtest, clock=clock))
    app.include_router(slos_router(budgets, clock=clock, scrub=scrub))
    app.include_router(health_router(not_ready, before_metrics=BudgetMetrics(budgets, clock)))
    app.include_router(pages(library, budgets, clock=clock))
    app.include_router(budget_pages(budgets, clock=clock, scrub=scrub))
    app.mount("/static", static_files())
    for kind in _ERRORS:
        app.add_exception_handler(kind, _told)
    return app


def _told(request: Request, error: Exception) -> Response:
    """Machines get problems, people get pages."""
    return (problem if request.url.path.startswith(_FOR_MACHINES) else error_page)(request, error)


def _now() -> datetime:
    return datetime.now(UTC)
