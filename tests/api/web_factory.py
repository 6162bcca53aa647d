"""The application as leadtrace wires it, without its guard; the sign-in page stands at its address."""

import made_up_budgets
from fastapi import FastAPI

from leadtrace.web import application
from lineage.ask import Library
from slo.backtest import Backtester
from ui.pages import sign_in_page


def web_app(
    library: Library, *, clock, not_ready=lambda: None, budgets=None, scrub=lambda text: text, objectives=dict
) -> FastAPI:
    """Without `budgets` no objective is in force; those in `objectives` are what a back-test is laid beside."""
    backtest = Backtester(library.store, objectives, library.flows)
    app = application(library, budgets or made_up_budgets.nothing(), backtest, clock, not_ready=not_ready, scrub=scrub)
    app.add_api_route("/sign-in", lambda reason="": sign_in_page(reason), include_in_schema=False)
    return app
