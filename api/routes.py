"""The JSON API. A handler reads the question, asks lineage, and returns the answer."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.routing import Match

from api.answers import Causes, Flows, RefusalAnswer, Refusals
from api.asked import (
    Cause,
    Clock,
    Cursor,
    FlowName,
    Lead,
    OfEntry,
    OfFlow,
    OfStatus,
    Part,
    SearchText,
    Step,
    TraceId,
    only_known,
    part_reader,
)
from api.problems import MEDIA_TYPE, Problem
from lineage import ask, tally
from lineage.answers import FlowCheck, Found, Funnel, LeadAnswer, TraceAnswer, Why
from lineage.ask import Library
from store import refusals

PREFIX = "/api/v1"
Responses = dict[int | str, dict[str, Any]]
_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
_AWAY: Responses = {
    503: _PROBLEM | {"description": "The database does not answer; ask again after Retry-After seconds."}
}
_BAD: Responses = {400: _PROBLEM | {"description": "A parameter cannot be read; `errors` names it and its mend."}}
_NONE: Responses = {404: _PROBLEM | {"description": "What was asked for is not there; `detail` says what is."}}


class WhyRoute(APIRoute):
    """`…/why`, but only where the slash was sent as one: `x%2Fwhy` is the lead `x/why`."""

    def matches(self, scope: Any) -> tuple[Match, Any]:
        if not scope.get("raw_path", b"/why").endswith(b"/why"):
            return Match.NONE, {}
        return super().matches(scope)


def api_router(library: Library, *, clock: Clock) -> APIRouter:
    """Every route under /api/v1 that reads. Errors are raised; `api.problems.problem` makes their answers."""
    router = APIRouter(prefix=PREFIX, responses={**_BAD, **_AWAY}, dependencies=[Depends(only_known)])
    _lead_routes(router, library, clock)
    _flow_routes(router, library, clock)
    _evidence_routes(router, library)
    return router


def _lead_routes(router: APIRouter, library: Library, clock: Clock) -> None:
    @router.get("/leads", tags=["leads"], summary="Find leads")
    def find_leads(q: SearchText = "", cursor: Cursor = None) -> Found:
        """Leads by anything people know of them, an exact match first, then the latest seen; 25 a page."""
        return ask.search(library, q, cursor=cursor, now=clock())

    def why(lead: Lead, flow: OfFlow = None, entry: OfEntry = None) -> Why:
        """One entry's verdict with its headline, cause, owner, remedy and evidence. Without `flow` and `entry` the
        latest entry's.
        """
        return ask.why(library, lead, flow=flow or None, entry=entry or None, now=clock())

    router.add_api_route(
        "/leads/{lead:path}/why",
        why,
        tags=["leads"],
        responses=_NONE,
        summary="Why did this lead never enter the sequence?",
        route_class_override=WhyRoute,
    )

    @router.get("/leads/{lead:path}", tags=["leads"], responses=_NONE, summary="A lead's journey")
    def journey(lead: Lead) -> LeadAnswer:
        """Everything that is known of a lead: its keys, its entries, and every hop once, in causal order."""
        return ask.journey_of(library, lead, now=clock())


def _flow_routes(router: APIRouter, library: Library, clock: Clock) -> None:
    Asked = Annotated[Part, Depends(part_reader(clock))]  # noqa: N806  a type

    @router.get("/flows", tags=["flows"], summary="The flows")
    def flows() -> Flows:
        """Every flow that a file describes or an entry names, with how its entries of the last 7 days ended."""
        return Flows(flows=tally.flows(library, now=clock()))

    @router.get("/flows/{flow}/check", tags=["flows"], responses=_NONE, summary="Which hops do its steps claim?")
    def check(flow: FlowName) -> FlowCheck:
        """What the flow's steps claim of the hops of the leads heard of last: nothing, everything, the same twice."""
        return tally.flow_check(library, flow)

    @router.get("/flows/{flow}/funnel", tags=["flows"], responses=_NONE, summary="How a flow's entries ended")
    def funnel(flow: FlowName, part: Asked) -> Funnel:
        """Counts by status, step, cause, campaign and time; the parts add up to `entries`."""
        return tally.funnel(library, part.of(flow))

    @router.get("/flows/{flow}/causes", tags=["flows"], responses=_NONE, summary="What stopped a flow's entries")
    def causes(  # noqa: PLR0917  one argument a parameter of the route
        flow: FlowName, part: Asked, cause: Cause = "", step: Step = "", status: OfStatus = "", cursor: Cursor = None
    ) -> Causes:
        """The causes with their counts; with `cause`, `step` or `status` also the leads behind them, 25 a page."""
        of = part.of(flow)
        counted = tally.funnel(library, of)
        asked = bool(cause or step or status)
        found = tally.leads_behind(library, of, status=status, cause=cause, step=step, cursor=cursor) if asked else None
        return Causes(
            flow=of.flow,
            since=of.since,
            until=of.until,
            entries=counted.entries,
            causes=counted.causes,
            leads=found.leads if found else None,
            next=found.next if found else None,
        )


def _evidence_routes(router: APIRouter, library: Library) -> None:
    @router.get("/traces/{trace_id}", tags=["evidence"], responses=_NONE, summary="One trace")
    def trace(trace_id: TraceId) -> TraceAnswer:
        """Every span and event of a trace, and the leads it speaks of."""
        return tally.trace(library, trace_id)

    @router.get("/refusals", tags=["evidence"], summary="What was refused or set aside")
    def refused() -> Refusals:
        """The latest 200 refusals, the newest first."""
        return Refusals(refusals=[RefusalAnswer(**asdict(one)) for one in refusals.recent(library.store)])
