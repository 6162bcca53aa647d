"""Objectives, their budgets, alerts, and what people do about them. What changes something asks for an admin."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.answers import Corrections, Silences, Slos
from api.asked import MAX_FILTER, MAX_NAME, Clock, Cursor, only_known
from api.problems import MEDIA_TYPE, Problem
from lineage.budgets import (
    AlertAnswer,
    AlertPage,
    Asked,
    BudgetAnswer,
    Budgets,
    CorrectionAnswer,
    DeliveryAnswer,
    DeliveryPage,
    DeliveryState,
    Phase,
    SilenceAnswer,
)
from lineage.window import MAX_TEXT, stretch

MAX_AUTHOR = 100
MAX_REASON = 500

Responses = dict[int | str, dict[str, Any]]
_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
_NONE: Responses = {404: _PROBLEM | {"description": "What was asked for is not there; `detail` says what is."}}
_COMMON: Responses = {
    400: _PROBLEM | {"description": "It cannot be read or done; `detail` says why and what can."},
    503: _PROBLEM | {"description": "The database does not answer; ask again after Retry-After seconds."},
}

Name = Annotated[str, Path(max_length=MAX_NAME, description="The objective's name.", examples=["demo-enrolment"])]
Id = Annotated[str, Path(max_length=MAX_NAME, description="The id that its list gives.")]
OfPhase = Annotated[Phase | None, Query(alias="state", description="Only those that fire, or that are over.")]
OfState = Annotated[DeliveryState | None, Query(alias="state", description="Only messages in this state.")]
OfObjective = Annotated[str, Query(max_length=MAX_NAME, description="Only alerts of this objective.")]
OfFlow = Annotated[str, Query(max_length=MAX_NAME, description="Only alerts of this flow's objectives.")]
Author = Annotated[str, Query(min_length=1, max_length=MAX_AUTHOR, description="Who does it.")]


class Said(BaseModel):
    """Who does it, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    author: str = Field(min_length=1, max_length=MAX_AUTHOR, description="Who does it; it is shown.")
    reason: str = Field("", max_length=MAX_REASON, description="Why; it is shown.")


class Silencing(Said):
    """Keep alerts that have all of these values quiet."""

    matcher: dict[str, Annotated[str, Field(max_length=MAX_FILTER)]] = Field(
        min_length=1,
        max_length=8,
        description="What an alert must have: objective, flow, indicator, severity, campaign, segment, source, system.",
        examples=[{"objective": "demo-enrolment", "campaign": "spring-webinar"}],
    )
    length: str = Field(
        alias="for", max_length=MAX_TEXT, description="How long from now: 30min, 2h, 7d.", examples=["2h"]
    )
    reason: str = Field(min_length=1, max_length=MAX_REASON, description="Why; it is shown.")


class Correcting(Said):
    """Take a stretch of time out of a budget."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    reason: str = Field(min_length=1, max_length=MAX_REASON, description="Why; it is shown.")


AskedOf = Callable[[Said], Asked]


def slos_router(budgets: Budgets, *, clock: Clock, scrub: Callable[[str], str]) -> APIRouter:
    """Routes under /api/v1 about objectives and alerts. `scrub` takes personal data out of what people write."""
    router = APIRouter(prefix="/api/v1", responses=_COMMON, dependencies=[Depends(only_known)])

    def asked(said: Said) -> Asked:
        return Asked(said.author, scrub(said.reason), clock())

    _objective_routes(router, budgets, clock)
    _correction_routes(router, budgets, asked)
    _alert_routes(router, budgets, clock, asked)
    _silence_routes(router, budgets, clock, asked)
    _delivery_routes(router, budgets, asked)
    return router


def _objective_routes(router: APIRouter, budgets: Budgets, clock: Clock) -> None:
    @router.get("/slos", tags=["objectives"], summary="The objectives, with what is left of their budgets")
    def objectives() -> Slos:
        """Every objective in force, those in trouble first."""
        return Slos(slos=list(budgets.every(now=clock())))

    @router.get("/slos/{name}", tags=["objectives"], responses=_NONE, summary="One objective")
    def objective(name: Name) -> BudgetAnswer:
        """Its budget over time, its groups by excess, causes, changes, alerts, corrections, and what is not counted."""
        return budgets.one(name, now=clock())


def _correction_routes(router: APIRouter, budgets: Budgets, asked: AskedOf) -> None:
    path = "/slos/{name}/corrections"

    @router.get(path, tags=["objectives"], responses=_NONE, summary="What does not count")
    def corrections(name: Name) -> Corrections:
        """Stretches of time that were taken out of the budget, the latest first."""
        return Corrections(corrections=list(budgets.corrections(name)))

    @router.post(path, tags=["objectives"], responses=_NONE, status_code=201, summary="Take a stretch of time out")
    def correct(name: Name, body: Correcting) -> CorrectionAnswer:
        """Maintenance, or an incident that is known: units decided in that time no longer count."""
        return budgets.correct(name, body.starts_at, body.ends_at, asked(body))

    @router.delete(path + "/{id}", tags=["objectives"], responses=_NONE, summary="Count it again")
    def withdraw(name: Name, id: Id, author: Author) -> CorrectionAnswer:  # noqa: A002  the path's word
        """Withdraws a correction; answers with what it was."""
        return budgets.withdraw_correction(name, id, asked(Said(author=author)))


def _alert_routes(router: APIRouter, budgets: Budgets, clock: Clock, asked: AskedOf) -> None:
    @router.get("/alerts", tags=["alerts"], summary="The alerts")
    def alerts(
        phase: OfPhase = None, objective: OfObjective = "", flow: OfFlow = "", cursor: Cursor = None
    ) -> AlertPage:
        """Those that fire first, then the latest; 25 a page. Each has all that its message said."""
        return budgets.alerts(now=clock(), phase=phase, objective=objective, flow=flow, skip=int(cursor or 0))

    @router.get("/alerts/{id}", tags=["alerts"], responses=_NONE, summary="One alert")
    def alert(id: Id) -> AlertAnswer:  # noqa: A002  the path's word
        """From its first message to its end."""
        return budgets.alert(id, now=clock())

    @router.post("/alerts/{id}/acknowledge", tags=["alerts"], responses=_NONE, summary="Somebody works on it")
    def acknowledge(id: Id, body: Said) -> AlertAnswer:  # noqa: A002  the path's word
        """Stops repeats of its message until it resolves or grows worse. The first who says so stands."""
        return budgets.acknowledge(id, asked(body))


def _silence_routes(router: APIRouter, budgets: Budgets, clock: Clock, asked: AskedOf) -> None:
    @router.get("/silences", tags=["alerts"], summary="The silences")
    def silences() -> Silences:
        """Those that are active first, then the latest that ended."""
        return Silences(silences=list(budgets.silences(now=clock())))

    @router.post("/silences", tags=["alerts"], status_code=201, summary="Keep alerts quiet for a while")
    def silence(body: Silencing) -> SilenceAnswer:
        """Matching alerts are still counted and shown, and no message is sent."""
        return budgets.silence(body.matcher, stretch("for", body.length), asked(body))

    @router.delete("/silences/{id}", tags=["alerts"], responses=_NONE, summary="End a silence")
    def end_silence(id: Id, author: Author) -> SilenceAnswer:  # noqa: A002  the path's word
        """Alerts that still fire are told again."""
        return budgets.end_silence(id, asked(Said(author=author)))


def _delivery_routes(router: APIRouter, budgets: Budgets, asked: AskedOf) -> None:
    @router.get("/deliveries", tags=["alerts"], summary="Messages and what became of them")
    def deliveries(state: OfState = None, cursor: Cursor = None) -> DeliveryPage:
        """The latest first, 50 a page. `state=dead` lists what could not be delivered."""
        return budgets.deliveries(state=state, skip=int(cursor or 0))

    @router.post("/deliveries/{id}/retry", tags=["alerts"], responses=_NONE, summary="Send it again")
    def retry(id: Id, body: Said) -> DeliveryAnswer:  # noqa: A002  the path's word
        """Puts a dead message back into the queue, with the same id, so that a receiver knows it."""
        return budgets.retry(id, asked(body))
