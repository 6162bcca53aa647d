"""The application as leadtrace wires it, for tests: API, health and pages in one, errors by the kind of address."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.health import health_router
from api.problems import problem
from api.routes import api_router
from lineage.ask import Library, NotFoundError
from lineage.window import WindowError
from store.errors import StoreError
from ui.app import pages
from ui.errors import error_page
from ui.pages import sign_in_page
from ui.render import static_files

ERRORS = (HTTPException, RequestValidationError, NotFoundError, WindowError, StoreError, Exception)


def web_app(library: Library, *, clock, missing=lambda: None) -> FastAPI:
    app = FastAPI(title="leadtrace", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    app.include_router(api_router(library, clock=clock))
    app.include_router(health_router(missing))
    app.include_router(pages(library, clock=clock))
    app.mount("/static", static_files())
    app.add_api_route("/sign-in", lambda reason="": sign_in_page(reason), include_in_schema=False)
    for error in ERRORS:
        app.add_exception_handler(error, answer)
    return app


def answer(request, exc):
    speaks_json = request.url.path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))
    return (problem if speaks_json else error_page)(request, exc)
