"""The application as leadtrace wires it, without its guard; the sign-in page stands at its address."""

from fastapi import FastAPI

from leadtrace.web import application
from lineage.ask import Library
from ui.pages import sign_in_page


def web_app(library: Library, *, clock, not_ready=lambda: None) -> FastAPI:
    app = application(library, clock, not_ready, lambda text: text)
    app.add_api_route("/sign-in", lambda reason="": sign_in_page(reason), include_in_schema=False)
    return app
