"""The pages of budgets and alerts, and the forms on them. Whoever may only read sees no form; the guard checks it."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse
from starlette.responses import RedirectResponse, Response

from lineage.budgets import Asked, Budgets
from lineage.window import MAX_TEXT, stretch
from model.decisions import SILENCE_KEYS
from ui.alerts import LENGTHS, alerts_view, is_late, matcher_of
from ui.asked import Clock, Cursor, Text
from ui.render import HEADERS, render
from ui.slos import CHART_HEIGHT, budget_view, digest, rows
from ui.told import Form, form
from ui.words import alert_url, slo_url

Name = Annotated[str, Path(max_length=200)]
Groups = Annotated[str, Query(pattern="^(all)?$")]
Filled = Annotated[Form, Depends(form)]


def _manages(request: Request) -> bool:
    """Whether forms are shown. Without a guard, as in tests, everybody manages."""
    return bool(getattr(request.state, "manages", True))


Manages = Annotated[bool, Depends(_manages)]


def budget_pages(budgets: Budgets, *, clock: Clock, scrub: Callable[[str], str]) -> APIRouter:
    """Every page of budgets and alerts. `scrub` takes personal data out of what people write."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _budgets_shown(router, budgets, clock)
    _alerts_shown(router, budgets, clock)

    def asked(filled: Form, *, required: bool = False) -> Asked:
        return Asked(filled.author(), scrub(filled.text("reason", "Why", required=required)), clock())

    _corrections_made(router, budgets, asked)
    _alerts_handled(router, budgets, asked)
    return router


def _budgets_shown(router: APIRouter, budgets: Budgets, clock: Clock) -> None:
    @router.get("/slos")
    def list_page(seen: Text = "") -> Response:
        now = clock()
        found, evaluation = budgets.every(now=now), budgets.evaluation(now=now)
        shown = digest(found, now)
        if seen == shown:
            return _nothing_new()
        late = bool(found) and is_late(evaluation)
        return render("slos.html", rows=rows(found), evaluation=evaluation, late=late, digest=shown, now=now)

    @router.get("/slos/{name}")
    def budget_page(name: Name, manages: Manages, groups: Groups = "", seen: Text = "") -> Response:
        now = clock()
        view = budget_view(budgets.one(name, now=now), every_group=groups == "all", now=now)
        if seen == view.digest:
            return _nothing_new()
        return render("slo.html", view=view, manages=manages, groups=groups, height=CHART_HEIGHT, now=now)


def _alerts_shown(router: APIRouter, budgets: Budgets, clock: Clock) -> None:
    shared: dict[str, Any] = {"lengths": LENGTHS, "matcher_of": matcher_of, "silence_keys": SILENCE_KEYS}

    @router.get("/alerts")
    def list_page(manages: Manages, cursor: Cursor = "", objective: Text = "", seen: Text = "") -> Response:
        now = clock()
        view = alerts_view(budgets, skip=int(cursor or 0), objective=objective, now=now)
        if seen == view.digest:
            return _nothing_new()
        return render("alerts.html", view=view, manages=manages, objective=objective, now=now, **shared)

    @router.get("/alerts/{incident}")
    def alert_page(incident: Name, manages: Manages) -> Response:
        now = clock()
        return render("alert.html", alert=budgets.alert(incident, now=now), manages=manages, now=now, **shared)


AskedOf = Callable[..., Asked]


def _corrections_made(router: APIRouter, budgets: Budgets, asked: AskedOf) -> None:
    @router.post("/slos/{name}/corrections")
    def correct(name: Name, filled: Filled) -> Response:
        since, until = filled.moment("starts_at", "From"), filled.moment("ends_at", "To")
        budgets.correct(name, since, until, asked(filled, required=True))
        return _see(slo_url(name))

    @router.post("/slos/{name}/corrections/{correction}/withdraw")
    def withdraw(name: Name, correction: Name, filled: Filled) -> Response:
        budgets.withdraw_correction(name, correction, asked(filled))
        return _see(slo_url(name))


def _alerts_handled(router: APIRouter, budgets: Budgets, asked: AskedOf) -> None:
    @router.post("/alerts/{incident}/acknowledge")
    def acknowledge(incident: Name, filled: Filled) -> Response:
        budgets.acknowledge(incident, asked(filled))
        return _see(alert_url(incident))

    @router.post("/alerts/{incident}/silence")
    def silence_alert(incident: Name, filled: Filled) -> Response:
        _silence(budgets, filled, asked)
        return _see(alert_url(incident))

    @router.post("/silences")
    def silence(filled: Filled) -> Response:
        _silence(budgets, filled, asked)
        return _see("/alerts", "silences")

    @router.post("/silences/{silence}/end")
    def end_silence(silence: Name, filled: Filled) -> Response:
        budgets.end_silence(silence, asked(filled))
        return _see("/alerts", "silences")

    @router.post("/deliveries/{delivery}/retry")
    def retry(delivery: Name, filled: Filled) -> Response:
        budgets.retry(delivery, asked(filled))
        return _see("/alerts", "dead")


def _silence(budgets: Budgets, filled: Form, asked: AskedOf) -> None:
    length = stretch("for", filled.text("for", "For", most=MAX_TEXT))
    budgets.silence(filled.matcher(), length, asked(filled, required=True))


def _nothing_new() -> Response:
    """What is open on the page stays open."""
    return Response(status_code=204, headers=HEADERS)


def _see(path: str, part: str = "") -> Response:
    """To the page that shows what was done; asked by GET, so that loading it again does nothing again."""
    return RedirectResponse(path + (f"#{quote(part)}" if part else ""), status_code=303)
