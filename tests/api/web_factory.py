"""The application as leadtrace wires it, without its guard; the sign-in page stands at its address."""

import made_up_budgets
from fastapi import FastAPI

from leadtrace.web import application
from lineage.ask import Library
from ui.pages import sign_in_page


def web_app(library: Library, *, clock, not_ready=lambda: None, budgets=None, scrub=lambda text: text) -> FastAPI:
    """Without `budgets` no objective is in force."""
    app = application(library, budgets or made_up_budgets.nothing(), clock, not_ready, scrub)
    app.add_api_route("/sign-in", lambda reason="": sign_in_page(reason), include_in_schema=False)
    return app
